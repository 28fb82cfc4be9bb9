package shopify

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"upline.dev/upline/core/order"
)

// maxEvidenceBytes bounds a reference or code; Shopify allows discount codes of 255 characters.
const maxEvidenceBytes = 255

// signedName is the note attribute in which our own storefront script carries a signed reference.
const signedName = "_upline_ref"

// referenceNames are the note attributes that carry a distributor's reference, strongest first. Themes and
// apps write them, and buyers can.
var referenceNames = []string{"upline_ref", "ref", "distributor_ref", "referrer"}

// landingNames are the query parameters of a share link. "source" is not among them: it names a campaign.
var landingNames = []string{"upline_ref", "ref"}

// evidence lists every hint at the distributor behind an order, each once, in the order in which they are to be tried
// within their kind. Which kind wins is not decided here.
func evidence(in *orderBody) []order.Evidence {
	var found hints
	for _, code := range in.DiscountCodes {
		found.add(order.DistributorCode, code.Code)
	}
	for _, application := range in.DiscountApplication {
		if application.Type == "discount_code" {
			found.add(order.DistributorCode, application.Code)
		}
	}
	for _, attribute := range in.NoteAttributes {
		if strings.EqualFold(strings.TrimSpace(string(attribute.Name)), signedName) {
			found.addReference(order.SignedReference, string(attribute.Value))
		}
	}
	for _, name := range referenceNames {
		for _, attribute := range in.NoteAttributes {
			if strings.EqualFold(strings.TrimSpace(string(attribute.Name)), name) {
				found.addReference(order.CartReference, string(attribute.Value))
			}
		}
	}
	found.addLanding(in.LandingSite, string(in.LandingSiteRef))
	if in.CheckoutToken != "" {
		found.add(order.Checkout, CheckoutKey(string(in.CheckoutToken)))
	}
	if in.Customer.ID != 0 {
		found.add(order.BoundCustomer, in.Customer.ID.String())
	}
	return found
}

// CheckoutKey is what is kept of a checkout's token: half of its SHA-256 in hex. The token itself opens a page with the
// buyer's address.
func CheckoutKey(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:16])
}

// hints collects evidence without repeating it.
type hints []order.Evidence

// add leaves out what cannot be a code: empty, over-long or unprintable text.
func (h *hints) add(kind order.EvidenceKind, value string) {
	value = strings.TrimSpace(value)
	hint := order.Evidence{Kind: kind, Value: value}
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) }
	if value == "" || len(value) > maxEvidenceBytes || strings.ContainsFunc(value, unprintable) || slices.Contains(*h, hint) {
		return
	}
	*h = append(*h, hint)
}

// addReference adds what a buyer could have typed. An e-mail address is no reference, and evidence is kept for ever in
// places that hold no personal data.
func (h *hints) addReference(kind order.EvidenceKind, value string) {
	if !strings.Contains(value, "@") {
		h.add(kind, value)
	}
}

// addLanding reads the page a visit began with. Shopify fills landing_site_ref from ?ref= or, failing that, from
// ?source=; where the address shows the latter, the value is a campaign's and no reference.
func (h *hints) addLanding(site, ref string) {
	var query url.Values
	if _, text, found := strings.Cut(site, "?"); found {
		text, _, _ = strings.Cut(text, "#")
		query, _ = url.ParseQuery(text) // What cannot be read is left out; the rest stands.
	}
	for _, name := range landingNames {
		for _, value := range query[name] {
			h.addReference(order.LandingReference, value)
		}
	}
	if !slices.Contains(query["source"], ref) {
		h.addReference(order.LandingReference, ref)
	}
}
