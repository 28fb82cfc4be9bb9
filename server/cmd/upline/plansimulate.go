package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"upline.dev/upline/core/plan"
	"upline.dev/upline/server/importer"
	"upline.dev/upline/server/planfile"
	closer "upline.dev/upline/server/run"
)

// PlanSimulateCmd says what a draft would have paid.
type PlanSimulateCmd struct {
	Plan    string `help:"Draft: plan document, YAML or JSON." required:"" type:"existingfile" placeholder:"DRAFT"`
	Against string `help:"History: a period (2026-03), a range (2026-01..2026-03, 2026-01-01..2026-02-15), or a file that plan history wrote." required:"" placeholder:"HISTORY"`
	Program string `help:"Program id; may be left out where there is one program only." placeholder:"ID"`
	Top     int    `help:"Winners and losers to show." default:"5"`
	JSON    bool   `help:"Print JSON."`
}

// nothingChanged is what holds after a command that only reads.
const nothingChanged = "nothing was changed"

// Help says what is compared.
func (cmd *PlanSimulateCmd) Help() string {
	return `Pays the history once by the draft and once by the plan in force at its end, order by order and then every period that lies whole in it, and compares what everybody gets. People and trees are taken as they are recorded now. Nothing is written.

A history file has the columns order_id, order_ts, distributor_id, class, currency, net and cv, and may have buyer_id, customer_id, country, quantity and qv; one row per line, refunds taken off. upline plan history writes one.`
}

// Run carries it out.
func (cmd *PlanSimulateCmd) Run(ctx context.Context, env *environment) error {
	text, err := os.ReadFile(cmd.Plan)
	if err != nil {
		return wrongSetting("--plan: %v", err)
	}
	draft, _, err := planfile.Read(text, cmd.Plan)
	if err != nil {
		return err
	}
	env.stopped = nothingChanged
	return env.withApp(ctx, func(a *app) error {
		program, err := a.onlyProgram(ctx, cmd.Program)
		if err != nil {
			return err
		}
		zone, err := a.admin.Zone(ctx, program)
		if err != nil {
			return err
		}
		bar := env.runBar()
		out, err := cmd.simulate(ctx, env, a.runs(env, bar.set), program, draft, zone)
		bar.done()
		if err != nil {
			return err
		}
		if cmd.JSON {
			return env.json(out)
		}
		return env.printSimulation(out, cmd.Top, a.nameOf(ctx, program))
	})
}

func (cmd *PlanSimulateCmd) simulate(ctx context.Context, env *environment, s *closer.Service, program string, draft *plan.Plan, zone *time.Location) (*closer.Simulation, error) {
	history := closer.History{}
	if info, err := os.Stat(cmd.Against); err == nil && !info.IsDir() {
		if history, err = readHistory(env, cmd.Against, zone); err != nil {
			return nil, err
		}
		if history.From, history.To, err = s.Whole(ctx, program, draft, history.From, history.To); err != nil {
			return nil, err
		}
	} else if history.From, history.To, err = s.Range(ctx, program, cmd.Against); err != nil {
		return nil, err
	}
	return s.Simulate(ctx, program, draft, history)
}

// readHistory reads a file; it reaches over whole days.
func readHistory(env *environment, path string, zone *time.Location) (h closer.History, err error) {
	file, err := os.Open(path)
	if err != nil {
		return h, wrongSetting("--against: %v", err)
	}
	defer func() { _ = file.Close() }() // it is only read
	t, sales, err := importer.Sales(file, "utf-8", zone)
	if err != nil {
		return h, err
	}
	for i := range t.Faults[:min(len(t.Faults), 20)] {
		fmt.Fprintln(env.stderr, t.Faults[i].Error())
	}
	if len(t.Faults) > 0 {
		return h, fmt.Errorf("%s in %s: mend the rows named above", count(len(t.Faults), "fault"), path)
	}
	if len(sales) == 0 {
		return h, errors.New("the history has no row")
	}
	first, last := sales[0].OrderTS, sales[0].OrderTS
	for i := range sales {
		s := &sales[i]
		first, last = min(first, s.OrderTS), max(last, s.OrderTS)
		h.Sales = append(h.Sales, closer.Sale{
			Source: "history/" + s.OrderID, SellerID: s.DistributorID, BuyerID: s.BuyerID, CustomerID: s.CustomerID, Class: s.Class, Country: s.Country,
			Currency: s.Currency, OrderTS: s.OrderTS, Quantity: s.Quantity, NetMinor: s.NetMinor, CV: s.CV, QV: s.QV,
		})
	}
	h.From, h.To = time.UnixMicro(first).UTC(), time.UnixMicro(last).UTC()
	return h, nil
}

