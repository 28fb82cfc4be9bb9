package order

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// everyOrder runs check on the state of each permutation of the revisions.
func everyOrder(t *testing.T, revisions []Revision, check func(State)) {
	t.Helper()
	var walk func(done, left []Revision)
	walk = func(done, left []Revision) {
		if len(left) == 0 {
			check(merged(t, done...))
		}
		for i := range left {
			rest := append(append([]Revision{}, left[:i]...), left[i+1:]...)
			walk(append(append([]Revision{}, done...), left[i]), rest)
		}
	}
	walk(nil, revisions)
}

func TestMergeKeepsTheNewestSnapshot(t *testing.T) {
	t.Parallel()
	older, newer := paidOrder(product("A", 1, 1000)), paidOrder(product("A", 1, 2000))
	triggered := snapshot(5, older)
	triggered.Version.Triggered = 1
	cases := map[string]struct {
		told []Revision
		want int64
	}{
		"higher Updated wins":             {[]Revision{snapshot(5, older), snapshot(6, newer)}, 2000},
		"then higher Triggered":           {[]Revision{triggered, snapshot(5, newer)}, 1000},
		"Updated before Triggered":        {[]Revision{triggered, snapshot(6, newer)}, 2000},
		"plugin over webhook, whole":      {[]Revision{snapshot(9, older), onChannel(Plugin, snapshot(1, newer))}, 2000},
		"webhook over api":                {[]Revision{onChannel(API, snapshot(9, older)), snapshot(1, newer)}, 2000},
		"ignored says nothing":            {[]Revision{snapshot(5, newer), revision(Ignored, Webhook, 9)}, 2000},
		"an equal hint is moot":           {[]Revision{snapshot(5, newer), revision(Hint, Webhook, 5)}, 2000},
		"a weaker channel's hint is moot": {[]Revision{onChannel(Plugin, snapshot(5, newer)), revision(Hint, Webhook, 1e15)}, 2000},
		"an older hint beside a newer one": {
			[]Revision{snapshot(5, newer), revision(Hint, Webhook, 3), revision(Hint, Webhook, 4)}, 2000,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyOrder(t, c.told, func(s State) {
				if got := mustEffective(t, s).Lines[0].GrossMinor; got != c.want {
					t.Fatalf("gross %d, want %d", got, c.want)
				}
			})
		})
	}
}

func onChannel(c Channel, r Revision) Revision {
	r.Channel = c
	return r
}

func TestEffectiveUndecided(t *testing.T) {
	t.Parallel()
	one, other := paidOrder(product("A", 1, 1000)), paidOrder(product("A", 1, 2000))
	cases := map[string]struct {
		told   []Revision
		reason UndecidedReason
		detail string
	}{
		"nothing":                 {nil, OrderMissing, "no snapshot"},
		"only a refund":           {[]Revision{refunding(1, goods("r1", "A", 1, 10, 0))}, OrderMissing, "st_1/4001"},
		"only a deletion":         {[]Revision{revision(Deletion, Webhook, 1)}, OrderMissing, "no snapshot"},
		"a newer hint":            {[]Revision{snapshot(5, one), revision(Hint, Webhook, 6)}, OrderStale, "at 6"},
		"a stronger channel hint": {[]Revision{snapshot(5, one), revision(Hint, Plugin, 1)}, OrderStale, "plugin"},
		"one version, two prices": {[]Revision{snapshot(5, one), snapshot(5, other)}, OrderConflict, `line "A" gross_minor is 1000 or 2000`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyOrder(t, c.told, func(s State) {
				_, err := s.Effective()
				var undecided *Undecided
				if !errors.As(err, &undecided) || undecided.Reason != c.reason || !strings.Contains(err.Error(), c.detail) {
					t.Fatalf("got %v, want %s with %q", err, c.reason, c.detail)
				}
				if got := s.Validate(); !errors.As(got, &undecided) {
					t.Fatalf("Validate gives %v, want the same", got)
				}
			})
		})
	}
}

