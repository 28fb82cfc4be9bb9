package inbox

import (
	"context"
	"time"

	"upline.dev/upline/core/order"
)

// marksWaiting is how many commits' keys may wait for the memory. Beyond it they are forgotten: it is only a guess.
const marksWaiting = 64

// markWithin bounds one marking.
const markWithin = time.Second

// repeated says that exactly this delivery is stored already. The memory only says where it is worth to look: a look costs no commit and
// keeps nobody waiting. What it says wrongly is not found there, and is written as if nobody had said anything.
func (in *Inbox) repeated(ctx context.Context, d *order.Delivery, hash [32]byte) (first string, repeated bool) {
	if in.options.Memory == nil || !in.options.Memory.Seen(ctx, memoryKey(d.StoreID, d.PlatformDeliveryID, hash)) {
		return "", false
	}
	first, stored, found, err := in.store.FirstDelivery(ctx, d.StoreID, d.PlatformDeliveryID)
	return first, err == nil && found && stored == hash
}

// memoryKey has the body in it: another body under the same id is a conflict, which has to be written to be told.
func memoryKey(storeID, platformDeliveryID string, hash [32]byte) string {
	return storeID + "\x00" + platformDeliveryID + "\x00" + string(hash[:])
}

// remember has rows marked after their commit, and waits for nothing.
func (in *Inbox) remember(rows []Row) {
	if in.marks == nil {
		return
	}
	keys := make([]string, len(rows))
	for i := range rows {
		keys[i] = memoryKey(rows[i].StoreID, rows[i].PlatformDeliveryID, rows[i].BodySHA256)
	}
	select {
	case in.marks <- keys:
	default:
	}
}

func (in *Inbox) mark() {
	defer close(in.marked)
	for keys := range in.marks {
		ctx, cancel := context.WithTimeout(context.Background(), markWithin)
		in.options.Memory.Mark(ctx, keys...)
		cancel()
	}
}
