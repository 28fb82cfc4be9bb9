package httpapi

import (
	"crypto/rand"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/channel"
	"upline.dev/upline/server/query"
	"upline.dev/upline/server/run"
)

// The page of a distributor is drawn here and has no script: it opens at once on any telephone.
//
//go:embed own.html
var ownHTML string

var ownPage = template.Must(template.New("own").Parse(ownHTML))

// The cookie of a visit. It is sent to this page alone, so that it and a merchant's session never meet.
const (
	visitPath        = "/my"
	visitCookie      = "upline_visit"
	visitCookieHTTPS = "__Secure-upline_visit"
)

// ownRows is how many earnings a page shows.
const ownRows = 25

// ownView is what the page shows: a fault, all earnings, those of one order, or those of one period.
type ownView struct {
	T      *ownTongue
	Others []ownChoice
	Nonce  string // of the style in the page
	Fault  string // the key of its sentence
	Back   bool   // whether there is more to see than the fault
	Shop   string // where the visitor came from
	Own    *channel.Own
	Zone   *time.Location
	Rows   []ownRow
	Next   string // query of the next page
	First  bool   // whether this is the newest page
	Order  *channel.OwnOrder
	Period *run.Explanation
}

// ownChoice is a language to choose.
type ownChoice struct {
	*ownTongue
	Href    string
	Current bool
}

// Say is a sentence in the page's language.
func (v *ownView) Say(key string, places ...string) template.HTML { return v.T.say(key, places...) }

// Day is a date in the company's time zone.
func (v *ownView) Day(at time.Time) string {
	if v.Zone != nil {
		at = at.In(v.Zone)
	}
	return v.T.day(at)
}

// Why is the sum of a part: how much of what.
func (v *ownView) Why(p channel.OwnPart) template.HTML {
	base := v.T.Money(p.Base, p.Unit)
	why := template.HTML("<bdi>" + template.HTMLEscapeString(base) + "</bdi>") //nolint:gosec // it was escaped
	if len(p.Rates) > 0 {
		rates := make([]string, len(p.Rates))
		for i, r := range p.Rates {
			rates[i] = v.T.rate(r)
		}
		why = v.T.say("rate_of", "rate", strings.Join(rates, " × "), "base", base)
	}
	if p.Level > 0 {
		why = v.T.say("rung.level", "n", strconv.Itoa(p.Level)) + ": " + why
	}
	return why
}

// ownRow is one commission, as the visitor reads it.
type ownRow struct {
	At        time.Time
	What      string // the sentence of what it is for
	ID        string // the order's number or the period
	Href      string
	SKU       string
	Component string
	Amount    string
	Currency  string
	Status    string
}

func (s *Server) visitCookie(c *gin.Context) string {
	if s.secure(c) {
		return visitCookieHTTPS
	}
	return visitCookie
}

func (s *Server) keepVisit(c *gin.Context, value string, life time.Duration) {
	seconds := int(life.Seconds())
	if value == "" {
		seconds = -1
	}
	http.SetCookie(c.Writer, &http.Cookie{ //nolint:gosec // Secure is left out only where there is no https, and the browser would refuse it
		Name: s.visitCookie(c), Value: value, Path: visitPath, HttpOnly: true, Secure: s.secure(c), SameSite: http.SameSiteLaxMode, MaxAge: seconds,
	})
}

// beginVisit lets a distributor see their page.
func (s *Server) beginVisit(c *gin.Context, v *channel.Visit) {
	sealed, err := s.Channel.SealVisit(v)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.keepVisit(c, sealed, channel.VisitLife)
	c.Redirect(http.StatusSeeOther, visitPath)
}

// endVisit forgets the visitor in this browser.
func (s *Server) endVisit(c *gin.Context) {
	if err := s.sameOrigin(c); err != nil {
		s.ownFault(c, err)
		return
	}
	s.keepVisit(c, "", 0)
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusSeeOther, visitPath)
}

// visitor is who looks, and the shop that sent them; false where that was answered already.
func (s *Server) visitor(c *gin.Context) (v channel.Visit, shop *query.StoreRow, ok bool) {
	if s.Channel == nil {
		s.fail(c, errRoute)
		return v, nil, false
	}
	if s.chooseTongue(c) {
		return v, nil, false
	}
	sealed, _ := c.Cookie(s.visitCookie(c)) // none is told like one that is over
	v, err := s.Channel.OpenVisit(sealed)
	if err == nil {
		var stores []query.StoreRow
		stores, err = s.Reader.Stores(c.Request.Context(), v.Program)
		for i := range stores {
			if stores[i].StoreID == v.Store {
				return v, &stores[i], true
			}
		}
	}
	if err == nil {
		s.ownRefuse(c, http.StatusUnauthorized, "fault.shop")
		return v, nil, false
	}
	s.ownFault(c, err)
	return v, nil, false
}

