package run

import (
	"context"
	"slices"
	"time"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/placement"
	"upline.dev/upline/core/plan"
	"upline.dev/upline/server"
)

// Move is a wish to move somebody in one of the trees.
type Move struct {
	Tree     string    `json:"tree"` // plan.TreeSponsor or plan.TreePlacement
	Kind     string    `json:"kind"` // of placement.Move
	Position string    `json:"position"`
	To       string    `json:"to"`  // "" for the top
	Leg      int       `json:"leg"` // from 0; placement.AnyLeg
	At       time.Time `json:"at"`  // from when it holds
}

// MovedLink is one place as it is and as it would be.
type MovedLink struct {
	Position string `json:"position"`
	From     string `json:"from"` // "" at the top
	FromLeg  int    `json:"from_leg"`
	To       string `json:"to"`
	ToLeg    int    `json:"to_leg"`
}

// Effect is what a change of a tree would do, before anyone commits to it.
type Effect struct {
	Tree    string         `json:"tree"`
	At      time.Time      `json:"at"`
	Links   []MovedLink    `json:"links"`
	Periods []PeriodEffect `json:"periods"` // the ones under way, as if they ended now
	Written bool           `json:"written"`

	sponsors []genealogy.Link
	places   []placement.Link
	version  int64 // the tree version it was planned on
}

// PeriodEffect is what changes in one period: Posted is without the change, Wanted with it.
type PeriodEffect struct {
	Kind     string `json:"kind"`
	PeriodID string `json:"period_id"`
	Currency string `json:"currency"`
	Before   string `json:"before"`
	After    string `json:"after"`
	Report   Report `json:"report"`
}

// PlanMove says what a move changes, in the tree and in everybody's pay of the periods under way. Nothing is written.
func (s *Service) PlanMove(ctx context.Context, program string, m Move) (*Effect, error) {
	t, err := s.trees(ctx, program, m.At)
	if err != nil {
		return nil, err
	}
	move := placement.Move{Kind: m.Kind, Position: m.Position, To: m.To, Leg: m.Leg, ValidFrom: m.At.UnixMicro(), Version: t.head.TreeVersion + 1}
	var tree *placement.Tree
	switch m.Tree {
	case plan.TreeSponsor:
		tree, err = t.sponsor()
	case plan.TreePlacement:
		tree, err = t.placement()
	default:
		err = server.Errorf(server.Invalid, "A move is in the sponsor or the placement tree.")
	}
	if err != nil {
		return nil, err
	}
	change, err := tree.Plan(move)
	if err != nil {
		return nil, refused(err)
	}
	e := &Effect{Tree: m.Tree, At: m.At, version: t.head.TreeVersion}
	for i := range change.After {
		before, after := &change.Before[i], &change.After[i]
		e.Links = append(e.Links, MovedLink{after.PositionID, before.ParentID, before.Leg, after.ParentID, after.Leg})
		if m.Tree == plan.TreeSponsor {
			e.sponsors = append(e.sponsors, after.Genealogy())
		}
	}
	if m.Tree == plan.TreePlacement {
		e.places = change.After
	}
	return e, s.effect(ctx, program, t, e)
}

// refused makes an answer of a fault of a tree.
func refused(err error) error {
	return &server.Error{Code: server.Invalid, Message: "This cannot be: " + err.Error() + ".", Err: err}
}

// trees are a program's trees as of an instant.
type trees struct {
	head  Head
	set   setting
	plan  *plan.Plan
	at    int64
	tree  *genealogy.Tree
	links []placement.Link
}

func (s *Service) trees(ctx context.Context, program string, at time.Time) (*trees, error) {
	t := &trees{at: at.UnixMicro()}
	var err error
	if t.head, err = s.Books.Head(ctx, program); err != nil {
		return nil, err
	}
	if t.set, err = s.setting(ctx, program); err != nil {
		return nil, err
	}
	if t.plan, err = t.set.planAt(max(t.at, s.Clock().UnixMicro())); err != nil {
		return nil, err
	}
	if t.tree, err = s.Books.TreeAt(ctx, program, t.head.TreeVersion); err != nil {
		return nil, err
	}
	t.links, err = s.Books.PlacementLinks(ctx, program)
	return t, err
}