// TestEqualVersionsUnite tells two bodies of one version in both orders and looks at what they make together.
func TestEqualVersionsUnite(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		one, other func(*Order)
		check      func(Order) bool
	}{
		"later stage": {
			func(o *Order) { o.Status = Paid }, func(o *Order) { o.Status = Pending },
			func(o Order) bool { return o.Status == Paid },
		},
		"cancelled over voided": {
			func(o *Order) { o.Status = Voided }, func(o *Order) { o.Status = Cancelled },
			func(o Order) bool { return o.Status == Cancelled },
		},
		"refunded over cancelled": {
			func(o *Order) { o.Status = Refunded }, func(o *Order) { o.Status = Cancelled },
			func(o Order) bool { return o.Status == Refunded },
		},
		"smaller quantity": {
			func(o *Order) { o.Lines[0].CurrentQuantity = ptr(2) }, func(o *Order) { o.Lines[0].CurrentQuantity = ptr(1) },
			func(o Order) bool { return *o.Lines[0].CurrentQuantity == 1 },
		},
		"a told quantity": {
			func(o *Order) { o.Lines[0].CurrentQuantity = ptr(2) }, func(*Order) {},
			func(o Order) bool { return *o.Lines[0].CurrentQuantity == 2 },
		},
		"more paid of a line": {
			func(o *Order) { o.Lines[0].PaidNetMinor = ptr(2) }, func(o *Order) { o.Lines[0].PaidNetMinor = ptr(5) },
			func(o Order) bool { return *o.Lines[0].PaidNetMinor == 5 },
		},
		"both refunds": {
			func(o *Order) { o.Refunds = []Refund{goods("r1", "A", 1, 10, 0)} },
			func(o *Order) { o.Refunds = []Refund{goods("r2", "A", 1, 20, 0)} },
			func(o Order) bool { return len(o.Refunds) == 2 && o.Refunds[0].RefundID == "r1" },
		},
		"one refund told twice, with and without lines": {
			func(o *Order) { o.Refunds = []Refund{{RefundID: "r1", MoneyMinor: 999}} },
			func(o *Order) { o.Refunds = []Refund{goods("r1", "A", 1, 20, 0)} },
			func(o Order) bool { return len(o.Refunds) == 1 && o.Refunds[0].MoneyMinor == 0 },
		},
		"evidence": {
			func(o *Order) { o.Evidence = []Evidence{{LandingReference, "X"}, {DistributorCode, "A"}} },
			func(o *Order) { o.Evidence = []Evidence{{DistributorCode, "A"}} },
			func(o Order) bool {
				return cmp.Equal(o.Evidence, []Evidence{{DistributorCode, "A"}, {LandingReference, "X"}})
			},
		},
		"a told buyer": {func(o *Order) { o.BuyerID = "9" }, func(*Order) {}, func(o Order) bool { return o.BuyerID == "9" }},
		"a told total": {func(o *Order) { o.TotalMinor = 9 }, func(*Order) {}, func(o Order) bool { return o.TotalMinor == 9 }},
		"more paid":    {func(o *Order) { o.PaidMinor = 9 }, func(o *Order) { o.PaidMinor = 8 }, func(o Order) bool { return o.PaidMinor == 9 }},
		"a told wholesale price": {
			func(o *Order) { o.Lines[0].WholesaleMinor = ptr(5) }, func(*Order) {},
			func(o Order) bool { return *o.Lines[0].WholesaleMinor == 5 },
		},
		"totals of the body that has all refunds": {
			func(o *Order) { o.PaidMinor, o.TotalMinor = 2000, 3000 },
			func(o *Order) {
				o.PaidMinor, o.TotalMinor, o.Refunds = 1980, 2980, []Refund{goods("r1", "A", 1, 20, 0)}
			}, func(o Order) bool { return o.PaidMinor == 1980 && o.TotalMinor == 2980 },
		},
		"no totals where no body has all refunds": {
			func(o *Order) { o.PaidMinor, o.TotalMinor, o.Refunds = 9, 9, []Refund{goods("r2", "A", 1, 10, 0)} },
			func(o *Order) { o.PaidMinor, o.TotalMinor, o.Refunds = 8, 8, []Refund{goods("r1", "A", 1, 20, 0)} },
			func(o Order) bool { return o.PaidMinor == 0 && o.TotalMinor == 0 },
		},
		"a name": {func(o *Order) { o.Name = "#2" }, func(o *Order) { o.Name = "#1" }, func(o Order) bool { return o.Name == "#1" }},
		"stated of the body that has all refunds": {
			func(o *Order) { o.Stated.SubtotalMinor = ptr(3000) },
			func(o *Order) {
				o.Stated.SubtotalMinor, o.Refunds = ptr(2980), []Refund{goods("r1", "A", 1, 20, 0)}
			}, func(o Order) bool { return *o.Stated.SubtotalMinor == 2980 },
		},
		"nothing stated where no body has all refunds": {
			func(o *Order) {
				o.Stated.SubtotalMinor, o.Refunds = ptr(2990), []Refund{goods("r2", "A", 1, 10, 0)}
			},
			func(o *Order) {
				o.Stated.SubtotalMinor, o.Refunds = ptr(2980), []Refund{goods("r1", "A", 1, 20, 0)}
			}, func(o Order) bool { return o.Stated.SubtotalMinor == nil },
		},
		"nothing stated where equal bodies state two totals": {
			func(o *Order) { o.Stated.SubtotalMinor = ptr(3000) }, func(o *Order) { o.Stated.SubtotalMinor = ptr(2999) },
			func(o Order) bool { return o.Stated.SubtotalMinor == nil },
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one, other := paidOrder(product("A", 3, 3000)), paidOrder(product("A", 3, 3000))
			c.one(&one)
			c.other(&other)
			everyOrder(t, []Revision{snapshot(5, one), snapshot(5, other)}, func(s State) {
				if s.Channels[0].Conflict != "" || !c.check(s.Channels[0].Order) {
					t.Fatalf("conflict %q, order %+v", s.Channels[0].Conflict, s.Channels[0].Order)
				}
			})
		})
	}
}

