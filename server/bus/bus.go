// Package bus carries messages between processes: in this one, through RabbitMQ, or through Kafka. It carries bytes with a
// key and does not know what they mean.
//
// What every bus promises, and one suite holds them to: a message that Publish took arrives at every group at least once;
// messages of one key arrive in the order in which they were published; a message that cannot be handled stands in nobody's
// way. Nobody promises exactly once, so whoever handles a message twice must not mind. The truth is in the database: a bus that
// is down delays, and loses nothing, as its publisher goes on from where it was.
package bus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"upline.dev/upline/server"
)

// Message is what is carried.
type Message struct {
	ID   string // unique for ever, and equal where the same message is published again
	Key  string // messages of one key stay in order
	Body []byte
}

// Handler handles messages in the order of the slice, which is that of each key. nil means that all are done. After an error
// all come again, alone and after a while, for as long as it takes; after Poison they come a few times more, and go to the dead
// letters then.
type Handler func(ctx context.Context, batch []Message) error

// Bus is one way of carrying messages. Its methods may be called by many goroutines.
type Bus interface {
	// Publish returns nil once the bus will deliver all messages whatever breaks. After an error some of them may be delivered.
	Publish(ctx context.Context, topic string, batch []Message) error
	// Consume hands messages of a topic to h until ctx ends, and then returns nil. Every group gets every message that is
	// published while it is known; the members of a group share them. It reconnects by itself.
	Consume(ctx context.Context, topic, group string, h Handler) error
	// Ping asks whether the bus can be reached.
	Ping(ctx context.Context) error
	// Prepare makes what a topic needs. A topic that is there with another number of partitions is server.Invalid: the messages of one
	// key would be in several, or where nobody looks.
	Prepare(ctx context.Context, topic string) error
	// Close lets go of connections. Consume must have ended.
	Close() error
}

// Options are a bus's knobs. A zero field takes its default.
type Options struct {
	BatchMax   int           // messages handed over at once, and held unhandled, at most; default 256
	Attempts   int           // how often a poisonous message is tried alone; default 5
	RetryFirst time.Duration // the first wait after an error; default 100 ms, doubled up to RetryMost
	RetryMost  time.Duration // default 10 s
	Partitions int           // how many of a topic's messages can be handled at the same time, fixed for a topic's life; default 8, or what a topic of Kafka has
	Rebalance  time.Duration // how often a member looks whether it holds more partitions than its share; default 1 s
	// Dead is told of each message that is given up. May be nil.
	Dead func(topic, group string, m Message, cause error)
	// Dial makes connections; nil is net.Dialer's.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	anyPartitions bool // nobody asked for a number
}

// A topic has as many partitions as nobody chose, and as many as may be chosen.
const (
	DefaultPartitions = 8
	MaxPartitions     = 1024
)

// otherPartitions refuses a topic that is divided otherwise.
func (o Options) otherPartitions(topic string, has string) error {
	return server.Errorf(server.Invalid, "the topic %s has %s, and %d are wanted; set BUS_PARTITIONS to what it has, or begin anew with another ?prefix= in BUS_URL",
		topic, has, o.Partitions)
}

func (o Options) withDefaults() Options {
	setDefault(&o.BatchMax, 256)
	setDefault(&o.Attempts, 5)
	setDefault(&o.RetryFirst, 100*time.Millisecond)
	setDefault(&o.RetryMost, 10*time.Second)
	if o.Partitions == 0 {
		o.Partitions, o.anyPartitions = DefaultPartitions, true
	}
	setDefault(&o.Rebalance, time.Second)
	if o.Dead == nil {
		o.Dead = func(string, string, Message, error) {}
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{Timeout: 5 * time.Second}).DialContext
	}
	return o
}

func setDefault[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// Open gives the bus of an address: "" is the one in this process, amqp:// and amqps:// are RabbitMQ, kafka:// is Kafka. It
// connects when it is first used. ?prefix=NAME. before all topics keeps installations apart that share a broker. A wrong address is
// server.Invalid.
func Open(address string, o Options) (Bus, error) {
	o = o.withDefaults()
	if address == "" {
		return newMemory(o), nil
	}
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" {
		// The error would repeat the address, in which a password may stand.
		return nil, server.Errorf(server.Invalid, "BUS_URL is no address; write amqp://user:password@host:5672/ or kafka://host:9092")
	}
	query := parsed.Query()
	prefix := query.Get("prefix")
	if !prefixForm.MatchString(prefix) {
		return nil, server.Errorf(server.Invalid, "BUS_URL has a prefix %q; write up to 50 of a-z, 0-9, dot, dash and underscore", prefix)
	}
	query.Del("prefix")
	parsed.RawQuery = query.Encode()
	b, err := open(parsed, o)
	if err != nil || prefix == "" {
		return b, err
	}
	return prefixed{b, prefix}, nil
}

