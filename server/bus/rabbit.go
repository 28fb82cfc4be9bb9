package bus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/twmb/franz-go/pkg/kerr"

	"upline.dev/upline/server"
)

// exchange is where everything is published. A message's routing key is its topic and partition.
const exchange = "upline"

// heldMax is how often a message may come back because its consumer died with it, before RabbitMQ itself puts it aside.
const heldMax = 100

// rabbit carries messages through RabbitMQ. Each group has a durable quorum queue per partition, with one active consumer at a
// time, which keeps messages of one key in order whoever takes over. Every member consumes every queue, most of them in
// reserve, and gives up the active ones beyond its share. Messages count as published once the broker has confirmed
// them.
type rabbit struct {
	options Options
	address string
	config  amqp.Config

	mu         sync.Mutex // one batch is published at a time
	connection *amqp.Connection
	channel    *amqp.Channel   // in confirm mode
	divided    map[string]bool // topics that are divided as we do, so far as this connection knows
	closed     bool
}

var _ Bus = (*rabbit)(nil)

func newRabbit(address string, o Options) *rabbit {
	return &rabbit{options: o, address: address, config: amqp.Config{
		Heartbeat: 10 * time.Second,
		Dial: func(network, addr string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			conn, err := o.Dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			// The deadline is for the handshake; the library lifts it afterwards.
			return conn, conn.SetDeadline(time.Now().Add(10 * time.Second)) //nolint:forbidigo // A connection's deadline is the machine's own time.
		},
	}}
}

// connect opens a connection and prepares the exchange.
func (r *rabbit) connect(ctx context.Context) (*amqp.Connection, *amqp.Channel, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	config := r.config
	config.Properties = amqp.Table{"connection_name": "upline"} // the library writes into it: each connection has its own
	connection, err := amqp.DialConfig(r.address, config)
	if err != nil {
		return nil, nil, unreachable("RabbitMQ", err)
	}
	channel, err := connection.Channel()
	if err == nil {
		err = channel.ExchangeDeclare(exchange, amqp.ExchangeDirect, true, false, false, false, nil)
	}
	if err != nil {
		_ = connection.Close()
		return nil, nil, unreachable("RabbitMQ", err)
	}
	return connection, channel, nil
}

// unreachable hides the library's words, in which an address may stand, behind the kind of the error.
func unreachable(broker string, err error) error {
	return &server.Error{Code: server.Unavailable, Message: broker + " cannot be reached: " + reasonOf(err)}
}

func reasonOf(err error) string {
	if refused, ok := errors.AsType[*amqp.Error](err); ok {
		return refused.Reason
	}
	if refused, ok := errors.AsType[*kerr.Error](err); ok {
		return refused.Description
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Op + ": " + op.Err.Error()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	return "the connection failed"
}

func (r *rabbit) Ping(ctx context.Context) error {
	connection, _, err := r.connect(ctx)
	if err != nil {
		return err
	}
	_ = connection.Close()
	return nil
}

func (r *rabbit) Prepare(ctx context.Context, topic string) error {
	connection, channel, err := r.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	return r.divide(channel, topic)
}

// divide notes into how many partitions a topic is divided, as the limit of a queue that nothing is ever in: RabbitMQ refuses to
// have it declared with another.
func (r *rabbit) divide(channel *amqp.Channel, topic string) error {
	if isDead(topic) {
		return nil // It is divided as its topic.
	}
	_, err := channel.QueueDeclare("upline."+topic+".partitions", true, false, false, false, amqp.Table{"x-queue-type": "quorum", "x-max-length": r.options.Partitions})
	if refused, ok := errors.AsType[*amqp.Error](err); ok && refused.Code == amqp.PreconditionFailed {
		return r.options.otherPartitions(topic, "another number of partitions")
	}
	if err != nil {
		return unreachable("RabbitMQ", err)
	}
	return nil
}

func (r *rabbit) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.drop()
	return nil
}

func (r *rabbit) drop() {
	if r.connection != nil {
		_ = r.connection.Close()
		r.connection, r.channel = nil, nil
	}
}

// Publish sends all and then waits for all confirms.
func (r *rabbit) Publish(ctx context.Context, topic string, batch []Message) (err error) {
	defer server.Wrap(&err, "publish %d messages of %s", len(batch), topic)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return server.Errorf(server.Unavailable, "the bus is closed")
	}
	if r.connection != nil && r.connection.IsClosed() {
		r.drop()
	}
	if r.connection == nil {
		r.divided = map[string]bool{}
		if r.connection, r.channel, err = r.connect(ctx); err == nil {
			err = r.channel.Confirm(false)
		}
	}
	if err == nil && !r.divided[topic] {
		if err = r.divide(r.channel, topic); err == nil {
			r.divided[topic] = true
		}
	}
	if err == nil {
		err = r.confirmed(ctx, topic, batch)
	}
	if err != nil {
		r.drop() // What is unconfirmed must not be taken for another batch's confirm.
	}
	return err
}

