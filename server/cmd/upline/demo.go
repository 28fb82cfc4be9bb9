package main

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/demo"
	"upline.dev/upline/server/planfile"
	closer "upline.dev/upline/server/run"
)

// DemoCmd fills the database with a company of 500 distributors, 4 stores, 60 SKUs and three months of orders. The
// orders walk the same way as real ones: through the inbox and the pipeline.
type DemoCmd struct {
	JSON bool   `help:"Print ids, an API key and the stores' signing secrets as JSON, for scripts."`
	Addr string `help:"Address that upline serve listens on, for the link that is printed." env:"UPLINE_ADDR" default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
}

// demoReport is the JSON form.
type demoReport struct {
	ProgramID string      `json:"program_id"`
	APIKey    string      `json:"api_key"` // may post orders of the last store, and reads everything
	Stores    []demoStore `json:"stores"`
	Orders    int64       `json:"orders"`
	Parked    int64       `json:"parked"`
	Closed    []string    `json:"closed"` // months that are committed
	URL       string      `json:"url"`
}

type demoStore struct {
	StoreID       string `json:"id"`
	Platform      string `json:"platform"`
	Domain        string `json:"domain"`
	Currency      string `json:"currency"`
	SigningSecret string `json:"signing_secret"`
	APIKey        string `json:"api_key"`
}

// Run carries it out. A second run finds everything there and changes nothing.
func (cmd *DemoCmd) Run(ctx context.Context, env *environment) error {
	return env.withApp(ctx, func(a *app) error {
		a.admin.Actor = "demo"
		company := demo.New()
		report, err := a.setUpDemo(ctx, company)
		report.URL = "http://" + cmd.Addr + "/"
		if err != nil {
			return err
		}
		if err := env.sendDemoOrders(ctx, a, company); err != nil {
			return err
		}
		if report.Closed, err = env.closeDemoMonths(ctx, a); err != nil {
			return err
		}
		overview, err := a.store.Overview(ctx, demo.ProgramID)
		if err != nil {
			return err
		}
		report.Orders, report.Parked = overview.Orders, overview.ParkedOrders
		if cmd.JSON {
			return env.json(report)
		}
		programs, err := a.store.Programs(ctx)
		if err != nil {
			return err
		}
		return env.printDemo(report, overview.EarnedByMoney, len(programs) > 1)
	})
}

func (a *app) setUpDemo(ctx context.Context, c *demo.Company) (demoReport, error) {
	report := demoReport{ProgramID: c.Program.ProgramID}
	if _, err := a.admin.CreateProgram(ctx, c.Program); err != nil && server.CodeOf(err) != server.Conflict {
		return report, err
	}
	if err := a.publishDemoPlan(ctx, c.Program.ProgramID); err != nil {
		return report, err
	}
	for _, st := range c.Stores {
		row, err := a.demoStore(ctx, st)
		if err != nil {
			return report, err
		}
		report.Stores = append(report.Stores, row)
	}
	report.APIKey = report.Stores[len(report.Stores)-1].APIKey
	if _, err := a.admin.PutDistributors(ctx, c.Program.ProgramID, c.People, demo.First, true); err != nil {
		return report, err
	}
	_, err := a.admin.PutMappings(ctx, c.Program.ProgramID, c.Mappings, demo.First, true)
	return report, err
}

func (a *app) publishDemoPlan(ctx context.Context, program string) error {
	p, canonical, err := planfile.Read(demo.PlanYAML, "plan.yaml")
	if err != nil {
		return err
	}
	return a.admin.PublishPlan(ctx, program, p, canonical)
}

func (a *app) demoStore(ctx context.Context, st admin.Store) (demoStore, error) {
	created, secret, err := a.admin.CreateStore(ctx, st, "")
	if server.CodeOf(err) == server.Conflict {
		if created, err = a.store.StoreByID(ctx, st.StoreID); err != nil {
			return demoStore{}, err
		}
		secrets, err := a.admin.Secrets(created)
		if err != nil || len(secrets) == 0 {
			return demoStore{}, fmt.Errorf("read the secret of demo store %s: %w", st.StoreID, err)
		}
		secret = string(secrets[0])
	} else if err != nil {
		return demoStore{}, err
	}
	key, err := a.admin.DerivedAPIKey(ctx, created, "demo")
	if err != nil {
		return demoStore{}, err
	}
	return demoStore{
		StoreID: created.StoreID, Platform: string(created.Platform), Domain: created.Domain,
		Currency: string(created.Currency), SigningSecret: secret, APIKey: key,
	}, nil
}

// sendDemoOrders puts all deliveries into the inbox and waits until the pipeline has settled them. First orders settle
// first: they say whose customer somebody is, on which later orders without a reference rely.
func (e *environment) sendDemoOrders(ctx context.Context, a *app, c *demo.Company) error {
	return e.withMachine(ctx, a, func(m *machine) error {
		total, before := 0, 0
		for range c.Deliveries() {
			total++
		}
		bar := e.progress("orders and refunds sent", total)
		defer bar.done()
		for _, opening := range []bool{true, false} {
			var sent int
			err := m.send(ctx, demoLanes(c, opening), func(s sendCounts) {
				sent = s.sent
				bar.set(before + sent)
			})
			if before += sent; err != nil {
				return fmt.Errorf("send demo orders: %w", err)
			}
			if err := m.settled(ctx, a); err != nil {
				return err
			}
		}
		return nil
	})
}

// demoLanes keeps the deliveries of one order in their order.
func demoLanes(c *demo.Company, opening bool) iter.Seq2[int, order.Delivery] {
	return func(yield func(int, order.Delivery) bool) {
		for d := range c.Deliveries() {
			if d.Opening == opening && !yield(d.Number, d.Delivery) {
				return
			}
		}
	}
}

// closeDemoMonths closes all months but the last, which is left to whoever tries it. The clock is at least one at which
// they may be closed, so that the company is the same on a machine whose clock is behind.
func (e *environment) closeDemoMonths(ctx context.Context, a *app) ([]string, error) {
	s := a.runs(e, nil)
	s.Actor = "demo"
	s.Clock = func() time.Time {
		now := time.Now()
		if open := demo.Last.AddDate(0, 0, demo.GraceDays+1); now.Before(open) {
			return open
		}
		return now
	}
	closed := []string{}
	for month := demo.First; month.AddDate(0, 1, 0).Before(demo.Last); month = month.AddDate(0, 1, 0) {
		id := month.Format("2006-01")
		p, _, err := s.Show(ctx, demo.ProgramID, "monthly", id)
		if err != nil {
			return nil, err
		}
		if p.State == closer.Open {
			if _, err := s.Lock(ctx, demo.ProgramID, "monthly", id, false); err != nil {
				return nil, err
			}
		}
		if _, err := s.Commit(ctx, demo.ProgramID, "monthly", id); err != nil {
			return nil, err
		}
		closed = append(closed, id)
	}
	return closed, nil
}

// printDemo says what is there and what to type next, naming the program where there are others, or the commands would ask which.
func (e *environment) printDemo(r demoReport, earned map[string]string, others bool) error {
	which := ""
	if others {
		which = " --program " + r.ProgramID
	}
	fmt.Fprintf(e.stdout, "Lumina Naturals is ready: %d orders", r.Orders)
	for _, currency := range []string{"EUR", "USD", "JPY"} {
		if v, ok := earned[currency]; ok {
			fmt.Fprintf(e.stdout, ", %s %s earned", v, currency)
		}
	}
	fmt.Fprintf(e.stdout, "; %d orders are parked on purpose, to show what waiting looks like.\n\n", r.Parked)
	fmt.Fprintf(e.stdout, "Look inside:  %s#key=%s   (with `make run` in another terminal)\n", r.URL, r.APIKey)
	fmt.Fprintf(e.stdout, "Ask why:      bin/upline explain '#1001'%s\n", which)
	fmt.Fprintf(e.stdout, "See months:   bin/upline run list%s   (%s are closed; preview the next: bin/upline run preview%s --period %s)\n",
		which, strings.Join(r.Closed, ", "), which, demo.Last.AddDate(0, -1, 0).Format("2006-01"))
	_, err := fmt.Fprintf(e.stdout, "Check it all: bin/upline verify\n")
	return err
}
