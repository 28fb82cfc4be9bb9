package main

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"upline.dev/upline/server/bus"
	"upline.dev/upline/server/event"
)

// TestOpenBusWithOtherPartitions: a process that divides a topic otherwise than it was made does not start; one that says nothing takes it
// as it is.
func TestOpenBusWithOtherPartitions(t *testing.T) {
	t.Parallel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	address := "kafka://" + strings.Join(cluster.ListenAddrs(), ",")
	env := &environment{log: slog.New(slog.DiscardHandler)}
	for _, step := range []struct {
		partitions int
		refused    bool
	}{{4, false}, {6, true}, {4, false}, {0, false}} {
		cmd := &ServeCmd{BusURL: address, BusPartitions: step.partitions}
		b, err := cmd.openBus(t.Context(), env, event.Normalised, bus.Options{}, "")
		if wrong := (*settingError)(nil); errors.As(err, &wrong) != step.refused {
			t.Fatalf("%d partitions: %v", step.partitions, err)
		}
		if step.refused {
			if !strings.Contains(err.Error(), "BUS_PARTITIONS") || !strings.Contains(err.Error(), "4 partitions") {
				t.Errorf("the error does not say what is there: %v", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestOpenBusWithoutBroker: nobody listens at BUS_URL. The start goes on, and says what that means and no password.
func TestOpenBusWithoutBroker(t *testing.T) {
	t.Parallel()
	nobody, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := nobody.Addr().String()
	if err := nobody.Close(); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"amqp://user:hidden@" + host + "/", "kafka://" + host} {
		var said bytes.Buffer
		env := &environment{log: slog.New(slog.NewTextHandler(&said, nil))}
		b, err := (&ServeCmd{BusURL: address}).openBus(t.Context(), env, event.Normalised, bus.Options{}, "engines find deliveries by their sweep")
		if err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if text := said.String(); !strings.Contains(text, "cannot be reached") || !strings.Contains(text, "by their sweep") || strings.Contains(text, "hidden") {
			t.Errorf("%s: %s", host, text)
		}
	}
}
