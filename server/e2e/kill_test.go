package e2e_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// kills is how often the server dies without warning.
const kills = 20

// TestKillNine kills the server 20 times at random moments under load. Every order that was answered with a 2xx must be
// in the ledger exactly once, with the right cents, and the seals must hold.
func TestKillNine(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, databaseURL string) {
		in := newInstallation(t, databaseURL)
		acked := &ackedOrders{}
		for round := range kills {
			p := in.serve()
			stop := make(chan struct{})
			senders := in.load(acked, stop)
			time.Sleep(time.Duration(20+rand.IntN(300)) * time.Millisecond)
			p.end(os.Kill)
			close(stop)
			senders.Wait()
			t.Logf("kill %d: %d orders acknowledged so far", round+1, acked.count())
		}
		p := in.serve()
		in.settled()
		in.checkPaidOnce(acked)
		p.stop(t)
		if out := in.cli("verify"); !strings.Contains(out, "sound") {
			t.Errorf("verify says: %s", out)
		}
	})
}

// ackedOrders remembers which orders were answered with a 2xx.
type ackedOrders struct {
	next  atomic.Int64
	mu    sync.Mutex
	acked map[int]bool
}

func (a *ackedOrders) add(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.acked == nil {
		a.acked = map[int]bool{}
	}
	a.acked[n] = true
}

func (a *ackedOrders) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.acked)
}

func (a *ackedOrders) all() map[int]bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.acked)
}

// load sends new orders, and now and then an old one again under a new delivery id, until told to stop.
func (in *installation) load(acked *ackedOrders, stop <-chan struct{}) *sync.WaitGroup {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				n := int(acked.next.Add(1))
				status, err := in.webhook("orders/paid", fmt.Sprintf("first-%d", n), orderBody(n, orderText{}))
				if err == nil && status == http.StatusOK {
					acked.add(n)
				}
				if n%4 == 0 {
					_, _ = in.webhook("orders/updated", fmt.Sprintf("again-%d", n), orderBody(n-rand.IntN(4), orderText{}))
				}
			}
		})
	}
	return &wg
}

// checkPaidOnce holds every order in the books against what it must pay, and every acknowledged order against the books.
func (in *installation) checkPaidOnce(acked *ackedOrders) {
	in.t.Helper()
	paid := map[string]map[string]string{}
	for _, row := range in.rows("/api/mlm/commissions?") {
		id, who, value := row["order_id"].(string), row["referrer_id"].(string), row["value"].(string)
		if paid[id] == nil {
			paid[id] = map[string]string{}
		}
		if _, twice := paid[id][who]; twice {
			in.t.Errorf("order %s pays %s twice", id, who)
		}
		paid[id][who] = value
	}
	for id, got := range paid {
		if !maps.Equal(got, wanted) {
			in.t.Errorf("order %s pays %v, want %v", id, got, wanted)
		}
	}
	orders := acked.all()
	for n := range orders {
		if paid[fmt.Sprint(orderID(n))] == nil {
			in.t.Errorf("order %d was acknowledged and is lost", n)
		}
	}
	if len(orders) < kills {
		in.t.Errorf("only %d orders were acknowledged: the test proves nothing", len(orders))
	}
	in.t.Logf("%d orders acknowledged, %d in the ledger", len(orders), len(paid))
}
