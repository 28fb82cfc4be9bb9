package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// KafkaConfig says where a broker of ours listens and keeps its data.
type KafkaConfig struct {
	Addr      string // to listen on
	Health    string // answers once it listens; POST /full has it refuse messages, /mend take them again, /remove?topic=NAME remove a topic
	Advertise string // what clients are told to connect to, such as a proxy before it; "" is Addr
	Dir       string // keeps what it has over a restart; "": memory alone
}

// ServeKafka runs a broker that speaks Kafka's protocol until ctx ends. It measures and tries the protocol and our side of it, not a
// cluster.
func ServeKafka(ctx context.Context, cfg KafkaConfig) error {
	_, text, err := net.SplitHostPort(cfg.Addr)
	if err != nil {
		return fmt.Errorf("serve Kafka's protocol: %w", err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("serve Kafka's protocol: %w", err)
	}
	options := []kfake.Opt{kfake.NumBrokers(1), kfake.Ports(port)}
	if cfg.Advertise != "" {
		options = append(options, kfake.ListenFn(advertising(cfg.Advertise)))
	}
	if cfg.Dir != "" {
		options = append(options, kfake.DataDir(cfg.Dir))
	}
	cluster, err := kfake.NewCluster(options...)
	if err != nil {
		return fmt.Errorf("serve Kafka's protocol: %w", err)
	}
	defer cluster.Close()
	server := &http.Server{Addr: cfg.Health, ReadHeaderTimeout: 5 * time.Second, Handler: kafkaControls(cluster, cfg.Addr)}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve Kafka's protocol: %w", err)
	}
	return nil
}

// advertised is a listener that says it listens elsewhere.
type advertised struct {
	net.Listener
	address net.Addr
}

func (a advertised) Addr() net.Addr { return a.address }

func advertising(address string) func(network, at string) (net.Listener, error) {
	return func(network, at string) (net.Listener, error) {
		elsewhere, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			return nil, fmt.Errorf("resolve %s: %w", address, err)
		}
		l, err := (&net.ListenConfig{}).Listen(context.Background(), network, at)
		if err != nil {
			return nil, fmt.Errorf("listen on %s: %w", at, err)
		}
		return advertised{l, elsewhere}, nil
	}
}

// kafkaControls makes the broker fail on purpose.
func kafkaControls(cluster *kfake.Cluster, addr string) http.Handler {
	var full atomic.Bool
	cluster.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if !full.Load() {
			return nil, nil, false
		}
		return refusedProduce(request.(*kmsg.ProduceRequest)), nil, true
	})
	mux := http.NewServeMux()
	mux.HandleFunc("POST /full", func(http.ResponseWriter, *http.Request) { full.Store(true) })
	mux.HandleFunc("POST /mend", func(http.ResponseWriter, *http.Request) { full.Store(false) })
	mux.HandleFunc("POST /remove", func(w http.ResponseWriter, r *http.Request) {
		if err := removeTopic(r.Context(), addr, r.URL.Query().Get("topic")); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	return mux
}

// refusedProduce answers as a broker whose disk is full.
func refusedProduce(asked *kmsg.ProduceRequest) kmsg.Response {
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

// removeTopic removes a topic; one that is not there is none any more.
func removeTopic(ctx context.Context, addr, topic string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		return fmt.Errorf("prepare a Kafka client: %w", err)
	}
	defer client.Close()
	request := kmsg.NewPtrDeleteTopicsRequest()
	named := kmsg.NewDeleteTopicsRequestTopic()
	named.Topic = &topic
	request.TopicNames, request.Topics, request.TimeoutMillis = []string{topic}, append(request.Topics, named), 5000
	answer, err := request.RequestWith(ctx, client)
	if err != nil {
		return fmt.Errorf("remove the topic %s: %w", topic, err)
	}
	var refused []string
	for _, t := range answer.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) {
			refused = append(refused, err.Error())
		}
	}
	if len(refused) > 0 {
		return fmt.Errorf("remove the topic %s: %s", topic, strings.Join(refused, ", "))
	}
	return nil
}
