package run

import (
	"testing"
	"time"

	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// TestCountsIn: a late change counts in exactly one period, the one in which it was recorded or the first after it that
// is not locked without it.
func TestCountsIn(t *testing.T) {
	t.Parallel()
	at := func(month time.Month, d int) int64 {
		return time.Date(2026, month, d, 0, 0, 0, 0, time.UTC).UnixMicro()
	}
	month := func(m time.Month) period.Period {
		return period.Period{Kind: plan.Monthly, From: at(m, 1), To: at(m+1, 1)}
	}
	locked := func(m time.Month, sequence int64, late string) Period {
		return Period{
			From: time.UnixMicro(at(m, 1)).UTC(), To: time.UnixMicro(at(m+1, 1)).UTC(), State: Locked, Late: late, Pins: Pins{SalesSequence: sequence},
		}
	}
	all := locks{locked(1, 10, plan.LateCurrent), locked(2, 20, plan.LateCurrent), locked(3, 30, plan.LateCurrent)}
	for name, c := range map[string]struct {
		order, recorded, sequence int64
		want                      time.Month // 0: nowhere else than in its own month
	}{
		"in time":                                    {at(1, 5), at(2, 2), 9, 0},
		"in the next month":                          {at(1, 5), at(2, 9), 15, 2},
		"two months later":                           {at(1, 5), at(3, 9), 25, 3},
		"in the grace of the month after":            {at(1, 5), at(3, 2), 19, 3},
		"recorded before the end, committed after":   {at(3, 5), at(3, 31), 31, 4},
		"recorded before two ends, committed after":  {at(2, 5), at(2, 27), 31, 4},
		"of a month that was never locked":           {at(4, 5), at(4, 9), 35, 0},
		"of a time before the first month with lock": {time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro(), at(4, 9), 35, 0},
	} {
		sale := &Sale{OrderTS: c.order, RecordedAt: c.recorded, Sequence: c.sequence}
		for m := time.February; m <= time.May; m++ {
			if m <= time.March && all[m-1].Pins.SalesSequence < c.sequence {
				continue // The month does not read what came after its own lock.
			}
			if got := all[:min(int(m)-1, len(all))].countsIn(month(m), sale); got != (m == c.want) {
				t.Errorf("%s: counts in month %d: %t, want month %d", name, m, got, c.want)
			}
		}
	}
	restate := locks{locked(1, 10, plan.LateRestate)}
	if restate.countsIn(month(2), &Sale{OrderTS: at(1, 5), RecordedAt: at(2, 9), Sequence: 15}) {
		t.Error("a change that January will be restated with counts in February")
	}
}
