// Package event writes and reads what goes over the bus: CloudEvents 1.0 in structured JSON, each type with a published schema.
package event

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"upline.dev/upline/server"
)

// The topics, which are also what an event is about.
const (
	Commission = "commission.event" // what one settlement posted
	Normalised = "order.normalised" // a delivery that told of an order is stored and waits for an engine
)

// The schemas describe whole CloudEvents.
var (
	//go:embed schemas/commission.event.v1.json
	CommissionSchema []byte
	//go:embed schemas/order.normalised.v1.json
	NormalisedSchema []byte
)

// schemaBase is where the schemas can be found.
const schemaBase = "https://upline.dev/schemas/"

// typeBase and the topic and version make an event's type.
const typeBase = "dev.upline."

// Event is a CloudEvent 1.0.
type Event struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	Subject         string          `json:"subject"`
	Time            string          `json:"time"`
	DataContentType string          `json:"datacontenttype"`
	DataSchema      string          `json:"dataschema"`
	ProgramID       string          `json:"programid"`
	Sequence        string          `json:"sequence,omitempty"`
	Data            json.RawMessage `json:"data"`
}

// New is an event of a topic, in the version that this code writes. Its id must be unique for ever within the program.
func New(topic, program, id, subject string, at time.Time, data json.RawMessage) Event {
	return Event{
		SpecVersion: "1.0", ID: program + "/" + id, Source: "/programs/" + program, Type: typeBase + topic + ".v1", Subject: subject,
		Time: at.UTC().Format(time.RFC3339Nano), DataContentType: "application/json", DataSchema: schemaBase + topic + ".v1.json",
		ProgramID: program, Data: data,
	}
}

// Newer is the error of an event that a later version of this code wrote.
type Newer struct {
	Topic   string
	Version int
}

// Error says what cannot be read.
func (n *Newer) Error() string {
	return fmt.Sprintf("an %s of version %d, and this process reads version 1: bring it up to date", n.Topic, n.Version)
}

// Read takes an event of a topic apart. Fields that it does not know are passed over. An event of a newer version is *Newer, anything
// else that is none of the topic's is server.Invalid.
func Read(topic string, body []byte) (Event, error) {
	var e Event
	if err := json.Unmarshal(body, &e); err != nil {
		return Event{}, server.Errorf(server.Invalid, "no CloudEvent in JSON: %v", err)
	}
	if e.SpecVersion != "1.0" {
		return Event{}, server.Errorf(server.Invalid, "specversion is %q instead of 1.0", e.SpecVersion)
	}
	text, ours := strings.CutPrefix(e.Type, typeBase+topic+".v")
	version, err := strconv.Atoi(text)
	if !ours || err != nil || version < 1 {
		return Event{}, server.Errorf(server.Invalid, "type is %q instead of %s%s.v1", e.Type, typeBase, topic)
	}
	if version > 1 {
		return Event{}, &Newer{Topic: topic, Version: version}
	}
	if e.ProgramID == "" {
		return Event{}, server.Errorf(server.Invalid, "programid is missing")
	}
	return e, nil
}
