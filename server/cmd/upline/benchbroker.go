package main

import (
	"context"
	"time"

	"upline.dev/upline/server/bench"
	"upline.dev/upline/server/bus"
)

// BenchBrokerCmd measures work that goes over a bus.
type BenchBrokerCmd struct {
	JSON     bool          `help:"Print JSON."`
	RabbitMQ string        `name:"rabbitmq" help:"Address of a RabbitMQ; empty: only Kafka's protocol is measured, on a broker in memory." placeholder:"URL" env:"UPLINE_TEST_RABBITMQ"`
	Orders   int           `help:"Orders of one round." default:"5000"`
	Rounds   int           `help:"Rounds of one process and of four, in turns; the median counts." default:"3"`
	OpenFor  time.Duration `help:"Length of the measurement of latency." default:"8s"`
	Backlog  int           `help:"Deliveries that wait when the engines start; 0 leaves the drain out." default:"20000"`
	// Two for each of the two engines.
	Partitions int    `help:"Partitions of the topic." default:"4"`
	Dir        string `help:"Where to put scratch data; must be a real disk." default:"." type:"existingdir"`
}

// Run carries it out. The scratch database and folder are removed at the end.
func (cmd *BenchBrokerCmd) Run(ctx context.Context, env *environment) error {
	if env.DatabaseURL == "" {
		return wrongSetting("bench broker needs a PostgreSQL that processes share: set DATABASE_URL")
	}
	if cmd.Orders < 100 || cmd.Rounds < 1 || cmd.OpenFor < time.Second || cmd.Backlog < 0 || cmd.Partitions < 2 || cmd.Partitions > bus.MaxPartitions {
		return wrongSetting("bench broker needs at least 100 orders, 1 round and 1 second, and 2 to 1,024 partitions")
	}
	report, err := bench.Broker(ctx, bench.BrokerConfig{
		DatabaseURL: env.DatabaseURL, RabbitMQ: cmd.RabbitMQ, Dir: cmd.Dir, Orders: cmd.Orders, Rounds: cmd.Rounds, OpenFor: cmd.OpenFor,
		Backlog: cmd.Backlog, Partitions: cmd.Partitions, Progress: env.stderr, Open: env.openBench,
	})
	if err != nil {
		return err
	}
	if cmd.JSON {
		return env.json(report)
	}
	return report.Print(env.stdout)
}

// BenchSoakCmd sends real-shaped traffic for a while.
type BenchSoakCmd struct {
	JSON bool          `help:"Print JSON."`
	For  time.Duration `help:"For how long." default:"60s"`
	Rate int           `help:"Deliveries a second, on average." default:"300"`
	Dir  string        `help:"Where to put scratch data; must be a real disk." default:"." type:"existingdir"`
}

// Run carries it out. The scratch database and folder are removed at the end.
func (cmd *BenchSoakCmd) Run(ctx context.Context, env *environment) error {
	if cmd.For < 5*time.Second || cmd.For > 24*time.Hour || cmd.Rate < 10 || cmd.Rate > 100_000 {
		return wrongSetting("bench soak needs 5 seconds to 24 hours, and 10 to 100,000 deliveries a second")
	}
	report, err := bench.Soak(ctx, bench.SoakConfig{
		DatabaseURL: env.DatabaseURL, Dir: cmd.Dir, For: cmd.For, Rate: cmd.Rate, Progress: env.stderr, Open: env.openBench,
	})
	if err != nil {
		return err
	}
	if cmd.JSON {
		return env.json(report)
	}
	return report.Print(env.stdout)
}

// BenchSimCmd plans past this machine.
type BenchSimCmd struct {
	JSON         bool `help:"Print JSON."`
	bench.Costs  `embed:""`
	bench.Demand `embed:""`
}

// Run computes; it measures nothing.
func (cmd *BenchSimCmd) Run(env *environment) error {
	report, err := bench.Sim(cmd.Costs, cmd.Demand)
	if err != nil {
		return wrongSetting("%v", err)
	}
	if cmd.JSON {
		return env.json(report)
	}
	return report.Print(env.stdout)
}

// BenchKafkaCmd serves Kafka's protocol.
type BenchKafkaCmd struct {
	Addr      string `required:"" help:"Loopback address to listen on."`
	Health    string `required:"" help:"Loopback address that answers once it listens, and makes it fail on purpose."`
	Advertise string `help:"What clients are told to connect to; empty: --addr."`
	Dir       string `help:"Keeps what it has over a restart; empty: memory alone."`
}

// Run serves until the context ends.
func (cmd *BenchKafkaCmd) Run(ctx context.Context) error {
	return bench.ServeKafka(ctx, bench.KafkaConfig{Addr: cmd.Addr, Health: cmd.Health, Advertise: cmd.Advertise, Dir: cmd.Dir})
}
