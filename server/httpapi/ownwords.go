package httpapi

import (
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// What a distributor's page says, a file per language. Words that the merchant's screens have, too, are the same there.
//
//go:embed own/*.json
var ownFiles embed.FS

// ownTongue is the page in one language.
type ownTongue struct {
	Tag     string
	Name    string // of the language, in itself
	Right   bool   // written from right to left
	words   map[string]string
	months  []string
	group   string // between thousands
	decimal string
	fewest  int // digits before the first group
}

// The languages of the product. The first is spoken where none is wanted that we have.
var ownTongues = []*ownTongue{
	readTongue(ownTongue{Tag: "en", Name: "English", group: ",", decimal: ".", fewest: 4}),
	readTongue(ownTongue{Tag: "de", Name: "Deutsch", group: ".", decimal: ",", fewest: 4}),
	readTongue(ownTongue{Tag: "es", Name: "Español", group: ".", decimal: ",", fewest: 5}),
	readTongue(ownTongue{Tag: "pt", Name: "Português", group: ".", decimal: ",", fewest: 4}),
	readTongue(ownTongue{Tag: "ja", Name: "日本語", group: ",", decimal: ".", fewest: 4}),
	readTongue(ownTongue{Tag: "ar", Name: "العربية", Right: true, group: ",", decimal: ".", fewest: 4}),
}

// readTongue reads a language's words. They are part of the program: without them it does not start.
func readTongue(t ownTongue) *ownTongue {
	text, err := ownFiles.ReadFile("own/" + t.Tag + ".json")
	if err == nil {
		err = json.Unmarshal(text, &t.words)
	}
	if err != nil {
		panic(fmt.Sprintf("the words of %s: %v", t.Tag, err))
	}
	t.months = strings.Fields(t.words["months"])
	return &t
}

// The cookie of a chosen language, and the query that chooses one.
const (
	tongueCookie = "upline_language"
	tongueQuery  = "language"
	tongueLife   = 365 * 24 * time.Hour
)

// ownTongueOf is the language that was chosen here, or that the browser wants most.
func ownTongueOf(c *gin.Context) *ownTongue {
	if tag, err := c.Cookie(tongueCookie); err == nil {
		if t := tongueNamed(tag); t != nil {
			return t
		}
	}
	return wantedTongue(c.GetHeader("Accept-Language"))
}

func tongueNamed(tag string) *ownTongue {
	tag, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
	i := slices.IndexFunc(ownTongues, func(t *ownTongue) bool { return t.Tag == tag })
	if i < 0 {
		return nil
	}
	return ownTongues[i]
}

// wantedRanges bounds what is read of a header.
const wantedRanges = 32

// wantedTongue reads Accept-Language (RFC 9110 section 12.5.4): of the languages that we have, the one of the greatest weight, of
// equal ones the first.
func wantedTongue(header string) *ownTongue {
	best, weight := ownTongues[0], 0
	for i, part := range strings.SplitN(header, ",", wantedRanges+1) {
		if i == wantedRanges {
			break
		}
		tag, rest, _ := strings.Cut(part, ";")
		if t := tongueNamed(tag); t != nil {
			if q := tongueWeight(rest); q > weight {
				best, weight = t, q
			}
		}
	}
	return best
}

// tongueWeight is q in thousandths: 1000 where there is none, 0 where it is not one.
func tongueWeight(text string) int {
	name, value, given := strings.Cut(text, "=")
	if !given {
		return 1000
	}
	whole, decimals, _ := strings.Cut(strings.TrimSpace(value), ".")
	n, err := strconv.Atoi(whole + (decimals + "000")[:3])
	if strings.TrimSpace(name) != "q" || len(decimals) > 3 || err != nil || n < 0 || n > 1000 {
		return 0
	}
	return n
}

// chooseTongue keeps the language that somebody asks for, and shows the same page in it; false where nothing was asked.
func (s *Server) chooseTongue(c *gin.Context) bool {
	tag, asked := c.GetQuery(tongueQuery)
	if !asked {
		return false
	}
	if t := tongueNamed(tag); t != nil {
		http.SetCookie(c.Writer, &http.Cookie{ //nolint:gosec // it is no secret, and Secure where there is https
			Name: tongueCookie, Value: t.Tag, Path: visitPath, HttpOnly: true, Secure: s.secure(c), SameSite: http.SameSiteLaxMode, MaxAge: int(tongueLife.Seconds()),
		})
	}
	to := *c.Request.URL
	rest := to.Query()
	rest.Del(tongueQuery)
	to.RawQuery = rest.Encode()
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusSeeOther, to.RequestURI())
	return true
}

// say is a sentence with its places filled: name, value, name, value. What fills them is escaped and keeps its own direction.
func (t *ownTongue) say(key string, places ...string) template.HTML {
	text := template.HTMLEscapeString(cmp.Or(t.words[key], key))
	for i := 0; i+1 < len(places); i += 2 {
		text = strings.Replace(text, "{"+places[i]+"}", "<bdi>"+template.HTMLEscapeString(places[i+1])+"</bdi>", 1)
	}
	return template.HTML(text) //nolint:gosec // both the words and what fills them were escaped
}

// Status is that of a distributor; one that is not known is shown as it is.
func (t *ownTongue) Status(value string) string { return cmp.Or(t.words["status."+value], value) }

// figure writes decimal text with all of its digits. What is no decimal text stays as it is.
func (t *ownTongue) figure(text string) string {
	sign, plain := "", text
	if rest, negative := strings.CutPrefix(text, "-"); negative {
		sign, plain = "-", rest
	}
	whole, decimals, has := strings.Cut(plain, ".")
	if whole == "" || strings.Trim(whole+decimals, "0123456789") != "" {
		return text
	}
	if len(whole) >= t.fewest {
		for i := len(whole) - 3; i > 0; i -= 3 {
			whole = whole[:i] + t.group + whole[i:]
		}
	}
	if has {
		whole += t.decimal + decimals
	}
	return sign + whole
}

// Money writes decimal text with its currency, which stays on its line.
func (t *ownTongue) Money(text, currency string) string { return t.figure(text) + "\u00a0" + currency }

// rate writes "7.5%" as the language does.
func (t *ownTongue) rate(text string) string {
	if plain, percent := strings.CutSuffix(text, "%"); percent {
		return t.figure(plain) + "%"
	}
	if plain, unit, found := strings.Cut(text, " "); found {
		return t.Money(plain, unit)
	}
	return t.figure(text)
}

// day writes a date.
func (t *ownTongue) day(at time.Time) string {
	return strings.NewReplacer("{d}", strconv.Itoa(at.Day()), "{m}", t.months[at.Month()-1], "{n}", strconv.Itoa(int(at.Month())),
		"{y}", strconv.Itoa(at.Year())).Replace(t.words["date"])
}
