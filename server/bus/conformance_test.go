package bus_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"upline.dev/upline/server"
	"upline.dev/upline/server/bus"
)

// Where the real servers are. KAFKA_URL, such as kafka://127.0.0.1:9092, runs the suite on a real cluster instead of a fake one that
// speaks the protocol.
const (
	rabbitVariable = "UPLINE_TEST_RABBITMQ"
	kafkaVariable  = "KAFKA_URL"
)

// fast are options under which nothing takes long.
func fast() bus.Options {
	return bus.Options{RetryFirst: 5 * time.Millisecond, RetryMost: 50 * time.Millisecond, Attempts: 3, Partitions: 4, BatchMax: 50, Rebalance: 20 * time.Millisecond}
}

// TestConformance holds every bus to what the package promises.
func TestConformance(t *testing.T) {
	t.Parallel()
	t.Run("memory", func(t *testing.T) { t.Parallel(); conform(t, "") })
	t.Run("rabbitmq", func(t *testing.T) {
		t.Parallel()
		conform(t, rabbitAddress(t))
	})
	t.Run("kafka", func(t *testing.T) {
		t.Parallel()
		address := os.Getenv(kafkaVariable)
		if address == "" {
			cluster, err := kfake.NewCluster(kfake.NumBrokers(3))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(cluster.Close)
			address = "kafka://" + strings.Join(cluster.ListenAddrs(), ",")
		}
		conform(t, address)
	})
}

// rabbitAddress is where a real RabbitMQ is. Without one the test is skipped, or fails where servers are required, as in make test.
func rabbitAddress(t *testing.T) string {
	t.Helper()
	address := os.Getenv(rabbitVariable)
	if address == "" {
		if os.Getenv("UPLINE_REQUIRE_SERVERS") == "1" {
			t.Fatalf("%s is not set", rabbitVariable)
		}
		t.Skipf("%s is not set", rabbitVariable)
	}
	return address
}

func conform(t *testing.T, address string) {
	t.Helper()
	for name, f := range map[string]func(*world){
		"everything arrives": everythingArrives, "order of a key": orderOfAKey, "members share": membersShare, "groups": groups, "a while of errors": errorsForAWhile,
		"poison": poisonous, "panic": panics, "a member dies": memberDies, "the network breaks": networkBreaks, "bounded": bounded,
		"large and empty": largeAndEmpty, "closing": closing, "members balance": membersBalance, "members come and go": membersComeAndGo,
		"topic removed": topicRemoved, "batches grow": batchesGrow, "full": full, "prefix": prefixes, "partitions": partitions,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(&world{t: t, address: address, topic: newTopic()})
		})
	}
}

func newTopic() string { return fmt.Sprintf("t%d-%d", time.Now().UnixNano(), rand.Uint32()) }

// world is one topic on one bus.
type world struct {
	t       *testing.T
	address string
	topic   string
}

func (w *world) open(o bus.Options) bus.Bus {
	w.t.Helper()
	b, err := bus.Open(w.address, o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = b.Close() })
	return b
}

// reader is a member of a group that writes down what it gets.
type reader struct {
	mu      sync.Mutex
	got     []bus.Message
	largest int
}

func (r *reader) handle(_ context.Context, batch []bus.Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, batch...)
	r.largest = max(r.largest, len(batch))
	return nil
}

func (r *reader) messages() []bus.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// ids counts how often each message came.
func (r *reader) ids() map[string]int {
	counts := map[string]int{}
	for _, m := range r.messages() {
		counts[m.ID]++
	}
	return counts
}

