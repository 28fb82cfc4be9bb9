package main

import (
	"context"
	"errors"
	"sync"

	"upline.dev/upline/server"
	"upline.dev/upline/server/bus"
	"upline.dev/upline/server/courier"
	"upline.dev/upline/server/event"
	"upline.dev/upline/server/metrics"
)

// openBus opens the bus of BUS_URL for a topic. Where it cannot be reached it says so and goes on, as a bus delays and loses nothing; a
// topic that is divided otherwise than this process is told to is a wrong setting.
func (cmd *ServeCmd) openBus(ctx context.Context, env *environment, topic string, options bus.Options, meanwhile string) (bus.Bus, error) {
	options.Partitions = cmd.BusPartitions
	b, err := bus.Open(cmd.BusURL, options)
	if err != nil && server.CodeOf(err) == server.Invalid {
		return nil, wrongSetting("%v", err)
	}
	if err != nil {
		return nil, err
	}
	asking, cancel := context.WithTimeout(ctx, busPatience)
	defer cancel()
	if err = b.Ping(asking); err == nil {
		err = b.Prepare(asking, topic)
	}
	if server.CodeOf(err) == server.Invalid {
		return nil, errors.Join(wrongSetting("BUS_PARTITIONS: %v", err), b.Close())
	}
	if err != nil {
		env.log.WarnContext(ctx, "the bus is tried again until it can be reached", "meanwhile", meanwhile, "error", err)
	}
	return b, nil
}

// couriers are the ways by which deliveries go to engines in other processes and come from others to this one's, and events of
// commissions to the world. The receiver has to stop before the pipeline, and the sender after the inbox.
type couriers struct {
	stopReceiving, stopSending, stopRelay func()
}

func (c couriers) end() {
	c.stopReceiving()
	c.stopSending()
	c.stopRelay()
}

// couriers sets them going. A process that takes deliveries and has an engine hands them over within itself, which is the shortest way,
// unless it is told to go through the bus.
func (cmd *ServeCmd) couriers(ctx context.Context, env *environment, a *app, m *machine, figures *metrics.Metrics) (couriers, error) {
	none := couriers{stopReceiving: func() {}, stopSending: func() {}}
	var err error
	if none.stopRelay, err = cmd.relay(ctx, env, a); err != nil {
		return none, err
	}
	ingest := cmd.has("ingest")
	sends, receives := ingest && (!m.engine || cmd.ThroughBus), m.engine
	if cmd.BusURL == "" || !sends && !receives {
		return none, nil
	}
	b, err := cmd.openBus(ctx, env, event.Normalised, bus.Options{Dead: func(topic, group string, m bus.Message, cause error) {
		env.log.Error("a message of the bus was given up", "topic", topic, "group", group, "id", m.ID, "error", cause)
	}}, "engines find deliveries by their sweep")
	if err != nil {
		none.stopRelay()
		return none, err
	}
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	receiving, endReceiving := context.WithCancel(running)
	var sender, receiver sync.WaitGroup
	if sends {
		s := courier.NewSender(m.pipeline, b, a.now, env.log, figures, courier.Options{})
		m.inbox.HandTo(s)
		sender.Go(func() { s.Run(running) })
	}
	if receives {
		r := &courier.Receiver{Engine: m.pipeline, Logger: env.log, Clock: a.now, Metrics: figures}
		receiver.Go(func() {
			if err := b.Consume(receiving, event.Normalised, courier.Group, r.Handle); err != nil {
				env.log.Error("deliveries come by the sweep alone", "error", err)
			}
		})
	}
	return couriers{
		stopSending:   sync.OnceFunc(func() { end(); sender.Wait(); receiver.Wait(); _ = b.Close() }),
		stopReceiving: func() { endReceiving(); receiver.Wait() },
		stopRelay:     none.stopRelay,
	}, nil
}
