package httpapi

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/install"
)

// appBridge is Shopify's script. It has to come first on a page, from this address.
const appBridge = "https://cdn.shopify.com/shopifycloud/app-bridge.js"

// Parameters of the way a document is asked for.
const (
	paramToken  = "id_token"
	paramReload = "shopify-reload"
	paramTries  = "upline-tries"
)

// maxTries is how often a document is sent for a new token. Then something is wrong that no token mends: the clock here, or
// the app's secret.
const maxTries = 3

// fromShopify tells whether a page is asked for by the Shopify admin, or by a merchant whom Shopify sent.
func (s *Server) fromShopify(query url.Values) bool {
	return s.Shopify != nil && (insideFrame(query) || (query.Get("shop") != "" && query.Get("hmac") != ""))
}

func insideFrame(query url.Values) bool {
	return query.Get(paramToken) != "" || query.Get("embedded") == "1" || query.Get(paramTries) != ""
}

// shopifyDocument answers a page inside the Shopify admin: with the screens, or with what brings a good session token. It
// is false where the page is to be answered as to anybody.
func (s *Server) shopifyDocument(c *gin.Context) bool {
	query := c.Request.URL.Query()
	if !s.fromShopify(query) {
		return false
	}
	c.Header("Cache-Control", "no-store") // the address holds a token
	if !insideFrame(query) {
		return s.outsideFrame(c)
	}
	v, err := s.Shopify.App.Visitor(query.Get(paramToken))
	if err == nil {
		_, err = s.admit(c.Request.Context(), &v)
	}
	var refused *sessionRefused
	switch {
	case err == nil:
		c.Status(http.StatusOK) // gin has set 404 for what it does not know itself
		s.Shopify.Page(c.Writer, c.Request, s.Shopify.App.ClientID(), v.Domain)
	case errors.As(err, &refused):
		s.leaveFrame(c, v.Domain, refused.leave)
	case errors.Is(err, install.ErrVisitor):
		s.bounce(c, query)
	default:
		s.Logger.WarnContext(c.Request.Context(), "a shop is not let in", "shop", v.Domain, "error", err)
		status, sentence := problemWord(err)
		s.framedPage(c, v.Domain, status, notice, map[string]string{"Text": sentence})
	}
	return true
}

// bounce sends the frame to the page on which App Bridge gets a new session token and comes back.
func (s *Server) bounce(c *gin.Context, query url.Values) {
	tries, _ := strconv.Atoi(query.Get(paramTries)) // anything but a number is the first try
	if tries++; tries > maxTries {
		s.Logger.ErrorContext(c.Request.Context(), "no session token of the Shopify admin is good; compare the clock and SHOPIFY_API_SECRET")
		s.framedPage(c, s.shopParameter(query), http.StatusUnauthorized, notice, map[string]string{
			"Text": "Shopify's session tokens are not accepted by this server. Its operator has to compare its clock, SHOPIFY_API_KEY and SHOPIFY_API_SECRET.",
		})
		return
	}
	query.Del(paramToken)
	query.Set(paramTries, strconv.Itoa(tries))
	back := url.URL{Path: c.Request.URL.Path, RawQuery: query.Encode()}
	query.Set(paramReload, back.String())
	c.Redirect(http.StatusFound, "/shopify/token?"+query.Encode())
}

// shopifyTokenPage holds App Bridge and nothing else: it gets a session token and reloads what shopify-reload says, which
// has to be a page of ours.
func (s *Server) shopifyTokenPage(c *gin.Context) {
	query := c.Request.URL.Query()
	if s.Shopify == nil {
		s.fail(c, errRoute)
		return
	}
	if !ownPath(query.Get(paramReload)) {
		s.fail(c, &server.Error{Code: server.Invalid, Field: paramReload, Message: "want the path of a page on this server"})
		return
	}
	c.Header("Cache-Control", "no-store")
	c.Header("Link", "<"+appBridge+">; rel=preload; as=script")
	s.framedPage(c, s.shopParameter(query), http.StatusOK, tokenPage, map[string]string{
		"ClientID": s.Shopify.App.ClientID(), "AppBridge": appBridge,
	})
}

