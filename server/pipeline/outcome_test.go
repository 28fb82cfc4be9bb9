package pipeline

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/catalog"
	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
)

func TestOutcome(t *testing.T) {
	t.Parallel()
	one, two := int64(1), int64(2)
	cases := []struct {
		name   string
		err    error
		want   verdict
		code   ReasonCode
		causes []string
	}{
		{"no error", nil, proceed, "", nil},
		{"database away", server.Errorf(server.Unavailable, "gone"), later, "", nil},
		{"stopping", context.Canceled, later, "", nil},
		{"too slow", context.DeadlineExceeded, later, "", nil},
		{"anything else", errors.New("?"), again, "", nil},
		{"a violated constraint", server.Errorf(server.Conflict, "?"), again, "", nil},
		{"held", &held{Reason{Code: ReasonNoPlan}}, park, ReasonNoPlan, nil},
		{"missing", &order.Undecided{Reason: order.OrderMissing}, park, ReasonOrderMissing, nil},
		{"stale", &order.Undecided{Reason: order.OrderStale}, park, ReasonOrderStale, nil},
		{"conflict", &order.Undecided{Reason: order.OrderConflict}, park, ReasonOrderConflict, nil},
		{"field", &order.Invalid{Field: "f"}, park, ReasonInvalidOrder, nil},
		{"totals", &order.Invalid{Field: "f", StatedMinor: &one, ComputedMinor: &two}, park, ReasonInconsistentTotals, nil},
		{"reference", &order.UnknownDistributor{Value: "AnNa"}, park, ReasonUnknownDistributor, []string{"ref:anna"}},
		{"SKU", &catalog.Unmapped{Platform: "shopify", PlatformSKU: "A b"}, park, ReasonUnmappedSKU, []string{"sku:shopify:A b"}},
		{"rate", &commission.MissingRate{Currency: "JPY"}, park, ReasonMissingRate, []string{"rate:JPY", "plan"}},
		{"rank", &commission.UnknownRank{DistributorID: "Lisa"}, park, ReasonUnknownRank, []string{"ref:lisa", "plan"}},
		{"wholesale", &commission.MissingWholesale{}, park, ReasonMissingWholesale, []string{"plan"}},
		{"upline", &genealogy.Fault{People: []string{"A", "b"}}, park, ReasonUnknownDistributor, []string{"ref:a", "ref:b"}},
		{"body", &adapters.Malformed{Field: "f"}, park, ReasonMalformed, nil},
		{"overflow", money.ErrOverflow, park, ReasonInvalidOrder, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := c.err
			if err != nil {
				err = fmt.Errorf("while at work: %w", err)
			}
			v, reason := outcome(err)
			if v != c.want || (reason != nil) != (c.want == park) {
				t.Fatalf("verdict %d, reason %+v", v, reason)
			}
			if reason == nil {
				return
			}
			if diff := cmp.Diff(c.causes, reason.Causes); diff != "" || reason.Code != c.code {
				t.Errorf("code %s %s", reason.Code, diff)
			}
		})
	}
}

func TestBackoffDoublesToItsMaximum(t *testing.T) {
	t.Parallel()
	b := Backoff{Min: time.Second, Max: time.Hour}
	for n, longest := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 12: 2048 * time.Second, 13: time.Hour, 1000: time.Hour} {
		for range 50 {
			if got := b.after(n); got > longest || got < longest*3/4-1 {
				t.Errorf("after %d failures: %v, want about %v", n, got, longest)
			}
		}
	}
}
