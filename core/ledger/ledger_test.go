package ledger_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/money"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func earning(distributor string, minor int64) ledger.Balance {
	return ledger.Balance{Key: key(distributor, ledger.Earning), AmountMinor: minor}
}

func key(distributor string, kind ledger.Kind) ledger.Key {
	return ledger.Key{Source: "store/1001", LineID: "L1", ComponentID: "unilevel", DistributorID: distributor, Kind: kind, Currency: "EUR"}
}

var stamp = ledger.Stamp{SnapshotID: strings.Repeat("ab", 32), OrderTS: 1_700_000_000_000_000, PostedAt: 1_700_000_000_123_456}

func mustDiffer(t interface{ Fatal(...any) }, revision int64, posted, want []ledger.Balance) []ledger.Posting {
	postings, err := ledger.Difference("acme", revision, posted, want, stamp)
	if err != nil {
		t.Fatal(err)
	}
	return postings
}

func TestDifferencePostsWhatIsMissing(t *testing.T) {
	t.Parallel()
	posted := []ledger.Balance{earning("B", 200), earning("A", 1000), earning("C", 5)}
	want := []ledger.Balance{{Key: key("Z", ledger.Breakage), AmountMinor: 30}, earning("D", 0), earning("A", 1000), earning("B", 150)}
	got := mustDiffer(t, 2, posted, want)
	var lines []string
	for _, p := range got {
		lines = append(lines, fmt.Sprintf("%s>%s %d", p.From, p.To, p.AmountMinor))
		if p.EventID != ledger.EventID("acme", p.Key, 2) || p.ProgramID != "acme" || p.Revision != 2 ||
			p.SnapshotID != stamp.SnapshotID || p.OrderTS != stamp.OrderTS || p.PostedAt != stamp.PostedAt {
			t.Errorf("posting %+v does not carry what it was made of", p)
		}
	}
	if diff := cmp.Diff([]string{
		"company:commission_expense>distributor:B:pending -50",
		"company:commission_expense>distributor:C:pending -5",
		"company:commission_expense>company:breakage 30",
	}, lines); diff != "" {
		t.Error(diff)
	}
	if err := ledger.Check(got); err != nil {
		t.Error(err)
	}
}

func TestDifferenceRefuses(t *testing.T) {
	t.Parallel()
	const lowest, highest = -1 << 63, 1<<63 - 1
	odd := func(change func(*ledger.Key)) []ledger.Balance {
		k := key("A", ledger.Earning)
		change(&k)
		return []ledger.Balance{{Key: k, AmountMinor: 1}}
	}
	cases := []struct {
		name         string
		revision     int64
		posted, want []ledger.Balance
		err          error
	}{
		{"one key wanted twice", 1, nil, []ledger.Balance{earning("A", 1), earning("A", 1)}, ledger.ErrDuplicateKey},
		{"one key posted twice", 1, []ledger.Balance{earning("A", 1), earning("B", 1), earning("A", 0)}, nil, ledger.ErrDuplicateKey},
		{"more than fits", 1, []ledger.Balance{earning("A", -1)}, []ledger.Balance{earning("A", highest)}, money.ErrOverflow},
		{"what cannot be reversed", 1, nil, []ledger.Balance{earning("A", lowest)}, ledger.ErrPosting},
		{"revision 0", 0, nil, nil, ledger.ErrRevision},
		{"a payout", 1, nil, odd(func(k *ledger.Key) { k.Kind = ledger.Payout }), ledger.ErrKind},
		{"no kind", 1, nil, odd(func(k *ledger.Key) { k.Kind = "" }), ledger.ErrKind},
		{"no currency", 1, nil, odd(func(k *ledger.Key) { k.Currency = "" }), ledger.ErrPosting},
		{"no source", 1, nil, odd(func(k *ledger.Key) { k.Source = "" }), ledger.ErrPosting},
		{"an earning of nobody", 1, nil, odd(func(k *ledger.Key) { k.DistributorID = "" }), ledger.ErrPosting},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := ledger.Difference("acme", c.revision, c.posted, c.want, stamp)
			if !errors.Is(err, c.err) || got != nil {
				t.Errorf("got %v, %v; want %v", got, err, c.err)
			}
		})
	}
	if _, err := ledger.Difference("", 1, nil, []ledger.Balance{earning("A", 1)}, stamp); !errors.Is(err, ledger.ErrPosting) {
		t.Errorf("no program: %v", err)
	}
}

