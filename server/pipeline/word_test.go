package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/twmb/franz-go/pkg/kfake"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/shopify"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/bus"
	"upline.dev/upline/server/courier"
	"upline.dev/upline/server/event"
	"upline.dev/upline/server/pipeline"
)

// TestWord drives an engine by what a bus tells, on every bus: what arrives is settled without any sweep; doubled, forged, unreadable and
// newer messages, some at the head of a partition, change nothing and hold up nobody.
func TestWord(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]func(t *testing.T) string{
		"memory":   func(*testing.T) string { return "" },
		"rabbitmq": rabbitAddress,
		"kafka": func(t *testing.T) string {
			t.Helper()
			cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(cluster.Close)
			return "kafka://" + strings.Join(cluster.ListenAddrs(), ",")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openBus(t, address(t))
			sh := openShop(t)
			p, stop := sh.engine(t, pipeline.Options{PollEvery: time.Hour})
			defer stop()
			heard := &hearing{Bus: b}
			receiving(t, b, p)
			sending(t, sh, p, heard, courier.Options{DueAfter: time.Hour})
			publish(t, b, broken(0)...) // At the head of their partitions.
			for n := range orders {
				sh.put(t, fmt.Sprint("d", n), "orders/paid", webhook(n, 1, "TEA", "paid"))
			}
			publish(t, b, broken(1)...)
			want := sh.earned(t)
			if len(want) == 0 {
				t.Fatal("nothing was earned")
			}
			heard.valid(t)
			publish(t, b, heard.messages()...) // All of them twice.
			publish(t, b, bus.Message{ID: "last", Key: "last", Body: bytes.ReplaceAll(heard.messages()[0].Body, []byte(`"1.0"`), []byte(`"1.0","later":{"a":[1]}`))})
			sh.put(t, "after", "orders/paid", webhook(orders-1, 2, "TEA", "paid"))
			if diff := cmp.Diff(want, sh.earned(t)); diff != "" {
				t.Errorf("word that came twice changed what was earned:\n%s", diff)
			}
		})
	}
}

// broken are messages that no engine can act on, of several keys.
func broken(round int) (all []bus.Message) {
	newer := `{"specversion":"1.0","id":"x","source":"/programs/p1","type":"dev.upline.order.normalised.v2","programid":"p1","data":{"delivery":["in another form"]}}`
	forged := `{"specversion":"1.0","id":"x","source":"/programs/p1","type":"dev.upline.order.normalised.v1","programid":"p1","data":{"delivery_id":"0199-none"}}`
	for i, body := range []string{newer, forged, "", "{", strings.ReplaceAll(forged, "0199-none", `a\u0000b`), strings.ReplaceAll(forged, "order.normalised", "commission.event")} {
		key := fmt.Sprintf("p1/s1/%d", firstOrder+i)
		all = append(all, bus.Message{ID: fmt.Sprint("broken", round, i), Key: key, Body: []byte(body)})
	}
	return all
}

// TestWordIsLost: the bus fails, or takes word and loses it. The sweep finds every delivery: at once where the bus is known to be away.
func TestWordIsLost(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]error{"lost": nil, "the bus is away": errors.New("the broker is away")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sh := openShop(t)
			p, stop := sh.engine(t, pipeline.Options{PollEvery: 10 * time.Millisecond})
			defer stop()
			hole := &hole{err: fail}
			sending(t, sh, p, hole, courier.Options{DueAfter: 300 * time.Millisecond, Pause: time.Hour})
			for n := range orders {
				sh.put(t, fmt.Sprint("d", n), "orders/paid", webhook(n, 1, "TEA", "paid"))
			}
			if len(sh.earned(t)) == 0 {
				t.Error("nothing was earned")
			}
			if calls := hole.count(); calls == 0 || fail != nil && calls > 2 {
				t.Errorf("the bus was asked %d times", calls)
			}
		})
	}
}

// hole is a bus that delivers nothing.
type hole struct {
	mu    sync.Mutex
	calls int
	err   error
}

func (h *hole) Publish(context.Context, string, []bus.Message) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls++
	return h.err
}

func (h *hole) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.calls
}

