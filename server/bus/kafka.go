package bus

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"upline.dev/upline/server"
)

// leaveAfter is for how long a batch is tried before its consumer leaves the group and joins anew: the broker would put it out
// otherwise, and give its messages to another one beside it.
const leaveAfter = 20 * time.Second

// kafka carries messages through Kafka, or whatever speaks its protocol. The producer is idempotent and waits for all replicas; a
// key is always in the same partition; groups hand partitions over cooperatively and note how far they are only after the work.
type kafka struct {
	options Options
	client  []kgo.Opt // how to reach the brokers

	mu       sync.Mutex
	producer *kgo.Client
	topics   map[string]bool // known to be there
	closed   bool
}

var _ Bus = (*kafka)(nil)

func newKafka(address *url.URL, o Options) (*kafka, error) {
	k := &kafka{options: o, topics: make(map[string]bool), client: []kgo.Opt{
		kgo.SeedBrokers(strings.Split(address.Host, ",")...), kgo.ClientID("upline"), kgo.DialTimeout(5 * time.Second),
		kgo.RetryTimeout(20 * time.Second),
	}}
	dial := o.Dial
	secure := address.Query().Get("tls") == "true"
	k.client = append(k.client, kgo.Dialer(func(ctx context.Context, network, host string) (net.Conn, error) {
		conn, err := dial(ctx, network, host)
		if err != nil || !secure {
			return conn, err
		}
		name, _, err := net.SplitHostPort(host)
		if err != nil {
			return nil, err
		}
		return tls.Client(conn, &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12}), nil
	}))
	if address.User != nil {
		if !secure {
			return nil, server.Errorf(server.Invalid, "BUS_URL has a password but no TLS, which would send it in the clear; add ?tls=true")
		}
		password, _ := address.User.Password()
		k.client = append(k.client, kgo.SASL(plain.Auth{User: address.User.Username(), Pass: password}.AsMechanism()))
	}
	return k, nil
}

func (k *kafka) Ping(ctx context.Context) error {
	client, err := kgo.NewClient(k.client...)
	if err != nil {
		return fmt.Errorf("prepare a Kafka client: %w", err)
	}
	defer client.Close()
	if err := client.Ping(ctx); err != nil {
		return unreachable("Kafka", err)
	}
	return nil
}

func (k *kafka) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	if k.producer != nil {
		k.producer.Close()
		k.producer = nil
	}
	return nil
}

// ready gives the producer, and makes the topic where it is missing.
func (k *kafka) ready(ctx context.Context, topic string) (*kgo.Client, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil, server.Errorf(server.Unavailable, "the bus is closed")
	}
	if k.producer == nil {
		producer, err := kgo.NewClient(append([]kgo.Opt{
			kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerBatchCompression(kgo.NoCompression()),
			kgo.ProducerLinger(0), // whoever publishes gathers a batch while the one before is under way
			kgo.RecordDeliveryTimeout(30 * time.Second), kgo.ProducerBatchMaxBytes(8 << 20),
		}, k.client...)...)
		if err != nil {
			return nil, fmt.Errorf("prepare a Kafka client: %w", err)
		}
		k.producer = producer
	}
	if !k.topics[topic] {
		if err := k.create(ctx, k.producer, topic); err != nil {
			return nil, err
		}
		k.topics[topic] = true
	}
	return k.producer, nil
}

func (k *kafka) Prepare(ctx context.Context, topic string) error {
	_, err := k.ready(ctx, topic)
	return err
}

// create makes a topic with our partitions and the cluster's own replication. One that is there stays as it is; where a number of
// partitions was asked for, it must be that.
func (k *kafka) create(ctx context.Context, client *kgo.Client, topic string) error {
	request := kmsg.NewPtrCreateTopicsRequest()
	wanted := kmsg.NewCreateTopicsRequestTopic()
	wanted.Topic, wanted.ReplicationFactor = topic, -1
	wanted.NumPartitions = int32(k.options.Partitions) //nolint:gosec // MaxPartitions at most.
	request.Topics, request.TimeoutMillis = append(request.Topics, wanted), 10_000
	answer, err := request.RequestWith(ctx, client)
	if err != nil {
		return unreachable("Kafka", err)
	}
	for _, made := range answer.Topics {
		err := kerr.ErrorForCode(made.ErrorCode)
		if errors.Is(err, kerr.TopicAlreadyExists) {
			err = k.compare(ctx, client, topic)
		}
		if err != nil {
			return fmt.Errorf("create the Kafka topic %s: %w", topic, err)
		}
	}
	return nil
}