func (r *rabbit) confirmed(ctx context.Context, topic string, batch []Message) error {
	waiting := make([]*amqp.DeferredConfirmation, len(batch))
	for i, m := range batch {
		var err error
		waiting[i], err = r.channel.PublishWithDeferredConfirmWithContext(ctx, exchange, routing(topic, partition(m.Key, r.options.Partitions)), false, false,
			amqp.Publishing{
				DeliveryMode: amqp.Persistent, MessageId: m.ID, ContentType: "application/cloudevents+json", Body: m.Body,
				Headers: amqp.Table{"key": m.Key},
			})
		if err != nil {
			return unreachable("RabbitMQ", err)
		}
	}
	for _, confirmation := range waiting {
		acked, err := confirmation.WaitContext(ctx)
		if err != nil {
			return err
		}
		if !acked {
			return server.Errorf(server.Unavailable, "RabbitMQ refused a message")
		}
	}
	return nil
}

func routing(topic string, p int) string { return topic + "." + strconv.Itoa(p) }

// Consume keeps one connection with a channel per partition, and opens a new one when it breaks.
func (r *rabbit) Consume(ctx context.Context, topic, group string, h Handler) error {
	d := &delivering{options: r.options, topic: topic, group: group, handle: h, bury: func(ctx context.Context, m Message) error {
		return r.Publish(ctx, DeadTopic(topic, group), []Message{m})
	}}
	wait := r.options.RetryFirst
	for ctx.Err() == nil {
		begun, err := r.consume(ctx, d)
		if ctx.Err() != nil {
			break
		}
		if server.CodeOf(err) == server.Invalid {
			return fmt.Errorf("consume %s as %s: %w", topic, group, err)
		}
		if configured, ok := errors.AsType[*amqp.Error](err); ok && configured.Code == amqp.PreconditionFailed {
			return fmt.Errorf("consume %s as %s: %w", topic, group, server.Errorf(server.Invalid,
				"RabbitMQ has a queue of this name with other settings (%s); remove it, or choose another virtual host", configured.Reason))
		}
		if begun {
			wait = r.options.RetryFirst
		}
		if sleep(ctx, wait) != nil {
			break
		}
		wait = min(2*wait, r.options.RetryMost)
	}
	return nil
}

// consume works on one connection until it breaks or ctx ends; begun says that it had been set up.
func (r *rabbit) consume(ctx context.Context, d *delivering) (begun bool, err error) {
	connection, channel, err := r.connect(ctx)
	if err != nil {
		return false, err
	}
	defer func() { _ = connection.Close() }()
	if err := r.divide(channel, d.topic); err != nil {
		return false, err
	}
	if err := r.declare(channel, d.topic, d.group); err != nil {
		return false, err
	}
	broken, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	shared := newSharing(r.options.Partitions)
	few := newTogether(d)
	var partitions sync.WaitGroup
	partitions.Go(func() { few.run(broken) })
	for p := range r.options.Partitions {
		partitions.Go(func() { stop(r.keepPartition(broken, connection, p, few, shared)) })
	}
	partitions.Go(func() { stop(r.share(broken, channel, membersQueue(d.topic, d.group), shared)) })
	partitions.Wait()
	return true, context.Cause(broken)
}

// declare makes a group's queues, and those that keep its dead letters until somebody looks.
func (r *rabbit) declare(channel *amqp.Channel, topic, group string) error {
	if _, err := channel.QueueDeclare(membersQueue(topic, group), true, false, false, false, amqp.Table{"x-queue-type": "quorum"}); err != nil {
		return err
	}
	for p := range r.options.Partitions {
		if isDead(topic) {
			if err := declareQueue(channel, queueName(topic, group, p), routing(topic, p), ""); err != nil {
				return err
			}
			continue
		}
		dead := DeadTopic(topic, group)
		if err := declareQueue(channel, queueName(topic, group, p), routing(topic, p), routing(dead, p)); err != nil {
			return err
		}
		if err := declareQueue(channel, queueName(dead, KeptGroup, p), routing(dead, p), ""); err != nil {
			return err
		}
	}
	return nil
}

func queueName(topic, group string, p int) string {
	return "upline." + topic + "." + group + "." + strconv.Itoa(p)
}

func membersQueue(topic, group string) string { return "upline." + topic + "." + group + ".members" }

func declareQueue(channel *amqp.Channel, name, key, dead string) error {
	settings := amqp.Table{"x-queue-type": "quorum", "x-single-active-consumer": true}
	if dead != "" {
		settings["x-delivery-limit"], settings["x-dead-letter-exchange"], settings["x-dead-letter-routing-key"] = heldMax, exchange, dead
	}
	if _, err := channel.QueueDeclare(name, true, false, false, false, settings); err != nil {
		return err
	}
	return channel.QueueBind(name, key, exchange, false, nil)
}