// ownPath takes "/path?query" on this server: nothing that a browser reads as another host.
func ownPath(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "" && u.Host == "" && u.User == nil && strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//") &&
		!strings.ContainsAny(text, "\\\t\r\n")
}

// shopParameter is the shop that the address names; "" where it names none. It decides who may frame a page without content.
func (s *Server) shopParameter(query url.Values) string {
	shop, err := s.Shopify.App.Shop(query.Get("shop"))
	if err != nil {
		return ""
	}
	return shop
}

// outsideFrame is for a merchant whom Shopify sent here without a frame: to agree to the code grant, or back into the
// admin. Nobody else is told anything.
func (s *Server) outsideFrame(c *gin.Context) bool {
	shop, err := s.Shopify.App.VerifyInstall(c.Request.URL.RawQuery)
	if err != nil {
		return false
	}
	if s.Shopify.CodeGrant {
		_, connected, err := s.Shopify.Reception.Known(c.Request.Context(), order.Shopify, shop)
		if err != nil {
			s.fail(c, err)
			return true
		}
		if !connected {
			s.authorise(c, shop)
			return true
		}
	}
	c.Redirect(http.StatusFound, s.adminURL(shop))
	return true
}

// adminURL is the app in the shop's admin.
func (s *Server) adminURL(shop string) string {
	return "https://admin.shopify.com/store/" + strings.TrimSuffix(shop, ".myshopify.com") + "/apps/" + url.PathEscape(s.Shopify.App.ClientID())
}

// leaveFrame takes the whole window to another page of ours: Shopify's own pages cannot be framed.
func (s *Server) leaveFrame(c *gin.Context, shop, to string) {
	s.framedPage(c, shop, http.StatusOK, leavePage, map[string]string{
		"ClientID": s.Shopify.App.ClientID(), "AppBridge": appBridge, "To": s.publicURL(c) + to,
	})
}

// publicURL is how the world sees this server.
func (s *Server) publicURL(c *gin.Context) string {
	if s.PublicURL != "" {
		return s.PublicURL
	}
	scheme := "http"
	if s.secure(c) {
		scheme = "https"
	}
	return scheme + "://" + c.Request.Host
}

const pageHead = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Upline</title>`

var (
	tokenPage = template.Must(template.New("token").Parse(pageHead +
		`<script data-api-key="{{.ClientID}}" src="{{.AppBridge}}"></script></head><body></body></html>
`))
	leavePage = template.Must(template.New("leave").Parse(pageHead +
		`<script data-api-key="{{.ClientID}}" src="{{.AppBridge}}"></script>` +
		`<script>window.open({{.To}}, "_top")</script></head><body><p><a href="{{.To}}" target="_top">Continue</a></p></body></html>
`))
	notice = template.Must(template.New("notice").Parse(pageHead + `</head><body><h1>Upline</h1><p>{{.Text}}</p></body></html>
`))
)

// framedPage answers with a small page that the shop's admin alone may frame.
func (s *Server) framedPage(c *gin.Context, shop string, status int, page *template.Template, data map[string]string) {
	ancestors := "https://admin.shopify.com"
	if shop != "" {
		ancestors = "https://" + shop + " " + ancestors
	}
	script := "https://cdn.shopify.com"
	if page == leavePage {
		script += " 'unsafe-inline'" // the one line that leaves the frame; its address is ours
	}
	c.Header("Content-Security-Policy", "default-src 'none'; script-src "+script+"; style-src 'unsafe-inline' https://cdn.shopify.com; "+
		"connect-src https: wss:; base-uri 'none'; form-action 'none'; frame-ancestors "+ancestors+";")
	var text strings.Builder
	if err := page.Execute(&text, data); err != nil {
		s.fail(c, err)
		return
	}
	c.Data(status, "text/html; charset=utf-8", []byte(text.String()))
	c.Abort()
}
