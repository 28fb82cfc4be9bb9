package order

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// fullRevision uses every field, with the largest numbers.
func fullRevision() Revision {
	_, o := taxIncluded()
	o.Name, o.Test, o.BuyerID, o.Country = "#4001", true, "6210000000000000009", "AT"
	o.OrderDiscountMinor, o.PaidMinor, o.TotalMinor = math.MaxInt64, math.MaxInt64-1, math.MaxInt64-2
	o.Lines[0].WholesaleMinor = ptr(math.MaxInt64 - 3)
	o.Refunds[0].At = placed.Add(1234567 * time.Nanosecond)
	o.Refunds[0].MoneyMinor, o.Refunds[0].MoneyTaxMinor = 9007199254740993, 1
	r := snapshot(9007199254740993, o)
	r.Version.Triggered, r.Note, r.Refunds = math.MinInt64, "a <note> & \u2028", o.Refunds
	return r
}

func TestRevisionRoundTrip(t *testing.T) {
	t.Parallel()
	want := fullRevision()
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Revision
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	if got.Order.OrderTS != want.Order.OrderTS {
		t.Fatal("the time is the same instant, but not the same value")
	}
}

func TestRevisionJSONIsInUTC(t *testing.T) {
	t.Parallel()
	r := fullRevision()
	utcText, _ := json.Marshal(r)
	r.Order.OrderTS = r.Order.OrderTS.In(time.FixedZone("CET", 3600))
	text, err := json.Marshal(r)
	if err != nil || string(text) != string(utcText) {
		t.Fatalf("%s, %v", text, err)
	}
}

// TestHashIsPinned guards the primary key of stored revisions: another hash for the same facts would store them twice.
func TestHashIsPinned(t *testing.T) {
	t.Parallel()
	hash := fullRevision().Hash()
	if got := hex.EncodeToString(hash[:]); got != pinnedHash {
		t.Fatalf("hash %s, want %s", got, pinnedHash)
	}
}

func TestHashTellsRevisionsApart(t *testing.T) {
	t.Parallel()
	far := func(year int) Revision {
		r := fullRevision()
		r.Order.OrderTS = time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
		return r
	}
	changed := map[string]Revision{"as it is": fullRevision(), "year 10000": far(10000), "year 10001": far(10001), "year -1": far(-1)}
	for name, change := range map[string]func(*Revision){
		"channel": func(r *Revision) { r.Channel = Plugin },
		"kind":    func(r *Revision) { r.Kind = Refunding },
		"version": func(r *Revision) { r.Version.Triggered++ },
		"note":    func(r *Revision) { r.Note = "" },
		"status":  func(r *Revision) { r.Order.Status = Paid },
		"line":    func(r *Revision) { r.Order.Lines[0].TaxMinor++ },
		"refund":  func(r *Revision) { r.Order.Refunds = nil },
	} {
		r := fullRevision()
		change(&r)
		changed[name] = r
	}
	seen := map[[32]byte]string{}
	for name, r := range changed {
		if other, known := seen[r.Hash()]; known {
			t.Errorf("%s and %s have one hash", name, other)
		}
		seen[r.Hash()] = name
	}
}

func TestHashIgnoresWhatSaysNothing(t *testing.T) {
	t.Parallel()
	r, same := snapshot(1, paidOrder()), snapshot(1, paidOrder())
	same.Order.Lines, same.Order.Refunds, same.Order.Evidence, same.Refunds = []Line{}, []Refund{}, []Evidence{}, []Refund{}
	same.Order.OrderTS = placed.In(time.FixedZone("", -3600))
	if r.Hash() != same.Hash() {
		t.Fatal("empty lists or another zone change the hash")
	}
	r.Note, same.Note = "\xff", "\uFFFD"
	if r.Hash() != same.Hash() {
		t.Fatal("what JSON stores alike must hash alike")
	}
	text, _ := json.Marshal(r)
	var stored Revision
	if err := json.Unmarshal(text, &stored); err != nil || stored.Hash() != r.Hash() {
		t.Fatalf("a stored revision has another hash: %v", err)
	}
}

func TestTimesWithoutJSONAreAnError(t *testing.T) {
	t.Parallel()
	r := fullRevision()
	r.Order.OrderTS = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	if _, err := json.Marshal(r); err == nil {
		t.Fatal("want an error")
	}
	if text, hash := r.Encode(); text != nil || hash != r.Hash() {
		t.Fatalf("encoded as %s", text)
	}
}

func TestRevisionsKeepTheirHashInJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := revisions().Draw(t, "revision")
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		encoded, hash := r.Encode()
		if string(encoded) != string(text) {
			t.Fatalf("encoded as %s instead of %s", encoded, text)
		}
		var back Revision
		if err := json.Unmarshal(text, &back); err != nil || back.Hash() != hash {
			t.Fatalf("hash changed, %v", err)
		}
		if diff := cmp.Diff(r.canonical(), back); diff != "" {
			t.Fatal(diff)
		}
	})
}

func BenchmarkHash(b *testing.B) {
	r := fullRevision()
	b.ReportAllocs()
	for b.Loop() {
		r.Hash()
	}
}

// pinnedHash is the hash of fullRevision since the first release.
const pinnedHash = "5ea70f48ac4befa4b758f63225f579f9612ff0b467875989cdd3a034168bc1a3"
