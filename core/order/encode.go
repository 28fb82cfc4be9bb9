package order

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Hash is the SHA-256 of the revision's canonical JSON: fields in the order of the types, times in UTC. Equal facts
// have equal hashes, so it is the key under which a revision is stored once.
func (r Revision) Hash() [32]byte {
	_, hash := r.Encode()
	return hash
}

// Encode gives a revision's canonical JSON, as MarshalJSON writes it, and its Hash. The text is nil where there is a time outside the
// years 0 to 9999, which has no JSON form.
func (r Revision) Encode() (text []byte, hash [32]byte) {
	r = r.canonical()
	text, err := json.Marshal(plainRevision(r))
	if err != nil {
		// Merge refuses such a revision, but two of them must not share a hash, or the second would be taken for the first.
		return nil, sha256.Sum256(r.timeless())
	}
	return text, sha256.Sum256(text)
}

// plainRevision is a Revision without its own MarshalJSON.
type plainRevision Revision

// MarshalJSON writes the canonical form, with all times in UTC; decoding it gives an equal revision. A time outside the
// years 0 to 9999 is an error.
func (r Revision) MarshalJSON() ([]byte, error) {
	return json.Marshal(plainRevision(r.canonical()))
}

// timeless encodes a canonical revision with its times told apart as text, which exists for every year.
func (r Revision) timeless() []byte {
	var times []string
	strip := func(at *time.Time) {
		times = append(times, at.Format(time.RFC3339Nano))
		*at = time.Time{}
	}
	if r.Order != nil {
		strip(&r.Order.OrderTS)
		for i := range r.Order.Refunds {
			strip(&r.Order.Refunds[i].At)
		}
	}
	for i := range r.Refunds {
		strip(&r.Refunds[i].At)
	}
	text, _ := json.Marshal(plainRevision(r)) // Strings and integers always have a JSON form.
	return fmt.Appendf(text, "%q", times)
}

// canonical is a deep enough copy in the one form that encodes and compares alike: times in UTC without a monotonic
// part, valid UTF-8, and no difference between an empty and an absent list.
func (r Revision) canonical() Revision {
	clean(&r.Source.StoreID, &r.Source.PlatformOrderID, &r.Note)
	clean(&r.Channel)
	clean(&r.Kind)
	if r.Order != nil {
		o := r.Order.canonical()
		r.Order = &o
	}
	r.Refunds = canonicalRefunds(r.Refunds)
	return r
}

func (o Order) canonical() Order {
	clean(&o.Source.StoreID, &o.Source.PlatformOrderID, &o.Name, &o.BuyerID, &o.Country)
	clean(&o.Platform)
	clean(&o.Status)
	clean(&o.Currency)
	o.OrderTS = utc(o.OrderTS)
	o.Lines = append(make([]Line, 0, len(o.Lines)), o.Lines...)
	for i := range o.Lines {
		clean(&o.Lines[i].LineID, &o.Lines[i].PlatformSKU)
		clean(&o.Lines[i].Kind)
	}
	o.Refunds = canonicalRefunds(o.Refunds)
	o.Evidence = cloned(o.Evidence)
	for i := range o.Evidence {
		clean(&o.Evidence[i].Kind)
		clean(&o.Evidence[i].Value)
	}
	return o
}

func canonicalRefunds(refunds []Refund) []Refund {
	refunds = cloned(refunds)
	for i := range refunds {
		r := &refunds[i]
		clean(&r.RefundID)
		if r.Deleted {
			*r = Refund{RefundID: r.RefundID, Deleted: true}
			continue
		}
		r.At = utc(r.At)
		r.Lines = cloned(r.Lines)
		for j := range r.Lines {
			clean(&r.Lines[j].LineID)
		}
	}
	return refunds
}

// cloned copies a list; an empty one is nil.
func cloned[E any](list []E) []E {
	if len(list) == 0 {
		return nil
	}
	return slices.Clone(list)
}

// clean replaces bytes that are not UTF-8, as the JSON encoder would: a landing page's address may carry any bytes.
func clean[S ~string](fields ...*S) {
	for _, f := range fields {
		*f = S(strings.ToValidUTF8(string(*f), "\uFFFD"))
	}
}

func utc(t time.Time) time.Time { return t.Round(0).UTC() }

// encodable reports whether a time has a JSON form.
func encodable(t time.Time) bool { return t.Year() >= 0 && t.Year() <= 9999 }

// bodyKey is the canonical text by which two bodies are told apart and sorted. Merge has refused what cannot be
// encoded, so there is no error to report.
func bodyKey[T Order | Refund](body T) string {
	text, _ := json.Marshal(body)
	return string(text)
}
