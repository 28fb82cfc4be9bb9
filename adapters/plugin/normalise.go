package plugin

import (
	"fmt"
	"strings"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/wire"
	"upline.dev/upline/core/order"
)

// version is of the protocol. A plugin that speaks a later one is told so, not guessed at.
const version = 1

// Drafts are statuses of what is no order yet.
var drafts = []string{"checkout-draft", "auto-draft", "draft", "new"}

// Normalise reads a snapshot's body: a Snapshot of channel Plugin whose version is the sequence; for a deleted order that
// Snapshot and the Deletion; for a draft one Ignored revision.
func Normalise(body []byte, s adapters.Store) ([]order.Revision, error) {
	var in Snapshot
	if err := wire.Decode(body, &in); err != nil {
		return nil, err
	}
	switch {
	case in.Type != snapshotType:
		return nil, &adapters.Malformed{Field: "type", Reason: fmt.Sprintf("%.40q is not %q", in.Type, snapshotType)}
	case in.Version != version:
		return nil, &adapters.Malformed{Field: "version", Reason: fmt.Sprintf("version %d of the protocol is not known here; update Upline or the plugin so that both speak %d", in.Version, version)}
	case in.Sequence < 1:
		return nil, &adapters.Malformed{Field: "sequence", Reason: "want a whole number from 1 that rises with every change of the order"}
	case in.Platform != string(s.Platform):
		return nil, &adapters.Malformed{Field: "platform", Reason: fmt.Sprintf("%.40q is not the platform of the store, %q", in.Platform, s.Platform)}
	case in.Order == nil:
		return nil, Missing("order")
	}
	if err := in.Store.check(); err != nil {
		return nil, err
	}
	r := order.Revision{Channel: order.Plugin, Version: order.Version{Updated: in.Sequence}}
	if err := in.Order.Revise(in.Store, s, &r); err != nil {
		return nil, adapters.Under("order.", err)
	}
	if r.Kind != order.Snapshot || !in.Order.Deleted {
		return []order.Revision{r}, nil
	}
	gone := order.Revision{Source: r.Source, Channel: r.Channel, Version: r.Version, Kind: order.Deletion}
	return []order.Revision{r, gone}, nil
}

// IsDraft reports whether a status is that of a cart or form that is no order yet.
func IsDraft(status string) bool {
	for _, draft := range drafts {
		if status == draft {
			return true
		}
	}
	return false
}

// Missing is the fault of a body without a member that nothing can stand in for.
func Missing(field string) error {
	return &adapters.Malformed{Field: field, Reason: "the member is missing"}
}

// Revise fills in a revision whose channel and version are set: a Snapshot, or Ignored for a draft. Faults name members of
// the order.
func (in *Order) Revise(settings Settings, s adapters.Store, r *order.Revision) error {
	r.Source.StoreID = s.StoreID
	if in.ID == 0 {
		return Missing("id")
	}
	if IsDraft(in.Status) {
		r.Kind, r.Note = order.Ignored, "a draft is no order; an event follows when it becomes one"
		return nil
	}
	r.Source.PlatformOrderID = in.ID.String()
	reading := newReading(settings, s.Currency)
	out := &order.Order{
		Source: r.Source, Platform: s.Platform, Name: name(in), Test: in.Test, Currency: s.Currency, BuyerID: in.Customer.ID.String(),
		Country: Country(string(in.Customer.Country)), Evidence: evidence(in),
	}
	if err := in.head(s, out); err != nil {
		return err
	}
	if err := reading.figures(in, out); err != nil {
		return err
	}
	in.end(out)
	r.Kind, r.Order = order.Snapshot, out
	return nil
}

// head checks and takes over what is no figure.
func (in *Order) head(s adapters.Store, out *order.Order) error {
	switch {
	case in.Currency == "":
		return Missing("currency")
	case in.Currency != string(s.Currency):
		return &adapters.Malformed{Field: "currency", Reason: fmt.Sprintf("the order is in %.8q, but the store keeps its books in %q", in.Currency, s.Currency)}
	case in.Status == "":
		return Missing("status")
	case in.CreatedAt.IsZero():
		return Missing("created_at")
	case in.Lines == nil:
		return Missing("lines")
	case in.Refunds == nil:
		return Missing("refunds")
	}
	out.OrderTS = in.CreatedAt.UTC()
	if year := out.OrderTS.Year(); year < 1 || year > 9999 {
		return &adapters.Malformed{Field: "created_at", Reason: "the time is not within the years 1 to 9999 in UTC"}
	}
	out.Status = in.status()
	return nil
}

// status maps the platform's word. What the platform itself counts as paid is paid, whatever the word; a word nobody knows
// is not paid. A failed payment may be tried again, so the order is pending.
func (in *Order) status() order.Status {
	switch {
	case in.Trashed || in.Deleted || in.Status == "trash":
		return order.Cancelled
	case in.Status == "cancelled" || in.Status == "canceled":
		return order.Cancelled
	case in.Status == "refunded" || in.Status == "closed":
		return in.refundedStatus()
	case in.paid():
		return order.Paid
	}
	return order.Pending
}

// refundedStatus follows the refunds and not the word: where all of them were deleted since, the money is with the shop.
func (in *Order) refundedStatus() order.Status {
	living := 0
	for i := range in.Refunds {
		if !in.Refunds[i].Deleted {
			living++
		}
	}
	if living == 0 && len(in.Refunds) > 0 {
		return order.Paid
	}
	return order.Refunded
}

func (in *Order) paid() bool {
	if in.Paid != nil {
		return *in.Paid
	}
	return in.Status == "processing" || in.Status == "completed" || in.Status == "complete"
}

// end leaves nothing of an order that the shop has given up, whatever its refunds say.
func (in *Order) end(out *order.Order) {
	if out.Status != order.Cancelled {
		return
	}
	for i := range out.Lines {
		out.Lines[i].CurrentQuantity = new(int64)
	}
	out.Stated = order.Stated{}
}

// maxNameBytes bounds the number that a merchant knows an order by.
const maxNameBytes = 64

// name is "#" and the number as the shop prints it; a number that is none worth showing gives way to the id.
func name(in *Order) string {
	number := strings.TrimSpace(string(in.Number))
	if number == "" || len(number) > maxNameBytes || strings.ContainsFunc(number, unprintable) || strings.Contains(number, "@") {
		number = in.ID.String()
	}
	return "#" + strings.TrimPrefix(number, "#")
}

// Country takes ISO 3166-1 alpha-2 codes only; anything else is a country we do not know.
func Country(code string) string {
	if len(code) != 2 || code[0] < 'A' || code[0] > 'Z' || code[1] < 'A' || code[1] > 'Z' {
		return ""
	}
	return code
}