func TestEqualVersionsConflict(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change func(*Order)
		want   string
	}{
		"gross":          {func(o *Order) { o.Lines[0].GrossMinor = 7 }, `line "A" gross_minor is 3000 or 7`},
		"discount":       {func(o *Order) { o.Lines[0].DiscountMinor = 7 }, `line "A" discount_minor is 0 or 7`},
		"tax":            {func(o *Order) { o.Lines[0].TaxMinor = 7 }, `line "A" tax_minor is 0 or 7`},
		"sku":            {func(o *Order) { o.Lines[0].PlatformSKU = "Z" }, `line "A" platform_sku is SKU-A or Z`},
		"kind":           {func(o *Order) { o.Lines[0].Kind = Tip }, `line "A" kind is product or tip`},
		"quantity":       {func(o *Order) { o.Lines[0].Quantity = 4 }, `line "A" quantity is 3 or 4`},
		"unit price":     {func(o *Order) { o.Lines[0].UnitPriceMinor = 4 }, `line "A" unit_price_minor is 0 or 4`},
		"wholesale":      {func(o *Order) { o.Lines[0].WholesaleMinor = ptr(4) }, `line "A" wholesale_minor is 1 or 4`},
		"currency":       {func(o *Order) { o.Currency = "USD" }, "currency is EUR or USD"},
		"order time":     {func(o *Order) { o.OrderTS = placed.Add(time.Second) }, "order_ts is 2026-11-10T09:15:00Z or 2026-11-10T09:15:01Z"},
		"taxes included": {func(o *Order) { o.TaxesIncluded = true }, "taxes_included is false or true"},
		"test":           {func(o *Order) { o.Test = true }, "test is false or true"},
		"order discount": {func(o *Order) { o.OrderDiscountMinor = 5 }, "order_discount_minor is 0 or 5"},
		"total":          {func(o *Order) { o.TotalMinor = 5 }, "total_minor is 4 or 5"},
		"buyer":          {func(o *Order) { o.BuyerID = "2" }, "buyer_id is 1 or 2"},
		"country":        {func(o *Order) { o.Country = "DE" }, "country is AT or DE"},
		"platform":       {func(o *Order) { o.Platform = Custom }, "platform is custom or shopify"},
		"another line":   {func(o *Order) { o.Lines[0].LineID = "B" }, `line "A" is in one snapshot and missing in another; line "B" is in one`},
		"a line twice":   {func(o *Order) { o.Lines = append(o.Lines, o.Lines[0]) }, `line "A" is told twice`},
		"a refund twice": {func(o *Order) { o.Refunds = []Refund{goods("r", "A", 0, 0, 0), goods("r", "A", 0, 0, 0)} }, `refund "r" is told twice`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := func() Order {
				o := paidOrder(product("A", 3, 3000))
				o.TotalMinor, o.BuyerID, o.Country, o.Lines[0].WholesaleMinor = 4, "1", "AT", ptr(1)
				return o
			}
			one, other := body(), body()
			c.change(&other)
			everyOrder(t, []Revision{snapshot(5, one), snapshot(5, other)}, func(s State) {
				if !strings.HasPrefix(s.Channels[0].Conflict, c.want) {
					t.Fatalf("conflict %q, want %q", s.Channels[0].Conflict, c.want)
				}
				next := merged(t, append([]Revision{snapshot(5, one), snapshot(5, other)}, snapshot(6, one))...)
				if next.Channels[0].Conflict != "" || next.Channels[0].Rivals != nil {
					t.Fatal("a newer snapshot must end the conflict")
				}
			})
		})
	}
}

