package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"upline.dev/upline/server/duty"
	"upline.dev/upline/server/inbox"
	"upline.dev/upline/server/metrics"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/privacy"
	"upline.dev/upline/server/reference"
	"upline.dev/upline/server/relay"
)

// retentionEvery is how often old bodies, and old rows of the outbox, are looked for.
const retentionEvery = time.Hour

// keepEvery is how often the sums of what sold in open periods are brought up to date: each time costs what sold since.
const keepEvery = time.Minute

// privacyEvery is how often requests of persons are looked for that came to another process, or wait.
const privacyEvery = 30 * time.Second

// rulesEvery is how often SKUs that came to wait are looked at by the mapping rules of their programs; without rules, or
// without such SKUs, that reads one row of an index.
const rulesEvery = time.Second

// extendEvery is how often is looked whether the ledger needs its next partition, which is made when the one before is begun.
const extendEvery = time.Minute

// hintsEvery is how often hints are looked at that came just while their order was settled.
const hintsEvery = 10 * time.Second

// machineOptions say how a machine works.
type machineOptions struct {
	figures    *metrics.Metrics
	keepBodies time.Duration
	keepOutbox time.Duration // 0: for ever
	roles      []string
	lease      time.Duration // how long a delivery is left to whoever took it up; 0: the parts' own default
	alone      bool          // no other process settles on this database: leases found at start are of the dead
	bulk       bool          // many deliveries are sent from here and nobody waits for a single one
	memory     inbox.Memory  // may be nil
}

// machine is the part that works: inbox and pipeline on one database.
type machine struct {
	inbox    *inbox.Inbox
	pipeline *pipeline.Pipeline
	engine   bool
	fail     func(error)
	privacy  *privacy.Service
	hints    *reference.Keeper
	keep     func(ctx context.Context) // brings sums of sales up to date
	rules    func(ctx context.Context) // maps by the programs' rules what comes to wait
	extend   func(ctx context.Context) // makes the ledger's next partition in time
	duties   *duty.Keeper
	trimmer  *relay.Trimmer // nil: nothing is trimmed
}

// newMachine builds inbox and pipeline; nothing runs yet but the inbox's writer.
func (e *environment) newMachine(a *app, o machineOptions) (*machine, error) {
	in, err := inbox.New(a.store, a.ring, a.now, inbox.Options{
		KeepBodies: o.keepBodies, Metrics: o.figures, FastPacking: a.store.Dialect() == "sqlite", BatchRows: o.batchRows(), Lease: o.lease,
		Memory: o.memory, Pace: commitPace(a.store.Dialect(), o.roles),
	})
	if err != nil {
		return nil, fmt.Errorf("start the inbox: %w", err)
	}
	requests := a.privacy(in, e.log)
	p, err := pipeline.New(pipeline.Deps{
		Inbox: a.store, Bodies: in, Store: a.store, Adapters: platforms(), Clock: a.now, Logger: e.log, Metrics: o.figures,
		Notices: a.desk(requests), References: a.signer(),
	}, pipelineOptions(a, o))
	if err != nil {
		in.Close()
		return nil, fmt.Errorf("start the pipeline: %w", err)
	}
	m := &machine{
		duties: e.duties(a),
		inbox:  in, pipeline: p, engine: slices.Contains(o.roles, "engine"), privacy: requests,
		hints: &reference.Keeper{Hints: a.store, Clock: a.now, Kick: p.Kick, Logger: e.log},
		fail:  func(err error) { e.log.Error("dropping old bodies", "error", err) },
		keep: func(ctx context.Context) {
			a.runs(e, nil).Keep(ctx, keepEvery, func(ctx context.Context) ([]string, error) { return a.programIDs(ctx, "") },
				func(err error) { e.log.Warn("summing sales", "error", err) })
		},
	}
	m.extend = func(ctx context.Context) {
		a.store.KeepLedger(ctx, extendEvery, func(made string, err error) {
			if err != nil {
				e.log.WarnContext(ctx, "the ledger's next partition is not made; tried again, and the ledger goes on without it", "error", err)
				return
			}
			e.log.InfoContext(ctx, "the ledger has its next partition", "partition", made)
		})
	}
	m.rules = func(ctx context.Context) {
		byRule := *a.admin
		byRule.Actor = "rule"
		byRule.KeepMappingRules(ctx, rulesEvery, a.now, p.Kick, func(err error) { e.log.WarnContext(ctx, "mapping SKUs by rule", "error", err) })
	}
	if o.keepOutbox > 0 {
		m.trimmer = &relay.Trimmer{Books: a.store, Clock: a.now, Keep: o.keepOutbox, Logger: e.log}
	}
	if m.engine {
		in.HandTo(p)
	}
	return m, nil
}