var prefixForm = regexp.MustCompile(`^[a-z0-9._-]{0,50}$`)

func open(address *url.URL, o Options) (Bus, error) {
	if o.Partitions < 1 || o.Partitions > MaxPartitions {
		return nil, server.Errorf(server.Invalid, "BUS_PARTITIONS is %d; a topic has 1 to %d", o.Partitions, MaxPartitions)
	}
	switch address.Scheme {
	case "amqp", "amqps":
		return newRabbit(address.String(), o), nil
	case "kafka":
		return newKafka(address, o)
	}
	return nil, server.Errorf(server.Invalid, "BUS_URL begins with %q; write amqp://user:password@host:5672/ or kafka://host:9092", address.Scheme+"://")
}

// CheckAddress refuses an address that Open would refuse, without opening anything.
func CheckAddress(address string) error {
	b, err := Open(address, Options{})
	if err != nil {
		return err
	}
	return b.Close()
}

// prefixed is a bus whose topics have other names outside.
type prefixed struct {
	Bus
	prefix string
}

func (p prefixed) Publish(ctx context.Context, topic string, batch []Message) error {
	return p.Bus.Publish(ctx, p.prefix+topic, batch)
}

func (p prefixed) Prepare(ctx context.Context, topic string) error {
	return p.Bus.Prepare(ctx, p.prefix+topic)
}

func (p prefixed) Consume(ctx context.Context, topic, group string, h Handler) error {
	return p.Bus.Consume(ctx, p.prefix+topic, group, h)
}

// poison is an error that trying again does not mend.
type poison struct{ error }

func (p poison) Unwrap() error { return p.error }

// Poison says of an error that it is the message's own fault: it is tried a few times more and then put aside.
func Poison(err error) error { return poison{err} }

// DeadTopic is where a group's messages go that were given up.
func DeadTopic(topic, group string) string { return topic + deadMark + group }

// KeptGroup is the group for which dead letters are kept until it consumes them.
const KeptGroup = "kept"

const deadMark = ".dead."

func isDead(topic string) bool { return strings.Contains(topic, deadMark) }

// delivering hands messages to one handler, as every bus does.
type delivering struct {
	options      Options
	topic, group string
	handle       Handler
	// bury keeps a message that is given up; it is tried until it works.
	bury func(ctx context.Context, m Message) error
}

// deliver returns nil once every message is handled or buried, and ctx's error where it ends first. Where the batch fails its
// messages are tried one by one, so that one of them does not hold up those of other keys for more than its own tries.
func (d *delivering) deliver(ctx context.Context, batch []Message) error {
	if err := d.try(ctx, batch); err == nil {
		return nil
	}
	for i := range batch {
		if err := d.alone(ctx, batch[i:i+1:i+1]); err != nil {
			return err
		}
	}
	return nil
}

// alone tries one message until it is handled or given up.
func (d *delivering) alone(ctx context.Context, one []Message) error {
	wait, poisonous := d.options.RetryFirst, 0
	for {
		err := d.try(ctx, one)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.As(err, new(poison)) {
			if poisonous++; poisonous >= d.options.Attempts {
				return d.giveUp(ctx, one[0], err)
			}
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		wait = min(2*wait, d.options.RetryMost)
	}
}

func (d *delivering) giveUp(ctx context.Context, m Message, cause error) error {
	wait := d.options.RetryFirst
	for d.bury(ctx, m) != nil {
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		wait = min(2*wait, d.options.RetryMost)
	}
	d.options.Dead(d.topic, d.group, m, cause)
	return nil
}

// try calls the handler. A panic is the message's fault.
func (d *delivering) try(ctx context.Context, batch []Message) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = Poison(fmt.Errorf("the handler panicked: %v", p))
		}
	}()
	return d.handle(ctx, slices.Clip(batch))
}

// sleep waits, or gives ctx's error.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// partition is where a key's messages go, the same for ever: FNV-1a of the key.
func partition(key string, of int) int {
	hash := uint32(2166136261)
	for i := range len(key) {
		hash = (hash ^ uint32(key[i])) * 16777619
	}
	return int(hash) % of
}
