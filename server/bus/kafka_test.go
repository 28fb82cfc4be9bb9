package bus_test

import (
	"context"
	"slices"
	"strings"
	"testing"

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
