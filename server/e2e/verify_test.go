package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// TestVerifyBesideAServer checks the books while a server settles changes of the same few orders as fast as it can: what
// is written while verify reads must not look like a fault.
func TestVerifyBesideAServer(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, databaseURL string) {
		in := newInstallation(t, databaseURL)
		p := in.serve()
		var posted atomic.Int64
		stop := make(chan struct{})
		var senders sync.WaitGroup
		for sender := range 4 {
			senders.Go(func() {
				for round := 0; ; round++ {
					select {
					case <-stop:
						return
					default:
					}
					n := sender*10 + round%10
					status, err := in.webhook("orders/updated", "", orderBody(n, orderText{
						updated: fmt.Sprintf("2026-10-01T%02d:%02d:%02dZ", 11+round/3600, round/60%60, round%60), returned: round / 10 % 2,
					}))
					if err != nil || status != http.StatusOK {
						t.Errorf("order %d: %d %v", n, status, err)
						return
					}
					posted.Add(1)
				}
			})
		}
		in.until("some orders to be settled", func() bool { return len(in.rows("/api/v1/orders?")) >= 20 })
		for range 8 {
			if out, err := in.try("verify"); err != nil || !strings.Contains(out, ": sound (") {
				t.Errorf("after %d deliveries verify says %v:\n%s", posted.Load(), err, out)
			}
		}
		close(stop)
		senders.Wait()
		in.settled()
		p.stop(t)
		if out := in.cli("verify"); !strings.Contains(out, " of 40 orders recomputed") || !strings.Contains(out, ": sound (") {
			t.Errorf("in the end verify says: %s", out)
		}
	})
}
