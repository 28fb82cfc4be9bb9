package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"upline.dev/upline/server/inbox"
	"upline.dev/upline/server/install"
	"upline.dev/upline/server/notice"
	"upline.dev/upline/server/privacy"
)

// privacy carries out what persons and shops ask for; bodies opens what is stored of deliveries.
func (a *app) privacy(bodies privacy.Opener, log *slog.Logger) *privacy.Service {
	return privacy.New(privacy.Service{
		Books: a.store, Sealer: a.ring, Bodies: bodies, Clock: a.now, Logger: log,
		Connected: func(ctx context.Context, storeID string) (bool, error) {
			c, err := a.store.Connection(ctx, storeID)
			return c.State == install.Connected, err
		},
	})
}

// desk acts on what platforms tell that is about no order.
func (a *app) desk(requests notice.Requests) *notice.Desk {
	return &notice.Desk{Stores: a.install(), Customers: a.store, Requests: requests, Orders: a.store, Operations: &a.bulks}
}

// PrivacyCmd tells persons what is kept of them, and forgets them.
type PrivacyCmd struct {
	List     PrivacyListCmd     `cmd:"" help:"List requests, the newest first, with their deadlines."`
	Export   PrivacyExportCmd   `cmd:"" help:"Write what is kept of a customer into a file."`
	Download PrivacyDownloadCmd `cmd:"" help:"Write the file of an export that was asked for."`
	Erase    PrivacyEraseCmd    `cmd:"" help:"Forget a customer, a store's customers, or a former distributor."`
}

// withPrivacy opens the database with the service on it.
func (e *environment) withPrivacy(ctx context.Context, program string, f func(a *app, s *privacy.Service, program string) error) error {
	return e.withApp(ctx, func(a *app) error {
		program, err := a.onlyProgram(ctx, program)
		if err != nil {
			return err
		}
		in, err := inbox.New(a.store, a.ring, a.now, inbox.Options{})
		if err != nil {
			return fmt.Errorf("open the inbox: %w", err)
		}
		defer in.Close()
		return f(a, a.privacy(in, e.log), program)
	})
}

// PrivacyListCmd lists requests.
type PrivacyListCmd struct {
	Program string `help:"Program id; may be left out where there is one program only." placeholder:"ID"`
	Store   string `help:"Of this store only." placeholder:"ID"`
	Open    bool   `help:"Only what is still to be done."`
	JSON    bool   `help:"Print JSON."`
}

// Run carries it out.
func (cmd *PrivacyListCmd) Run(ctx context.Context, env *environment) error {
	return env.withPrivacy(ctx, cmd.Program, func(a *app, _ *privacy.Service, program string) error {
		filter := privacy.Filter{StoreID: cmd.Store}
		if cmd.Open {
			filter.Status = privacy.Open
		}
		shown := []privacy.Shown{}
		for after := ""; ; {
			list, next, err := a.store.Requests(ctx, program, filter, 200, after)
			if err != nil {
				return err
			}
			for i := range list {
				shown = append(shown, list[i].Shown())
			}
			if after = next; after == "" {
				break
			}
		}
		if cmd.JSON {
			return env.json(shown)
		}
		w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "REQUEST\tKIND\tSTORE\tOF\tRECEIVED\tDUE\tSTATUS\tNOTE")
		for i := range shown {
			r := &shown[i]
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.RequestID, r.Kind, shownOr(r.StoreID, "-"), shownOr(r.Subject, "-"),
				r.ReceivedAt.Format(time.DateOnly), r.DueAt.Format(time.DateOnly), r.Status, r.Note)
		}
		return w.Flush()
	})
}

// PrivacyExportCmd exports a customer.
type PrivacyExportCmd struct {
	Store    string `arg:"" help:"Store id."`
	Customer string `arg:"" help:"The customer's id on the store's platform."`
	Program  string `help:"Program id; may be left out where there is one program only." placeholder:"ID"`
	Format   string `help:"json has everything; csv is a table of the orders." default:"json" enum:"json,csv"`
	Out      string `help:"File to write, for the owner's eyes only; - for standard output." default:"-" placeholder:"FILE"`
}

// Run carries it out.
func (cmd *PrivacyExportCmd) Run(ctx context.Context, env *environment) error {
	return env.withPrivacy(ctx, cmd.Program, func(a *app, s *privacy.Service, program string) error {
		r, err := settleNow(ctx, a, s, privacy.Ask{ProgramID: program, StoreID: cmd.Store, Kind: privacy.CustomerExport, Subject: cmd.Customer})
		if err != nil {
			return err
		}
		if r.Status != privacy.Done {
			_, err := fmt.Fprintf(env.stderr, "request %s: %s; the server goes on with it: upline privacy download %s\n", r.RequestID, r.Note, r.RequestID)
			return err
		}
		return env.download(ctx, s, program, r.RequestID, cmd.Format, cmd.Out)
	})
}

