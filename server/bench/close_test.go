package bench_test

import (
	"context"
	"testing"

	"upline.dev/upline/server/bench"
)

// TestCloseIsTheSameOnAnyNumberOfCores runs small companies of every shape.
func TestCloseIsTheSameOnAnyNumberOfCores(t *testing.T) {
	t.Parallel()
	for _, c := range []bench.CloseConfig{
		{Distributors: 3000, Lines: 40_000, Shape: bench.ShapeRandom},
		{Distributors: 3000, Lines: 40_000, Shape: bench.ShapeWide},
		{Distributors: 100_500, Lines: 20_000, Shape: bench.ShapeDeep},
		{Distributors: 4000, Shape: bench.ShapeRandom, Binary: true},
	} {
		var before *bench.CloseReport
		for workers := 1; workers <= 3; workers++ {
			c.Workers = workers
			r, err := bench.Close(context.Background(), c)
			if err != nil {
				t.Fatalf("%+v: %v", c, err)
			}
			if before != nil && (r.PaidMinor != before.PaidMinor || r.Amounts != before.Amounts || r.Carried != before.Carried || r.StateHash != before.StateHash) {
				t.Errorf("%+v: %d in %d amounts, %d carried; on fewer cores %d in %d, %d", c, r.PaidMinor, r.Amounts, r.Carried,
					before.PaidMinor, before.Amounts, before.Carried)
			}
			before = r
		}
	}
}

func TestCloseRefusesWhatItCannotMake(t *testing.T) {
	t.Parallel()
	for _, c := range []bench.CloseConfig{
		{Distributors: 10, Shape: "round"},
		{Shape: bench.ShapeWide},
		{Distributors: 10, Lines: -1, Shape: bench.ShapeWide},
		{Distributors: 10, Shape: bench.ShapeDeep},
	} {
		if r, err := bench.Close(context.Background(), c); err == nil {
			t.Errorf("%+v gave %+v", c, r)
		}
	}
}

// TestCloseStops checks that a close can be ended between its steps.
func TestCloseStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := bench.Close(ctx, bench.CloseConfig{Distributors: 10, Lines: 10, Shape: bench.ShapeWide}); err == nil {
		t.Error("a close that was stopped ended well")
	}
}