func TestTooManyRivalsAreAConflict(t *testing.T) {
	t.Parallel()
	var told []Revision
	for i := range int64(maxRivals + 5) {
		o := paidOrder(product("A", 3, 3000))
		o.PaidMinor = i
		told = append(told, snapshot(5, o))
	}
	atLimit := merged(t, told[:maxRivals]...)
	if got := mustEffective(t, atLimit).PaidMinor; got != maxRivals-1 {
		t.Fatalf("paid %d, want %d", got, maxRivals-1)
	}
	s, back := merged(t, told...), State{}
	for i := range told {
		back, _ = Merge(back, told[len(told)-1-i])
	}
	if diff := cmp.Diff(s, back); diff != "" || len(s.Channels[0].Rivals) != maxRivals+1 {
		t.Fatalf("%d rivals\n%s", len(s.Channels[0].Rivals), diff)
	}
	if !strings.Contains(s.Channels[0].Conflict, "more than 16 different snapshots") {
		t.Fatalf("conflict %q", s.Channels[0].Conflict)
	}
}

func TestLongConflictsAreCut(t *testing.T) {
	t.Parallel()
	one, other := paidOrder(), paidOrder()
	for i := range 20 {
		id := string(rune('a' + i))
		one.Lines, other.Lines = append(one.Lines, product(id, 1, 1)), append(other.Lines, product(id, 1, 2))
	}
	s := merged(t, snapshot(1, one), snapshot(1, other))
	if got := s.Channels[0].Conflict; !strings.HasSuffix(got, "; and 12 more") {
		t.Fatalf("conflict %q", got)
	}
}

func TestMergeRefuses(t *testing.T) {
	t.Parallel()
	state := merged(t, snapshot(1, paidOrder(product("A", 1, 1000))))
	cases := map[string]struct {
		change func(*Revision)
		field  string
	}{
		"another source":      {func(r *Revision) { r.Source.PlatformOrderID, r.Order.Source.PlatformOrderID = "2", "2" }, "source"},
		"no store":            {func(r *Revision) { r.Source.StoreID = "" }, "source.store_id"},
		"no order id":         {func(r *Revision) { r.Source.PlatformOrderID = "" }, "source.platform_order_id"},
		"no channel":          {func(r *Revision) { r.Channel = "" }, "channel"},
		"an unknown channel":  {func(r *Revision) { r.Channel = "fax" }, "channel"},
		"an unknown kind":     {func(r *Revision) { r.Kind = "rumour" }, "kind"},
		"no order":            {func(r *Revision) { r.Order = nil }, "order"},
		"an order of another": {func(r *Revision) { r.Order.Source.StoreID = "st_2" }, "order.source"},
		"a time without JSON": {func(r *Revision) { r.Order.OrderTS = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, "order.order_ts"},
		"a refund without id": {func(r *Revision) { r.Order.Refunds = []Refund{{}} }, "order.refunds[0].refund_id"},
		"a refund time without JSON": {
			func(r *Revision) {
				r.Kind, r.Refunds = Refunding, []Refund{{RefundID: "r", At: time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)}}
			}, "refunds[0].at",
		},
		"a refund alone without id": {func(r *Revision) { r.Kind, r.Refunds = Refunding, []Refund{{}} }, "refunds[0].refund_id"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := snapshot(2, paidOrder(product("A", 1, 2000)))
			c.change(&r)
			got, err := Merge(state, r)
			var bad *Invalid
			if !errors.As(err, &bad) || bad.Field != c.field {
				t.Fatalf("got %v, want a fault of %s", err, c.field)
			}
			if diff := cmp.Diff(state, got); diff != "" {
				t.Fatalf("a refused revision changed the state:\n%s", diff)
			}
		})
	}
	foreign := revision(Deletion, Webhook, 1)
	foreign.Source.PlatformOrderID = "2"
	if _, err := Merge(merged(t, refunding(1, goods("r", "A", 1, 1, 0))), foreign); err == nil {
		t.Fatal("a state that knows only a refund must refuse another source too")
	}
	if _, err := Merge(State{Channels: state.Channels}, foreign); err == nil {
		t.Fatal("a state without its own source must take that of its snapshot")
	}
}