// join makes a member and waits until its group gets what is published.
func (w *world) join(b bus.Bus, group string, h bus.Handler) (leave func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	ready := make(chan struct{})
	var once sync.Once
	go func() {
		ended <- b.Consume(ctx, w.topic, group, func(ctx context.Context, batch []bus.Message) error {
			batch = slices.DeleteFunc(slices.Clone(batch), func(m bus.Message) bool {
				if m.Key == "ready" {
					once.Do(func() { close(ready) })
				}
				return m.Key == "ready"
			})
			if len(batch) == 0 {
				return nil
			}
			return h(ctx, batch)
		})
	}()
	left := false
	leave = func() {
		if left {
			return
		}
		left = true
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				w.t.Errorf("consume ended with %v", err)
			}
		case <-time.After(30 * time.Second):
			w.t.Error("consume does not end with its context")
		}
	}
	w.t.Cleanup(leave)
	publisher := w.open(fast())
	if w.address == "" {
		publisher = b
	}
	for end := time.Now().Add(60 * time.Second); ; {
		w.publish(publisher, bus.Message{ID: "ready", Key: "ready", Body: []byte("{}")})
		select {
		case <-ready:
			return leave
		case <-time.After(100 * time.Millisecond):
		}
		if time.Now().After(end) {
			w.t.Fatal("the group gets nothing")
		}
	}
}

func (w *world) publish(b bus.Bus, batch ...bus.Message) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	if err := b.Publish(ctx, w.topic, batch); err != nil {
		w.t.Fatalf("publish: %v", err)
	}
}

func (w *world) soon(what string, happened func() bool) {
	w.t.Helper()
	for end := time.Now().Add(60 * time.Second); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("did not happen: %s", what)
		}
	}
}

// numbered makes messages of some keys, numbered within each key.
func numbered(count, keys int) []bus.Message {
	all := make([]bus.Message, count)
	for i := range all {
		all[i] = bus.Message{ID: fmt.Sprintf("m%05d", i), Key: fmt.Sprintf("key %d", i%keys), Body: fmt.Appendf(nil, `{"n":%d}`, i)}
	}
	return all
}

// inOrder fails where a key's messages came in another order than their ids'. What comes again must come again in order.
func (w *world) inOrder(got []bus.Message) {
	w.t.Helper()
	last := map[string]string{}
	for _, m := range got {
		if m.ID < last[m.Key] {
			w.t.Fatalf("%s of %s came after %s", m.ID, m.Key, last[m.Key])
		}
		last[m.Key] = m.ID
	}
}

func everythingArrives(w *world) {
	b, r := w.open(fast()), &reader{}
	if err := b.Ping(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.join(b, "a", r.handle)
	all := numbered(500, 20)
	w.publish(b, all[:300]...)
	w.publish(b, all[300:]...)
	w.soon("all arrive", func() bool { return len(r.ids()) == len(all) })
	want := map[string]bus.Message{}
	for _, m := range all {
		want[m.ID] = m
	}
	for _, m := range r.messages() {
		if o := want[m.ID]; m.Key != o.Key || string(m.Body) != string(o.Body) {
			w.t.Fatalf("got %+v, want %+v", m, o)
		}
	}
}

func orderOfAKey(w *world) {
	b, r := w.open(fast()), &reader{}
	w.join(b, "a", r.handle)
	all := numbered(600, 7)
	for part := range slices.Chunk(all, 13) {
		w.publish(b, part...)
	}
	w.soon("all arrive", func() bool { return len(r.ids()) == len(all) })
	w.inOrder(r.messages())
}

// membersShare: two members of a group get everything between them.
func membersShare(w *world) {
	b := w.open(fast())
	other := b
	if w.address != "" {
		other = w.open(fast())
	}
	one, two := &reader{}, &reader{}
	w.join(b, "a", one.handle)
	w.join2(other, "a", two.handle)
	all := numbered(400, 40)
	for part := range slices.Chunk(all, 20) {
		w.publish(b, part...)
	}
	w.soon("all arrive", func() bool {
		both := one.ids()
		for id := range two.ids() {
			both[id]++
		}
		return len(both) == len(all)
	})
}

// join2 adds a member to a group that is there already: whether it gets anything is the bus's choice.
func (w *world) join2(b bus.Bus, group string, h bus.Handler) {
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() { _ = b.Consume(ctx, w.topic, group, h) })
	w.t.Cleanup(func() { cancel(); ended.Wait() })
}