func (t *trees) as() genealogy.AsOf { return genealogy.AsOf{At: t.at, Version: t.head.TreeVersion} }

func (t *trees) sponsor() (*placement.Tree, error) {
	snapshot, err := t.tree.Snapshot(t.as())
	if err != nil {
		return nil, err
	}
	links := make([]placement.Link, snapshot.Len())
	for i, up := range snapshot.Parents() {
		id := snapshot.ID(int32(i))
		links[i] = placement.Link{PositionID: id, DistributorID: id, ValidFrom: genealogy.Beginning}
		if up >= 0 {
			links[i].ParentID = snapshot.ID(up)
		}
	}
	return placement.Build(nil, links, genealogy.AsOf{At: t.at, Version: t.head.TreeVersion})
}

func (t *trees) placement() (*placement.Tree, error) {
	if t.plan.Placement == nil {
		return nil, server.Errorf(server.Invalid, "Plan %s has no placement tree: add placement to it.", t.plan.Name)
	}
	tree, err := placement.Build(t.plan.Placement, t.links, t.as())
	if err != nil {
		return nil, refused(err)
	}
	return tree, nil
}

// effect checks a change against all that is recorded, and computes the periods under way with and without it.
func (s *Service) effect(ctx context.Context, program string, t *trees, e *Effect) error {
	changed := &changedTrees{Books: s.Books, version: t.head.TreeVersion + 1, tree: t.tree, places: e.places}
	if len(e.sponsors) > 0 {
		var err error
		if changed.tree, err = t.tree.With(e.sponsors, nil, nil); err != nil {
			return refused(err)
		}
	}
	if len(e.places) > 0 {
		if err := placement.Check(slices.Concat(t.links, e.places), t.plan.Placement.Width); err != nil {
			return refused(err)
		}
	}
	e.Periods = []PeriodEffect{}
	after := *s
	after.Books = changed
	list, err := s.List(ctx, program, "")
	if err != nil {
		return err
	}
	for i := len(list) - 1; i >= 0 && len(e.Periods) < maxEffects; i-- {
		p := &list[i]
		if p.locked() || !e.At.Before(p.To) {
			continue // It does not see the change.
		}
		j, _, err := s.job(ctx, program, p.Kind, p.PeriodID)
		if err != nil {
			return err
		}
		with := *j
		with.pins.TreeVersion = changed.version
		one, err := s.periodEffect(ctx, &after, j, &with)
		if server.CodeOf(err) == server.Invalid {
			continue // It cannot be computed as it is, perhaps for want of this very change: there is nothing to compare.
		}
		if err != nil {
			return err
		}
		e.Periods = append(e.Periods, *one)
	}
	return nil
}

// maxEffects bounds the open periods that an effect shows, the newest first.
const maxEffects = 6

func (s *Service) periodEffect(ctx context.Context, after *Service, without, with *job) (*PeriodEffect, error) {
	a, err := s.compute(ctx, without)
	if err != nil {
		return nil, err
	}
	b, err := after.compute(ctx, with)
	if err != nil {
		return nil, err
	}
	b.diffs = differences(a.wants, b.wants, nil)
	report, err := b.report()
	if err != nil {
		return nil, err
	}
	for i := range report.Changes {
		report.Changes[i].Why = "the move"
	}
	return &PeriodEffect{
		Kind: with.period.Kind, PeriodID: with.period.ID, Currency: string(b.currency), Before: money.FormatMinor(a.totals.EarnedMinor, a.currency),
		After: money.FormatMinor(b.totals.EarnedMinor, b.currency), Report: *report,
	}, nil
}