// settleNow takes a request and works on it in this process.
func settleNow(ctx context.Context, a *app, s *privacy.Service, ask privacy.Ask) (privacy.Request, error) {
	ask.Actor, ask.ReceivedAt = "cli", time.Now()
	if ask.StoreID != "" {
		st, err := a.store.StoreByID(ctx, ask.StoreID)
		if err != nil {
			return privacy.Request{}, err
		}
		if st.ProgramID != ask.ProgramID {
			return privacy.Request{}, wrongSetting("program %s has no store %s", ask.ProgramID, ask.StoreID)
		}
	}
	id, err := s.Take(ctx, ask)
	if err != nil {
		return privacy.Request{}, err
	}
	if err := s.Work(ctx); err != nil {
		return privacy.Request{}, err
	}
	return a.store.Request(ctx, ask.ProgramID, id)
}

// download writes one file of an export.
func (e *environment) download(ctx context.Context, s *privacy.Service, program, requestID, format, out string) error {
	content, err := s.Download(ctx, program, requestID, format, "cli")
	if err != nil {
		return err
	}
	if out == "-" {
		_, err = e.stdout.Write(content)
		return err
	}
	if err := os.WriteFile(out, content, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", out, err)
	}
	_, err = fmt.Fprintf(e.stdout, "request %s: %d bytes in %s\n", requestID, len(content), out)
	return err
}

// PrivacyDownloadCmd writes an export that is made.
type PrivacyDownloadCmd struct {
	Request string `arg:"" help:"Request id, as upline privacy list shows it."`
	Program string `help:"Program id; may be left out where there is one program only." placeholder:"ID"`
	Format  string `help:"json has everything; csv is a table of the orders." default:"json" enum:"json,csv"`
	Out     string `help:"File to write, for the owner's eyes only; - for standard output." default:"-" placeholder:"FILE"`
}

// Run carries it out.
func (cmd *PrivacyDownloadCmd) Run(ctx context.Context, env *environment) error {
	return env.withPrivacy(ctx, cmd.Program, func(_ *app, s *privacy.Service, program string) error {
		return env.download(ctx, s, program, cmd.Request, cmd.Format, cmd.Out)
	})
}

// PrivacyEraseCmd forgets.
type PrivacyEraseCmd struct {
	Store       string `help:"Store id; without --customer everybody of the store is meant." placeholder:"ID"`
	Customer    string `help:"The customer's id on the store's platform." placeholder:"ID"`
	Distributor string `help:"A distributor who has left." placeholder:"ID"`
	Program     string `help:"Program id; may be left out where there is one program only." placeholder:"ID"`
	Commit      bool   `help:"Erase. Without it nothing is erased and the answer says what would be meant."`
	JSON        bool   `help:"Print JSON."`
}

// ask is what the flags mean.
func (cmd *PrivacyEraseCmd) ask(program string) (privacy.Ask, string, error) {
	switch {
	case cmd.Distributor != "" && cmd.Store == "" && cmd.Customer == "":
		return privacy.Ask{ProgramID: program, Kind: privacy.DistributorErase, Subject: cmd.Distributor}, "distributor " + cmd.Distributor, nil
	case cmd.Distributor == "" && cmd.Store != "" && cmd.Customer != "":
		return privacy.Ask{ProgramID: program, StoreID: cmd.Store, Kind: privacy.CustomerErase, Subject: cmd.Customer},
			"customer " + cmd.Customer + " of store " + cmd.Store, nil
	case cmd.Distributor == "" && cmd.Store != "":
		return privacy.Ask{ProgramID: program, StoreID: cmd.Store, Kind: privacy.StoreErase}, "everybody of store " + cmd.Store, nil
	}
	return privacy.Ask{}, "", wrongSetting("say who is meant: --store and --customer, --store alone, or --distributor alone")
}

// Run carries it out.
func (cmd *PrivacyEraseCmd) Run(ctx context.Context, env *environment) error {
	return env.withPrivacy(ctx, cmd.Program, func(a *app, s *privacy.Service, program string) error {
		ask, who, err := cmd.ask(program)
		if err != nil {
			return err
		}
		if !cmd.Commit {
			_, err := fmt.Fprintf(env.stdout, "%s would be forgotten: raw messages, bindings, files and sealed names. The ledger keeps ids.\n"+
				"Nothing was erased. Add --commit to erase; it cannot be taken back.\n", who)
			return err
		}
		r, err := settleNow(ctx, a, s, ask)
		if err != nil {
			return err
		}
		return env.print(cmd.JSON, r.Shown(), "%s: request %s is %s: %s (%s)\n", who, r.RequestID, r.Status, r.Note, shownCounts(r.Counts))
	})
}

func shownCounts(counts map[string]int64) string {
	var parts []string
	for what, n := range counts {
		parts = append(parts, strconv.FormatInt(n, 10)+" "+what)
	}
	slices.Sort(parts)
	return shownOr(strings.Join(parts, ", "), "nothing")
}