func TestMergeChangesNeitherArgument(t *testing.T) {
	t.Parallel()
	paid, refunded := taxIncluded()
	s := merged(t, snapshot(7, paid))
	before, _ := json.Marshal(s)
	r := snapshot(7, refunded)
	r.Order.OrderTS = r.Order.OrderTS.In(time.FixedZone("", 3600))
	r.Order.Refunds = []Refund{goods("2", "1002", 1, 1, 0), goods("1", "1001", 1, 1, 0)}
	if _, err := Merge(s, r); err != nil {
		t.Fatal(err)
	}
	if after, _ := json.Marshal(s); string(after) != string(before) {
		t.Fatal("the state changed")
	}
	if r.Order.Refunds[0].RefundID != "2" || r.Order.OrderTS.Location() == time.UTC {
		t.Fatal("the revision changed")
	}
}

func TestLateRefundTakesItsUnitsBack(t *testing.T) {
	t.Parallel()
	paid, refunded := taxIncluded()
	back := refunded.Refunds[0]
	everyOrder(t, []Revision{snapshot(7, paid), refunding(0, back)}, func(s State) {
		o := mustEffective(t, s)
		if *o.Lines[0].CurrentQuantity != 1 || o.Stated.SubtotalMinor != nil {
			t.Fatalf("left %d, stated %v; want 1 and nothing", *o.Lines[0].CurrentQuantity, o.Stated.SubtotalMinor)
		}
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int64{3743, 982}, nets(mustNet(t, o, NetPolicy{}))); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestOneRefundToldDifferently never adds up two tellings of one refund: the one that says more wins whole.
func TestOneRefundToldDifferently(t *testing.T) {
	t.Parallel()
	money, less, more := Refund{RefundID: "r", MoneyMinor: 900}, goods("r", "A", 1, 90, 0), goods("r", "A", 1, 100, 0)
	less.MoneyTaxMinor = 5 // Makes the text of the smaller refund the greater one.
	everyOrder(t, []Revision{refunding(1, money), refunding(2, more), refunding(3, less)}, func(s State) {
		if diff := cmp.Diff([]Refund{more}, s.Refunds); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestOrderOfRefundsIsNoRival takes a body that lists the same refunds the other way round for the same body.
func TestOrderOfRefundsIsNoRival(t *testing.T) {
	t.Parallel()
	o := paidOrder(product("A", 3, 3000))
	o.Stated.SubtotalMinor = ptr(2970)
	o.Refunds = []Refund{goods("r1", "A", 1, 10, 0), goods("r2", "A", 1, 20, 0)}
	other := o
	other.Refunds = []Refund{o.Refunds[1], o.Refunds[0]}
	everyOrder(t, []Revision{snapshot(1, o), snapshot(1, other)}, func(s State) {
		if s.Channels[0].Rivals != nil || mustEffective(t, s).Stated.SubtotalMinor == nil {
			t.Fatalf("rivals %v", s.Channels[0].Rivals)
		}
	})
}

// TestDeletionAbsorbs makes sure that whatever else comes, a deleted order has nothing left.
func TestDeletionAbsorbs(t *testing.T) {
	t.Parallel()
	paid, refunded := taxIncluded()
	conflicting := paid
	conflicting.Currency = "USD"
	told := []Revision{snapshot(7, paid), revision(Deletion, Webhook, 1), snapshot(9, refunded), snapshot(9, conflicting), revision(Hint, Webhook, 99)}
	everyOrder(t, told, func(s State) {
		o := mustEffective(t, s)
		if o.Status != Cancelled {
			t.Fatalf("status %s", o.Status)
		}
		if b := mustNet(t, o, NetPolicy{}); b.NetMinor != 0 {
			t.Fatalf("net %d of a deleted order", b.NetMinor)
		}
	})
}

func TestEndedOrders(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change func(*Order)
		want   int64
	}{
		"told nothing else: nothing is left": {func(*Order) {}, 0},
		"a refund of nothing is no telling":  {func(o *Order) { o.Refunds = []Refund{{RefundID: "r"}} }, 0},
		"every quantity still told: nothing": {func(o *Order) { o.Lines[0].CurrentQuantity = ptr(2) }, 0},
		"a refund: what it leaves":           {func(o *Order) { o.Refunds = []Refund{goods("r", "A", 1, 1000, 0)} }, 1500},
		"a money refund: what it leaves":     {func(o *Order) { o.Refunds = []Refund{{RefundID: "r", MoneyMinor: 500}} }, 2000},
		"a quantity: what it leaves":         {func(o *Order) { o.Lines[0].CurrentQuantity = ptr(1) }, 1500},
	}
	for name, c := range cases {
		for _, status := range []Status{Voided, Cancelled, Refunded} {
			t.Run(string(status)+" and "+name, func(t *testing.T) {
				t.Parallel()
				o := paidOrder(product("A", 2, 2000), product("B", 1, 500))
				o.Status = status
				c.change(&o)
				for policy := range map[MoneyRefundPolicy]bool{SpreadMoneyRefunds: true, IgnoreMoneyRefunds: true} {
					b := mustNet(t, mustEffective(t, merged(t, snapshot(1, o))), NetPolicy{MoneyRefunds: policy})
					if b.NetMinor != c.want || !b.Counts {
						t.Fatalf("net %d, counts %v, want %d", b.NetMinor, b.Counts, c.want)
					}
					if direct := mustNet(t, o, NetPolicy{MoneyRefunds: policy}); !cmp.Equal(b, direct) {
						t.Fatal("Net must not depend on the order having passed Effective")
					}
				}
			})
		}
	}
}

// revisions draws from so small a world that versions, ids and bodies collide.
func revisions() *rapid.Generator[Revision] {
	return rapid.Custom(func(t *rapid.T) Revision {
		r := revision(
			rapid.SampledFrom([]RevisionKind{Snapshot, Snapshot, Snapshot, OneLine, OneLine, Refunding, Deletion, Hint, Ignored}).Draw(t, "kind"),
			rapid.SampledFrom([]Channel{API, Webhook, Plugin}).Draw(t, "channel"),
			rapid.Int64Range(0, 2).Draw(t, "updated"),
		)
		r.Version.Triggered = rapid.Int64Range(0, 1).Draw(t, "triggered")
		switch r.Kind {
		case Snapshot:
			o := smallOrder(t)
			r.Order = &o
		case OneLine:
			o := smallOrder(t)
			id := rapid.SampledFrom([]string{"A", "B", "C"}).Draw(t, "line")
			o.Lines = []Line{product(id, 1, rapid.Int64Range(1, 2).Draw(t, "gross"))}
			o.PaidMinor, o.Stated, o.BuyerUntold = 0, Stated{}, false
			r.Order = &o
		case Refunding:
			r.Refunds = smallRefunds(t)
		}
		return r
	})
}

func smallOrder(t *rapid.T) Order {
	var lines []Line
	for _, id := range []string{"A", "B"} {
		if rapid.Bool().Draw(t, "has "+id) {
			line := product(id, 2, rapid.Int64Range(1, 2).Draw(t, "gross"))
			line.CurrentQuantity = rapid.SampledFrom([]*int64{nil, ptr(0), ptr(1), ptr(2)}).Draw(t, "left")
			line.PaidNetMinor = rapid.SampledFrom([]*int64{nil, ptr(0), ptr(500), ptr(900)}).Draw(t, "paid net")
			lines = append(lines, line)
		}
	}
	if rapid.Bool().Draw(t, "reversed") && len(lines) == 2 {
		lines[0], lines[1] = lines[1], lines[0]
	}
	o := paidOrder(lines...)
	o.Status = rapid.SampledFrom([]Status{Pending, Paid, PartiallyRefunded, Cancelled, Refunded, Voided}).Draw(t, "status")
	o.Refunds = smallRefunds(t)
	o.Stated.SubtotalMinor = rapid.SampledFrom([]*int64{nil, ptr(1), ptr(2)}).Draw(t, "stated")
	o.PaidMinor = rapid.Int64Range(0, 1).Draw(t, "paid")
	o.BuyerID = rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "buyer")
	if o.Undated = rapid.Bool().Draw(t, "undated"); o.Undated {
		o.OrderTS = placed.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "told")) * time.Second)
	}
	o.Stated.SalesMinor = rapid.SampledFrom([]*int64{nil, nil, ptr(1)}).Draw(t, "sales")
	o.BuyerUntold = rapid.Bool().Draw(t, "buyer untold")
	if rapid.Bool().Draw(t, "evidence") {
		o.Evidence = []Evidence{{LandingReference, rapid.SampledFrom([]string{"x", "y"}).Draw(t, "ref")}, {DistributorCode, "a"}}
	}
	return o
}