// membersBalance: a member that joins gets its part of the work while the first one goes on with the rest.
func membersBalance(w *world) {
	b := w.open(fast())
	other := b
	if w.address != "" {
		other = w.open(fast())
	}
	one, two := &reader{}, &reader{}
	w.join(b, "a", one.handle)
	w.join2(other, "a", two.handle)
	publisher := b
	if w.address != "" {
		publisher = w.open(fast())
	}
	all := numbered(40, 40)
	w.soon("both work", func() bool {
		before, beforeTwo := len(one.messages()), len(two.messages())
		for range 4 {
			w.publish(publisher, all...)
		}
		time.Sleep(50 * time.Millisecond)
		return len(one.messages())-before >= 5 && len(two.messages())-beforeTwo >= 5
	})
}

// watch holds all members of a group to one order: what comes for the first time of a key comes after all before it, and two members never
// work on one key at once.
type watch struct {
	w    *world
	mu   sync.Mutex
	busy map[string]bool
	seen map[string]bool
	last map[string]string
}

func (o *watch) member() bus.Handler {
	return func(_ context.Context, batch []bus.Message) error {
		keys := map[string]bool{}
		o.mu.Lock()
		for _, m := range batch {
			if keys[m.Key] = true; o.busy[m.Key] {
				o.w.t.Errorf("two members work on %s", m.Key)
			}
		}
		for key := range keys {
			o.busy[key] = true
		}
		o.mu.Unlock()
		time.Sleep(time.Millisecond)
		o.mu.Lock()
		defer o.mu.Unlock()
		for _, m := range batch {
			if !o.seen[m.ID] && m.ID < o.last[m.Key] {
				o.w.t.Errorf("%s of %s came after %s", m.ID, m.Key, o.last[m.Key])
			}
			o.seen[m.ID] = true
			o.last[m.Key] = max(o.last[m.Key], m.ID)
		}
		for key := range keys {
			delete(o.busy, key)
		}
		return nil
	}
}

func (o *watch) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.seen)
}

// membersComeAndGo: partitions change hands again and again; nothing is lost, and each key stays in order.
func membersComeAndGo(w *world) {
	o := &watch{w: w, busy: map[string]bool{}, seen: map[string]bool{}, last: map[string]string{}}
	first := w.open(fast())
	open := func() bus.Bus {
		if w.address == "" {
			return first
		}
		return w.open(fast())
	}
	w.join(first, "a", o.member())
	publisher, all := open(), numbered(1200, 24)
	var others []func()
	for i, part := range slices.Collect(slices.Chunk(all, 20)) {
		switch i % 15 {
		case 0, 3:
			others = append(others, w.join3(open(), "a", o.member()))
		case 9, 12:
			others[0]()
			others = others[1:]
		}
		w.publish(publisher, part...)
		time.Sleep(10 * time.Millisecond)
	}
	w.soon("all arrive", func() bool { return o.count() == len(all) })
}

// join3 is join2 whose member leaves when it is told to.
func (w *world) join3(b bus.Bus, group string, h bus.Handler) (leave func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() { _ = b.Consume(ctx, w.topic, group, h) })
	leave = sync.OnceFunc(func() { cancel(); ended.Wait() })
	w.t.Cleanup(leave)
	return leave
}

// topicRemoved: somebody removes the topic, or a group's queues, while it is in use. What is published afterwards arrives again.
func topicRemoved(w *world) {
	b, r := w.open(fast()), &reader{}
	w.join(b, "a", r.handle)
	w.removeTopic()
	all := numbered(40, 8)
	w.soon("it arrives again", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if b.Publish(ctx, w.topic, all) != nil {
			return false
		}
		time.Sleep(20 * time.Millisecond)
		return len(r.ids()) == len(all)
	})
}

