package e2e_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"upline.dev/upline/server/query"
	"upline.dev/upline/server/store"
)

// monthlyPlan pays ten per cent of the own CV, and levels of it, at the end of each month.
const monthlyPlan = `
name: monthly
effective_from: 2020-01-01T00:00:00Z
currency: EUR
ranks: [member]
volume: {money: {EUR: "1"}}
periods: {late: %s}
qualification: {period: monthly}
components:
  - {id: direct, type: retail, period: monthly, base: cv, rates: [{rate: 10%%}]}
  - {id: team, type: unilevel, period: monthly, base: cv, rates: [{levels: [5%%, 3%%]}]}
%s`

// newTill is an installation with a shop of the company's own, whose orders are imported.
func newTill(t *testing.T, databaseURL string) *installation {
	t.Helper()
	in := newInstallation(t, databaseURL)
	in.cli("admin", "store", "create", "till.example", "--platform", "custom", "--currency", "EUR", "--id", "till")
	in.cli("import", "skus", in.put("skus.csv", testSKUs), "--platform", "custom", "--commit")
	return in
}

// put writes a file beside the data folder.
func (in *installation) put(name, text string) string {
	in.t.Helper()
	path := filepath.Join(in.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		in.t.Fatal(err)
	}
	return path
}

// orders imports order lines of March 2025: "id,distributor,quantity" at 50.00 each.
func (in *installation) orders(rows ...string) {
	in.t.Helper()
	var text strings.Builder
	text.WriteString("order_id,order_ts,sku,qty,unit_price,distributor_ref\n")
	for _, row := range rows {
		cells := strings.Split(row, ",")
		fmt.Fprintf(&text, "%s,2025-03-10T10:00:00Z,TEA,%s,50.00,%s\n", cells[0], cells[2], cells[1])
	}
	in.cli("import", "orders", in.put("orders.csv", text.String()), "--store", "till", "--commit")
}

// month is what run commands print as JSON.
type month struct {
	Period struct {
		PeriodID string `json:"period_id"`
		State    string `json:"state"`
	} `json:"period"`
	Totals struct {
		Earned string `json:"earned"`
		Sales  struct {
			CV string `json:"cv"`
		} `json:"sales"`
	} `json:"totals"`
	Report struct {
		Settlements int    `json:"settlements"`
		Difference  string `json:"difference"`
	} `json:"report"`
	Changed bool `json:"changed"`
}

func (in *installation) run(args ...string) (m month) {
	in.t.Helper()
	out := in.cli(append(append([]string{"run"}, args...), "--json")...)
	if err := json.Unmarshal([]byte(out), &m); err != nil {
		in.t.Fatalf("upline run %v: %v\n%s", args, err, out)
	}
	return m
}

// TestMonth closes a month of real orders, lets one of them shrink afterwards, and runs it again under both policies.
func TestMonth(t *testing.T) {
	t.Parallel()
	for _, late := range []string{"current_period", "restate"} {
		t.Run(late, func(t *testing.T) {
			t.Parallel()
			onEachDatabase(t, func(t *testing.T, databaseURL string) {
				in := newTill(t, databaseURL)
				in.cli("plan", "publish", in.put("plan.yaml", fmt.Sprintf(monthlyPlan, late, "")))
				in.orders("A,CYD,2", "B,BEA,4", "C,TOP,1")
				if m := in.run("preview", "--period", "2025-03"); m.Totals.Earned != "59.00" || m.Period.State != "open" {
					t.Fatalf("the preview: %+v", m)
				}
				if _, err := in.try("run", "commit", "--period", "2025-03"); err == nil {
					t.Fatal("an open month is committed")
				}
				in.run("lock", "--period", "2025-03")
				// 35.00 direct; CYD's 100 give BEA 5.00 and ADA 3.00; BEA's 200 give ADA 10.00 and TOP 6.00.
				if m := in.run("commit", "--period", "2025-03"); m.Report.Difference != "59.00" || !m.Changed {
					t.Fatalf("the commit: %+v", m)
				}
				if m := in.run("commit", "--period", "2025-03"); m.Changed || m.Report.Settlements != 0 {
					t.Fatalf("run again: %+v", m)
				}
				in.orders("A,CYD,2", "B,BEA,1", "C,TOP,1") // three units of B came back
				in.checkLate(late)
				if out := in.cli("verify"); !strings.Contains(out, ": sound") {
					t.Errorf("verify says: %s", out)
				}
				if out := in.cli("run", "explain", "ADA", "--period", "2025-03"); !strings.Contains(out, "level 1") || !strings.Contains(out, "ADA gets") {
					t.Errorf("explain says: %s", out)
				}
			})
		})
	}
}