// hearing writes down what is published.
type hearing struct {
	bus.Bus
	mu  sync.Mutex
	all []bus.Message
}

func (h *hearing) Publish(ctx context.Context, topic string, batch []bus.Message) error {
	h.mu.Lock()
	h.all = append(h.all, batch...)
	h.mu.Unlock()
	return h.Bus.Publish(ctx, topic, batch)
}

func (h *hearing) messages() []bus.Message {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all[:len(h.all):len(h.all)]
}

// valid holds every event against the published schema.
func (h *hearing) valid(t *testing.T) {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(event.NormalisedSchema))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("event.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("event.json")
	if err != nil {
		t.Fatal(err)
	}
	all := h.messages()
	if len(all) < orders {
		t.Errorf("%d events of %d orders", len(all), orders)
	}
	for _, m := range all {
		told, err := jsonschema.UnmarshalJSON(bytes.NewReader(m.Body))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(told); err != nil {
			t.Errorf("%s: %v", m.Body, err)
		}
		broken, err := jsonschema.UnmarshalJSON(bytes.NewReader(bytes.ReplaceAll(m.Body, []byte("delivery_id"), []byte("delivery"))))
		if err != nil {
			t.Fatal(err)
		}
		if schema.Validate(broken) == nil {
			t.Error("the schema takes an event that points to nothing")
		}
	}
}

func rabbitAddress(t *testing.T) string {
	t.Helper()
	address := os.Getenv("UPLINE_TEST_RABBITMQ")
	if address == "" && os.Getenv("UPLINE_REQUIRE_SERVERS") == "1" {
		t.Fatal("UPLINE_TEST_RABBITMQ is not set")
	}
	if address == "" {
		t.Skip("UPLINE_TEST_RABBITMQ is not set")
	}
	return fmt.Sprintf("%s?prefix=t%d-%d.", address, time.Now().UnixNano(), rand.Uint32()) // Others use the same broker.
}

func openBus(t *testing.T, address string) bus.Bus {
	t.Helper()
	b, err := bus.Open(address, bus.Options{Attempts: 2, RetryFirst: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func publish(t *testing.T, b bus.Bus, messages ...bus.Message) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := b.Publish(ctx, event.Normalised, messages); err != nil {
		t.Fatal(err)
	}
}

// engine sets a pipeline going that nothing is handed to.
func (sh *shop) engine(t *testing.T, o pipeline.Options) (p *pipeline.Pipeline, stop func()) {
	t.Helper()
	p, err := pipeline.New(pipeline.Deps{
		Inbox: sh.store, Bodies: sh.inbox, Store: sh.store, Clock: time.Now, Logger: slog.New(slog.DiscardHandler),
		Adapters: map[order.Platform]adapters.Adapter{order.Shopify: shopify.New()},
	}, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	return p, func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) { // a test may be over before it has begun
			t.Error(err)
		}
	}
}

// receiving lets an engine hear of what a bus tells, and waits until it does.
func receiving(t *testing.T, b bus.Bus, p *pipeline.Pipeline) {
	t.Helper()
	r := &courier.Receiver{Engine: p, Logger: slog.New(slog.DiscardHandler), Clock: time.Now}
	ready := make(chan struct{})
	var once sync.Once
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() {
		_ = b.Consume(ctx, event.Normalised, courier.Group, func(ctx context.Context, batch []bus.Message) error {
			once.Do(func() { close(ready) })
			return r.Handle(ctx, batch)
		})
	})
	t.Cleanup(func() { cancel(); ended.Wait() })
	for end := time.Now().Add(time.Minute); ; {
		publish(t, b, broken(9)[0])
		select {
		case <-ready:
			return
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(end) {
			t.Fatal("the engine hears nothing")
		}
	}
}

// sending gives word of what the shop's inbox stores.
func sending(t *testing.T, sh *shop, p *pipeline.Pipeline, b courier.Publisher, o courier.Options) {
	t.Helper()
	s := courier.NewSender(p, b, time.Now, slog.New(slog.DiscardHandler), nil, o)
	sh.inbox.HandTo(s)
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() { s.Run(ctx) })
	t.Cleanup(func() { sh.inbox.Close(); cancel(); ended.Wait() })
}