// Record writes a planned change, if the trees are still as it was planned on.
func (s *Service) Record(ctx context.Context, program string, e *Effect) error {
	if err := s.Books.RecordLinks(ctx, program, e.version, e.sponsors, e.places); err != nil {
		return err
	}
	e.Written = true
	return nil
}

// changedTrees is the books with a change that is not written.
type changedTrees struct {
	Books
	version int64
	tree    *genealogy.Tree
	places  []placement.Link
}

// TreeAt gives the tree with the change. See Books.
func (c *changedTrees) TreeAt(context.Context, string, int64) (*genealogy.Tree, error) {
	return c.tree, nil
}

// PeopleAt gives people with their places changed. See Books.
func (c *changedTrees) PeopleAt(ctx context.Context, program string, as genealogy.AsOf) (People, error) {
	people, err := c.Books.PeopleAt(ctx, program, as)
	for i := range c.places {
		l := &c.places[i]
		if l.ValidFrom > as.At {
			continue
		}
		next := Position{PositionID: l.PositionID, OwnerID: l.DistributorID, ParentID: l.ParentID, Leg: l.Leg, ValidFrom: l.ValidFrom}
		if at := slices.IndexFunc(people.Positions, func(p Position) bool { return p.PositionID == l.PositionID }); at >= 0 {
			people.Positions[at] = next
		} else {
			people.Positions = append(people.Positions, next)
		}
	}
	return people, err
}

// Wish is a place somebody should get: chosen, or by the plan's strategy where Parent is "".
type Wish struct {
	DistributorID string    `json:"distributor_id"`
	Parent        string    `json:"parent"`
	Leg           int       `json:"leg"`
	Again         bool      `json:"again"` // one more position for somebody who has one
	At            time.Time `json:"at"`
}

// PlanPlace says which place somebody gets, and what it changes. Nothing is written.
func (s *Service) PlanPlace(ctx context.Context, program string, w Wish) (*Effect, error) {
	t, err := s.trees(ctx, program, w.At)
	if err != nil {
		return nil, err
	}
	tree, err := t.placement()
	if err != nil {
		return nil, err
	}
	if err := s.weigh(ctx, program, t, tree); err != nil {
		return nil, err
	}
	up, err := t.tree.Upline(nil, w.DistributorID, t.as(), 2)
	if err != nil {
		return nil, refused(err)
	}
	sponsor := ""
	if len(up) > 1 {
		sponsor = up[1].ID
	}
	link, err := place(tree, w, sponsor, t.head.TreeVersion+1)
	if err != nil {
		return nil, refused(err)
	}
	return s.placed(ctx, program, t, w.At, []placement.Link{link})
}

func place(tree *placement.Tree, w Wish, sponsor string, version int64) (placement.Link, error) {
	at := w.At.UnixMicro()
	switch {
	case w.Again:
		return tree.AddPosition(w.DistributorID, w.Parent, w.Leg, at, version)
	case w.Parent == "":
		return tree.Place(w.DistributorID, sponsor, at, version)
	default:
		return tree.PlaceAt(w.DistributorID, sponsor, w.Parent, w.Leg, at, version)
	}
}

// weigh tells a tree that looks for the weaker leg what everybody has sold in the qualification period under way.
func (s *Service) weigh(ctx context.Context, program string, t *trees, tree *placement.Tree) error {
	if tree.Strategy() != plan.PlaceWeaker || !slices.Contains(kindsOf(t.plan), t.plan.Qualification.Period) {
		return nil
	}
	j, _, err := s.job(ctx, program, t.plan.Qualification.Period, "")
	if err != nil {
		return err
	}
	r, err := s.compute(ctx, j)
	if err != nil {
		return err
	}
	own := make([]int64, tree.Len())
	for i := range own {
		if id := tree.ID(int32(i)); id == tree.Owner(int32(i)) { // volume counts in the first position
			if who, there := r.crowd.snapshot.Index(id); there {
				own[i] = r.standings.PV[who]
			}
		}
	}
	return tree.Weigh(own)
}

