package ledger_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/ledger"
)

// referenceRoot is RFC 6962 section 2.1 as it is written there, by recursion.
func referenceRoot(leaves [][32]byte) [32]byte {
	if len(leaves) == 1 {
		return leaves[0]
	}
	split := 1
	for split*2 < len(leaves) {
		split *= 2
	}
	left, right := referenceRoot(leaves[:split]), referenceRoot(leaves[split:])
	return sha256.Sum256(slices.Concat([]byte{1}, left[:], right[:]))
}

func manyLeaves(n int) [][32]byte {
	leaves := make([][32]byte, n)
	for i := range leaves {
		leaves[i] = sha256.Sum256([]byte(fmt.Sprint("leaf ", i)))
	}
	return leaves
}

func TestRootAndProofsFollowRFC6962(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 70; n++ {
		leaves := manyLeaves(n)
		root, err := ledger.Root(leaves)
		if err != nil || root != referenceRoot(leaves) {
			t.Fatalf("root of %d leaves: %x, %v", n, root, err)
		}
		if diff := cmp.Diff(manyLeaves(n), leaves); diff != "" {
			t.Fatalf("Root changed its leaves:\n%s", diff)
		}
		for i := range leaves {
			proof, err := ledger.Prove(leaves, i)
			if err != nil || !proof.Verify(leaves[i], root) {
				t.Fatalf("proof %d of %d does not hold: %v", i, n, err)
			}
			for other := range leaves {
				wrong := proof
				wrong.Index = other
				if other != i && (proof.Verify(leaves[other], root) || wrong.Verify(leaves[i], root)) {
					t.Fatalf("proof %d of %d holds for %d", i, n, other)
				}
			}
		}
	}
	if _, err := ledger.Root(nil); !errors.Is(err, ledger.ErrEmptyBatch) {
		t.Errorf("no leaves: %v", err)
	}
	for _, i := range []int{-1, 3} {
		if _, err := ledger.Prove(manyLeaves(3), i); err == nil {
			t.Errorf("leaf %d of 3 was proven", i)
		}
	}
}

func TestSpoiltProofsDoNotHold(t *testing.T) {
	t.Parallel()
	leaves := manyLeaves(6)
	root, err := ledger.Root(leaves)
	if err != nil {
		t.Fatal(err)
	}
	good, err := ledger.Prove(leaves, 4)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*ledger.Proof){
		"negative":  func(p *ledger.Proof) { p.Index = -1 },
		"outside":   func(p *ledger.Proof) { p.Index = 6 },
		"no leaves": func(p *ledger.Proof) { p.Leaves = 0 },
		"fewer":     func(p *ledger.Proof) { p.Leaves = 5 },
		"shorter":   func(p *ledger.Proof) { p.Path = p.Path[:1] },
		"longer":    func(p *ledger.Proof) { p.Path = append(p.Path, ledger.Hash{}) },
		"altered":   func(p *ledger.Proof) { p.Path[1][31] ^= 1 },
		"swapped":   func(p *ledger.Proof) { p.Path[0], p.Path[1] = p.Path[1], p.Path[0] },
	} {
		proof := ledger.Proof{Index: good.Index, Leaves: good.Leaves, Path: slices.Clone(good.Path)}
		spoil(&proof)
		if proof.Verify(leaves[4], root) {
			t.Errorf("a proof that is %s holds", name)
		}
	}
}

// batches makes a sound chain, each batch with what its store would keep.
type batch struct {
	seal     ledger.Seal
	postings []ledger.Posting
	leaves   [][32]byte
}

func chainOf(t interface{ Fatal(...any) }, sizes ...int) []batch {
	var chain []batch
	previous := ledger.Seal{}
	for i, size := range sizes {
		var want []ledger.Balance
		for n := range size {
			want = append(want, earning(fmt.Sprintf("D%03d", n), int64(n+1)))
		}
		postings := mustDiffer(t, int64(i+1), nil, want)
		leaves := ledger.Leaves(postings)
		seal, err := ledger.Chain(previous, "acme", leaves, int64(1000+i))
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, batch{seal, postings, leaves})
		previous = seal
	}
	return chain
}

func verify(chain []batch) []ledger.Finding {
	verifier := ledger.NewVerifier("acme")
	var findings []ledger.Finding
	for _, b := range chain {
		findings = append(findings, verifier.Batch(b.seal, b.postings, b.leaves)...)
	}
	return findings
}