func TestSumByKey(t *testing.T) {
	t.Parallel()
	const highest = 1<<63 - 1
	got, err := ledger.SumByKey([]ledger.Balance{earning("B", highest), earning("A", 1), earning("B", 1), earning("B", -1), earning("A", -1)})
	if diff := cmp.Diff([]ledger.Balance{earning("A", 0), earning("B", highest)}, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if _, err := ledger.SumByKey([]ledger.Balance{earning("B", highest), earning("B", 1)}); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("overflow: %v", err)
	}
	if got, err := ledger.SumByKey(nil); err != nil || len(got) != 0 {
		t.Errorf("nothing: %v, %v", got, err)
	}
}

func TestCheckNamesEveryFault(t *testing.T) {
	t.Parallel()
	sound := func() ledger.Posting { return mustDiffer(t, 1, nil, []ledger.Balance{earning("A", 5)})[0] }
	rehash := func(p *ledger.Posting) { p.EventID = ledger.EventID(p.ProgramID, p.Key, p.Revision) }
	cases := []struct {
		name   string
		change func(*ledger.Posting)
		want   string // "" is sound
	}{
		{"as made", func(*ledger.Posting) {}, ""},
		{"reversed", func(p *ledger.Posting) { p.AmountMinor = -5 }, ""},
		{"amount 0", func(p *ledger.Posting) { p.AmountMinor = 0 }, "amount is 0"},
		{"irreversible", func(p *ledger.Posting) { p.AmountMinor = -1 << 63 }, "too large"},
		{"one account", func(p *ledger.Posting) { p.To = p.From }, "both its accounts"},
		{"no such account", func(p *ledger.Posting) { p.To = "distributor:A:gone" }, "not an account"},
		{"nothing to take from", func(p *ledger.Posting) { p.From = "" }, "not an account"},
		{"another's account", func(p *ledger.Posting) { p.To = "distributor:B:pending" }, "may not go"},
		{"paid at once", func(p *ledger.Posting) { p.To = "distributor:A:paid" }, "may not go"},
		{"other event id", func(p *ledger.Posting) { p.EventID = strings.Repeat("0", 64) }, "event id"},
		{"other line", func(p *ledger.Posting) { p.Key.LineID = "L2" }, "event id"},
		{"other revision", func(p *ledger.Posting) { p.Revision = 2 }, "event id"},
		{"revision 0", func(p *ledger.Posting) { p.Revision = 0; rehash(p) }, "revision"},
		{"no program", func(p *ledger.Posting) { p.ProgramID = ""; rehash(p) }, "program"},
		{"no source", func(p *ledger.Posting) { p.Key.Source = ""; rehash(p) }, "source"},
		{"no such currency", func(p *ledger.Posting) { p.Key.Currency = "XXX"; rehash(p) }, "currency"},
		{"no such kind", func(p *ledger.Posting) { p.Key.Kind = "gift"; rehash(p) }, "may not go"},
		{"matured", func(p *ledger.Posting) {
			p.Key.Kind, p.From, p.To = ledger.Maturing, "distributor:A:pending", "distributor:A:available"
			rehash(p)
		}, ""},
		{"matured to another", func(p *ledger.Posting) {
			p.Key.Kind, p.From, p.To = ledger.Maturing, "distributor:A:pending", "distributor:B:available"
			rehash(p)
		}, "may not go"},
		{"paid out", func(p *ledger.Posting) {
			p.Key.Kind, p.From, p.To = ledger.Payout, "distributor:A:available", "payout:2026-01"
			rehash(p)
		}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := sound()
			c.change(&p)
			other := mustDiffer(t, 9, nil, []ledger.Balance{earning("other", 1)})[0]
			err := ledger.Check([]ledger.Posting{other, p})
			var fault *ledger.PostingError
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (!errors.As(err, &fault) || fault.Position != 1 || fault.EventID != p.EventID || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v does not name posting 1 and %q", err, c.want)
			}
		})
	}
	if err := ledger.Check([]ledger.Posting{sound(), sound()}); err == nil || !strings.Contains(err.Error(), "also that of posting 0") {
		t.Errorf("one posting twice: %v", err)
	}
}

