package bus

import (
	"context"
	"sync"

	"upline.dev/upline/server"
)

// memory carries messages within this process. Nothing of it survives the process, so Publish returns only once every group has
// handled its messages: the publisher, who has them on disk, goes on from there after a crash.
type memory struct {
	options Options
	mu      sync.Mutex
	closed  bool
	groups  map[[2]string]*memoryGroup // by topic and group
}

// memoryGroup hands each partition's batches out one after the other.
type memoryGroup struct {
	members int
	queues  []chan memoryBatch
	gone    chan struct{} // closed when the last member has left
}

type memoryBatch struct {
	messages []Message
	done     chan<- error
}

var _ Bus = (*memory)(nil)

func newMemory(o Options) *memory {
	return &memory{options: o, groups: make(map[[2]string]*memoryGroup)}
}

// Prepare has nothing to make: topics are divided as this process says.
func (m *memory) Prepare(context.Context, string) error { return nil }

func (m *memory) Ping(context.Context) error { return nil }

func (m *memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

// Publish waits for every group. A topic that nobody listens to takes everything.
func (m *memory) Publish(ctx context.Context, topic string, batch []Message) error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return server.Errorf(server.Unavailable, "the bus is closed")
	}
	var groups []*memoryGroup
	for name, group := range m.groups {
		if name[0] == topic {
			groups = append(groups, group)
		}
	}
	m.mu.Unlock()
	byPartition := make([][]Message, m.options.Partitions)
	for _, message := range batch {
		p := partition(message.Key, m.options.Partitions)
		byPartition[p] = append(byPartition[p], message)
	}
	var parts sync.WaitGroup
	errs := make(chan error, len(groups)*m.options.Partitions)
	for _, group := range groups {
		for p, messages := range byPartition {
			parts.Go(func() { errs <- m.hand(ctx, group, p, messages) })
		}
	}
	parts.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// errLeft means that nobody of a group is left to hand to. The next Publish does not ask it any more.
var errLeft = server.Errorf(server.Unavailable, "a group left before it had handled everything; publish again")

// hand gives one partition's messages to a group, a batch at a time.
func (m *memory) hand(ctx context.Context, g *memoryGroup, p int, messages []Message) error {
	for len(messages) > 0 {
		size := min(len(messages), m.options.BatchMax)
		done := make(chan error, 1)
		select {
		case g.queues[p] <- memoryBatch{messages[:size], done}:
		case <-g.gone:
			return errLeft
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case err := <-done:
			if err == nil {
				messages = messages[size:]
			} // else the member is leaving: another one takes the batch
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (m *memory) Consume(ctx context.Context, topic, group string, h Handler) error {
	queues := m.join(topic, group)
	defer m.leave(topic, group)
	d := &delivering{options: m.options, topic: topic, group: group, handle: h, bury: func(ctx context.Context, dead Message) error {
		return m.Publish(ctx, DeadTopic(topic, group), []Message{dead})
	}}
	var members sync.WaitGroup
	for _, queue := range queues {
		members.Go(func() {
			for {
				select {
				case batch := <-queue:
					batch.done <- d.deliver(ctx, batch.messages)
				case <-ctx.Done():
					return
				}
			}
		})
	}
	members.Wait()
	return nil
}

func (m *memory) join(topic, group string) []chan memoryBatch {
	m.mu.Lock()
	defer m.mu.Unlock()
	name := [2]string{topic, group}
	g := m.groups[name]
	if g == nil {
		g = &memoryGroup{queues: make([]chan memoryBatch, m.options.Partitions), gone: make(chan struct{})}
		for i := range g.queues {
			g.queues[i] = make(chan memoryBatch)
		}
		m.groups[name] = g
	}
	g.members++
	return g.queues
}

// leave forgets a group nobody is in: a publisher must not wait for it.
func (m *memory) leave(topic, group string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name := [2]string{topic, group}
	if g := m.groups[name]; g != nil {
		if g.members--; g.members == 0 {
			delete(m.groups, name)
			close(g.gone)
		}
	}
}