func TestVerifierNamesWhatWasAltered(t *testing.T) {
	t.Parallel()
	const whole = ledger.WholeBatch
	type at struct{ Batch, Position int }
	resealed := func(c []batch, i int) { // An attacker who can also rewrite the batch's own seal.
		c[i].leaves = ledger.Leaves(c[i].postings)
		previous := ledger.Seal{}
		if i > 0 {
			previous = c[i-1].seal
		}
		c[i].seal, _ = ledger.Chain(previous, "acme", c[i].leaves, c[i].seal.SealedAt)
	}
	cases := []struct {
		name  string
		alter func([]batch) []batch
		want  []at
		says  string
	}{
		{"nothing", func(c []batch) []batch { return c }, nil, ""},
		{"an amount", func(c []batch) []batch { c[1].postings[2].AmountMinor++; return c }, []at{{2, 2}}, "altered"},
		{"a snapshot", func(c []batch) []batch { c[1].postings[0].SnapshotID = ""; return c }, []at{{2, 0}}, "altered"},
		{"a time", func(c []batch) []batch { c[2].postings[0].PostedAt--; return c }, []at{{3, 0}}, "altered"},
		{"a beneficiary", func(c []batch) []batch { c[1].postings[1].Key.DistributorID = "D9"; return c }, []at{{2, 1}, {2, 1}}, "may not go"},
		{"a line", func(c []batch) []batch { c[1].postings[1].Key.LineID = "L9"; return c }, []at{{2, 1}, {2, 1}}, "not the hash"},
		{"a stored leaf", func(c []batch) []batch { c[1].leaves[3][0] ^= 1; return c }, []at{{2, whole}, {2, 3}}, "root"},
		{"a posting and its leaf", func(c []batch) []batch {
			c[1].postings[3].AmountMinor = 99
			c[1].leaves = ledger.Leaves(c[1].postings)
			return c
		}, []at{{2, whole}}, "root"},
		{"a posting and its whole seal", func(c []batch) []batch { c[1].postings[3].AmountMinor = 99; resealed(c, 1); return c }, []at{{3, whole}}, "hash of the batch before"},
		{"a root", func(c []batch) []batch { c[1].seal.Root[0] ^= 1; return c }, []at{{2, whole}, {2, whole}}, "hash"},
		{"a sealing time", func(c []batch) []batch { c[1].seal.SealedAt++; return c }, []at{{2, whole}}, "fields give"},
		{"a count", func(c []batch) []batch { c[1].seal.Leaves++; return c }, []at{{2, whole}, {2, whole}}, "counts"},
		{"a batch taken out", func(c []batch) []batch { return slices.Delete(c, 1, 2) }, []at{{3, whole}, {3, whole}}, "sequence"},
		{"a batch repeated", func(c []batch) []batch { return []batch{c[0], c[0]} }, []at{{1, whole}, {1, whole}}, "sequence"},
		{"the first batch taken out", func(c []batch) []batch { return c[1:] }, []at{{2, whole}, {2, whole}}, "sequence"},
		{"a posting taken out", func(c []batch) []batch { c[1].postings = slices.Delete(c[1].postings, 1, 2); return c }, []at{{2, whole}, {2, 1}}, "removed"},
		{"a posting put in", func(c []batch) []batch {
			c[1].postings = slices.Insert(c[1].postings, 2, mustDiffer(t, 77, nil, []ledger.Balance{earning("thief", 1)})[0])
			return c
		}, []at{{2, whole}, {2, 2}}, "added"},
		{"a posting doubled", func(c []batch) []batch { c[1].postings = append(c[1].postings, c[1].postings[0]); return c }, []at{{2, 4}, {2, whole}, {2, 4}}, "also that of"},
		{"an emptied batch", func(c []batch) []batch { c[1].postings, c[1].leaves = nil, nil; return c }, []at{{2, whole}}, "counts"},
		{"another program's batch", func(c []batch) []batch { c[0].postings[0].ProgramID = "evil"; return c }, []at{{1, 0}, {1, 0}}, "not the hash"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			altered := c.alter(chainOf(t, 1, 4, 2))
			var got []at
			var said strings.Builder
			findings := verify(altered)
			for _, f := range findings {
				got = append(got, at{int(f.BatchSequence), f.Position})
				said.WriteString(f.What + "\n")
			}
			if diff := cmp.Diff(c.want, got); diff != "" || !strings.Contains(said.String(), c.says) {
				t.Errorf("%+v\n%s", findings, diff)
			}
		})
	}
}

