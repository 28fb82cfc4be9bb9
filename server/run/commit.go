package run

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/plan"
	"upline.dev/upline/server"
)

// awardsAtOnce is how many people's awards one transaction posts: some tens of milliseconds, for which orders of the same
// program wait with their seal.
const awardsAtOnce = 2000

// ranksAtOnce is the same for ranks, which nobody waits for.
const ranksAtOnce = 10_000

// Commit posts what a locked period should have and has not. Readers see all of it or nothing. Run again it posts
// nothing; interrupted it is taken up by running it again. On a committed period under the policy restate it takes in
// what arrived late and posts the difference.
func (s *Service) Commit(ctx context.Context, program, kind, periodID string) (*Outcome, error) {
	j, was, err := s.job(ctx, program, kind, periodID)
	if err != nil {
		return nil, err
	}
	if !was.locked() {
		return nil, server.Errorf(server.Conflict, "Period %s is %s: lock it first.", was.PeriodID, was.State)
	}
	action := ActionCommit
	restates := was.restates()
	if restates {
		head, err := s.Books.Head(ctx, program)
		if err != nil {
			return nil, err
		}
		j.pins.SalesSequence, j.pins.BatchSequence = head.SalesSequence, head.BatchSequence
		action = ActionRestate
	}
	r, err := s.compute(ctx, j)
	if err != nil {
		return nil, fmt.Errorf("commit %s of program %s: %w", j.period.ID, program, err)
	}
	out, err := s.outcome(ctx, r, was)
	if err != nil {
		return nil, err
	}
	settled := was.State == Committed || was.State == Paid
	if settled && out.Report.Empty() && was.ResultHash == r.hash {
		return out, nil
	}
	if settled && !restates {
		// What the pins give can only change with the engine: that is a decision, and not an accident of running it again.
		action = ActionRestate
	}
	return out, s.post(ctx, r, was, out, action)
}

// restates tells whether running a period again takes in what came late.
func (p *Period) restates() bool { return p.CommittedRevision > 0 && p.Late == plan.LateRestate }

// post writes a commit chunk by chunk.
func (s *Service) post(ctx context.Context, r *result, was Period, out *Outcome, action Action) error {
	p := was
	p.State, p.Revision, p.Pins = Committing, was.Revision+1, r.pins
	entry, err := s.entry(action, &p, r, out.Report)
	if err != nil {
		return err
	}
	var prefixes []string
	if r.closing != nil {
		for _, source := range r.closing.Sources() {
			prefixes = append(prefixes, source+"/")
		}
	}
	if err := s.Books.BeginCommit(ctx, r.program, was, p, prefixes); err != nil {
		return err
	}
	if err := s.chunks(ctx, r, p); err != nil {
		return err
	}
	p.CommittedAt, p.CommittedBy = s.Clock().UTC(), s.Actor
	if err := s.Books.FinishCommit(ctx, r.program, p, entry); err != nil {
		return err
	}
	p.State, p.CommittedRevision = Committed, p.Revision
	out.Period, out.Changed = p, true
	return nil
}

// chunks posts awards, then ranks, then what the components leave for their next period.
func (s *Service) chunks(ctx context.Context, r *result, p Period) error {
	now := s.Clock().UnixMicro()
	done := 0
	for diffs := range slices.Chunk(r.diffs, awardsAtOnce) {
		if err := r.tell(ctx, StagePost, done, len(r.diffs)); err != nil {
			return err
		}
		chunk := Chunk{Settlements: make([]Settlement, len(diffs))}
		err := parallel(len(diffs), func(i int) (err error) {
			chunk.Settlements[i], err = r.settlement(&diffs[i], now)
			return err
		})
		if err != nil {
			return err
		}
		if err := s.Books.CommitChunk(ctx, r.program, p, chunk); err != nil {
			return err
		}
		done += len(diffs)
	}
	if err := r.tell(ctx, StagePost, done, len(r.diffs)); err != nil {
		return err
	}
	if err := s.postRanks(ctx, r, p); err != nil {
		return err
	}
	states, err := r.states()
	if err != nil {
		return err
	}
	for i := range states { // one by one, as a part may be large
		if err := s.Books.CommitChunk(ctx, r.program, p, Chunk{States: states[i : i+1]}); err != nil {
			return err
		}
	}
	return nil
}

// postRanks records everybody's ranks of a qualification period, by id: rows that come in the order of their key cost a
// database a fraction of those that come in the order of the tree.
func (s *Service) postRanks(ctx context.Context, r *result, p Period) error {
	if !r.ranked {
		return nil
	}
	ranks := make([]Rank, 0, ranksAtOnce)
	flush := func() error {
		if len(ranks) == 0 {
			return nil
		}
		err := s.Books.CommitChunk(ctx, r.program, p, Chunk{Ranks: ranks})
		ranks = ranks[:0]
		return err
	}
	people := make([]int32, r.crowd.people.Count)
	for i := range people {
		people[i] = int32(i)
	}
	slices.SortFunc(people, func(a, b int32) int { return strings.Compare(r.crowd.snapshot.ID(a), r.crowd.snapshot.ID(b)) })
	for done, person := range people {
		if rank := r.rank(person); rank != nil {
			ranks = append(ranks, *rank)
		}
		if len(ranks) == ranksAtOnce {
			if err := r.tell(ctx, StageRecord, done, len(people)); err != nil {
				return err
			}
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	return r.tell(ctx, StageRecord, len(people), len(people))
}

// settlement makes one person's postings under one source, with their trace.
func (r *result) settlement(d *diff, now int64) (Settlement, error) {
	snapshot, err := r.trace(d)
	if err != nil {
		return Settlement{}, fmt.Errorf("trace of %s: %w", d.source, err)
	}
	stamp := ledger.Stamp{OrderTS: r.period.To - 1, PostedAt: now}
	if len(snapshot) > 0 {
		sum := sha256.Sum256(snapshot)
		stamp.SnapshotID = hex.EncodeToString(sum[:])
	}
	postings, err := ledger.Difference(r.program, d.revision+1, d.posted, d.want, stamp)
	if err != nil {
		return Settlement{}, err
	}
	return Settlement{Source: d.source, Revision: d.revision + 1, Snapshot: snapshot, Postings: postings}, nil
}
