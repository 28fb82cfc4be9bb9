package event_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/server"
	"upline.dev/upline/server/event"
)

// TestRead: what was written is read again, what a newer version wrote is told from what is none of ours.
func TestRead(t *testing.T) {
	t.Parallel()
	want := event.New(event.Normalised, "acme", "d1/0", "shop/1", time.Unix(1_790_000_000, 0), json.RawMessage(`{"delivery_id":"d1"}`))
	body, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := event.Read(event.Normalised, body)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
	var newer *event.Newer
	for text, isNewer := range map[string]bool{
		`{"specversion":"1.0","type":"dev.upline.order.normalised.v2","programid":"acme"}`:  true,
		`{"specversion":"1.0","type":"dev.upline.order.normalised.v10"}`:                    true,
		`{"specversion":"2.0","type":"dev.upline.order.normalised.v1","programid":"acme"}`:  false,
		`{"specversion":"1.0","type":"dev.upline.order.normalised.v0","programid":"acme"}`:  false,
		`{"specversion":"1.0","type":"dev.upline.order.normalised.v1"}`:                     false,
		`{"specversion":"1.0","type":"dev.upline.commission.event.v1","programid":"acme"}`:  false,
		`{"specversion":"1.0","type":"com.example.order.normalised.v1","programid":"acme"}`: false,
		`[]`: false, ``: false, `{"data":`: false, `null`: false,
	} {
		_, err := event.Read(event.Normalised, []byte(text))
		if isNewer != errors.As(err, &newer) || !isNewer && server.CodeOf(err) != server.Invalid {
			t.Errorf("%s: %v", text, err)
		}
	}
}