// compare holds a topic that is there against the number of partitions that was asked for.
func (k *kafka) compare(ctx context.Context, client *kgo.Client, topic string) error {
	if k.options.anyPartitions || isDead(topic) {
		return nil
	}
	request := kmsg.NewPtrMetadataRequest()
	named := kmsg.NewMetadataRequestTopic()
	named.Topic = &topic
	request.Topics = append(request.Topics, named)
	answer, err := request.RequestWith(ctx, client)
	if err != nil {
		return unreachable("Kafka", err)
	}
	for _, t := range answer.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return unreachable("Kafka", err)
		}
		if len(t.Partitions) != k.options.Partitions {
			return k.options.otherPartitions(topic, fmt.Sprintf("%d partitions", len(t.Partitions)))
		}
	}
	return nil
}

func (k *kafka) Publish(ctx context.Context, topic string, batch []Message) (err error) {
	defer server.Wrap(&err, "publish %d messages of %s", len(batch), topic)
	if len(batch) == 0 {
		return nil
	}
	producer, err := k.ready(ctx, topic)
	if err != nil {
		return err
	}
	records := make([]*kgo.Record, len(batch))
	for i, m := range batch {
		records[i] = &kgo.Record{
			Topic: topic, Key: []byte(m.Key), Value: m.Body,
			Headers: []kgo.RecordHeader{{Key: "id", Value: []byte(m.ID)}, {Key: "content-type", Value: []byte("application/cloudevents+json")}},
		}
	}
	if err := producer.ProduceSync(ctx, records...).FirstErr(); err != nil {
		if errors.Is(err, kerr.UnknownTopicOrPartition) {
			k.mu.Lock()
			delete(k.topics, topic) // Somebody removed it.
			k.mu.Unlock()
		}
		return unreachable("Kafka", err)
	}
	return nil
}

// Consume joins the group, and joins anew after anything that made it leave.
func (k *kafka) Consume(ctx context.Context, topic, group string, h Handler) error {
	d := &delivering{options: k.options, topic: topic, group: group, handle: h, bury: func(ctx context.Context, m Message) error {
		return k.Publish(ctx, DeadTopic(topic, group), []Message{m})
	}}
	wait := k.options.RetryFirst
	for ctx.Err() == nil {
		err := k.Prepare(ctx, topic)
		if server.CodeOf(err) == server.Invalid {
			return fmt.Errorf("consume %s as %s: %w", topic, group, err)
		}
		if err == nil {
			err = k.member(ctx, d)
		}
		if err == nil {
			wait = k.options.RetryFirst
			continue
		}
		if sleep(ctx, wait) != nil {
			break
		}
		wait = min(2*wait, k.options.RetryMost)
	}
	return nil
}

// member is one membership of the group: nil when it left on purpose.
func (k *kafka) member(ctx context.Context, d *delivering) error {
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.ConsumerGroup(d.topic + "." + d.group), kgo.ConsumeTopics(d.topic), kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.BlockRebalanceOnPoll(), kgo.RebalanceTimeout(60 * time.Second), kgo.FetchMaxWait(time.Second),
	}, k.client...)...)
	if err != nil {
		return fmt.Errorf("prepare a Kafka client: %w", err)
	}
	defer client.CloseAllowingRebalance()
	for {
		fetches := k.poll(ctx, client)
		if ctx.Err() != nil {
			return nil
		}
		if err := fetches.Err0(); err != nil {
			return unreachable("Kafka", err)
		}
		failed, err := k.work(ctx, client, fetches, d)
		client.AllowRebalance()
		if failed || err != nil {
			return err
		}
	}
}

// freshFor is how long a poll that has something waits for what is fresh. A client fetches one step ahead: what it has at once was fetched
// when the work on the batch before began, and what has come since is fetched only now, to be given after this work.
const freshFor = 3 * time.Millisecond