func (w *world) removeTopic() {
	w.t.Helper()
	switch {
	case strings.HasPrefix(w.address, "amqp"):
		connection, err := amqp.Dial(w.address)
		if err != nil {
			w.t.Fatal(err)
		}
		defer connection.Close()
		channel, err := connection.Channel()
		if err != nil {
			w.t.Fatal(err)
		}
		for p := range fast().Partitions {
			if _, err := channel.QueueDelete(fmt.Sprintf("upline.%s.a.%d", w.topic, p), false, false, false); err != nil {
				w.t.Fatal(err)
			}
		}
	case w.address != "":
		client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(strings.TrimPrefix(w.address, "kafka://"), ",")...))
		if err != nil {
			w.t.Fatal(err)
		}
		defer client.Close()
		request := kmsg.NewPtrDeleteTopicsRequest()
		named := kmsg.NewDeleteTopicsRequestTopic()
		named.Topic = &w.topic
		request.TopicNames, request.Topics, request.TimeoutMillis = []string{w.topic}, append(request.Topics, named), 5000
		if _, err := request.RequestWith(w.t.Context(), client); err != nil {
			w.t.Fatal(err)
		}
	}
}

// full: a bus that takes no more says so within the publisher's time, and takes everything again once there is room.
func full(w *world) {
	o := fast()
	b, r := w.open(o), &reader{}
	var blocked atomic.Bool
	blocked.Store(true)
	w.join(b, "a", func(ctx context.Context, batch []bus.Message) error {
		for blocked.Load() && w.address == "" { // Here a bus is full when its readers are busy.
			if ctx.Err() != nil {
				return ctx.Err()
			}
			time.Sleep(time.Millisecond)
		}
		return r.handle(ctx, batch)
	})
	publisher := b
	free := w.fill(func(p bus.Bus) { publisher = p })
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	all := numbered(100, 10)
	if err := publisher.Publish(ctx, w.topic, all); err == nil {
		w.t.Error("a full bus took everything")
	}
	free()
	blocked.Store(false)
	again, done := context.WithTimeout(context.Background(), 60*time.Second)
	defer done()
	for publisher.Publish(again, w.topic, all) != nil {
		if again.Err() != nil {
			w.t.Fatal("it takes nothing more")
		}
		time.Sleep(5 * time.Millisecond)
	}
	if !strings.HasPrefix(w.address, "kafka") { // The fake that was full has no reader.
		w.soon("all arrive", func() bool { return len(r.ids()) == len(all) })
	}
}

// partitions: a process that divides a topic otherwise than others is told so, whatever it does with it, and changes nothing.
func partitions(w *world) {
	ctx, cancel := context.WithTimeout(w.t.Context(), 60*time.Second)
	defer cancel()
	b, r := w.open(fast()), &reader{}
	w.join(b, "a", r.handle)
	if err := b.Prepare(ctx, w.topic); err != nil {
		w.t.Fatal(err)
	}
	o := fast()
	o.Partitions = 6
	other := w.open(o)
	if w.address == "" {
		if err := other.Prepare(ctx, w.topic); err != nil {
			w.t.Error(err) // A process has a bus of its own.
		}
		return
	}
	for what, err := range map[string]error{
		"prepare": other.Prepare(ctx, w.topic), "publish": other.Publish(ctx, w.topic, numbered(1, 1)), "consume": other.Consume(ctx, w.topic, "a", r.handle),
	} {
		if server.CodeOf(err) != server.Invalid || !strings.Contains(err.Error(), "BUS_PARTITIONS") {
			w.t.Errorf("%s with other partitions: %v", what, err)
		}
	}
	all := numbered(100, 10)
	w.publish(b, all...)
	w.soon("all arrive", func() bool { return len(r.ids()) == len(all) })
	w.inOrder(r.messages())
}

// fill makes the broker refuse: RabbitMQ by a further queue that takes one message, the Kafka protocol by a broker of its own that answers
// as one whose disk is full.
func (w *world) fill(use func(bus.Bus)) (free func()) {
	w.t.Helper()
	switch {
	case strings.HasPrefix(w.address, "amqp"):
		connection, err := amqp.Dial(w.address)
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(func() { _ = connection.Close() })
		channel, err := connection.Channel()
		if err != nil {
			w.t.Fatal(err)
		}
		queue, err := channel.QueueDeclare("full."+w.topic, false, true, true, false, amqp.Table{"x-max-length": 1, "x-overflow": "reject-publish"})
		for p := range fast().Partitions {
			if err == nil {
				err = channel.QueueBind(queue.Name, fmt.Sprintf("%s.%d", w.topic, p), "upline", false, nil)
			}
		}
		if err != nil {
			w.t.Fatal(err)
		}
		return func() { _ = connection.Close() }
	case w.address != "":
		cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(cluster.Close)
		var freed atomic.Bool
		cluster.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
			cluster.KeepControl()
			if freed.Load() {
				return nil, nil, false
			}
			return refuseProduce(request), nil, true
		})
		p, err := bus.Open("kafka://"+strings.Join(cluster.ListenAddrs(), ","), fast())
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(func() { _ = p.Close() })
		use(p)
		return func() { freed.Store(true) }
	}
	return func() {}
}

