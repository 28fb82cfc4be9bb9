package main

import (
	"context"
	"path/filepath"
	"time"

	"upline.dev/upline/server/bench"
)

// BenchCmd groups the measurements.
type BenchCmd struct {
	Ingest BenchIngestCmd `cmd:"" help:"Arrival, latency and settlement against a no-op handler in the same run."`
	Settle BenchSettleCmd `cmd:"" help:"One order's calculation, trace and difference, without a database."`
	Close  BenchCloseCmd  `cmd:"" help:"The close of a month of a synthetic company, against the same figures by recursive SQL."`
	Run    BenchRunCmd    `cmd:"" help:"Lock and commit of a month of a company with a million people, in the product's own tables."`
	API    BenchAPICmd    `cmd:"" name:"api" help:"What the screens ask for, of a company with a million orders."`
	Broker BenchBrokerCmd `cmd:"" help:"Two ingest and two engine processes with a bus between them, against one process, on PostgreSQL."`
	Soak   BenchSoakCmd   `cmd:"" help:"Real-shaped traffic for a while: bursts, refunds, edits, repeats; the slope of memory, and the ledger held against what was sent."`
	Sim    BenchSimCmd    `cmd:"" help:"What traffic past this machine takes, from measured costs: nodes, partitions, storage."`
	Kafka  BenchKafkaCmd  `cmd:"" hidden:"" help:"A broker in memory that speaks Kafka's protocol."`
	Noop   BenchNoopCmd   `cmd:"" hidden:"" help:"The no-op handler that ingest is compared with."`
}

// BenchIngestCmd measures the running product.
type BenchIngestCmd struct {
	JSON        bool          `help:"Print JSON."`
	Rounds      int           `help:"Rounds of the closed loop; the median counts." default:"5"`
	Slice       time.Duration `help:"One measurement of one server in a round." default:"3s"`
	Connections int           `help:"Connections of the closed loop." default:"64"`
	OpenFor     time.Duration `help:"Length of one open-loop measurement." default:"10s"`
	DrainOrders int           `help:"Orders settled in the drain measurement." default:"20000"`
	Parts       []string      `help:"Measure only these: throughput, drain, latency." enum:"throughput,drain,latency"`
	Dir         string        `help:"Where to put scratch data; must be a real disk." default:"." type:"existingdir"`
}

// Run carries it out. The scratch database and folder are removed at the end.
func (cmd *BenchIngestCmd) Run(ctx context.Context, env *environment) error {
	if cmd.Rounds < 1 || cmd.Connections < 1 || cmd.DrainOrders < 100 {
		return wrongSetting("bench ingest needs at least 1 round, 1 connection and 100 orders")
	}
	report, err := bench.Ingest(ctx, bench.Config{
		DatabaseURL: env.DatabaseURL, Dir: cmd.Dir, Rounds: cmd.Rounds, Slice: cmd.Slice, Connections: cmd.Connections,
		OpenFor: cmd.OpenFor, DrainOrders: cmd.DrainOrders, Parts: cmd.Parts, Progress: env.stderr, Open: env.openBench,
	})
	if err != nil {
		return err
	}
	if cmd.JSON {
		return env.json(report)
	}
	return report.Print(env.stdout)
}

// openBench opens a database for the bench with this binary's own services.
func (e *environment) openBench(ctx context.Context, databaseURL, dir string) (bench.Product, error) {
	own := *e
	own.Data, own.DatabaseURL = filepath.Join(dir, "data"), databaseURL
	if _, err := own.migrate(ctx); err != nil {
		return bench.Product{}, err
	}
	a, err := own.open(ctx)
	if err != nil {
		return bench.Product{}, err
	}
	return bench.Product{
		Store: a.store, Admin: a.admin, DataDir: own.Data,
		Drain: func(ctx context.Context) error {
			return own.withMachine(ctx, a, func(m *machine) error { return m.settled(ctx, a) })
		},
	}, nil
}

// BenchSettleCmd measures the core alone.
type BenchSettleCmd struct {
	JSON bool `help:"Print JSON."`
}

// Run carries it out.
func (cmd *BenchSettleCmd) Run(env *environment) error {
	report, err := bench.Settle()
	if err != nil {
		return err
	}
	if cmd.JSON {
		return env.json(report)
	}
	return report.Print(env.stdout)
}