func TestVerifierNamesTheEvent(t *testing.T) {
	t.Parallel()
	chain := chainOf(t, 3)
	chain[0].postings[1].AmountMinor = 7
	findings := verify(chain)
	if len(findings) != 1 || findings[0].EventID != chain[0].postings[1].EventID {
		t.Errorf("%+v", findings)
	}
	other := ledger.NewVerifier("other")
	if len(other.Batch(chain[0].seal, chain[0].postings, chain[0].leaves)) == 0 {
		t.Error("another program's batch is sound")
	}
	if other.Head() != chain[0].seal {
		t.Error("Head is not the last seal")
	}
}

// TestNoAlteredByteEscapes flips one bit anywhere in what is stored.
func TestNoAlteredByteEscapes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		chain := chainOf(t, 2, 3)
		if findings := verify(chain); len(findings) != 0 {
			t.Fatalf("the sound chain: %v", findings)
		}
		b := &chain[rapid.IntRange(0, 1).Draw(t, "batch")]
		i := rapid.IntRange(0, len(b.postings)-1).Draw(t, "posting")
		bit := byte(1) << rapid.IntRange(0, 7).Draw(t, "bit")
		at := rapid.IntRange(0, 31).Draw(t, "byte")
		field := rapid.IntRange(0, 16).Draw(t, "field")
		flip(b, i, field, at, bit)
		findings := verify(chain)
		if len(findings) == 0 {
			t.Fatal("nobody noticed")
		}
		if field <= 12 && !slices.ContainsFunc(findings, func(f ledger.Finding) bool {
			return f.BatchSequence == b.seal.Sequence && f.Position == i && f.EventID == b.postings[i].EventID
		}) {
			t.Fatalf("the posting is not named: %v", findings)
		}
	})
}

// flip spoils one bit of one field of a batch.
func flip(b *batch, i, field, at int, bit byte) {
	p := &b.postings[i]
	text := func(s string) string {
		if s == "" {
			return string([]byte{bit})
		}
		data := []byte(s)
		data[at%len(data)] ^= bit
		return string(data)
	}
	number := func(n int64) int64 { return n ^ int64(bit)<<(8*(at%8)) }
	switch field {
	case 0:
		p.EventID = text(p.EventID)
	case 1:
		p.ProgramID = text(p.ProgramID)
	case 2:
		p.Key.Source = text(p.Key.Source)
	case 3:
		p.Key.LineID = text(p.Key.LineID)
	case 4:
		p.Key.ComponentID = text(p.Key.ComponentID)
	case 5:
		p.Key.DistributorID = text(p.Key.DistributorID)
	case 6:
		p.Key.Kind = ledger.Kind(text(string(p.Key.Kind)))
	case 7:
		p.Revision = number(p.Revision)
	case 8:
		p.From = text(p.From)
	case 9:
		p.To = text(p.To)
	case 10:
		p.AmountMinor = number(p.AmountMinor)
	case 11:
		p.SnapshotID = text(p.SnapshotID)
	case 12:
		p.OrderTS, p.PostedAt = number(p.OrderTS), number(p.PostedAt)
	case 13:
		b.leaves[i][at] ^= bit
	case 14:
		b.seal.Root[at] ^= bit
	case 15:
		b.seal.Previous[at] ^= bit
	default:
		b.seal.Hash[at] ^= bit
	}
}

func TestChainRefuses(t *testing.T) {
	t.Parallel()
	sound := chainOf(t, 1)[0].seal
	altered := sound
	altered.SealedAt++
	cases := []struct {
		name     string
		previous ledger.Seal
		program  string
		leaves   int
		want     error
	}{
		{"an empty batch", sound, "acme", 0, ledger.ErrEmptyBatch},
		{"another program's seal", sound, "other", 1, ledger.ErrChain},
		{"an altered seal", altered, "acme", 1, ledger.ErrChain},
		{"no program", ledger.Seal{}, "", 1, ledger.ErrChain},
	}
	for _, c := range cases {
		if seal, err := ledger.Chain(c.previous, c.program, manyLeaves(c.leaves), 5); !errors.Is(err, c.want) || seal != (ledger.Seal{}) {
			t.Errorf("%s: %v, %v", c.name, seal, err)
		}
	}
}

