package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/money"
	"upline.dev/upline/server/query"
	closer "upline.dev/upline/server/run"
)

// VerifyCmd recomputes the books from the bytes on disk.
type VerifyCmd struct {
	Program string   `help:"Program id; all programs when empty."`
	Head    []string `help:"A head that an earlier verify printed and that you kept elsewhere: it must still be in the chain, which shows that nothing up to it was replaced, even by somebody who wrote the seals anew." placeholder:"HASH"`
	JSON    bool     `help:"Print JSON."`
}

// verdict is the outcome for one program.
type verdict struct {
	ProgramID string    `json:"program_id"`
	Batches   int64     `json:"batches"`
	Postings  int64     `json:"postings"`
	Snapshots int64     `json:"snapshots"`
	Orders    int64     `json:"orders"`
	Head      string    `json:"head"` // hash of the last seal
	Findings  []finding `json:"findings"`

	kept map[string]bool // of the heads asked for, those in its chain
}

// finding is one thing that is not as it was sealed: a posting, a whole batch, or an order's calculation.
type finding struct {
	BatchSequence int64  `json:"batch_sequence,omitempty"`
	Position      *int   `json:"position,omitempty"` // in the batch
	EventID       string `json:"event_id,omitempty"`
	OrderID       string `json:"order_id,omitempty"`
	SnapshotID    string `json:"snapshot_id,omitempty"`
	PlanHash      string `json:"plan_hash,omitempty"`
	What          string `json:"what"`
}

// sealed is what the seals show.
func sealed(f ledger.Finding) finding {
	out := finding{BatchSequence: f.BatchSequence, EventID: f.EventID, What: f.What}
	if f.Position != ledger.WholeBatch {
		out.Position = &f.Position
	}
	return out
}

// where names the place for people.
func (f finding) where() string {
	var parts []string
	if f.BatchSequence != 0 {
		parts = append(parts, fmt.Sprintf("batch %d", f.BatchSequence))
	}
	for _, part := range [][2]string{{"posting", f.EventID}, {"order", f.OrderID}, {"snapshot", f.SnapshotID}, {"plan", f.PlanHash}} {
		if part[1] != "" {
			parts = append(parts, part[0]+" "+part[1])
		}
	}
	return strings.Join(parts, ", ")
}

// errUnsound makes the command exit with 1.
var errUnsound = errors.New("the ledger is NOT sound; see the findings above")

// Run carries it out.
func (cmd *VerifyCmd) Run(ctx context.Context, env *environment) error {
	for _, head := range cmd.Head {
		if raw, err := hex.DecodeString(head); err != nil || len(raw) != sha256.Size {
			return wrongSetting("--head %s is no head: verify prints one as 64 hexadecimal digits", head)
		}
	}
	return env.withApp(ctx, func(a *app) error {
		programs, err := a.programIDs(ctx, cmd.Program)
		if err != nil {
			return err
		}
		verdicts := make([]verdict, 0, len(programs))
		sound := true
		for _, p := range programs {
			v, err := a.verify(ctx, p, cmd.Head)
			if err != nil {
				return fmt.Errorf("verify program %s: %w", p, err)
			}
			verdicts = append(verdicts, v)
			sound = sound && len(v.Findings) == 0
		}
		if err := env.printVerdicts(cmd.JSON, verdicts); err != nil {
			return err
		}
		for _, head := range cmd.Head {
			if !slices.ContainsFunc(verdicts, func(v verdict) bool { return v.kept[strings.ToLower(head)] }) {
				return fmt.Errorf("head %s is in no chain: batches that were sealed when it was printed are gone or were replaced", head)
			}
		}
		if !sound {
			return errUnsound
		}
		return nil
	})
}

// programIDs is the one named, or all.
func (a *app) programIDs(ctx context.Context, program string) ([]string, error) {
	if program != "" {
		id, err := a.onlyProgram(ctx, program)
		return []string{id}, err
	}
	programs, err := a.store.Programs(ctx)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(programs))
	for i, p := range programs {
		ids[i] = p.ProgramID
	}
	return ids, nil
}