func smallRefunds(t *rapid.T) []Refund {
	var refunds []Refund
	for range rapid.IntRange(0, 2).Draw(t, "refunds") {
		refund := goods(rapid.SampledFrom([]string{"r1", "r2"}).Draw(t, "id"), "A", 1, rapid.Int64Range(0, 2).Draw(t, "subtotal"), 0)
		if rapid.Bool().Draw(t, "money only") {
			refund.Lines, refund.MoneyMinor = nil, rapid.Int64Range(0, 2).Draw(t, "money")
		}
		refund.Deleted = rapid.IntRange(0, 3).Draw(t, "deleted") == 0
		refunds = append(refunds, refund)
	}
	return refunds
}

func TestMergeIsAJoin(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		told := rapid.SliceOfN(revisions(), 1, 7).Draw(t, "told")
		again := rapid.Permutation(append(append([]Revision{}, told...), told[rapid.IntRange(0, len(told)-1).Draw(t, "twice")])).Draw(t, "again")
		var a, b State
		for _, r := range told {
			a, _ = Merge(a, r)
		}
		for _, r := range again {
			b, _ = Merge(b, r)
		}
		if diff := cmp.Diff(a, b); diff != "" {
			t.Fatalf("another order of arrival, another state:\n%s", diff)
		}
		cut := rapid.IntRange(0, len(told)).Draw(t, "cut")
		var left, right State
		for i, r := range told {
			if i < cut {
				left, _ = Merge(left, r)
			} else {
				right, _ = Merge(right, r)
			}
		}
		if diff := cmp.Diff(a, join(left, right)); diff != "" {
			t.Fatalf("not associative:\n%s", diff)
		}
		if diff := cmp.Diff(join(left, right), join(right, left)); diff != "" {
			t.Fatalf("not commutative:\n%s", diff)
		}
		if diff := cmp.Diff(a, join(a, a)); diff != "" {
			t.Fatalf("not idempotent:\n%s", diff)
		}
		sameAfterJSON(t, a)
		sameOrder(t, a, b)
	})
}

// sameOrder makes sure that states which are equal also tell one order, and that no deleted refund is in it.
func sameOrder(t *rapid.T, a, b State) {
	one, errOne := a.Effective()
	other, errOther := b.Effective()
	if diff := cmp.Diff(one, other); diff != "" || (errOne == nil) != (errOther == nil) {
		t.Fatalf("one state, two orders (%v, %v):\n%s", errOne, errOther, diff)
	}
	for _, refund := range one.Refunds {
		if refund.Deleted {
			t.Fatalf("refund %s is deleted and still in the order", refund.RefundID)
		}
	}
}

func sameAfterJSON(t *rapid.T, s State) {
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back State
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, back); diff != "" {
		t.Fatalf("JSON changed the state:\n%s", diff)
	}
}

func BenchmarkMerge(b *testing.B) {
	paid, refunded := taxIncluded()
	known, err := Merge(State{}, snapshot(7, paid))
	if err != nil {
		b.Fatal(err)
	}
	for name, r := range map[string]Revision{
		"newer snapshot": snapshot(8, refunded), "repeat": snapshot(7, paid), "rival": snapshot(7, refunded),
		"refund alone": refunding(0, refunded.Refunds...),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Merge(known, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