// commitPace is how far apart the inbox's commits begin where several senders send. On PostgreSQL a commit is an exchange with a server, a
// flush and two processes woken, and where engines are elsewhere also a publish, and a message that each of them has to fetch, which at a
// thousand deliveries a second is more than a tenth of all work where nothing is shared; SQLite's costs a flush.
func commitPace(dialect string, roles []string) time.Duration {
	switch {
	case dialect == "sqlite":
		return 0
	case slices.Contains(roles, "engine"):
		return 700 * time.Microsecond
	default:
		return 12 * time.Millisecond
	}
}

// bulkBatch is how many deliveries of a bulk one transaction stores or settles. A page of the database is then written
// once for many of them, and a running server still waits only some tens of milliseconds for its turn.
const bulkBatch = 512

// batchRows is 0, the inbox's default, but for a bulk.
func (o machineOptions) batchRows() int {
	if o.bulk {
		return bulkBatch
	}
	return 0
}

// sqliteArrivalBatch is how many new arrivals one transaction settles on SQLite: a few milliseconds, for which the next
// arrivals wait.
const sqliteArrivalBatch = 6

// An order that arrives is settled in less time where it waits a little for others: a thousand a second come one by one, and each batch of
// one or two takes from the deliveries behind it what it cost. docs/benchmarks.md has the figures of other values.
const (
	sqliteArrivalPace   = 5 * time.Millisecond
	postgresArrivalPace = 4 * time.Millisecond
	toldPatience        = 2 * time.Millisecond
)

// pipelineOptions suit the database. SQLite has one writer: a second shard would stand in its queue before the inbox. So would that of an
// engine on its own, since a program's batches are sealed one after the other: it is there beside others, and takes larger ones instead.
func pipelineOptions(a *app, o machineOptions) pipeline.Options {
	options := pipeline.Options{SingleProcess: o.alone, Lease: o.lease, ArrivalPace: postgresArrivalPace, ToldPatience: toldPatience}
	if a.store.Dialect() == "sqlite" {
		options.Shards, options.Normalisers, options.ArrivalBatchMax, options.ArrivalPace = 1, 1, sqliteArrivalBatch, sqliteArrivalPace
	}
	if !o.bulk && !slices.Contains(o.roles, "ingest") {
		options.Shards = 1
	}
	if o.bulk {
		options.ArrivalBatchMax, options.ArrivalPace = bulkBatch, 0
	}
	return options
}

// run works until ctx ends. A process without the engine role only keeps the retention promise. What one process should do
// at a time is a duty.
func (m *machine) run(ctx context.Context) error {
	var working sync.WaitGroup
	defer working.Wait()
	alone := func(name string, work func(context.Context)) {
		working.Go(func() { m.duties.Run(ctx, name, work) })
	}
	alone("retention", func(ctx context.Context) { m.inbox.Retain(ctx, retentionEvery, m.fail) })
	if m.trimmer != nil {
		alone("outbox", func(ctx context.Context) { m.trimmer.Run(ctx, retentionEvery) })
	}
	if !m.engine {
		<-ctx.Done()
		return nil
	}
	alone("sums", m.keep)
	alone("ledger", m.extend)
	alone("mapping rules", m.rules)
	alone("privacy", func(ctx context.Context) { m.privacy.Run(ctx, privacyEvery) })
	alone("hints", func(ctx context.Context) { m.hints.Run(ctx, hintsEvery) })
	return m.pipeline.Run(ctx)
}

// ballast is memory that is never touched, and so never had: it lets the heap grow by as much before garbage is collected. What lives is
// a few megabytes and most of what is allocated lives for one request, so that a share of what lives would be collected many times a second.
var ballast []byte

const ballastBytes = 48 << 20

// collectSeldom is for processes that take deliveries or settle them. GOGC and GOMEMLIMIT count instead where they are set.
func collectSeldom() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		ballast = make([]byte, ballastBytes)
	}
}

// withMachine runs f beside a machine that works in bulk, then lets it finish what is under way.
func (e *environment) withMachine(ctx context.Context, a *app, f func(*machine) error) error {
	collectSeldom()
	figures := metrics.New(prometheus.NewRegistry())
	m, err := e.newMachine(a, machineOptions{figures: figures, keepBodies: 30 * 24 * time.Hour, roles: []string{"engine"}, bulk: true})
	if err != nil {
		return err
	}
	runCtx, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- m.run(runCtx) }()
	err = f(m)
	m.inbox.Close()
	stop()
	return errors.Join(err, <-done)
}
