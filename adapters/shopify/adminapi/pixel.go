package adminapi

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// pixelSettings are those of shopify-app/extensions/upline-pixel.
type pixelSettings struct {
	Endpoint string `json:"endpoint"`
}

// ConnectPixel lets the app's web pixel run on the shop's checkout and send its hints to an address. Doing it again changes
// nothing, and another address replaces the one before.
func (c *Client) ConnectPixel(ctx context.Context, endpoint string) error {
	settings, err := json.Marshal(pixelSettings{endpoint})
	if err != nil {
		return fmt.Errorf("write the pixel's settings: %w", err)
	}
	input := WebPixelInput{Settings: string(settings)}
	made, err := CreatePixel(ctx, c, input)
	if err != nil {
		return err
	}
	refusals := made.WebPixelCreate.UserErrors
	there := func(e CreatePixelWebPixelCreateWebPixelCreatePayloadUserErrorsErrorsWebPixelUserError) bool {
		return e.Code == ErrorsWebPixelUserErrorCodeTaken
	}
	if slices.ContainsFunc(refusals, there) {
		return c.updatePixel(ctx, input)
	}
	list := make([]FieldError, len(refusals))
	for i, e := range refusals {
		list[i] = FieldError{Field: e.Field, Message: e.Message, Code: string(e.Code)}
	}
	return c.userErrors("CreatePixel", list)
}

// updatePixel replaces the settings of the pixel that the shop has of us.
func (c *Client) updatePixel(ctx context.Context, input WebPixelInput) error {
	found, err := Pixel(ctx, c)
	if err != nil {
		return err
	}
	if found.WebPixel == nil {
		return &Error{Kind: Garbage, Operation: "Pixel", Shop: c.shop, Detail: "there is a pixel, and there is none"}
	}
	changed, err := UpdatePixel(ctx, c, found.WebPixel.Id, input)
	if err != nil {
		return err
	}
	list := make([]FieldError, len(changed.WebPixelUpdate.UserErrors))
	for i, e := range changed.WebPixelUpdate.UserErrors {
		list[i] = FieldError{Field: e.Field, Message: e.Message, Code: string(e.Code)}
	}
	return c.userErrors("UpdatePixel", list)
}