func (e *environment) printSimulation(s *closer.Simulation, top int, name func(string) string) error {
	fmt.Fprintf(e.stdout, "%s to %s: %d orders, %s CV\n", s.From.Format("2006-01-02 15:04"), s.To.Format("2006-01-02 15:04 MST"), s.Orders, s.CV)
	fmt.Fprintf(e.stdout, "Now:   plan %s (%.12s), periods closed: %s\n", s.Now.Plan, s.Now.PlanHash, orNone(s.Now.Periods))
	fmt.Fprintf(e.stdout, "Draft: plan %s (%.12s), periods closed: %s\n\n", s.Draft.Plan, s.Draft.PlanHash, orNone(s.Draft.Periods))
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tnet\tnow\tof net\tdraft\tof net\tbreakage\t")
	for i := range s.Draft.Sums {
		d := &s.Draft.Sums[i]
		n := closer.SideSum{Earned: "0"}
		for j := range s.Now.Sums {
			if s.Now.Sums[j].Currency == d.Currency {
				n = s.Now.Sums[j]
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", d.Currency, d.Net, n.Earned, n.ShareOfNet, d.Earned, d.ShareOfNet, d.Breakage)
	}
	_ = w.Flush() // stdout: a pipe that is gone ends the program anyway
	fmt.Fprintln(e.stdout)
	for _, side := range []*closer.Side{s.Now, s.Draft} {
		w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintf(w, "%s\ttype\tper\tearned\tbreakage\t\t\n", side.Plan)
		for i := range side.Components {
			c := &side.Components[i]
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t\n", c.ComponentID, c.Type, c.Period, c.Earned, c.Breakage, c.Currency)
		}
		_ = w.Flush()
		fmt.Fprintln(e.stdout)
	}
	for i := range s.Comparisons {
		e.printComparison(&s.Comparisons[i], top, name)
	}
	_, err := fmt.Fprintln(e.stdout, "Nothing was written.")
	return err
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

// printComparison shows winners, losers and the histogram of one currency.
func (e *environment) printComparison(c *closer.Comparison, top int, name func(string) string) {
	fmt.Fprintf(e.stdout, "%s: %d get more, %d get less, %d the same; together %s\n", c.Currency, c.Winners, c.Losers, c.Same, c.Difference)
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, list := range [][]closer.Shift{c.TopWinners, c.TopLosers} {
		for i := range list[:min(max(top, 0), len(list))] {
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t\n", name(list[i].DistributorID), list[i].Before, list[i].After, list[i].Difference)
		}
	}
	_ = w.Flush()
	var most int64
	for _, bar := range c.Histogram {
		most = max(most, bar.People)
	}
	const width = 40
	w = tabwriter.NewWriter(e.stdout, 0, 0, 1, ' ', tabwriter.AlignRight)
	for _, bar := range c.Histogram {
		length := 0
		if bar.People > 0 {
			length = int(max(1, width*bar.People/most))
		}
		fmt.Fprintf(w, "  %s\t..\t%s\t %d\t %s\n", bar.From, bar.To, bar.People, strings.Repeat("#", length))
	}
	_ = w.Flush()
	fmt.Fprintln(e.stdout)
}

// PlanHistoryCmd writes what sold, for plan simulate.
type PlanHistoryCmd struct {
	Range   string `arg:"" help:"A period (2026-03) or a range (2026-01..2026-03, 2026-01-01..2026-02-15)."`
	Program string `help:"Program id; may be left out where there is one program only." placeholder:"ID"`
}

// Run carries it out.
func (cmd *PlanHistoryCmd) Run(ctx context.Context, env *environment) error {
	return env.withApp(ctx, func(a *app) error {
		program, err := a.onlyProgram(ctx, cmd.Program)
		if err != nil {
			return err
		}
		s := a.runs(env, nil)
		from, to, err := s.Range(ctx, program, cmd.Range)
		if err != nil {
			return err
		}
		return importer.WriteSales(env.stdout, func(fn func(*importer.Sale) error) error {
			return s.Sales(ctx, program, from, to, func(sale *closer.Sale) error {
				return fn(&importer.Sale{
					OrderID: sale.Source, DistributorID: sale.SellerID, BuyerID: sale.BuyerID, CustomerID: sale.CustomerID, Class: sale.Class,
					Country: sale.Country, Currency: sale.Currency, OrderTS: sale.OrderTS, Quantity: sale.Quantity, NetMinor: sale.NetMinor,
					CV: sale.CV, QV: sale.QV,
				})
			})
		})
	})
}