func TestAccountTotals(t *testing.T) {
	t.Parallel()
	postings := mustDiffer(t, 1, nil, []ledger.Balance{earning("B", 7), earning("A", 5), {Key: key("A", ledger.Breakage), AmountMinor: 2}})
	got, err := ledger.AccountTotals(postings)
	want := []ledger.AccountTotal{
		{ProgramID: "acme", Currency: "EUR", Account: "company:breakage", AmountMinor: 2},
		{ProgramID: "acme", Currency: "EUR", Account: "company:commission_expense", AmountMinor: -14},
		{ProgramID: "acme", Currency: "EUR", Account: "distributor:A:pending", AmountMinor: 5},
		{ProgramID: "acme", Currency: "EUR", Account: "distributor:B:pending", AmountMinor: 7},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	big := mustDiffer(t, 1, nil, []ledger.Balance{earning("B", 1<<63-1), earning("A", 1<<63-1)})
	if _, err := ledger.AccountTotals(big); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("more than fits: %v", err)
	}
	if err := ledger.Check(big); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("more than fits: %v", err)
	}
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]ledger.AccountName{
		"company:commission_expense": {Company: "company:commission_expense"},
		"company:breakage":           {Company: "company:breakage"},
		"distributor:D1:pending":     {DistributorID: "D1", State: "pending"},
		"distributor:a%3Ab%25:debt":  {DistributorID: "a:b%", State: "debt"},
		"distributor:%253A:paid":     {DistributorID: "%3A", State: "paid"},
		"payout:2026%3A1":            {Batch: "2026:1"},
	} {
		if got, err := ledger.ParseAccount(text); err != nil || got != want || got.String() != text {
			t.Errorf("ParseAccount(%q) = %+v (%s), %v", text, got, got, err)
		}
	}
	for _, text := range []string{
		"", "company", "company:", "company:x", "distributor:", "distributor::pending", "distributor:D1", "distributor:D1:",
		"distributor:D1:pending:", "distributor:D1:gone", "distributor:a:b:pending", "distributor:%3a:paid", "distributor:%41:paid", "distributor:%:paid",
		"payout:", "payout:a:pending", "Payout:a", " payout:a",
	} {
		if got, err := ledger.ParseAccount(text); !errors.Is(err, ledger.ErrAccount) {
			t.Errorf("ParseAccount(%q) = %+v, %v", text, got, err)
		}
	}
}

func FuzzParseAccount(f *testing.F) {
	for _, text := range []string{"company:breakage", "distributor:a%3Ab%25:debt", "payout:x", "distributor:%253A:paid", "distributor::paid"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, err := ledger.ParseAccount(text)
		if err == nil && name.String() != text {
			t.Errorf("%q has a second name %q", text, name)
		}
		if text == "" {
			return
		}
		for _, made := range []string{ledger.Account(text, ledger.StatePending), ledger.PayoutAccount(text)} {
			back, err := ledger.ParseAccount(made)
			if err != nil || back.DistributorID+back.Batch != text || strings.Count(made, ":") > 2 {
				t.Errorf("%q came back from %q as %+v, %v", text, made, back, err)
			}
		}
	})
}

// The properties of design.md section 4 that the core can hold by itself follow.

func drawBalances(t *rapid.T, label string) []ledger.Balance {
	balances := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) ledger.Balance {
		return ledger.Balance{
			Key: ledger.Key{
				Source:        rapid.SampledFrom([]string{"s/1", "s/2"}).Draw(t, "source"),
				LineID:        rapid.SampledFrom([]string{"", "L1"}).Draw(t, "line"),
				ComponentID:   "retail",
				DistributorID: rapid.SampledFrom([]string{"A", "B", "a:b"}).Draw(t, "distributor"),
				Kind:          rapid.SampledFrom([]ledger.Kind{ledger.Earning, ledger.Breakage}).Draw(t, "kind"),
				Currency:      rapid.SampledFrom([]money.Currency{"EUR", "JPY"}).Draw(t, "currency"),
			},
			AmountMinor: rapid.Int64Range(-5, 5).Draw(t, "amount"),
		}
	}), 0, 12).Draw(t, label)
	sums, err := ledger.SumByKey(balances)
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

// withoutZeros is what a state of the books amounts to.
func withoutZeros(balances []ledger.Balance) []ledger.Balance {
	return slices.DeleteFunc(slices.Clone(balances), func(b ledger.Balance) bool { return b.AmountMinor == 0 })
}

// TestAnySequenceOfStatesEndsInTheLast is convergence: whatever came before, what stands is what was wanted last; a
// repeat posts nothing; every account sums to zero; no event id comes twice; nothing posted is ever touched again.
func TestAnySequenceOfStatesEndsInTheLast(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var books []ledger.Posting
		var want []ledger.Balance
		for revision := range rapid.Int64Range(1, 6).Draw(t, "states") {
			want = drawBalances(t, "want")
			posted, err := ledger.Balances(books)
			if err != nil {
				t.Fatal(err)
			}
			books = append(books, mustDiffer(t, revision+1, posted, want)...)
			now, err := ledger.Balances(books)
			if err != nil {
				t.Fatal(err)
			}
			if again := mustDiffer(t, revision+2, now, want); len(again) != 0 {
				t.Fatalf("a repeat posts %v", again)
			}
		}
		stands, err := ledger.Balances(books)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(withoutZeros(want), withoutZeros(stands)); diff != "" {
			t.Fatal(diff)
		}
		if err := ledger.Check(books); err != nil {
			t.Fatal(err)
		}
		checkSumsToZero(t, books)
	})
}

