package admin

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image"
	_ "image/jpeg" // the forms a logo may have
	_ "image/png"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// branding is what distributors see of a company. The logo is a small picture inside the value, so that no page loads
// anything from elsewhere.
type branding struct {
	Name    string `json:"name"`
	Accent  string `json:"accent"`   // #rrggbb
	LogoURL string `json:"logo_url"` // data:image/…;base64,…
}

// Bounds of a logo, and how far an accent must stand out from the pages it is on (WCAG 2.2, 1.4.11: 3 to 1).
const (
	maxLogoBytes = 40 << 10
	maxLogoSide  = 2000 // pixels
	leastRatio   = 3.0
)

var (
	colour  = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)
	dataURL = regexp.MustCompile(`^data:image/(png|jpeg|webp);base64,([A-Za-z0-9+/]+=*)$`)
)

// grounds are the pages' own colours, light and dark, on which an accent is seen.
var grounds = map[string]string{"light": "#ffffff", "dark": "#191b20"}

func checkBranding(value []byte) error {
	var b branding
	dec := json.NewDecoder(strings.NewReader(string(value)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&b); err != nil {
		return invalid("value", "branding has name, accent and logo_url, all text")
	}
	if len(b.Name) > maxNameBytes {
		return invalid("value.name", "longer than %d bytes", maxNameBytes)
	}
	if err := checkAccent(b.Accent); err != nil {
		return err
	}
	return checkLogo(b.LogoURL)
}

// checkAccent refuses a colour that somebody could not see in one of the two schemes.
func checkAccent(accent string) error {
	if accent == "" {
		return nil
	}
	if !colour.MatchString(accent) {
		return invalid("value.accent", "a colour is written #1a2b3c")
	}
	for _, scheme := range []string{"light", "dark"} {
		if ratio := contrast(accent, grounds[scheme]); ratio < leastRatio {
			return invalid("value.accent", "%s stands out from %s pages by %.1f to 1 only; it needs 3 to 1 on light and on dark pages: choose one that is neither so light nor so dark",
				accent, scheme, ratio)
		}
	}
	return nil
}

// contrast is the contrast ratio of two colours by WCAG 2.2, from 1 to 21.
func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(hex string) float64 {
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
		if err != nil { // the pattern has let it through
			return 0
		}
		part := float64(n) / 255
		if part <= 0.04045 {
			part /= 12.92
		} else {
			part = math.Pow((part+0.055)/1.055, 2.4)
		}
		sum += weight * part
	}
	return sum
}

// checkLogo reads the picture's head: what calls itself a picture and is none is refused, and so is a drawing that could hold a
// script.
func checkLogo(address string) error {
	if address == "" {
		return nil
	}
	found := dataURL.FindStringSubmatch(address)
	if found == nil {
		return invalid("value.logo_url", "a logo is a PNG, JPEG or WebP as data:image/png;base64,…")
	}
	raw, err := base64.StdEncoding.DecodeString(found[2])
	if err != nil {
		return invalid("value.logo_url", "the picture is not base64")
	}
	if len(raw) > maxLogoBytes {
		return invalid("value.logo_url", "the picture has %d kB; a logo has at most %d kB", len(raw)>>10, maxLogoBytes>>10)
	}
	if found[1] == "webp" {
		if len(raw) < 16 || !bytes.HasPrefix(raw, []byte("RIFF")) || string(raw[8:12]) != "WEBP" {
			return invalid("value.logo_url", "this is no WebP picture")
		}
		return nil
	}
	head, form, err := image.DecodeConfig(bytes.NewReader(raw))
	switch {
	case err != nil || form != found[1]:
		return invalid("value.logo_url", "this is no %s picture", strings.ToUpper(found[1]))
	case head.Width > maxLogoSide || head.Height > maxLogoSide || head.Width < 1 || head.Height < 1:
		return invalid("value.logo_url", "the picture is %d x %d pixels; a logo has at most %d on a side", head.Width, head.Height, maxLogoSide)
	}
	return nil
}
