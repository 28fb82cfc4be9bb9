package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/server"
	"upline.dev/upline/server/query"
)

// ExplainCmd says why an order paid what it paid.
type ExplainCmd struct {
	Order   string `arg:"" help:"Order id (store/number), the platform's order id, or the number customers see, such as #1001."`
	Program string `help:"Program id; may be left out where there is one program only." placeholder:"ID"`
	JSON    bool   `help:"Print JSON: the order, every calculation and all postings."`
}

// explained is the JSON form.
type explained struct {
	Order        query.Order       `json:"order"`
	Calculations []json.RawMessage `json:"calculations"` // calc_snapshot_json, newest first
	Postings     []query.Posting   `json:"postings"`
	PaysFrom     *time.Time        `json:"pays_from,omitempty"` // see query.History
}

// Run carries it out.
func (cmd *ExplainCmd) Run(ctx context.Context, env *environment) error {
	return env.withApp(ctx, func(a *app) error {
		program, err := a.onlyProgram(ctx, cmd.Program)
		if err != nil {
			return err
		}
		o, err := a.findOrder(ctx, program, cmd.Order)
		if err != nil {
			return err
		}
		h, err := a.history(ctx, program, o.OrderID)
		if err != nil {
			return err
		}
		if cmd.JSON {
			out := explained{Order: h.Order, Calculations: []json.RawMessage{}, Postings: h.Postings, PaysFrom: h.PaysFrom}
			for _, s := range h.Snapshots {
				out.Calculations = append(out.Calculations, s.JSON)
			}
			return env.json(out)
		}
		return env.printExplanation(ctx, a, program, &h)
	})
}

func (a *app) findOrder(ctx context.Context, program, text string) (query.Order, error) {
	found, err := a.store.FindOrders(ctx, program, text)
	if err != nil {
		return query.Order{}, err
	}
	switch len(found) {
	case 0:
		return query.Order{}, server.Errorf(server.NotFound, "no order %q in program %s", text, program)
	case 1:
		return found[0], nil
	}
	var list strings.Builder
	for _, o := range found {
		fmt.Fprintf(&list, "\n  %s  %s  %s", o.OrderID, o.Name, o.OrderTS.Format("2006-01-02"))
	}
	return query.Order{}, server.Errorf(server.Conflict, "%q fits several orders; name one of them:%s", text, list.String())
}

// history is an order with all its postings, of one moment.
func (a *app) history(ctx context.Context, program, orderID string) (h query.History, err error) {
	err = a.store.Together(ctx, program, func(ctx context.Context) (err error) {
		all := []query.Posting{}
		for page := (query.Page{Limit: 200}); ; page.After = h.Next {
			if h, err = query.HistoryOf(ctx, a.store, program, orderID, query.PostingFilter{}, page); err != nil {
				return err
			}
			if all = append(all, h.Postings...); h.Next == "" {
				h.Postings = all
				return nil
			}
		}
	})
	return h, err
}

func (e *environment) printExplanation(ctx context.Context, a *app, program string, h *query.History) error {
	o := &h.Order
	fmt.Fprintf(e.stdout, "Order %s, %s, %s: %s\n", strings.TrimSpace(o.OrderID+" "+o.Name), o.OrderTS.Format("2006-01-02 15:04 MST"), o.Status, o.Settlement)
	if text := o.WaitsFor(); text != "" {
		fmt.Fprintln(e.stdout, text)
	}
	if len(h.Snapshots) == 0 {
		fmt.Fprintln(e.stdout, h.Nothing())
		return nil
	}
	ex, err := commission.Explain(h.Snapshots[0].JSON)
	if err != nil {
		return fmt.Errorf("explain calculation %s: %w", h.Snapshots[0].SnapshotID, err)
	}
	fmt.Fprint(e.stdout, ex.Text(a.nameOf(ctx, program)))
	fmt.Fprintf(e.stdout, "\nLedger: %d postings in %d settlements\n", len(h.Postings), len(h.Snapshots))
	for _, p := range h.Postings {
		fmt.Fprintf(e.stdout, "  %s  %-9s %12s %s  %s -> %s  (%s)\n", p.PostedAt.Format("2006-01-02 15:04:05"), p.Kind, p.Amount, p.Currency, p.From, p.To, p.EventID[:12])
	}
	return nil
}

// nameOf puts a distributor's name beside the id, for people; the ledger itself holds ids only.
func (a *app) nameOf(ctx context.Context, program string) func(id string) string {
	names := map[string]string{}
	return func(id string) string {
		if name, ok := names[id]; ok {
			return name
		}
		name := id
		if d, err := a.store.Distributor(ctx, program, id); err == nil && d.Name != "" {
			name = d.Name + " (" + id + ")"
		}
		names[id] = name
		return name
	}
}