// showOwn is the first page: the figures, the link, and the newest earnings.
func (s *Server) showOwn(c *gin.Context) {
	v, shop, ok := s.visitor(c)
	if !ok {
		return
	}
	st := &admin.Store{StoreID: shop.StoreID, ProgramID: v.Program, Domain: shop.Domain}
	after := c.Query("after")
	own, err := s.Channel.Own(c.Request.Context(), st, v.Distributor, query.Page{After: after, Limit: ownRows})
	if err == nil && own == nil {
		s.ownRefuse(c, http.StatusUnauthorized, "fault.gone")
		return
	}
	if err != nil {
		s.ownFault(c, err)
		return
	}
	view := ownView{Shop: shop.Domain, Own: own, Zone: own.Zone, First: after == ""}
	for i := range own.Earned {
		view.Rows = append(view.Rows, ownRowOf(&own.Earned[i]))
	}
	if own.Next != "" {
		view.Next = url.Values{"after": {own.Next}}.Encode()
	}
	s.renderOwn(c, http.StatusOK, &view)
}

// ownRowOf says what a commission is for, and leads to why.
func ownRowOf(e *query.Commission) ownRow {
	row := ownRow{
		At: e.OrderTS, What: "order", ID: e.OrderID, Href: visitPath + "/orders/" + url.PathEscape(e.StoreID) + "/" + url.PathEscape(e.OrderID),
		SKU: e.SKU, Component: e.ComponentID, Amount: e.Value, Currency: e.Currency, Status: e.Status,
	}
	if rest, isPeriod := strings.CutPrefix(e.OrderID, run.SourcePrefix); e.StoreID == "" && isPeriod {
		_, rest, _ = strings.Cut(rest, "/")
		period, _, _ := strings.Cut(rest, "/")
		row.What, row.ID, row.Href = "ledger.period", period, visitPath+"/periods/"+url.PathEscape(period)
	}
	return row
}

// showOwnOrder says why the visitor has from an order what they have.
func (s *Server) showOwnOrder(c *gin.Context) {
	v, shop, ok := s.visitor(c)
	if !ok {
		return
	}
	own, err := s.Channel.OwnOrder(c.Request.Context(), v.Program, v.Distributor, param(c, "store_id"), param(c, "platform_order_id"))
	if err != nil {
		s.ownFault(c, err)
		return
	}
	s.renderOwn(c, http.StatusOK, &ownView{Shop: shop.Domain, Order: own, Zone: own.Zone})
}

// showOwnPeriod says the same of a period that was closed. One that is open is not computed for a visitor: that is work over
// the whole company.
func (s *Server) showOwnPeriod(c *gin.Context) {
	v, shop, ok := s.visitor(c)
	if !ok {
		return
	}
	service := *s.Projections.Service
	service.Actor = "distributor:" + v.Distributor
	id := param(c, "period_id")
	p, _, err := service.Show(c.Request.Context(), v.Program, "", id)
	if err == nil && p.CommittedAt.IsZero() {
		err = server.Errorf(server.NotFound, "This period is not closed yet.")
	}
	var told *run.Explanation
	if err == nil {
		told, err = service.Explain(c.Request.Context(), v.Program, p.Kind, id, v.Distributor)
	}
	if err != nil {
		s.ownFault(c, err)
		return
	}
	s.renderOwn(c, http.StatusOK, &ownView{Shop: shop.Domain, Period: told})
}

// ownFault says on the page what is wrong, in the visitor's language: what an error says is for merchants and machines.
func (s *Server) ownFault(c *gin.Context, err error) {
	status, _ := problemWord(err)
	key := "fault.later"
	switch status {
	case http.StatusUnauthorized:
		key = "fault.over"
	case http.StatusForbidden:
		key = "fault.elsewhere"
	case http.StatusNotFound, http.StatusBadRequest, http.StatusUnprocessableEntity:
		key = "fault.nothing"
	}
	if status >= http.StatusInternalServerError {
		s.Logger.ErrorContext(c.Request.Context(), "a distributor's page could not be shown", "error", err)
	}
	s.ownRefuse(c, status, key)
}

func (s *Server) ownRefuse(c *gin.Context, status int, key string) {
	s.renderOwn(c, status, &ownView{Fault: key, Back: key == "fault.nothing" || key == "fault.later" || key == "fault.elsewhere"})
}

// fillTongues gives a page its language and the others to choose. What is asked for by a form is chosen on the first page.
func (v *ownView) fillTongues(c *gin.Context) {
	v.T = ownTongueOf(c)
	at := url.URL{Path: visitPath}
	if c.Request.Method == http.MethodGet && strings.HasPrefix(c.Request.URL.Path, visitPath) {
		at = url.URL{Path: c.Request.URL.Path, RawPath: c.Request.URL.RawPath, RawQuery: c.Request.URL.RawQuery}
	}
	for _, t := range ownTongues {
		q := at.Query()
		q.Set(tongueQuery, t.Tag)
		to := at
		to.RawQuery = q.Encode()
		v.Others = append(v.Others, ownChoice{t, to.RequestURI(), t == v.T})
	}
}

func (s *Server) renderOwn(c *gin.Context, status int, v *ownView) {
	v.fillTongues(c)
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // It never fails.
	v.Nonce = base64.RawURLEncoding.EncodeToString(raw[:])
	h := c.Writer.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+v.Nonce+"'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'")
	h.Set("Referrer-Policy", "same-origin") // without one, a browser does not say where our own form comes from
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.T.Tag)
	h.Set("Vary", "Accept-Language, Cookie")
	c.Status(status)
	if err := ownPage.Execute(c.Writer, v); err != nil {
		s.Logger.ErrorContext(c.Request.Context(), "a page could not be written", "error", err)
	}
}
