package shopifytest

import (
	"encoding/json"
	"strings"
)

// pixelID is the one pixel that an app may have in a shop.
const pixelID = "gid://shopify/WebPixel/1"

// Pixel is what the pixel's settings are; "" where there is none.
func (a *Admin) Pixel() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.pixel
}

// pixelRefusal is why settings are refused; they are JSON inside a text, with what the extension's own settings demand.
func pixelRefusal(settings string) []any {
	var s struct {
		Endpoint string `json:"endpoint"`
	}
	if err := json.Unmarshal([]byte(settings), &s); err != nil {
		return pixelError("INVALID_CONFIGURATION_JSON", "Settings is not valid JSON")
	}
	if s.Endpoint == "" {
		return pixelError("INVALID_SETTINGS", "Settings endpoint is too short (minimum is 1)")
	}
	return []any{}
}

func pixelError(code, message string) []any {
	return []any{Object{"__typename": "ErrorsWebPixelUserError", "field": []any{"settings"}, "message": message, "code": code}}
}

func pixelSettings(args map[string]any) string {
	input, _ := args["webPixel"].(map[string]any)
	return strings.TrimSpace(text(input["settings"]))
}

func (a *Admin) findPixel(map[string]any) (any, error) {
	if a.pixel == "" {
		return nil, nil //nolint:nilnil // an empty shop has none
	}
	return Object{"__typename": "WebPixel", "id": pixelID, "settings": a.pixel}, nil
}

func (a *Admin) createPixel(args map[string]any) (any, error) {
	settings := pixelSettings(args)
	refusal := pixelRefusal(settings)
	switch {
	case a.pixel != "":
		refusal = pixelError("TAKEN", "Web pixel is already taken")
	case len(refusal) == 0:
		a.pixel = settings
	}
	return Object{"__typename": "WebPixelCreatePayload", "userErrors": refusal}, nil
}

func (a *Admin) updatePixel(args map[string]any) (any, error) {
	settings := pixelSettings(args)
	refusal := pixelRefusal(settings)
	switch {
	case a.pixel == "" || text(args["id"]) != pixelID:
		refusal = pixelError("NOT_FOUND", "Web pixel not found")
	case len(refusal) == 0:
		a.pixel = settings
	}
	return Object{"__typename": "WebPixelUpdatePayload", "userErrors": refusal}, nil
}
