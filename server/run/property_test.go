package run_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/server/run"
)

// told is one thing that is said of an order: how many points it counts for now.
type told struct {
	order, seller string
	cv            int64
}

// TestRestateConverges: whatever is said before and after a lock, in whatever order, a restated month ends where one ends
// that knew everything from the beginning; and running it once more finds no difference.
func TestRestateConverges(t *testing.T) {
	t.Parallel()
	const enough = 25 // Each check is two databases.
	checks := 0
	rapid.Check(t, func(rt *rapid.T) {
		if checks++; checks > enough {
			return
		}
		sellers := []string{"ann", "ben", "cyd", "dan"}
		draw := rapid.Custom(func(rt *rapid.T) told {
			n := rapid.IntRange(0, 7).Draw(rt, "order")
			return told{fmt.Sprint("o", n), sellers[n%4], rapid.SampledFrom([]int64{0, 5, 10, 200, 400, 1500}).Draw(rt, "cv")}
		})
		before, after := rapid.SliceOfN(draw, 0, 8).Draw(rt, "before"), rapid.SliceOfN(draw, 0, 8).Draw(rt, "after")
		first, second := newCompany(t, "restate", ""), newCompany(t, "restate", "")
		say := func(c *company, list []told, month int) {
			for i, s := range list {
				c.now = day(3, 10).AddDate(0, month, i)
				c.sell(t, s.order, s.seller, day(3, 10), s.cv)
			}
		}
		say(first, before, 0)
		first.now = day(4, 5)
		first.close(t, "2026-03")
		say(first, after, 1)
		if _, err := first.run.Commit(t.Context(), program, "monthly", "2026-03"); err != nil {
			rt.Fatal(err)
		}
		say(second, append(before, after...), 0)
		second.now = day(4, 20)
		second.close(t, "2026-03")
		if diff := cmp.Diff(nonZero(second.earned(t)), nonZero(first.earned(t))); diff != "" {
			rt.Fatalf("(-known from the beginning +restated)\n%s", diff)
		}
		for _, c := range []*company{first, second} {
			again, err := c.run.Commit(t.Context(), program, "monthly", "2026-03")
			if err != nil || again.Changed || !again.Report.Empty() {
				rt.Fatalf("run again: %v, %+v", err, again)
			}
			shown, err := c.run.Preview(t.Context(), program, "monthly", "2026-03", false)
			if err != nil || !shown.Report.Empty() || shown.Period.State != run.Committed {
				rt.Fatalf("previewed: %v, %+v", err, shown)
			}
		}
	})
}

func nonZero(m map[string]int64) map[string]int64 {
	out := map[string]int64{}
	for k, v := range m {
		if v != 0 {
			out[k] = v
		}
	}
	return out
}
