package adaptertest

import (
	"bytes"
	"errors"
	"maps"
	"strings"
	"testing"

	"upline.dev/upline/adapters"
)

func envelopes(t *testing.T, s suite) {
	need(t, "Arrivals", len(s.cases.Arrivals))
	if got, want := s.adapter.Platform(), s.adapter.Platform(); got == "" || got != want {
		t.Errorf("platform %q and %q", got, want)
	}
	for _, name := range s.adapter.KeepHeaders() {
		if name == "" || name != strings.ToLower(name) {
			t.Errorf("kept header %q is not in lower case", name)
		}
	}
	for _, arrival := range s.cases.Arrivals {
		t.Run(arrival.Name, func(t *testing.T) { s.arrive(t, arrival) })
	}
}

func (s suite) arrive(t *testing.T, arrival Arrival) {
	got, err := s.adapter.Open(header(arrival.Headers), bytes.Clone(arrival.Body))
	if arrival.Malformed != "" {
		malformed, ok := errors.AsType[*adapters.Malformed](err)
		if !ok || !strings.EqualFold(malformed.Field, arrival.Malformed) {
			t.Fatalf("envelope %+v and error %v, want a *Malformed of %s", got, err, arrival.Malformed)
		}
		return
	}
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	if arrival.Want.PlatformDeliveryID == "" { // Any id will do that is stable and tells bodies apart.
		arrival.Want.PlatformDeliveryID = got.PlatformDeliveryID
		other, err := s.adapter.Open(header(arrival.Headers), append(bytes.Clone(arrival.Body), ' '))
		if err != nil || got.PlatformDeliveryID == "" || other.PlatformDeliveryID == got.PlatformDeliveryID {
			t.Errorf("delivery ids %q and %q (%v) of two bodies, want two different ones", got.PlatformDeliveryID, other.PlatformDeliveryID, err)
		}
	}
	if got != arrival.Want {
		t.Errorf("envelope %+v, want %+v", got, arrival.Want)
	}
	if again, err := s.adapter.Open(header(arrival.Headers), arrival.Body); err != nil || again != got {
		t.Errorf("opened again: %+v and %v, want %+v", again, err, got)
	}
}

func signatures(t *testing.T, s suite) {
	need(t, "Deliveries", len(s.cases.Deliveries))
	body := s.cases.Deliveries[0].Body
	newer, older, empty := []byte("new secret"), []byte("old secret"), []byte{}
	signed := s.cases.Sign(body, older)
	forged := s.cases.Sign(body, empty)
	cases := []struct {
		name    string
		headers map[string]string
		body    []byte
		secrets [][]byte
		genuine bool
	}{
		{"the only secret fits", signed, body, [][]byte{older}, true},
		{"the old secret fits", signed, body, [][]byte{newer, older}, true},
		{"the new secret fits", signed, body, [][]byte{older, newer}, true},
		{"an empty secret stands before the one that fits", signed, body, [][]byte{empty, nil, older}, true},
		{"another secret", signed, body, [][]byte{newer}, false},
		{"no secret", signed, body, nil, false},
		{"signed with the empty key, empty secret", forged, body, [][]byte{empty}, false},
		{"signed with the empty key, nil secret", forged, body, [][]byte{nil}, false},
		{"signed with the empty key, real secret", forged, body, [][]byte{older}, false},
		{"signature missing", nil, body, [][]byte{older}, false},
		{"body longer", signed, append(bytes.Clone(body), ' '), [][]byte{older}, false},
		{"body shorter", signed, body[:len(body)-1], [][]byte{older}, false},
		{"body empty", signed, nil, [][]byte{older}, false},
		{"an empty body is signed too", s.cases.Sign(nil, older), nil, [][]byte{older}, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { s.verify(t, c.headers, c.body, c.secrets, c.genuine) })
	}
	t.Run("one bit of the body", func(t *testing.T) {
		eachBitFlipped(body, 997, func(flipped []byte) { s.verify(t, signed, flipped, [][]byte{newer, older}, false) })
	})
	t.Run("one bit of the signature", func(t *testing.T) {
		for name, value := range signed {
			eachBitFlipped([]byte(value), 1, func(flipped []byte) {
				headers := maps.Clone(signed)
				headers[name] = string(flipped)
				s.verify(t, headers, body, [][]byte{newer, older}, false)
			})
		}
	})
	t.Run("signature of another length", func(t *testing.T) {
		for name, value := range signed {
			for _, other := range []string{"", value[:len(value)-1], value + "A", value + "=", value + " ", " " + value, value + value} {
				headers := maps.Clone(signed)
				headers[name] = other
				s.verify(t, headers, body, [][]byte{older}, false)
			}
		}
	})
}

func (s suite) verify(t *testing.T, headers map[string]string, body []byte, secrets [][]byte, genuine bool) {
	t.Helper()
	err := s.adapter.Verify(header(headers), body, secrets)
	if genuine && err != nil {
		t.Errorf("a genuine delivery was refused: %v", err)
	}
	if !genuine && !errors.Is(err, adapters.ErrSignature) {
		t.Errorf("got %v for a forged delivery with headers %v, want ErrSignature", err, headers)
	}
}

// eachBitFlipped calls f with copies of text in which one bit differs: every stride-th bit.
func eachBitFlipped(text []byte, stride int, f func([]byte)) {
	for bit := 0; bit < len(text)*8; bit += stride {
		flipped := bytes.Clone(text)
		flipped[bit/8] ^= 1 << (bit % 8)
		f(flipped)
	}
}