// poll waits for messages, and gives them with what has come while the ones before were handled.
func (k *kafka) poll(ctx context.Context, client *kgo.Client) kgo.Fetches {
	most := k.options.BatchMax * k.options.Partitions
	ahead := client.PollRecords(nil, most) //nolint:staticcheck // nil: only what is there
	switch {
	case len(ahead) == 0:
		return client.PollRecords(ctx, most)
	case ahead.NumRecords() >= k.options.BatchMax || ahead.Err() != nil:
		return ahead
	}
	soon, cancel := context.WithTimeout(ctx, freshFor)
	defer cancel()
	fresh := client.PollRecords(soon, most)
	if err := fresh.Err0(); err != nil && errors.Is(err, soon.Err()) {
		return ahead
	}
	return joined(append(ahead, fresh...))
}

// joined puts what several fetches hold of a partition behind each other: it is handled in order.
func joined(fetches kgo.Fetches) kgo.Fetches {
	var all kgo.FetchTopic
	at := make(map[int32]int)
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		i, found := at[p.Partition]
		if !found {
			at[p.Partition] = len(all.Partitions)
			all.Topic, all.Partitions = p.Topic, append(all.Partitions, p.FetchPartition)
			return
		}
		one := &all.Partitions[i]
		one.Records = append(slices.Clip(one.Records), p.Records...)
		if one.Err == nil {
			one.Err = p.Err
		}
	})
	return kgo.Fetches{{Topics: []kgo.FetchTopic{all}}}
}

// work handles what was fetched and notes how far each partition is. failed: something is left, which is fetched again by whoever gets
// the partition next.
func (k *kafka) work(ctx context.Context, client *kgo.Client, fetches kgo.Fetches, d *delivering) (failed bool, err error) {
	limited, cancel := context.WithTimeout(ctx, leaveAfter)
	defer cancel()
	done := k.together(limited, fetches, d)
	if done == nil {
		done, failed, err = k.apart(limited, fetches, d)
	}
	if len(done) == 0 {
		return failed, err
	}
	committing, stop := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer stop()
	if commitErr := client.CommitRecords(committing, done...); commitErr != nil {
		return true, unreachable("Kafka", commitErr)
	}
	return failed, err
}

// together hands the few records of a quiet moment over as one batch, whatever their partitions, and gives the last one of each. It gives
// none where they are more, or not all of them could be handled: then none of a partition may hold up those of another.
func (k *kafka) together(ctx context.Context, fetches kgo.Fetches, d *delivering) (done []*kgo.Record) {
	ctx, cancel := context.WithTimeout(ctx, togetherFor)
	defer cancel()
	var batch []Message
	whole := fetches.NumRecords() <= k.options.BatchMax
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if whole = whole && p.Err == nil; !whole || len(p.Records) == 0 {
			return
		}
		for _, record := range p.Records {
			batch = append(batch, messageOf(record))
		}
		done = append(done, p.Records[len(p.Records)-1])
	})
	if !whole || len(batch) == 0 || d.try(ctx, batch) != nil {
		return nil
	}
	return done
}

// apart handles the partitions side by side and gives the last record of each that is done.
func (k *kafka) apart(ctx context.Context, fetches kgo.Fetches, d *delivering) (done []*kgo.Record, failed bool, err error) {
	var partitions sync.WaitGroup
	var mu sync.Mutex
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if p.Err != nil {
			mu.Lock()
			failed, err = true, unreachable("Kafka", p.Err)
			mu.Unlock()
			return
		}
		partitions.Go(func() {
			last := k.partition(ctx, p.Records, d)
			mu.Lock()
			defer mu.Unlock()
			if last != nil {
				done = append(done, last)
			}
			failed = failed || len(p.Records) > 0 && last != p.Records[len(p.Records)-1]
		})
	})
	partitions.Wait()
	return done, failed, err
}

// partition handles one partition's records in batches and gives the last one that is done.
func (k *kafka) partition(ctx context.Context, records []*kgo.Record, d *delivering) (last *kgo.Record) {
	for len(records) > 0 {
		size := min(len(records), k.options.BatchMax)
		batch := make([]Message, size)
		for i, record := range records[:size] {
			batch[i] = messageOf(record)
		}
		if d.deliver(ctx, batch) != nil {
			return last
		}
		last, records = records[size-1], records[size:]
	}
	return last
}

func messageOf(record *kgo.Record) Message {
	return Message{ID: header(record, "id"), Key: string(record.Key), Body: record.Value}
}

func header(record *kgo.Record, name string) string {
	for _, h := range record.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}