func refuseProduce(request kmsg.Request) kmsg.Response {
	asked := request.(*kmsg.ProduceRequest)
	answer := asked.ResponseKind().(*kmsg.ProduceResponse)
	for _, topic := range asked.Topics {
		refused := kmsg.NewProduceResponseTopic()
		refused.Topic, refused.TopicID = topic.Topic, topic.TopicID
		for _, p := range topic.Partitions {
			part := kmsg.NewProduceResponseTopicPartition()
			part.Partition, part.ErrorCode = p.Partition, kerr.KafkaStorageError.Code
			refused.Partitions = append(refused.Partitions, part)
		}
		answer.Topics = append(answer.Topics, refused)
	}
	return answer
}

// prefixes: installations that share a broker hear nothing of each other.
func prefixes(w *world) {
	if w.address == "" {
		w.t.Log("a process has a bus of its own")
		return
	}
	mine, theirs := *w, *w
	mine.address, theirs.address = w.address+"?prefix=mine.", w.address+"?prefix=theirs."
	one, two := &reader{}, &reader{}
	b := mine.open(fast())
	mine.join(b, "a", one.handle)
	theirs.join(theirs.open(fast()), "a", two.handle)
	all := numbered(20, 4)
	mine.publish(b, all...)
	w.soon("all arrive", func() bool { return len(one.ids()) == len(all) })
	if len(two.ids()) != 0 {
		w.t.Errorf("another installation got %d messages", len(two.ids()))
	}
}

func groups(w *world) {
	b, one, two := w.open(fast()), &reader{}, &reader{}
	w.join(b, "one", one.handle)
	w.join(b, "two", two.handle)
	all := numbered(100, 5)
	w.publish(b, all...)
	w.soon("both groups get all", func() bool { return len(one.ids()) == len(all) && len(two.ids()) == len(all) })
}

// errorsForAWhile: what fails comes again, in order, until it works; nothing is given up.
func errorsForAWhile(w *world) {
	o, r := fast(), &reader{}
	var dead, calls atomic.Int64
	o.Dead = func(string, string, bus.Message, error) { dead.Add(1) }
	b := w.open(o)
	w.join(b, "a", func(ctx context.Context, batch []bus.Message) error {
		if calls.Add(1) < 25 {
			return errors.New("the database is away")
		}
		return r.handle(ctx, batch)
	})
	all := numbered(40, 3)
	w.publish(b, all...)
	w.soon("all arrive", func() bool { return len(r.ids()) == len(all) })
	w.inOrder(r.messages())
	if dead.Load() != 0 {
		w.t.Errorf("%d messages were given up", dead.Load())
	}
}

// poisonous: a message that cannot be handled is put aside after its tries, and its neighbours arrive.
func poisonous(w *world) {
	w.bury(func() error { return bus.Poison(errors.New("newer version")) })
}

func panics(w *world) { w.bury(func() error { panic("nil map") }) }

