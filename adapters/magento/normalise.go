package magento

import (
	"fmt"

	"github.com/go-json-experiment/json"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/plugin"
	"upline.dev/upline/core/order"
)

// noteUnknown is why a delivery of a topic nobody has looked at says nothing.
const noteUnknown = "unknown topic"

// Normalise reads one delivery into exactly one revision.
//
//   - plugin.Topic, from our module: a Snapshot, or a Deletion, versioned by the order's sequence
//   - adapters.FetchedTopic: the same body, or {"order", "credit_memos"} of core REST, a Snapshot versioned by updated_at
//   - every other topic: Ignored, with the reason in Note
//
// Amounts are read in the currency s.Currency, which must be the order's base currency or the one it was placed in.
func (a *Adapter) Normalise(d order.Delivery, s adapters.Store) ([]order.Revision, error) {
	revision := order.Revision{Source: order.Source{StoreID: s.StoreID}, Channel: order.Plugin}
	var err error
	switch {
	case d.Topic == plugin.Topic, d.Topic == adapters.FetchedTopic && told(d.Body):
		err = moduleSnapshot(d.Body, s, &revision)
	case d.Topic == adapters.FetchedTopic:
		err = restSnapshot(d.Body, s, &revision)
	default:
		revision.Kind, revision.Note = order.Ignored, noteUnknown
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", d.Topic, err)
	}
	return []order.Revision{revision}, nil
}

// told reports whether a fetched body is our module's, which alone names its type. A body that cannot be read is left to the
// reader of core REST, which says why.
func told(body []byte) bool {
	var head struct {
		Type string `json:"type"`
	}
	return json.Unmarshal(body, &head) == nil && head.Type != ""
}
