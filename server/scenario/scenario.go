// Package scenario runs readable files that say: with this plan, these people and these orders, everybody should earn
// this. The orders go the way real ones go: merged, checked, attributed, mapped, calculated and posted as differences.
//
// The format is told in docs/scenarios.md.
package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"upline.dev/upline/core/plan"
	"upline.dev/upline/server/planfile"
)

// Summary counts files.
type Summary struct {
	Passed int
	Failed int
}

// Run runs every *.yaml file of a folder, in the order of their names, and writes one line for each; what differs
// follows as a table. A file that cannot be read fails like one whose figures differ. The error is for the folder
// itself, for a folder without scenarios, and for a context that has ended.
func Run(ctx context.Context, dir string, out io.Writer) (Summary, error) {
	folder := os.DirFS(dir)
	names, err := fs.Glob(folder, "*.yaml")
	if err != nil {
		return Summary{}, fmt.Errorf("list scenarios of %s: %w", dir, err)
	}
	if len(names) == 0 {
		return Summary{}, fmt.Errorf("%s holds no scenario files (*.yaml)", dir)
	}
	slices.Sort(names)
	var summary Summary
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return summary, fmt.Errorf("scenario %s: %w", name, err)
		}
		report := runFile(folder, name)
		word := "ok  "
		if report.failed() {
			word = "FAIL"
			summary.Failed++
		} else {
			summary.Passed++
		}
		if _, err := fmt.Fprintf(out, "%s  %s  %s\n%s", word, name, report.title, report.text()); err != nil {
			return summary, fmt.Errorf("write report: %w", err)
		}
	}
	return summary, nil
}

// runFile reads and plays one scenario.
func runFile(folder fs.FS, name string) *report {
	r := &report{title: "(no title)"}
	s, err := load(folder, name)
	if s != nil && s.Title != "" {
		r.title = s.Title
	}
	if err != nil {
		r.broken = err.Error()
		return r
	}
	w, err := newWorld(s)
	if err == nil {
		err = w.play(r)
	}
	if err != nil {
		r.broken = err.Error()
	}
	return r
}

// scenario is a file as it is written.
type scenario struct {
	Title    string          `json:"title"`
	Plan     json.RawMessage `json:"plan"`
	Currency string          `json:"currency"`
	Country  string          `json:"country"`
	People   []person        `json:"people"`
	SKUs     []sku           `json:"skus"`
	Orders   []sale          `json:"orders"`
	Moves    []move          `json:"moves"`
	Periods  []closed        `json:"periods"`
	Expect   ending          `json:"expect"`

	plan *plan.Plan
}

// person is a fact about a distributor. Later facts about the same one begin at From; what they leave out stays.
type person struct {
	ID      string  `json:"id"`
	Sponsor *string `json:"sponsor"`
	Rank    *string `json:"rank"`
	Status  string  `json:"status"`
	Code    string  `json:"code"`
	From    string  `json:"from"`
	Country string  `json:"country"`

	// Of the sponsor's own tree apart: the enroller, where it is somebody else.
	Enroller *string `json:"enroller"`
	Enrolled string  `json:"enrolled"` // a date or an instant; "" is not known
	Autoship bool    `json:"autoship"`

	// What earlier periods left behind.
	Title  string `json:"title"`
	PaidAs string `json:"paid_as"`
	Missed string `json:"missed"`
	Met    string `json:"met"`

	Place   string `json:"place"`   // in the placement tree; "" leaves it to the strategy
	Owner   string `json:"owner"`   // of a further position, whose id is the entry's
	Refused string `json:"refused"` // a part of the reason why there is no such place
}

// sku is a product, in one country where it names one. A later entry counts from From on. CV and QV are volumes per unit;
// the others are volume per major unit of net.
type sku struct {
	SKU     string `json:"sku"`
	Class   string `json:"class"`
	Country string `json:"country"`
	From    string `json:"from"`
	CV      string `json:"cv"`
	QV      string `json:"qv"`
	CVOfNet string `json:"cv_of_net"`
	QVOfNet string `json:"qv_of_net"`
}