func (w *world) bury(fail func() error) {
	o, r := fast(), &reader{}
	var mu sync.Mutex
	var dead []bus.Message
	var tries atomic.Int64
	o.Dead = func(topic, group string, m bus.Message, cause error) {
		mu.Lock()
		defer mu.Unlock()
		if topic != w.topic || group != "a" || cause == nil {
			w.t.Errorf("dead of %s, %s: %v", topic, group, cause)
		}
		dead = append(dead, m)
	}
	b := w.open(o)
	w.join(b, "a", func(ctx context.Context, batch []bus.Message) error {
		for _, m := range batch {
			if m.ID == "m00000" { // At the head of its partition.
				if len(batch) == 1 {
					tries.Add(1)
				}
				return fail()
			}
		}
		return r.handle(ctx, batch)
	})
	all := numbered(60, 2)
	w.publish(b, all...)
	w.soon("the others arrive", func() bool { return len(r.ids()) == len(all)-1 })
	w.inOrder(r.messages())
	w.soon("one is given up", func() bool { mu.Lock(); defer mu.Unlock(); return len(dead) > 0 })
	mu.Lock()
	defer mu.Unlock()
	if dead[0].ID != "m00000" || string(dead[0].Body) != `{"n":0}` || len(dead) != 1 || tries.Load() < 3 {
		w.t.Errorf("given up after %d tries: %+v", tries.Load(), dead)
	}
	if w.address == "" {
		return // Its dead letters go with the process; the log has them.
	}
	kept := &reader{}
	(&world{t: w.t, address: w.address, topic: bus.DeadTopic(w.topic, "a")}).join2(b, bus.KeptGroup, kept.handle)
	w.soon("the dead letter is kept", func() bool { return kept.ids()["m00000"] > 0 })
}

// memberDies: what a member was handed and did not finish comes to the next one.
func memberDies(w *world) {
	first := w.open(fast())
	held := make(chan struct{})
	var once sync.Once
	leave := w.join(first, "a", func(ctx context.Context, _ []bus.Message) error {
		once.Do(func() { close(held) })
		<-ctx.Done() // It dies in the middle.
		return ctx.Err()
	})
	all := numbered(100, 10)
	published := make(chan struct{})
	publisher := first
	if w.address != "" {
		publisher = w.open(fast())
	}
	go func() {
		defer close(published)
		for ctx := context.Background(); publisher.Publish(ctx, w.topic, all) != nil; { // As a relay does: it has them on disk.
			time.Sleep(5 * time.Millisecond)
		}
	}()
	<-held
	r := &reader{}
	if w.address == "" {
		w.join2(first, "a", r.handle) // A group without members is none here.
		leave()
	} else {
		leave()
		w.join2(w.open(fast()), "a", r.handle)
	}
	w.soon("the next one gets all", func() bool { return len(r.ids()) >= len(all) })
	<-published
}

// networkBreaks: connections are cut again and again while messages go in and out; none is lost.
func networkBreaks(w *world) {
	if w.address == "" {
		w.t.Log("there is no network within a process")
		return
	}
	cuts := &cutter{}
	o, r := fast(), &reader{}
	o.Dial = cuts.dial
	b := w.open(o)
	w.join(b, "a", r.handle)
	all := numbered(400, 10)
	for i, part := range slices.Collect(slices.Chunk(all, 20)) {
		if i%4 == 1 {
			cuts.cut()
		}
		ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
		for b.Publish(ctx, w.topic, part) != nil {
			if ctx.Err() != nil {
				w.t.Fatal("publishing does not recover")
			}
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
	}
	w.soon("all arrive", func() bool { return len(r.ids()) >= len(all) })
	if cuts.count() == 0 {
		w.t.Error("nothing was cut")
	}
}

// cutter makes connections that it can break.
type cutter struct {
	mu   sync.Mutex
	open []net.Conn
	cuts int
}

func (c *cutter) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err == nil {
		c.mu.Lock()
		c.open = append(c.open, conn)
		c.mu.Unlock()
	}
	return conn, err
}

func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.open {
		_ = conn.Close()
	}
	c.cuts += len(c.open)
	c.open = nil
}

func (c *cutter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cuts
}

// bounded: a slow member is not handed more at once than agreed.
func bounded(w *world) {
	o, r := fast(), &reader{}
	o.BatchMax = 10
	b := w.open(o)
	w.join(b, "a", func(ctx context.Context, batch []bus.Message) error {
		time.Sleep(2 * time.Millisecond)
		return r.handle(ctx, batch)
	})
	all := numbered(300, 3)
	w.publish(b, all...)
	w.soon("all arrive", func() bool { return len(r.ids()) == len(all) })
	if r.largest > 10 {
		w.t.Errorf("%d messages at once, want 10 at most", r.largest)
	}
}