// BenchCloseCmd measures the close of a month.
type BenchCloseCmd struct {
	JSON            bool          `help:"Print JSON."`
	Distributors    int           `help:"People of the synthetic company." default:"1000000"`
	Lines           int           `help:"Order lines of the month." default:"10000000"`
	Shape           string        `help:"Sponsor tree: random, deep (100,000 levels) or wide." enum:"random,deep,wide" default:"random"`
	Plan            string        `help:"What is paid: levels (retail, seven compressed levels, generations, a pool) or binary (as many positions, with carry)." enum:"levels,binary" default:"levels"`
	Workers         int           `help:"Cores used; 0 for all." default:"0"`
	Database        string        `help:"PostgreSQL server to read from, write to, and compare with by recursive SQL, in a database that is made and removed." placeholder:"URL"`
	SQLDistributors int           `name:"sql-distributors" help:"People of the comparison by SQL, with their part of the lines, from which its time is extrapolated; 0 for all." default:"0"`
	SQLWithin       time.Duration `name:"sql-within" help:"How long SQL may take; then a tenth of the company is measured, and the report says so." default:"10m"`
}

// Run carries it out. Nothing is kept.
func (cmd *BenchCloseCmd) Run(ctx context.Context, env *environment) error {
	env.stopped = "nothing was measured"
	config := bench.CloseConfig{
		Distributors: cmd.Distributors, Lines: cmd.Lines, Shape: cmd.Shape, Binary: cmd.Plan == "binary", Workers: cmd.Workers, DatabaseURL: cmd.Database,
		SQLPeople: cmd.SQLDistributors, SQLWithin: cmd.SQLWithin, Progress: env.stderr,
	}
	if why := config.Wrong(); why != "" {
		return wrongSetting("bench close: %s", why)
	}
	if cmd.Database != "" && !hasAnyPrefix(cmd.Database, "postgres://", "postgresql://") {
		return wrongSetting("bench close: --database must begin with postgres://")
	}
	report, err := bench.Close(ctx, config)
	if err != nil {
		return err
	}
	if cmd.JSON {
		return env.json(report)
	}
	return report.Print(env.stdout)
}

// BenchRunCmd measures lock and commit of a month.
type BenchRunCmd struct {
	JSON         bool   `help:"Print JSON."`
	Distributors int64  `help:"People of the synthetic company." default:"1000000"`
	Lines        int64  `help:"Order lines of the month." default:"10000000"`
	Dir          string `help:"Where to put scratch data; must be a real disk." default:"." type:"existingdir"`
}

// Run carries it out. The scratch database and folder are removed at the end.
func (cmd *BenchRunCmd) Run(ctx context.Context, env *environment) error {
	if cmd.Distributors < 100 || cmd.Lines < 100 || cmd.Distributors > 50_000_000 || cmd.Lines > 1_000_000_000 {
		return wrongSetting("bench run needs 100 to 50,000,000 distributors and 100 to 1,000,000,000 lines")
	}
	report, err := bench.Month(ctx, bench.MonthConfig{
		DatabaseURL: env.DatabaseURL, Dir: cmd.Dir, People: cmd.Distributors, Lines: cmd.Lines, Progress: env.stderr, Open: env.openBench,
	})
	if err != nil {
		return err
	}
	if cmd.JSON {
		return env.json(report)
	}
	return report.Print(env.stdout)
}

// BenchAPICmd measures the calls of the screens.
type BenchAPICmd struct {
	JSON   bool   `help:"Print JSON."`
	Orders int64  `help:"Orders of the synthetic company." default:"1000000"`
	People int64  `help:"Its distributors." default:"100000"`
	Repeat int    `help:"How often each call is measured." default:"100"`
	Dir    string `help:"Where to put scratch data; must be a real disk." default:"." type:"existingdir"`
	Keep   string `help:"A folder that keeps the company for the next run; made and filled where there is none." type:"path"`
}

// Run carries it out. The scratch database and folder are removed at the end, unless they are to be kept.
func (cmd *BenchAPICmd) Run(ctx context.Context, env *environment) error {
	if cmd.Orders < 1000 || cmd.People < 100 || cmd.Repeat < 2 {
		return wrongSetting("bench api needs at least 1000 orders, 100 people and 2 repetitions")
	}
	report, err := bench.API(ctx, bench.APIConfig{
		DatabaseURL: env.DatabaseURL, Dir: cmd.Dir, Orders: cmd.Orders, People: cmd.People, Repeat: cmd.Repeat, Keep: cmd.Keep,
		Progress: env.stderr, Open: env.openBench,
	})
	if err != nil {
		return err
	}
	if cmd.JSON {
		return env.json(report)
	}
	return report.Print(env.stdout)
}

// BenchNoopCmd serves the no-op handler.
type BenchNoopCmd struct {
	Addr string `required:"" help:"Loopback address to listen on."`
}

// Run serves until the context ends.
func (cmd *BenchNoopCmd) Run(ctx context.Context) error { return bench.ServeNoop(ctx, cmd.Addr) }
