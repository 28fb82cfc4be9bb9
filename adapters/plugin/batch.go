package plugin

import (
	"bytes"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/wire"
)

// BatchTopic is of a body that carries several snapshots: a queue that waited is told in few requests. It is taken apart at
// the door; what enters the inbox are its snapshots, each under its own id.
const BatchTopic = TopicPrefix + batchType

const batchType = "order.batch"

// maxBatch bounds the snapshots of one body.
const maxBatch = 100

// Parts gives the snapshots of a batch, as if each had been told alone; none where the topic is no batch's.
func Parts(topic string, body []byte) ([]adapters.Part, error) {
	if topic != BatchTopic {
		return nil, nil
	}
	return Split(body)
}

// Split takes a batch apart. Nothing of it counts where one member is at fault: the plugin then tells them one by one, and
// each gets an answer of its own.
func Split(body []byte) ([]adapters.Part, error) {
	var batch struct {
		Site   wire.Loose       `json:"site"`
		Events []jsontext.Value `json:"events"`
	}
	if err := wire.Decode(body, &batch); err != nil {
		return nil, err
	}
	if len(batch.Events) == 0 || len(batch.Events) > maxBatch {
		return nil, &adapters.Malformed{Field: "events", Reason: fmt.Sprintf("want 1 to %d snapshots, got %d", maxBatch, len(batch.Events))}
	}
	events := make([]adapters.Part, 0, len(batch.Events))
	for i, raw := range batch.Events {
		var head struct {
			ID   wire.Loose `json:"event_id"`
			Type wire.Loose `json:"type"`
			Site wire.Loose `json:"site"`
		}
		field := func(name string) string { return fmt.Sprintf("events[%d].%s", i, name) }
		if err := wire.Decode(raw, &head); err != nil {
			return nil, &adapters.Malformed{Field: fmt.Sprintf("events[%d]", i), Reason: "want a JSON object"}
		}
		switch {
		case CheckID(string(head.ID)) != nil:
			return nil, &adapters.Malformed{Field: field("event_id"), Reason: fmt.Sprintf("want 1 to %d of letters, digits, '.', '_' and '-'", maxIDBytes)}
		case head.Type != snapshotType:
			return nil, &adapters.Malformed{Field: field("type"), Reason: "want " + snapshotType}
		case adapters.Site(string(head.Site)) != adapters.Site(string(batch.Site)):
			return nil, &adapters.Malformed{Field: field("site"), Reason: "want the site of the batch"}
		}
		events = append(events, adapters.Part{Topic: Topic, PlatformDeliveryID: string(head.ID), Body: bytes.Clone(raw)})
	}
	return events, nil
}