func largeAndEmpty(w *world) {
	b, r := w.open(fast()), &reader{}
	w.join(b, "a", r.handle)
	w.publish(b)
	w.publish(b, bus.Message{ID: "large", Key: strings.Repeat("k", 300), Body: []byte(strings.Repeat("x", 900_000))}, bus.Message{ID: "empty", Key: "", Body: nil})
	w.soon("both arrive", func() bool { return len(r.ids()) == 2 })
	for _, m := range r.messages() {
		if want := map[string]int{"large": 900_000, "empty": 0}[m.ID]; len(m.Body) != want {
			w.t.Errorf("%s has %d bytes", m.ID, len(m.Body))
		}
	}
}

func closing(w *world) {
	b := w.open(fast())
	w.publish(b, numbered(1, 1)...)
	ended, cancel := context.WithCancel(w.t.Context())
	cancel()
	if w.address != "" {
		if err := b.Publish(ended, w.topic, numbered(1, 1)); err == nil {
			w.t.Error("published although its time was over")
		}
	}
	for range 2 {
		if err := b.Close(); err != nil {
			w.t.Errorf("close: %v", err)
		}
	}
	if err := b.Publish(w.t.Context(), w.topic, numbered(1, 1)); server.CodeOf(err) != server.Unavailable {
		w.t.Errorf("published on a closed bus: %v", err)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"redis://x", "kafka://", "amqp:", "://", "kafka://user:hidden@host:9092", "127.0.0.1:5672", "kafka://host:9092?prefix=A/"} {
		_, err := bus.Open(address, bus.Options{})
		if server.CodeOf(err) != server.Invalid || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q: %v", address, err)
		}
	}
	for _, many := range []int{-1, bus.MaxPartitions + 1} {
		if _, err := bus.Open("kafka://host:9092", bus.Options{Partitions: many}); server.CodeOf(err) != server.Invalid {
			t.Errorf("%d partitions: %v", many, err)
		}
	}
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := nobody.Addr().String()
	_ = nobody.Close()
	for _, address := range []string{"amqp://user:hidden@" + host + "/", "kafka://" + host} {
		b, err := bus.Open(address, bus.Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		if err := b.Ping(ctx); server.CodeOf(err) != server.Unavailable || strings.Contains(err.Error(), "hidden") {
			t.Errorf("nobody listens: %v", err)
		}
		if err := b.Publish(ctx, "t", numbered(1, 1)); err == nil {
			t.Error("published to nobody")
		}
		cancel()
		_ = b.Close()
	}
}

// batchesGrow: what comes while a batch is under way is handed over at once and not one by one; a member that waits for a disk with
// every batch would fall behind for ever.
func batchesGrow(w *world) {
	const behind = 40
	b, first, more := w.open(fast()), make(chan struct{}), make(chan struct{})
	var batches, got atomic.Int64
	w.join(b, "g", func(_ context.Context, batch []bus.Message) error {
		if batches.Add(1) == 1 {
			close(first)
			<-more
		} else {
			time.Sleep(100 * time.Millisecond) // for a disk, meanwhile a busy broker sends more
		}
		got.Add(int64(len(batch)))
		return nil
	})
	publisher := w.open(fast())
	if w.address == "" {
		publisher = b
	}
	var published sync.WaitGroup
	published.Go(func() { w.publish(publisher, bus.Message{ID: "0", Key: "k", Body: []byte("{}")}) })
	<-first
	rest := make([]bus.Message, behind)
	for i := range rest {
		rest[i] = bus.Message{ID: fmt.Sprint(i + 1), Key: "k", Body: []byte("{}")}
	}
	published.Go(func() { w.publish(publisher, rest...) })
	time.Sleep(500 * time.Millisecond) // for the broker to send them, so far as it may
	close(more)
	published.Wait()
	w.soon("all arrive", func() bool { return got.Load() >= behind+1 })
	if n := batches.Load(); n > behind/4 {
		w.t.Errorf("%d messages came in %d batches", behind+1, n)
	}
}
