package plugin

import (
	"net/url"
	"slices"
	"strings"
	"unicode"

	"upline.dev/upline/adapters/wire"
	"upline.dev/upline/core/order"
)

// maxEvidenceBytes bounds a reference or code.
const maxEvidenceBytes = 255

// maxHints is more than any cart has; the rest of a list that long is left out.
const maxHints = 64

// referenceNames are the query parameters of a share link.
var referenceNames = []string{"ref", "upline_ref"}

// evidence is Evidence of an order.
func evidence(in *Order) []order.Evidence {
	codes := make([]string, len(in.Coupons))
	for i, coupon := range in.Coupons {
		codes[i] = string(coupon.Code)
	}
	return Evidence(in.Attribution, codes, in.Customer.ID)
}

// Evidence lists every hint at the distributor behind an order, each once, in the order in which they are to be tried
// within their kind. A touch counts as landing reference, which need not name anybody: what stands in an address may be
// anything. customer is 0 for a guest.
func Evidence(a Attribution, codes []string, customer wire.ID) []order.Evidence {
	var found hints
	found.addReference(order.ManualOverride, string(a.Manual))
	for _, code := range codes {
		found.add(order.DistributorCode, code)
	}
	found.addReference(order.CartReference, string(a.Cart))
	found.addReference(order.LandingReference, string(a.Last.Ref))
	found.addReference(order.LandingReference, string(a.First.Ref))
	found.addReference(order.LandingReference, string(a.Field))
	found.addLanding(string(a.Core.SessionEntry))
	if customer != 0 {
		found.add(order.BoundCustomer, customer.String())
	}
	return found
}

// hints collects evidence without repeating it.
type hints []order.Evidence

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// add leaves out what cannot be a code: empty, over-long or unprintable text.
func (h *hints) add(kind order.EvidenceKind, value string) {
	hint := order.Evidence{Kind: kind, Value: strings.TrimSpace(value)}
	if len(*h) >= maxHints || hint.Value == "" || len(hint.Value) > maxEvidenceBytes || strings.ContainsFunc(hint.Value, unprintable) || slices.Contains(*h, hint) {
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

// addLanding reads the address a visit began with.
func (h *hints) addLanding(entry string) {
	_, text, found := strings.Cut(entry, "?")
	if !found {
		return
	}
	text, _, _ = strings.Cut(text, "#")
	query, _ := url.ParseQuery(text) // What cannot be read is left out; the rest stands.
	for _, name := range referenceNames {
		for _, value := range query[name] {
			h.addReference(order.LandingReference, value)
		}
	}
}