func (in *installation) checkLate(late string) {
	in.t.Helper()
	again, now := in.run("commit", "--period", "2025-03"), in.run("preview")
	if late == "restate" {
		// 150 CV less: 15.00 direct, 7.50 of ADA and 4.50 of TOP.
		if again.Report.Difference != "-27.00" || !again.Changed || now.Totals.Sales.CV != "0" {
			in.t.Fatalf("restated: %+v; this month: %+v", again, now)
		}
		if third := in.run("commit", "--period", "2025-03"); third.Changed {
			in.t.Fatalf("restated twice: %+v", third)
		}
		return
	}
	if again.Changed || now.Totals.Sales.CV != "-150" || now.Totals.Earned != "-27.00" {
		in.t.Fatalf("March: %+v; this month: %+v", again, now)
	}
}

// TestKillCommit kills a commit again and again. Until it has ended nobody sees any of it; then everybody has exactly what
// they should, once.
func TestKillCommit(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, databaseURL string) {
		const people, kills = 1500, 8
		in := newTill(t, databaseURL)
		var more, people1, orders strings.Builder
		for i := range 6 {
			fmt.Fprintf(&more, "  - {id: more%d, type: retail, period: monthly, base: cv, rates: [{rate: %d%%}]}\n", i, i+1)
		}
		people1.WriteString("distributor_id,sponsor_id\n")
		orders.WriteString("order_id,order_ts,sku,qty,unit_price,distributor_ref\n")
		for i := range people {
			fmt.Fprintf(&people1, "P%d,TOP\n", i)
			fmt.Fprintf(&orders, "%d,2025-03-10T10:00:00Z,TEA,1,10.00,P%d\n", i, i)
		}
		in.cli("plan", "publish", in.put("plan.yaml", fmt.Sprintf(monthlyPlan, "current_period", more.String())))
		in.cli("import", "distributors", in.put("people.csv", people1.String()), "--commit")
		in.cli("import", "orders", in.put("orders.csv", orders.String()), "--store", "till", "--commit")
		in.run("lock", "--period", "2025-03")
		books, interrupted, before := in.books(databaseURL), 0, int64(0)
		for round := range kills {
			cmd := exec.Command(in.bin, "run", "commit", "--period", "2025-03")
			cmd.Env = in.env
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() {
				_ = cmd.Wait() // it is killed
				close(ended)
			}()
			if round%2 == 0 { // at any moment; else when a part has just been posted
				time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
			} else {
				waitForMore(t, books, before, ended)
			}
			_ = cmd.Process.Kill()
			<-ended
			state, shown, raw := in.shown(books)
			t.Logf("kill %d: the month is %s, %d postings shown of %d", round+1, state, shown, raw)
			if state == "committed" {
				break
			}
			if shown != 0 {
				t.Fatalf("%d postings are shown of a commit that has not ended", shown)
			}
			if raw > before {
				interrupted++
			}
			before = raw
		}
		if interrupted == 0 {
			t.Error("no commit was killed with a part of it posted: the test proves nothing")
		}
		if m := in.run("commit", "--period", "2025-03"); m.Period.State != "committed" {
			t.Fatalf("the last commit: %+v", m)
		}
		if _, shown, _ := in.shown(books); shown != people*7+1 { // direct and six more each; TOP has the levels of all
			t.Errorf("%d postings are shown, want %d", shown, people*7+1)
		}
		if m := in.run("commit", "--period", "2025-03"); m.Changed || m.Totals.Earned != "5400.00" { // 1500 x 10 x (10+21+5 %)
			t.Errorf("run again: %+v", m)
		}
		if out := in.cli("verify"); !strings.Contains(out, ": sound") {
			t.Errorf("verify says: %s", out)
		}
	})
}

// waitForMore waits until something has been posted, or the process has ended by itself.
func waitForMore(t *testing.T, books *store.Store, before int64, ended <-chan struct{}) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if raw, err := books.CountPostings(t.Context(), "e2e-company"); err != nil || raw > before {
			return
		}
		select {
		case <-ended:
			return
		default:
		}
	}
}

// books opens the database beside the binary.
func (in *installation) books(databaseURL string) *store.Store {
	in.t.Helper()
	dir := ""
	for _, v := range in.env {
		if d, ok := strings.CutPrefix(v, "UPLINE_DATA="); ok {
			dir = d
		}
	}
	s, err := store.Open(in.t.Context(), store.Config{DataDir: dir, DatabaseURL: databaseURL})
	if err != nil {
		in.t.Fatal(err)
	}
	in.t.Cleanup(func() { _ = s.Close() })
	return s
}

// shown is the state of March, how many of its postings readers see, and how many there are.
func (in *installation) shown(s *store.Store) (state string, shown, raw int64) {
	in.t.Helper()
	ctx := in.t.Context()
	for after := ""; ; {
		list, next, err := s.Postings(ctx, "e2e-company", query.PostingFilter{}, query.Page{Limit: 200, After: after})
		if err != nil {
			in.t.Fatal(err)
		}
		shown += int64(len(list))
		if after = next; after == "" {
			break
		}
	}
	raw, err := s.CountPostings(ctx, "e2e-company")
	if err != nil {
		in.t.Fatal(err)
	}
	periods, err := s.Periods(ctx, "e2e-company", "monthly")
	if err != nil || len(periods) != 1 {
		in.t.Fatalf("periods: %v, %v", periods, err)
	}
	return string(periods[0].State), shown, raw
}