// sharing is which partitions a member works on.
type sharing struct {
	active []atomic.Bool   // a message came: the queue's active consumer is this member's
	yield  []chan struct{} // of one: give the partition up
}

func newSharing(partitions int) *sharing {
	s := &sharing{active: make([]atomic.Bool, partitions), yield: make([]chan struct{}, partitions)}
	for p := range s.yield {
		s.yield[p] = make(chan struct{}, 1)
	}
	return s
}

// excess gives the partitions that a member holds beyond its share.
func (s *sharing) excess(members int) (excess []int) {
	share := (len(s.active) + members - 1) / members
	for p := range s.active {
		if !s.active[p].Load() {
			continue
		}
		if share--; share < 0 {
			excess = append(excess, p)
		}
	}
	return excess
}

// share gives up what is beyond this member's share. Members are counted by a queue that all of them consume and nobody publishes to, as
// RabbitMQ counts of the others only the active consumer. What one gives up goes to the one that has waited longest for that queue, and a
// member whose share is full gives it on, until it finds one that has room; there always is one.
func (r *rabbit) share(ctx context.Context, channel *amqp.Channel, queue string, s *sharing) error {
	if _, err := channel.Consume(queue, "", true, false, false, false, nil); err != nil {
		return err
	}
	for {
		if err := sleep(ctx, r.options.Rebalance); err != nil {
			return err
		}
		state, err := channel.QueueDeclarePassive(queue, true, false, false, false, nil)
		if err != nil {
			return err
		}
		for _, p := range s.excess(max(state.Consumers, 1)) {
			select {
			case s.yield[p] <- struct{}{}:
			default: // It is asked to already.
			}
		}
	}
}

// errYielded ends a consumer so that another member becomes the active one.
var errYielded = errors.New("another member takes the partition")

// keepPartition consumes one queue, anew and behind all others whenever it was given up.
func (r *rabbit) keepPartition(ctx context.Context, connection *amqp.Connection, p int, few *together, s *sharing) error {
	for {
		err := r.consumePartition(ctx, connection, p, few, s)
		s.active[p].Store(false)
		if !errors.Is(err, errYielded) {
			return err
		}
	}
}

// consumePartition hands one queue's messages over, as many at once as are there, and acknowledges them together. It closes its channel
// and does not merely cancel the consumer: what it was sent and has not acknowledged then goes back to where it was in the queue,
// before the next consumer gets anything.
func (r *rabbit) consumePartition(ctx context.Context, connection *amqp.Connection, p int, few *together, s *sharing) error {
	channel, err := connection.Channel()
	if err != nil {
		return err
	}
	defer func() { _ = channel.Close() }()
	if err := channel.Qos(r.options.BatchMax, 0, false); err != nil {
		return err
	}
	// Without ctx: at its end the library would cancel the consumer, and what it was sent would stay with it.
	deliveries, err := channel.Consume(queueName(few.d.topic, few.d.group, p), "", false, false, false, false, nil)
	if err != nil {
		return err
	}
	sent := r.buffered(deliveries)
	for {
		batch, err := r.gather(ctx, sent, s.yield[p])
		if err != nil {
			return err
		}
		s.active[p].Store(true)
		last, err := few.deliver(ctx, batch, sent)
		if err != nil {
			return err // Unacknowledged, they come again once the channel is closed.
		}
		if err := channel.Ack(last.tag, true); err != nil {
			return err
		}
	}
}

// buffered holds what the broker has sent while a batch is under way. The library gives one message after the other, so that whoever
// looks whether there is more finds nothing. No send blocks: there are no more messages unacknowledged than may be.
func (r *rabbit) buffered(deliveries <-chan amqp.Delivery) <-chan received {
	sent := make(chan received, r.options.BatchMax)
	go func() {
		defer close(sent)
		for d := range deliveries {
			key, _ := d.Headers["key"].(string)
			sent <- received{Message{ID: d.MessageId, Key: key, Body: d.Body}, d.DeliveryTag}
		}
	}()
	return sent
}

var errBroken = errors.New("the connection to RabbitMQ broke")

// gather waits for a first message and takes what else is there.
func (r *rabbit) gather(ctx context.Context, sent <-chan received, yield <-chan struct{}) (batch []received, err error) {
	select { // To be asked comes before what is there, which may never end.
	case <-yield:
		return nil, errYielded
	default:
	}
	select {
	case m, ok := <-sent:
		if !ok {
			return nil, errBroken
		}
		batch = append(batch, m)
	case <-yield:
		return nil, errYielded
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for len(batch) < r.options.BatchMax {
		select {
		case m, ok := <-sent:
			if !ok {
				return batch, nil // The next look says so.
			}
			batch = append(batch, m)
		default:
			return batch, nil
		}
	}
	return batch, nil
}
