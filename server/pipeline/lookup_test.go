package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server/inbox"
)

// TestLookups: what is asked for while one reading is under way is read together, and everybody gets the own rows alone.
func TestLookups(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var reads []string
		l := &lookups{read: func(_ context.Context, ids []string) (rows []inbox.Row, err error) {
			reads = append(reads, strings.Join(ids, " "))
			time.Sleep(time.Millisecond)
			for _, id := range ids {
				if id != "gone" {
					rows = append(rows, inbox.Row{Delivery: order.Delivery{DeliveryID: id}})
				}
			}
			return rows, nil
		}}
		var got [4]string
		var all sync.WaitGroup
		for i, ids := range [][]string{{"a", "b"}, {"c", "gone"}, {"d", "c"}, {"e"}} {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 100 * time.Microsecond)
				rows, err := l.find(t.Context(), ids)
				for _, row := range rows {
					got[i] += row.DeliveryID
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if want := []string{"a b", "c d e gone"}; !slices.Equal(reads, want) {
			t.Errorf("read %q, want %q", reads, want)
		}
		if want := [4]string{"ab", "c", "dc", "e"}; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// TestLookupsThatFail: an error, or a panic, is everybody's of that reading and nobody's of the next; who leaves takes nobody along.
func TestLookupsThatFail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reads := 0
		l := &lookups{read: func(_ context.Context, ids []string) ([]inbox.Row, error) {
			time.Sleep(time.Millisecond)
			switch reads++; reads {
			case 1:
				return nil, errors.New("away")
			case 2:
				panic("broken")
			}
			return []inbox.Row{{Delivery: order.Delivery{DeliveryID: ids[0]}}}, nil
		}}
		for i, want := range []string{"away", "panic: broken", "<nil>"} {
			if _, err := l.find(t.Context(), []string{"a"}); !strings.Contains(fmt.Sprint(err), want) {
				t.Errorf("reading %d: %v, want %s", i, err, want)
			}
		}
		impatient, leave := context.WithTimeout(t.Context(), time.Microsecond)
		defer leave()
		if _, err := l.find(impatient, []string{"a"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who leaves is told %v", err)
		}
		if rows, err := l.find(t.Context(), []string{"b"}); err != nil || len(rows) != 1 || rows[0].DeliveryID != "b" {
			t.Errorf("behind who left: %v, %v", rows, err)
		}
	})
}
