package order_test

import (
	"testing"

	"pgregory.net/rapid"

	"upline.dev/upline/core/order"
)

func TestBindingAt(t *testing.T) {
	t.Parallel()
	history := []order.Binding{
		{Kind: order.SponsorBinding, DistributorID: "ann", ValidFrom: 0, Version: 2},
		{Kind: order.SelfBinding, DistributorID: "ben", ValidFrom: 100, Version: 3},
		{Kind: order.SelfBinding, DistributorID: "cyd", ValidFrom: 100, Version: 5},
		{ValidFrom: 200, Version: 6},
	}
	for name, c := range map[string]struct {
		at, version int64
		want        string
	}{
		"before it was known":    {50, 1, ""},
		"the first":              {99, 9, "ann"},
		"from its instant on":    {100, 3, "ben"},
		"as it was known before": {100, 4, "ben"},
		"corrected":              {150, 5, "cyd"},
		"before it was ended":    {250, 5, "cyd"},
		"ended":                  {200, 6, ""},
	} {
		got, found := order.BindingAt(history, c.at, c.version)
		if got.DistributorID != c.want || found != (c.want != "") {
			t.Errorf("%s: %+v, %v", name, got, found)
		}
	}
}

// TestBindingAtIsOfNoOrder: in which order facts are read changes nothing, and later facts change no earlier view.
func TestBindingAtIsOfNoOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var history []order.Binding
		for version := range rapid.IntRange(0, 8).Draw(t, "facts") {
			history = append(history, order.Binding{
				DistributorID: rapid.SampledFrom([]string{"", "ann", "ben"}).Draw(t, "who"),
				ValidFrom:     rapid.Int64Range(0, 4).Draw(t, "from"), Version: int64(version + 1),
			})
		}
		at, version := rapid.Int64Range(0, 5).Draw(t, "at"), rapid.Int64Range(0, 9).Draw(t, "version")
		want, _ := order.BindingAt(history, at, version)
		shuffled := history
		if len(history) > 0 {
			shuffled = rapid.Permutation(history).Draw(t, "shuffled")
		}
		known := shuffled[:0:0]
		for _, b := range shuffled {
			if b.Version <= version {
				known = append(known, b)
			}
		}
		if got, _ := order.BindingAt(shuffled, at, version); got != want {
			t.Fatalf("shuffled: %+v, want %+v", got, want)
		}
		if got, _ := order.BindingAt(known, at, version); got != want {
			t.Fatalf("without later facts: %+v, want %+v", got, want)
		}
	})
}
