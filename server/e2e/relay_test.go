package e2e_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"upline.dev/upline/server/bus"
)

// TestEventsReachTheBus: the bus is away at first, and the server is killed while it publishes. In the end the bus has every posting
// of the ledger, and nothing else.
func TestEventsReachTheBus(t *testing.T) {
	t.Parallel()
	buses := map[string]func(t *testing.T) string{
		"kafka": func(t *testing.T) string {
			t.Helper()
			cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(cluster.Close)
			return "kafka://" + strings.Join(cluster.ListenAddrs(), ",")
		},
		"rabbitmq": func(t *testing.T) string {
			t.Helper()
			address := os.Getenv("UPLINE_TEST_RABBITMQ")
			if address == "" && os.Getenv("UPLINE_REQUIRE_SERVERS") == "1" {
				t.Fatal("UPLINE_TEST_RABBITMQ is not set")
			}
			if address == "" {
				t.Skip("UPLINE_TEST_RABBITMQ is not set")
			}
			return address
		},
	}
	for name, open := range buses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			heard := listen(t, open(t), "e2e-"+name)
			in := newInstallation(t, "")
			in.setenv("BUS_URL=" + strings.Split(heard.address, "://")[0] + "://127.0.0.1:1/")
			p := in.serve()
			for n := range 30 {
				in.mustPost("orders/paid", orderBody(n, orderText{}))
			}
			in.settled()
			p.end(os.Kill)
			in.setenv("BUS_URL=" + heard.address)
			p = in.serve()
			in.until("some events are published", func() bool { return heard.count() > 3 })
			p.end(os.Kill)
			p = in.serve()
			posted := map[string]bool{}
			for _, row := range in.rows("/api/v1/ledger?") {
				posted[row["event_id"].(string)] = true
			}
			in.until("all events are published", func() bool { return heard.has(posted) })
			p.stop(t)
		})
	}
}

// hearing is a consumer of commission events that writes down the events of one installation's orders.
type hearing struct {
	address string
	mu      sync.Mutex
	events  map[string]bool
}

// listen begins before anything is published, and tells this test's events from others' by what was posted.
func listen(t *testing.T, address, group string) *hearing {
	t.Helper()
	h := &hearing{address: address, events: map[string]bool{}}
	b, err := bus.Open(address, bus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() { _ = b.Consume(ctx, "commission.event", group, h.handle) })
	t.Cleanup(func() { cancel(); ended.Wait(); _ = b.Close() })
	return h
}

func (h *hearing) handle(_ context.Context, batch []bus.Message) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range batch {
		var told struct {
			Data struct {
				Events []struct {
					EventID string `json:"event_id"`
				} `json:"events"`
			} `json:"data"`
		}
		if err := json.Unmarshal(m.Body, &told); err != nil {
			return bus.Poison(err)
		}
		for _, e := range told.Data.Events {
			h.events[e.EventID] = true
		}
	}
	return nil
}

func (h *hearing) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.events)
}

// has reports whether exactly these were heard. The test has the bus to itself but for the suite of the bus, whose topics have other
// names.
func (h *hearing) has(posted map[string]bool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id := range posted {
		if !h.events[id] {
			return false
		}
	}
	return len(posted) > 0 && len(h.events) == len(posted)
}