func checkSumsToZero(t *rapid.T, books []ledger.Posting) {
	totals, err := ledger.AccountTotals(books)
	if err != nil {
		t.Fatal(err)
	}
	sums := map[money.Currency]int64{}
	for _, total := range totals {
		sums[total.Currency] += total.AmountMinor
	}
	for currency, sum := range sums {
		if sum != 0 {
			t.Fatalf("all accounts in %s sum to %d", currency, sum)
		}
	}
}

func TestDifferenceDoesNotDependOnTheOrderOfBalances(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		posted, want := drawBalances(t, "posted"), drawBalances(t, "want")
		first := mustDiffer(t, 1, posted, want)
		mixed := rapid.Permutation(want).Draw(t, "order")
		before := slices.Clone(mixed)
		second := mustDiffer(t, 1, rapid.Permutation(posted).Draw(t, "posted order"), mixed)
		if diff := cmp.Diff(ledger.Leaves(first), ledger.Leaves(second)); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(before, mixed); diff != "" {
			t.Fatalf("the caller's list was reordered:\n%s", diff)
		}
		if !slices.IsSortedFunc(first, func(a, b ledger.Posting) int { return a.Key.Compare(b.Key) }) {
			t.Fatal("the postings are not sorted by key")
		}
	})
}

// TestEventIDsTellFactsApart moves text between neighbouring fields, which a hash without lengths would not notice.
func TestEventIDsTellFactsApart(t *testing.T) {
	t.Parallel()
	word := rapid.SampledFrom([]string{"", "a", "b", "ab", "aa"})
	rapid.Check(t, func(t *rapid.T) {
		draw := func(which string) (string, ledger.Key, int64) {
			return word.Draw(t, which+" program"), ledger.Key{
				Source: word.Draw(t, "source"), LineID: word.Draw(t, "line"), ComponentID: word.Draw(t, "component"),
				DistributorID: word.Draw(t, "distributor"), Kind: ledger.Kind(word.Draw(t, "kind")), Currency: money.Currency(word.Draw(t, "currency")),
			}, rapid.Int64Range(0, 1).Draw(t, "revision")
		}
		p1, k1, r1 := draw("one")
		p2, k2, r2 := draw("two")
		same := p1 == p2 && k1 == k2 && r1 == r2
		if (ledger.EventID(p1, k1, r1) == ledger.EventID(p2, k2, r2)) != same {
			t.Fatalf("%q %v %d and %q %v %d", p1, k1, r1, p2, k2, r2)
		}
		if (k1.Compare(k2) == 0) != (k1 == k2) || k1.Compare(k2) != -k2.Compare(k1) {
			t.Fatalf("Compare(%v, %v) = %d", k1, k2, k1.Compare(k2))
		}
	})
}

// TestGolden fixes the bytes of every hash: what is sealed once must verify for ever.
func TestGolden(t *testing.T) {
	t.Parallel()
	posting := mustDiffer(t, 3, []ledger.Balance{earning("a:b", 1470)}, nil)[0]
	leaf := ledger.Leaf(posting)
	leaves := [][32]byte{leaf, {1}, {2}}
	first, err := ledger.Chain(ledger.Seal{}, "acme", leaves, 1_700_000_001_000_000)
	if err != nil {
		t.Fatal(err)
	}
	second, err := ledger.Chain(first, "acme", leaves[:1], 1_700_000_002_000_000)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := ledger.Prove(leaves, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "event %s\nleaf %s\n", posting.EventID, hex.EncodeToString(leaf[:]))
	for _, value := range []any{first, second, proof} {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s\n", text)
	}
	path := filepath.Join("testdata", "hashes.golden")
	if *update {
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Error(diff)
	}
}

func ExampleDifference() {
	key := ledger.Key{Source: "shop/1001", ComponentID: "retail", DistributorID: "D1", Kind: ledger.Earning, Currency: "EUR"}
	earned := []ledger.Balance{{Key: key, AmountMinor: 1470}}
	sale, err := ledger.Difference("acme", 1, nil, earned, ledger.Stamp{})
	fmt.Println(sale[0].From, sale[0].To, sale[0].AmountMinor, err)
	refund, err := ledger.Difference("acme", 2, earned, nil, ledger.Stamp{})
	fmt.Println(refund[0].From, refund[0].To, refund[0].AmountMinor, err)
	again, err := ledger.Difference("acme", 3, nil, nil, ledger.Stamp{})
	fmt.Println(len(again), err)
	// Output:
	// company:commission_expense distributor:D1:pending 1470 <nil>
	// company:commission_expense distributor:D1:pending -1470 <nil>
	// 0 <nil>
}
