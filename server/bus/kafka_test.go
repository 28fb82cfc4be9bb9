package bus_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"upline.dev/upline/server/bus"
)

// waiting is a topic of Kafka's in which a message of each of 20 keys waits for a first member.
func waiting(t *testing.T) (*world, bus.Bus) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	w := &world{t: t, address: "kafka://" + strings.Join(cluster.ListenAddrs(), ","), topic: "t"}
	b := w.open(fast())
	w.publish(b, numbered(20, 20)...)
	return w, b
}

// TestFewOfManyPartitionsAreOneBatch: to hand over each partition's few messages by themselves would cost as much as for many.
func TestFewOfManyPartitionsAreOneBatch(t *testing.T) {
	t.Parallel()
	w, b := waiting(t)
	r := &reader{}
	w.join(b, "a", r.handle)
	w.soon("all arrive", func() bool { return len(r.ids()) == 20 })
	if r.largest < 15 { // of four partitions no one has so many
		t.Errorf("%d messages at once at most", r.largest)
	}
}

// TestAStuckPartitionHoldsUpNoOther: a message that is never handled keeps those of other partitions for as long as they are tried
// together, and not for ever.
func TestAStuckPartitionHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	w, b := waiting(t)
	r := &reader{}
	w.join(b, "a", func(ctx context.Context, batch []bus.Message) error {
		if slices.ContainsFunc(batch, func(m bus.Message) bool { return m.Key == "key 0" }) {
			<-ctx.Done()
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return r.handle(ctx, batch)
	})
	w.soon("those of other partitions arrive", func() bool { return len(r.ids()) >= 10 })
}

// TestWhatHasComeMeanwhileIsHandledNext: a client fetches one step ahead, and what comes after that, while a batch is handled, must not wait
// until the batch after it is handled too.
func TestWhatHasComeMeanwhileIsHandledNext(t *testing.T) {
	t.Parallel()
	w, b := waiting(t)
	r := &reader{}
	handling, leave := make(chan struct{}), make(chan struct{})
	together := 0 // tries in which all that had come was handled at once
	w.join(b, "a", func(ctx context.Context, batch []bus.Message) error {
		if batch[0].Key == "held" {
			handling <- struct{}{}
			<-leave
		}
		if len(batch) == 6 && strings.HasPrefix(batch[0].Key, "meanwhile") {
			if together++; together%2 == 0 { // Then each partition is tried by itself, and still in order.
				return errors.New("not together")
			}
		}
		return r.handle(ctx, batch)
	})
	w.soon("those before arrive", func() bool { return len(r.ids()) == 20 })
	const tries = 20 // The broker may be slow for once.
	for n := range tries {
		w.publish(b, bus.Message{ID: fmt.Sprintf("held %02d", n), Key: "held"})
		<-handling
		for round := range 2 { // The first is fetched ahead, the second is not.
			for key := range 3 {
				w.publish(b, bus.Message{ID: fmt.Sprintf("try %02d round %d key %d", n, round, key), Key: fmt.Sprint("meanwhile ", key)})
			}
			time.Sleep(20 * time.Millisecond)
		}
		leave <- struct{}{}
		w.soon("all arrive", func() bool { return len(r.ids()) == 20+7*(n+1) })
	}
	if together == 0 {
		t.Errorf("in none of %d tries what had come was handled together", tries)
	}
	w.inOrder(r.messages())
}