func TestParseSealRefuses(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(chainOf(t, 1)[0].seal)
	if err != nil {
		t.Fatal(err)
	}
	good := string(text)
	for name, bad := range map[string]string{
		"nothing":       "",
		"null":          "null",
		"a list":        "[]",
		"no figures":    "{}",
		"more text":     good + "x",
		"an extra":      strings.Replace(good, "{", `{"extra":1,`, 1),
		"sequence 0":    strings.Replace(good, `"sequence":1`, `"sequence":0`, 1),
		"a fraction":    strings.Replace(good, `"sequence":1`, `"sequence":1.5`, 1),
		"no leaves":     strings.Replace(good, `"leaves":1`, `"leaves":0`, 1),
		"a short hash":  strings.Replace(good, `"previous":"00`, `"previous":"`, 1),
		"capital hex":   strings.Replace(good, `"previous":"00`, `"previous":"AB`, 1),
		"not hex":       strings.Replace(good, `"previous":"00`, `"previous":"0x`, 1),
		"a giant":       strings.Replace(good, `"acme"`, `"`+strings.Repeat("a", 5000)+`"`, 1),
		"a null byte":   good + "\x00",
		"a hash object": strings.Replace(good, `"previous":"`+strings.Repeat("0", 64)+`"`, `"previous":{}`, 1),
	} {
		if seal, err := ledger.ParseSeal([]byte(bad)); err == nil || bad == good {
			t.Errorf("%s: %+v from %s", name, seal, bad)
		}
	}
}

func FuzzParseSeal(f *testing.F) {
	text, err := json.Marshal(chainOf(f, 1)[0].seal)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"program_id":"a","sequence":1,"leaves":1,"root":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		seal, err := ledger.ParseSeal(data)
		if err != nil {
			return
		}
		text, err := json.Marshal(seal)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ledger.ParseSeal(text); len(text) <= 4096 && (err != nil || back != seal) {
			t.Errorf("%+v came back as %+v, %v", seal, back, err)
		}
	})
}

// FuzzVerifier feeds a verifier with nonsense cut from the input: it may find anything, but must not panic.
func FuzzVerifier(f *testing.F) {
	f.Add([]byte("some bytes, but no ledger"), uint8(3), uint8(2))
	f.Fuzz(func(t *testing.T, data []byte, postings, leaves uint8) {
		cut := func(n int) []byte {
			n = min(n, len(data))
			piece := data[:n]
			data = data[n:]
			return piece
		}
		number := func() int64 {
			var word [8]byte
			copy(word[:], cut(8))
			return int64(binary.BigEndian.Uint64(word[:]))
		}
		word := func() string { return string(cut(int(postings%7) + 1)) }
		seal := ledger.Seal{ProgramID: word(), Sequence: number(), Leaves: int(number()), SealedAt: number()}
		copy(seal.Root[:], cut(32))
		all := make([]ledger.Posting, postings%8)
		for i := range all {
			all[i] = ledger.Posting{
				EventID: word(), ProgramID: word(), From: word(), To: word(), AmountMinor: number(), Revision: number(),
				Key: ledger.Key{Source: word(), DistributorID: word(), Kind: ledger.Kind(word())},
			}
		}
		stored := make([][32]byte, leaves%8)
		for i := range stored {
			copy(stored[i][:], cut(32))
		}
		verifier := ledger.NewVerifier(word())
		if len(verifier.Batch(seal, all, stored)) == 0 {
			t.Error("nonsense is sound")
		}
		verifier.Batch(seal, all, stored)
		_ = ledger.Check(all)
	})
}

func ExampleVerifier() {
	key := ledger.Key{Source: "shop/1001", ComponentID: "retail", DistributorID: "D1", Kind: ledger.Earning, Currency: "EUR"}
	postings, err := ledger.Difference("acme", 1, nil, []ledger.Balance{{Key: key, AmountMinor: 1470}}, ledger.Stamp{})
	if err != nil {
		fmt.Println(err)
		return
	}
	leaves := ledger.Leaves(postings)
	seal, err := ledger.Chain(ledger.Seal{}, "acme", leaves, 1_700_000_000_000_000)
	if err != nil {
		fmt.Println(err)
		return
	}
	postings[0].AmountMinor = 9999
	for _, finding := range ledger.NewVerifier("acme").Batch(seal, postings, leaves) {
		fmt.Println(finding.BatchSequence, finding.Position, finding.EventID == postings[0].EventID)
	}
	// Output: 1 0 true
}
