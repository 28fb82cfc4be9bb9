package demo_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/custom"
	"upline.dev/upline/adapters/shopify"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/demo"
	"upline.dev/upline/server/planfile"
)

// golden is the hash of everything the demonstration makes. Whoever changes it on purpose looks at the new figures with
// own eyes first: upline demo in an empty folder.
const golden = "a49de92462bd54468b64a61c95b1e7835a61ec79823c8a6db0b5dd788dfd41df"

func hash(c *demo.Company) string {
	h := sha256.New()
	fmt.Fprintln(h, c.Program, c.Stores, c.People, c.Mappings)
	for d := range c.Deliveries() {
		fmt.Fprintln(h, d.Number, d.Opening, d.Parks, d.StoreID, d.Platform, d.Topic, d.PlatformDeliveryID, d.Headers, string(d.Body))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func TestTheSameEverywhere(t *testing.T) {
	t.Parallel()
	c := demo.New()
	first := hash(c)
	if again := hash(c); again != first {
		t.Fatal("a second reading of the deliveries differs")
	}
	if other := hash(demo.New()); other != first {
		t.Fatal("a second company differs")
	}
	if first != golden {
		t.Fatalf("the hash is %s", first)
	}
}

func TestThePlanIsOneToShow(t *testing.T) {
	t.Parallel()
	report, err := planfile.Check(demo.PlanYAML, "plan.yaml", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range report.Findings {
		t.Error(finding)
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	c := demo.New()
	skus := map[string]bool{}
	for _, m := range c.Mappings {
		skus[m.PlatformSKU] = true
	}
	orders, money := map[int]bool{}, map[string]bool{}
	for d := range c.Deliveries() {
		orders[d.Number] = true
	}
	for _, s := range c.Stores {
		money[string(s.Currency)] = true
	}
	got := []int{len(c.People), len(c.Stores), len(skus), len(orders), len(money)}
	if diff := cmp.Diff([]int{500, 4, 60, 3600, 3}, got); diff != "" {
		t.Fatal(diff)
	}
}

// TestRowsAreSound: everybody has a sponsor who joined before, and every row passes the import's own checks.
func TestRowsAreSound(t *testing.T) {
	t.Parallel()
	c := demo.New()
	if err := admin.CheckDistributors(c.People); err != nil {
		t.Fatal(err)
	}
	if err := admin.CheckMappings(c.Mappings); err != nil {
		t.Fatal(err)
	}
	joined := map[string]string{"": ""}
	for _, p := range c.People {
		if sponsor, known := joined[p.SponsorID]; !known || sponsor >= p.CreatedAt {
			t.Fatalf("%s joined %s under %q of %q", p.DistributorID, p.CreatedAt, p.SponsorID, sponsor)
		}
		joined[p.DistributorID] = p.CreatedAt
	}
}

// TestBodiesAreWhatPlatformsSend: every body that is not broken on purpose is read by its adapter and makes a valid
// order, whose lines are mapped; the broken ones fail where they should.
func TestBodiesAreWhatPlatformsSend(t *testing.T) {
	t.Parallel()
	c := demo.New()
	stores, mapped := map[string]adapters.Store{}, map[string]bool{}
	for _, s := range c.Stores {
		stores[s.StoreID] = adapters.Store{StoreID: s.StoreID, Platform: s.Platform, Domain: s.Domain, Currency: s.Currency}
	}
	for _, m := range c.Mappings {
		mapped[m.PlatformSKU] = true
	}
	readers := map[order.Platform]adapters.Adapter{order.Shopify: shopify.New(), order.Custom: custom.New()}
	parked, statuses := map[string]int{}, map[order.Status]int{}
	for d := range c.Deliveries() {
		d.ReceivedAt = demo.Last
		revisions, err := readers[d.Platform].Normalise(d.Delivery, stores[d.StoreID])
		reason := ""
		if err != nil {
			reason = "malformed"
		}
		for _, r := range revisions {
			if r.Order == nil {
				continue
			}
			if err := r.Order.Validate(); err != nil {
				reason = "inconsistent_totals"
			}
			for _, l := range r.Order.Lines {
				if !mapped[l.PlatformSKU] {
					reason = "unmapped_sku"
				}
			}
			for _, e := range r.Order.Evidence {
				if strings.HasSuffix(e.Value, "X") {
					reason = "unknown_distributor"
				}
			}
			statuses[r.Order.Status]++
		}
		if reason != d.Parks {
			t.Fatalf("order %d, %s: parks as %q, want %q: %v", d.Number, d.Topic, reason, d.Parks, err)
		}
		if reason != "" {
			parked[reason]++
		}
	}
	for _, reason := range []string{"unmapped_sku", "unknown_distributor", "inconsistent_totals", "malformed"} {
		if n := parked[reason]; n < 1 || n > 25 {
			t.Errorf("%d orders park as %s", n, reason)
		}
	}
	for _, status := range []order.Status{order.Paid, order.Pending, order.PartiallyRefunded, order.Refunded, order.Voided} {
		if statuses[status] == 0 {
			t.Errorf("no order is %s: %v", status, statuses)
		}
	}
}

// TestFirstOrdersNeedNobodyElse: what a later order without a reference relies on has come, paid and sound, before it.
func TestFirstOrdersNeedNobodyElse(t *testing.T) {
	t.Parallel()
	first := true
	for d := range demo.New().Deliveries() {
		if first && (d.Number != 1001 || d.StoreID != "lumina-eu" || !d.Opening) {
			t.Fatalf("the example order is %+v", d)
		}
		first = false
		if d.Opening && (d.Parks != "" || d.Topic != "orders/paid" && d.Topic != "orders") {
			t.Fatalf("order %d is a customer's first and %s, parked as %q", d.Number, d.Topic, d.Parks)
		}
	}
}
