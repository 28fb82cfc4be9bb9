package commission

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/core/plan"
)

// Disagreement is a figure of a snapshot that does not follow from the others.
type Disagreement struct {
	Step     int // index into Result.Steps, or -1 for a line's net
	Where    string
	What     string
	Stated   string
	Computed string
}

// Error names the step and both figures.
func (d *Disagreement) Error() string {
	return fmt.Sprintf("%s: %s is stated as %s and computes to %s", d.Where, d.What, d.Stated, d.Computed)
}

// Recompute computes every amount of a snapshot again from the snapshot alone: net from the waterfalls, bases from the
// lines and from earlier steps, exact values, rounding and caps. Its result has the bytes of the one that was written
// down. A figure that does not follow is a *Disagreement.
func Recompute(snapshot []byte) (Result, error) {
	in, net, stated, err := decode(snapshot)
	if err != nil {
		return Result{}, err
	}
	if err := recomputeNet(net); err != nil {
		return Result{}, fmt.Errorf("recompute %s: %w", in.Source, err)
	}
	r := Result{Terms: stated.Terms, Steps: slices.Clone(stated.Steps)}
	for i := range r.Steps {
		if err := recomputeStep(&in, r.Steps, i); err != nil {
			return Result{}, fmt.Errorf("recompute %s: %w", in.Source, err)
		}
		r.Steps[i].Cuts = nil
	}
	if err := r.finish(in.Lines); err != nil {
		return Result{}, fmt.Errorf("recompute %s: %w", in.Source, err)
	}
	for i := range r.Steps {
		if !slices.Equal(r.Steps[i].Cuts, stated.Steps[i].Cuts) {
			err := disagree(&r.Steps[i], i, "cuts", stated.Steps[i].Cuts, r.Steps[i].Cuts)
			return Result{}, fmt.Errorf("recompute %s: %w", in.Source, err)
		}
	}
	return r, sameBytes(in, net, r, snapshot)
}

// sameBytes refuses a snapshot that says the right things in another way, such as a member given twice.
func sameBytes(in Input, net order.Breakdown, r Result, snapshot []byte) error {
	again, err := Snapshot(in, net, r)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, snapshot) {
		return fmt.Errorf("recompute %s: the snapshot is not written the way Snapshot writes it", in.Source)
	}
	return nil
}

// recomputeNet adds up each waterfall. An excluded line pays nothing, whatever was left of it.
func recomputeNet(net order.Breakdown) error {
	for i := range net.Lines {
		n := &net.Lines[i]
		columns := waterfall(n)
		left := columns[0]
		for _, column := range columns[1:7] {
			var err error
			if left, err = money.Sub(left, column); err != nil {
				return fmt.Errorf("net of line %s: %w", n.LineID, err)
			}
		}
		if n.Excluded != "" {
			left = 0
		}
		if left != n.NetMinor {
			return &Disagreement{
				Step: nobody, Where: "line " + n.LineID, What: "net", Stated: strconv.FormatInt(n.NetMinor, 10), Computed: strconv.FormatInt(left, 10),
			}
		}
	}
	return nil
}

func recomputeStep(in *Input, steps []Step, i int) error {
	step := &steps[i]
	at := slices.IndexFunc(in.Lines, func(line Line) bool { return line.LineID == step.LineID })
	if at < 0 {
		return fmt.Errorf("step %d: line %q is not there", i, step.LineID)
	}
	if err := recomputeFirstDays(in, step, i); err != nil {
		return err
	}
	base, err := recomputeBase(in, &in.Lines[at], steps[:i], step)
	if err != nil {
		return fmt.Errorf("step %d: %w", i, err)
	}
	if base != step.BaseMinor {
		return disagree(step, i, "base "+step.Base, step.BaseMinor, base)
	}
	if step.DistributorID == "" {
		if step.Exact != "0" || step.AmountMinor != 0 || len(step.Factors) > 0 {
			return disagree(step, i, "amount for nobody", step.AmountMinor, 0)
		}
		return nil
	}
	exact, err := multiply(base, step.Factors)
	if err != nil {
		return fmt.Errorf("step %d: %w", i, err)
	}
	if len(step.Factors) == 0 || exact.String() != step.Exact {
		return disagree(step, i, "exact value", step.Exact, exact)
	}
	mode, err := money.ParseRounding(step.Rounding)
	if err != nil {
		return fmt.Errorf("step %d: %w", i, err)
	}
	amount, err := exact.round(mode)
	if err != nil {
		return fmt.Errorf("step %d: %w", i, err)
	}
	if amount != step.AmountMinor {
		return disagree(step, i, "amount", step.AmountMinor, amount)
	}
	return nil
}

// recomputeFirstDays checks that the order was placed by or with somebody new. Where clocks change, so many days of the
// calendar are some hours more or less than so many times 24.
func recomputeFirstDays(in *Input, step *Step, i int) error {
	f := step.FirstDays
	switch {
	case f == nil:
		return nil
	case f.DistributorID != in.Buyer && f.DistributorID != in.Attribution.DistributorID:
		return disagree(step, i, "who is new", f.DistributorID, "the buyer or the seller")
	case f.Days < 1 || f.Days > plan.MaxDays || f.EnrolledAt > in.OrderTS || f.Until <= in.OrderTS:
		return disagree(step, i, fmt.Sprintf("first days from %d until", f.EnrolledAt), f.Until, fmt.Sprintf("a span around %d", in.OrderTS))
	}
	off := f.Until - untilOf(f.EnrolledAt, f.Days, nil)
	if off < -microsPerDay || off > microsPerDay {
		return disagree(step, i, "end of the first days", f.Until, untilOf(f.EnrolledAt, f.Days, nil))
	}
	return nil
}

// recomputeBase is what a step pays on. A base that is another component is the sum of what its steps pay on the line.
func recomputeBase(in *Input, line *Line, before []Step, step *Step) (int64, error) {
	switch step.Base {
	case plan.BaseNet:
		return line.NetMinor, nil
	case plan.BaseCV:
		return int64(line.CV), nil
	case plan.BaseProfit:
		return profit(in, line)
	case baseUnits:
		return line.Quantity, nil
	}
	var sum int64
	for i := range before {
		paid := &before[i]
		if paid.LineID != step.LineID || plan.ComponentBase+paid.ComponentID != step.Base || paid.Breakage != "" {
			continue
		}
		var err error
		if sum, err = money.Add(sum, paid.AmountMinor); err != nil {
			return 0, err
		}
	}
	if sum == 0 {
		return 0, errors.New("base " + step.Base + " has no steps on this line")
	}
	return sum, nil
}

func disagree(step *Step, i int, what string, stated, computed any) error {
	return &Disagreement{
		Step: i, What: what, Stated: fmt.Sprint(stated), Computed: fmt.Sprint(computed),
		Where: fmt.Sprintf("step %d (line %s, component %s, level %d, distributor %q)",
			i, step.LineID, step.ComponentID, step.Level, step.DistributorID),
	}
}