func (s *Service) placed(ctx context.Context, program string, t *trees, at time.Time, links []placement.Link) (*Effect, error) {
	e := &Effect{Tree: plan.TreePlacement, At: at, places: links, version: t.head.TreeVersion, Links: []MovedLink{}}
	for i := range links {
		e.Links = append(e.Links, MovedLink{Position: links[i].PositionID, To: links[i].ParentID, ToLeg: links[i].Leg})
	}
	return e, s.effect(ctx, program, t, e)
}

// Tank is everybody who has no place yet, with the time from which the strategy decides. Who waits follows from the
// trees: whoever was enrolled and was never placed.
func (s *Service) Tank(ctx context.Context, program string) ([]placement.Entry, error) {
	t, err := s.trees(ctx, program, s.Clock())
	if err != nil {
		return nil, err
	}
	tree, err := t.placement()
	if err != nil {
		return nil, err
	}
	return s.tank(ctx, program, t, tree)
}

func (s *Service) tank(ctx context.Context, program string, t *trees, tree *placement.Tree) ([]placement.Entry, error) {
	people, err := s.Books.PeopleAt(ctx, program, t.as())
	if err != nil {
		return nil, err
	}
	entries := []placement.Entry{}
	var upline []genealogy.Person
	for i := range people.Facts {
		f := &people.Facts[i]
		if _, placed := tree.Number(f.DistributorID); placed || !t.tree.Has(f.DistributorID, t.as()) {
			continue
		}
		if upline, err = t.tree.Upline(upline[:0], f.DistributorID, t.as(), 2); err != nil {
			return nil, err
		}
		sponsor := ""
		if len(upline) > 1 {
			sponsor = upline[1].ID
		}
		entries = append(entries, tree.Hold(f.DistributorID, sponsor, f.EnrolledAt))
	}
	return entries, nil
}

// PlanSettle places everybody whose time in the tank is over, and says what it changes; waiting are those who stay.
func (s *Service) PlanSettle(ctx context.Context, program string) (e *Effect, waiting []placement.Waiting, err error) {
	now := s.Clock()
	t, err := s.trees(ctx, program, now)
	if err != nil {
		return nil, nil, err
	}
	tree, err := t.placement()
	if err != nil {
		return nil, nil, err
	}
	if err := s.weigh(ctx, program, t, tree); err != nil {
		return nil, nil, err
	}
	entries, err := s.tank(ctx, program, t, tree)
	if err != nil {
		return nil, nil, err
	}
	links, waiting := tree.Settle(entries, now.UnixMicro(), t.head.TreeVersion+1)
	if len(links) == 0 {
		return &Effect{Tree: plan.TreePlacement, At: now, version: t.head.TreeVersion, Links: []MovedLink{}, Periods: []PeriodEffect{}}, waiting, nil
	}
	e, err = s.placed(ctx, program, t, now, links)
	return e, waiting, err
}

// differences walks two lists sorted by key, source by source, and keeps the sources that differ.
func differences(posted, wants []ledger.Balance, revisions map[string]int64) (diffs []diff) {
	for len(wants) > 0 || len(posted) > 0 {
		d := diff{}
		if len(posted) == 0 || len(wants) > 0 && wants[0].Key.Source <= posted[0].Key.Source {
			d.source, d.distributorID = wants[0].Key.Source, wants[0].Key.DistributorID
		} else {
			d.source, d.distributorID = posted[0].Key.Source, posted[0].Key.DistributorID
		}
		d.want, wants = cutSource(wants, d.source)
		d.posted, posted = cutSource(posted, d.source)
		d.revision = revisions[d.source]
		if !sameBalances(d.posted, d.want) {
			diffs = append(diffs, d)
		}
	}
	return diffs
}