// sale is an order, or a later revision of one: what it leaves out stays as it was.
type sale struct {
	ID            string     `json:"id"`
	At            string     `json:"at"`
	After         string     `json:"after"` // told once this period is closed
	Status        string     `json:"status"`
	Currency      string     `json:"currency"`
	SoldBy        string     `json:"sold_by"`
	Evidence      []evidence `json:"evidence"`
	Buyer         string     `json:"buyer"`
	Country       string     `json:"country"`
	TaxesIncluded *bool      `json:"taxes_included"`
	Items         []item     `json:"items"`
	Discount      string     `json:"discount"`
	Paid          string     `json:"paid"`
	Total         string     `json:"total"`
	Refunds       []refund   `json:"refunds"`
	Expect        outcome    `json:"expect"`
}

type evidence struct {
	Kind  string `json:"kind"`
	Value string `json:"value"`
}

// item is one line. Price is per unit, Discount and Tax are of the line.
type item struct {
	Line      string `json:"line"`
	SKU       string `json:"sku"`
	Kind      string `json:"kind"`
	Qty       string `json:"qty"`
	Left      string `json:"left"`
	Price     string `json:"price"`
	Discount  string `json:"discount"`
	Tax       string `json:"tax"`
	Wholesale string `json:"wholesale"`
}

type refund struct {
	ID       string       `json:"id"`
	At       string       `json:"at"`
	Items    []refundItem `json:"items"`
	Money    string       `json:"money"`
	MoneyTax string       `json:"money_tax"`
}

type refundItem struct {
	Line   string `json:"line"`
	Qty    string `json:"qty"`
	Amount string `json:"amount"`
	Tax    string `json:"tax"`
}

// amounts are by component and then by person, in major units.
type amounts map[string]map[string]string

// outcome is what one revision should lead to. What is left out is not compared.
type outcome struct {
	Net      string     `json:"net"`
	Seller   *string    `json:"seller"`
	Earned   amounts    `json:"earned"`
	Breakage amounts    `json:"breakage"`
	Postings *[]posting `json:"postings"`
	Waits    string     `json:"waits"`
}

// posting is one line the ledger should grow by. With a line it is compared per line.
type posting struct {
	Line      string `json:"line"`
	Component string `json:"component"`
	Person    string `json:"person"`
	Kind      string `json:"kind"`
	Amount    string `json:"amount"`
}

// ending is what should stand in the end, over all orders in the scenario's currency.
type ending struct {
	Balances map[string]string  `json:"balances"`
	Cut      map[string]amounts `json:"cut"` // by cap per period, taking all orders as one period
	Places   map[string]string  `json:"places"`
	At       string             `json:"at"` // of the places; "" is after everything told
}

// load reads one file and its plan. With an error it gives what could be read, for the title.
func load(folder fs.FS, name string) (*scenario, error) {
	text, err := fs.ReadFile(folder, name)
	if err != nil {
		return nil, fmt.Errorf("read scenario: %w", err)
	}
	document, err := planfile.ParseYAML(text, name)
	if err != nil {
		return nil, err
	}
	s := &scenario{}
	decoder := json.NewDecoder(bytes.NewReader(document.JSON()))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(s); err != nil {
		return s, fmt.Errorf("%s: %w", name, plain(err))
	}
	if s.plan, err = loadPlan(folder, document); err != nil {
		return s, err
	}
	return s, nil
}

// plain takes Go's words out of a decoding error.
func plain(err error) error {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("%s is a %s, which does not belong there; see docs/scenarios.md", kind.Field, kind.Value)
	}
	return fmt.Errorf("%s; see docs/scenarios.md", strings.TrimPrefix(err.Error(), "json: "))
}

// loadPlan finds the plan: written in the scenario, in a file beside it, or ready-made.
func loadPlan(folder fs.FS, document *planfile.Document) (*plan.Plan, error) {
	part := document.Get("plan")
	if part == nil {
		return nil, errors.New("the scenario names no plan: write plan: with the name of a ready-made plan, a file, or the plan itself")
	}
	name, ok := part.Text()
	if !ok {
		p, _, err := part.Plan()
		return p, err
	}
	var text []byte
	var err error
	if strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".json") {
		text, err = fs.ReadFile(folder, path.Clean(name))
	} else {
		text, err = planfile.ReadyMadeYAML(name)
	}
	if err != nil {
		return nil, fmt.Errorf("plan %s: %w", name, err)
	}
	p, _, err := planfile.Read(text, name)
	return p, err
}
