package httpapi

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/server"
)

// ownStore stands in an order's address for the store that the asker belongs to. What is shown inside a platform's admin
// knows the platform's order, and not what the store is called here.
const ownStore = "-"

// extensionOrigin is where Shopify runs what apps add to pages of its admin; it asks with a session token, never with a
// cookie.
const extensionOrigin = "https://extensions.shopifycdn.com"

// preflightAge is how long a browser may keep the answer to a preflight; Chromium keeps none for longer than two hours.
const preflightAge = "7200"

// orderIDOf is the order an address names: its store and its platform's id.
func orderIDOf(c *gin.Context) (string, error) {
	store := param(c, "store_id")
	if store == ownStore {
		store = principalOf(c).StoreID
	}
	if store == "" {
		return "", &server.Error{
			Code: server.Invalid, Field: "store_id",
			Message: `store_id "-" means the store of the asker, and this one belongs to none; write the id of the store`,
		}
	}
	return store + "/" + param(c, "platform_order_id"), nil
}

// allowExtension lets the block on Shopify's order page read the explanation of an order, and nothing else. It runs
// before authenticate, since a browser asks for leave without a token.
func allowExtension(c *gin.Context) {
	path := c.Request.URL.Path
	if !strings.HasPrefix(path, "/api/v1/orders/") || !strings.HasSuffix(path, "/explanation") {
		c.Next()
		return
	}
	h := c.Writer.Header()
	h.Add("Vary", "Origin")
	if c.GetHeader("Origin") != extensionOrigin {
		c.Next()
		return
	}
	h.Set("Access-Control-Allow-Origin", extensionOrigin)
	h.Set("Access-Control-Expose-Headers", retrySession+", "+reauthorise)
	if c.Request.Method != http.MethodOptions {
		c.Next()
		return
	}
	h.Set("Access-Control-Allow-Methods", "GET, HEAD")
	h.Set("Access-Control-Allow-Headers", "Authorization, Accept, Content-Type")
	h.Set("Access-Control-Max-Age", preflightAge)
	c.AbortWithStatus(http.StatusNoContent)
}
