package store

import (
	"testing"
	"time"
)

// TestCountsAreKept: a large count is repeated for a hundred times as long as it took, a small one never.
func TestCountsAreKept(t *testing.T) {
	t.Parallel()
	now, rows, asked := time.Unix(1000, 0), int64(manyRows), 0
	tally := &tally{}
	ask := func() (int64, error) {
		asked++
		now = now.Add(20 * time.Millisecond)
		return rows, nil
	}
	count := func() int64 {
		n, err := tally.count(func() time.Time { return now }, "orders", ask, func() {
			begin := now
			n, _ := ask()
			tally.keep("orders", n, begin, now)
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	count()
	rows++
	now = now.Add(1999 * time.Millisecond)
	if n := count(); n != manyRows || asked != 1 {
		t.Errorf("within its time: %d, asked %d times", n, asked)
	}
	now = now.Add(time.Millisecond)
	if n := count(); n != manyRows || asked != 2 {
		t.Errorf("after its time, while it is counted anew: %d, asked %d times", n, asked)
	}
	if n := count(); n != manyRows+1 || asked != 2 {
		t.Errorf("counted anew: %d, asked %d times", n, asked)
	}
	now, rows = now.Add(time.Hour), manyRows-1
	count()
	rows = 7
	if n := count(); n != 7 || asked != 4 {
		t.Errorf("a small count: %d, asked %d times", n, asked)
	}
}
