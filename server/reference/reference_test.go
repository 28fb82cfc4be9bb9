package reference_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"upline.dev/upline/server/reference"
	"upline.dev/upline/server/secret"
)

var made = time.Date(2026, 11, 10, 9, 15, 30, 0, time.UTC)

func ring(t testing.TB) (string, *secret.Ring) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.json")
	keys, err := secret.Load(path, "")
	if err != nil {
		t.Fatal(err)
	}
	return path, keys
}

func TestReference(t *testing.T) {
	t.Parallel()
	path, keys := ring(t)
	s := &reference.Signer{Keys: keys}
	text := s.Make("acme", "Anna.10", made)
	if len(text) > 40 || !strings.HasPrefix(text, "u1.Anna.10.") {
		t.Errorf("%q", text)
	}
	for at, fine := range map[time.Time]bool{
		made: true, made.Add(reference.Life - time.Minute): true, made.Add(reference.Life + 2*time.Minute): false,
		made.Add(-59 * time.Minute): true, made.Add(-2 * time.Hour): false,
	} {
		code, err := s.Read("acme", text, at)
		if fine != (err == nil) || fine != (code == "Anna.10") {
			t.Errorf("at %s: %q, %v", at, code, err)
		}
	}
	if _, err := s.Read("rival", text, made); !errors.Is(err, reference.ErrForged) {
		t.Errorf("another program takes it: %v", err)
	}
	if err := secret.Rotate(path); err != nil {
		t.Fatal(err)
	}
	rotated, err := secret.Load(path, "")
	if err != nil {
		t.Fatal(err)
	}
	if code, err := (&reference.Signer{Keys: rotated}).Read("acme", text, made); code != "Anna.10" {
		t.Errorf("after the keys were rotated: %q, %v", code, err)
	}
	if again := (&reference.Signer{Keys: rotated}).Make("acme", "Anna.10", made); again == text {
		t.Error("the old key still signs")
	}
	_, others := ring(t)
	if _, err := (&reference.Signer{Keys: others}).Read("acme", text, made); !errors.Is(err, reference.ErrForged) {
		t.Errorf("another installation takes it: %v", err)
	}
}

// TestChangedReferenceNamesNobody: whatever a buyer changes, it is no reference any more.
func TestChangedReferenceNamesNobody(t *testing.T) {
	t.Parallel()
	_, keys := ring(t)
	s := &reference.Signer{Keys: keys}
	rapid.Check(t, func(t *rapid.T) {
		code := rapid.StringMatching(`[A-Za-z0-9._-]{1,40}`).Draw(t, "code")
		text := s.Make("acme", code, made)
		if got, err := s.Read("acme", text, made); got != code || err != nil {
			t.Fatalf("%q reads as %q, %v", text, got, err)
		}
		changed := []byte(text)
		switch at := rapid.IntRange(0, len(changed)-1).Draw(t, "at"); rapid.SampledFrom([]string{"flip", "cut", "add", "other code"}).Draw(t, "how") {
		case "flip":
			changed[at] ^= byte(rapid.IntRange(1, 127).Draw(t, "bits"))
		case "cut":
			changed = append(changed[:at:at], changed[at+1:]...)
		case "add":
			changed = append(changed[:at:at], append([]byte{'A'}, changed[at:]...)...)
		case "other code":
			changed = []byte(strings.Replace(text, "u1."+code, "u1."+code+"X", 1))
		}
		if got, err := s.Read("acme", string(changed), made); string(changed) != text && !errors.Is(err, reference.ErrForged) {
			t.Fatalf("%q changed to %q names %q, %v", text, changed, got, err)
		}
	})
}

// FuzzRead: nothing that we have not made names anybody, and nothing panics.
func FuzzRead(f *testing.F) {
	_, keys := ring(f)
	s := &reference.Signer{Keys: keys}
	for _, seed := range []string{"", "u1.", "u1...", "u1.A.b.AAAAAAAAAAAAAAAA", "u1.A.-1.AAAAAAAAAAAAAAAA", s.Make("rival", "A", made)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if code, err := s.Read("acme", text, made); err == nil {
			t.Fatalf("%q names %q", text, code)
		}
	})
}
