package store

import (
	"encoding/json"
	"testing"
)

// TestHeadersJSON: what is written by hand is what encoding/json reads, whatever a header holds, and equal headers are equal texts.
func TestHeadersJSON(t *testing.T) {
	for name, c := range map[string]struct {
		headers map[string]string
		want    string
	}{
		"none":             {nil, `{}`},
		"in order":         {map[string]string{"x-topic": "orders/paid", "x-id": "7"}, `{"x-id":"7","x-topic":"orders/paid"}`},
		"quotes":           {map[string]string{`a"b`: "c\\d\n\u2028<&>"}, `{"a\"b":"c\\d\n` + "\u2028" + `<&>"}`},
		"bytes of no text": {map[string]string{"a": "b\xffc"}, `{"a":"b` + "\ufffd" + `c"}`},
	} {
		t.Run(name, func(t *testing.T) {
			got := headersJSON(c.headers)
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			var back map[string]string
			if err := json.Unmarshal([]byte(got), &back); err != nil || len(back) != len(c.headers) {
				t.Errorf("read back as %v: %v", back, err)
			}
		})
	}
}