// verify walks every batch in order: leaves, root, chain, balance; then recomputes each calculation from its snapshot, and
// holds the ledger against what was written with it.
func (a *app) verify(ctx context.Context, program string, heads []string) (verdict, error) {
	v := verdict{ProgramID: program, Findings: []finding{}, kept: map[string]bool{}}
	verifier := ledger.NewVerifier(program)
	err := a.store.Seals(ctx, program, func(seal ledger.Seal, postings []ledger.Posting, leaves [][32]byte) error {
		v.Batches++
		v.Postings += int64(len(postings))
		v.Head = hex.EncodeToString(seal.Hash[:])
		for _, head := range heads {
			if strings.EqualFold(head, v.Head) {
				v.kept[v.Head] = true
			}
		}
		for _, f := range verifier.Batch(seal, postings, leaves) {
			v.Findings = append(v.Findings, sealed(f))
		}
		return ctx.Err()
	})
	if err != nil {
		return v, err
	}
	if err := a.verifySnapshots(ctx, program, &v); err != nil {
		return v, err
	}
	return v, a.store.EachBeside(ctx, program, func(b query.Beside) error {
		v.Findings = append(v.Findings, finding{BatchSequence: b.BatchSequence, OrderID: b.OrderID, PlanHash: b.PlanHash, What: b.What})
		return ctx.Err()
	})
}

// verifySnapshots recomputes every calculation from its own bytes and holds each order's latest one against the sums of
// its postings.
func (a *app) verifySnapshots(ctx context.Context, program string, v *verdict) error {
	err := a.store.EachSnapshot(ctx, program, func(id string, snapshot []byte) error {
		v.Snapshots++
		sum := sha256.Sum256(snapshot)
		if len(snapshot) == 0 {
			v.Findings = append(v.Findings, finding{SnapshotID: id, What: "its bytes are gone"})
		} else if got := hex.EncodeToString(sum[:]); got != id {
			v.Findings = append(v.Findings, finding{SnapshotID: id, What: "its bytes have the hash " + got})
		} else if err := recompute(snapshot); err != nil {
			v.Findings = append(v.Findings, finding{SnapshotID: id, What: err.Error()})
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	return a.store.EachOrder(ctx, program, func(orderID, snapshotID string, snapshot []byte, posted []ledger.Balance) error {
		v.Orders++
		if what := disagreement(orderID, snapshot, posted); what != "" {
			v.Findings = append(v.Findings, finding{OrderID: orderID, SnapshotID: snapshotID, What: what})
		}
		return ctx.Err()
	})
}

// recompute computes a calculation again from its own bytes: an order's, or an award of a period.
func recompute(snapshot []byte) (err error) {
	if bytes.HasPrefix(snapshot, []byte(awardBegins)) {
		_, err = commission.RecomputeAward(snapshot)
	} else {
		_, err = commission.Recompute(snapshot)
	}
	return err
}

// awardBegins is how the trace of an award of a period begins; that of an order goes on with its engine.
const awardBegins = `{"v":1,"of":"period"`

// wanted is what the ledger should hold by a source's latest calculation. A period's source without one has nothing
// left: everything was taken back.
func wanted(source string, snapshot []byte) ([]ledger.Balance, error) {
	if strings.HasPrefix(source, closer.SourcePrefix) {
		if len(snapshot) == 0 {
			return nil, nil
		}
		trace, err := commission.RecomputeAward(snapshot)
		if err != nil {
			return nil, err
		}
		return ledger.WantAward(source, trace)
	}
	ex, err := commission.Explain(snapshot)
	if err != nil {
		return nil, err
	}
	result, err := commission.Recompute(snapshot)
	if err != nil {
		return nil, err
	}
	return ledger.Want(source, ex.Currency, result)
}

// disagreement says where an order's postings are not what its latest calculation wants; "" where they are.
func disagreement(orderID string, snapshot []byte, posted []ledger.Balance) string {
	want, err := wanted(orderID, snapshot)
	if err != nil {
		return err.Error()
	}
	rest, err := ledger.Difference("verify", 1, posted, want, ledger.Stamp{})
	if err != nil {
		return err.Error()
	}
	if len(rest) == 0 {
		return ""
	}
	p := rest[0]
	return fmt.Sprintf("%d amounts disagree; first: %s is off by %s %s", len(rest), p.Key,
		money.FormatMinor(p.AmountMinor, p.Key.Currency), p.Key.Currency)
}

func (e *environment) printVerdicts(asJSON bool, verdicts []verdict) error {
	if asJSON {
		return e.json(verdicts)
	}
	for _, v := range verdicts {
		for _, f := range v.Findings {
			fmt.Fprintf(e.stdout, "FOUND  %s: %s: %s\n", v.ProgramID, f.where(), f.What)
		}
		word := "sound"
		if len(v.Findings) > 0 {
			word = fmt.Sprintf("NOT SOUND, %d findings", len(v.Findings))
		}
		fmt.Fprintf(e.stdout, "%s: %s (%d batches, %d postings, %d calculations of %d orders recomputed, head %s)\n",
			v.ProgramID, word, v.Batches, v.Postings, v.Snapshots, v.Orders, v.Head)
	}
	if len(verdicts) == 0 {
		fmt.Fprintln(e.stdout, "no program yet, nothing to verify")
	}
	return nil
}
