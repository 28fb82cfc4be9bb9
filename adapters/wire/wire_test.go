package wire_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/wire"
)

// body is one member of each kind.
type body struct {
	Amount wire.Amount `json:"amount"`
	ID     wire.ID     `json:"id"`
	At     wire.Moment `json:"at"`
	Loose  wire.Loose  `json:"loose"`
}

func TestDecode(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 23, 51, 23, 0, time.UTC)
	for text, want := range map[string]body{
		`{}`: {}, `{"amount":null,"id":null,"at":null,"loose":null}`: {},
		`{"amount":1.10,"id":9007199254740993,"at":"2026-11-20 23:51:23","loose":7}`:               {"1.10", 9007199254740993, wire.Moment{Time: at}, "7"},
		`{"amount":"1.10","id":"9223372036854775807","at":"2026-11-21T01:51:23+02:00","loose":[]}`: {"1.10", 1<<63 - 1, wire.Moment{Time: at}, ""},
		`{"id":0,"at":"","loose":{"a":1}}`:                                                         {}, `{"id":"","at":"2026-11-20T23:51:23"}`: {At: wire.Moment{Time: at}},
	} {
		var got body
		if err := wire.Decode([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s is read as %+v, %v; want %+v", text, got, err, want)
		}
	}
}

// TestFaults: each names its field, and none repeats the value, which may be somebody's name.
func TestFaults(t *testing.T) {
	t.Parallel()
	for text, field := range map[string]string{
		`{"amount":""}`: "amount", `{"amount":true}`: "amount", `{"id":"Zenobia"}`: "id", `{"id":1.5}`: "id", `{"id":-1}`: "id",
		`{"id":9223372036854775808}`: "id", `{"at":"Zenobia"}`: "at", `{"at":1}`: "at", `{"at":"2026-13-01T00:00:00Z"}`: "at",
		`{"id":1,"id":2}`: "id", `{"id":1`: "$", ``: "$", `[]`: "$", `{}x`: "$",
	} {
		err := wire.Decode([]byte(text), &body{})
		malformed, ok := errors.AsType[*adapters.Malformed](err)
		if !ok || malformed.Field != field || strings.Contains(err.Error(), "Zenobia") {
			t.Errorf("%s: %v, want a fault of %s", text, err, field)
		}
	}
}
