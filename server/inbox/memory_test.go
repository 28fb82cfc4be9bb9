package inbox_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server/dedupe"
	"upline.dev/upline/server/inbox"
)

func (s *store) FirstDelivery(_ context.Context, storeID, platformDeliveryID string) (id string, hash [32]byte, found bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	row, found := s.rows[storeID+"\x00"+platformDeliveryID]
	return row.DeliveryID, row.BodySHA256, found, nil
}

// liar is a memory that answers what it was told to, whatever is true.
type liar struct {
	mu      sync.Mutex
	answers []bool
	marked  int
}

func (l *liar) Seen(context.Context, string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.answers) == 0 {
		return false
	}
	answer := l.answers[0]
	l.answers = l.answers[1:]
	return answer
}

func (l *liar) Mark(_ context.Context, keys ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.marked += len(keys)
}

// TestMemoryDecidesNothing: whatever a memory says, the same deliveries are stored, and the same are told to be repeats and conflicts.
func TestMemoryDecidesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		type delivery struct{ Store, Key, Body int }
		sent := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) delivery {
			return delivery{rapid.IntRange(0, 1).Draw(rt, "store"), rapid.IntRange(0, 4).Draw(rt, "key"), rapid.IntRange(0, 1).Draw(rt, "body")}
		}), 1, 30).Draw(rt, "sent")
		run := func(memory inbox.Memory) (told []string, stored int) {
			s := &store{rows: map[string]inbox.Row{}}
			in, err := inbox.New(s, sealer{}, func() time.Time { return noon }, inbox.Options{Memory: memory})
			if err != nil {
				rt.Fatal(err)
			}
			first := map[string]string{} // our ids are made anew in each run
			for i, d := range sent {
				key := fmt.Sprint(d.Store, d.Key)
				r, err := in.Put(context.Background(), order.Delivery{
					StoreID: fmt.Sprint(d.Store), PlatformDeliveryID: fmt.Sprint(d.Key), Body: fmt.Append(nil, d.Body),
				})
				if err != nil {
					rt.Fatal(err)
				}
				if !r.Duplicate {
					first[key] = r.DeliveryID
				}
				told = append(told, fmt.Sprint(i, r.Duplicate, r.Conflict, first[key] == r.DeliveryID))
			}
			in.Close()
			return told, len(s.rows)
		}
		honest, err := dedupe.Open("", dedupe.Options{})
		if err != nil {
			rt.Fatal(err)
		}
		want, stored := run(nil)
		for _, memory := range []inbox.Memory{dedupe.None{}, honest, &liar{answers: rapid.SliceOfN(rapid.Bool(), 30, 30).Draw(rt, "lies")}} {
			got, held := run(memory)
			if diff := cmp.Diff(want, got); diff != "" || held != stored {
				rt.Fatalf("%T changes what is told or stored, %d rows instead of %d:\n%s", memory, held, stored, diff)
			}
		}
	})
}

// TestRepeatsWriteNothing: what was seen before is answered without a commit, and what was stored is marked.
func TestRepeatsWriteNothing(t *testing.T) {
	t.Parallel()
	s, l := &store{rows: map[string]inbox.Row{}}, &liar{answers: []bool{false, true, true}}
	in, err := inbox.New(s, sealer{}, func() time.Time { return noon }, inbox.Options{Memory: l})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for range 3 {
		r, err := in.Put(t.Context(), order.Delivery{StoreID: "s", PlatformDeliveryID: "d", Body: []byte("b")})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.DeliveryID)
	}
	in.Close()
	if len(s.batches) != 1 || ids[1] != ids[0] || ids[2] != ids[0] || l.marked != 1 {
		t.Errorf("%d commits, %d marked, ids %v", len(s.batches), l.marked, ids)
	}
}
