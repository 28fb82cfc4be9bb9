package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
)

// The statements of an import of people.
var (
	upsertDistributors = &bulk{
		name: "write distributors", table: "distributors",
		columns: columns(fixedText("program_id"), texts("distributor_id", "sponsor_id", "status", "rank", "country"),
			blobs("tax_id"), ints("created_at")),
		after: `ON CONFLICT (program_id, distributor_id) DO UPDATE SET sponsor_id = excluded.sponsor_id,
			status = excluded.status, rank = excluded.rank, country = excluded.country,
			tax_id = coalesce(excluded.tax_id, distributors.tax_id)`,
	}
	upsertProfiles = &bulk{
		name: "write profiles", table: "distributor_profiles",
		columns: columns(fixedText("program_id"), texts("distributor_id"), blobs("sealed_profile")),
		after:   `ON CONFLICT (program_id, distributor_id) DO UPDATE SET sealed_profile = excluded.sealed_profile`,
	}
	insertLinks = &bulk{
		name: "insert sponsor links", table: "genealogy_links",
		columns: columns(fixedText("program_id"), fixedInt("version"), fixedInt("recorded_at"),
			texts("distributor_id", "sponsor_id"), ints("valid_from")),
	}
	insertStandings = &bulk{
		name: "insert standings", table: "standings",
		columns: columns(fixedText("program_id"), fixedInt("version"), fixedInt("recorded_at"),
			texts("distributor_id", "status", "rank"), ints("valid_from")),
	}
	insertCodes = &bulk{
		name: "insert codes", table: "distributor_codes",
		columns: columns(fixedText("program_id"), fixedInt("version"), fixedInt("recorded_at"),
			texts("code_key", "code", "distributor_id"), ints("valid_from")),
	}
)

// personRow is how somebody is now.
type personRow struct {
	DistributorID string `db:"distributor_id"`
	SponsorID     string `db:"sponsor_id"`
	Status        string `db:"status"`
	Rank          string `db:"rank"`
	Country       string `db:"country"`
	TaxID         []byte `db:"tax_id"`
	Profile       []byte `db:"sealed_profile"`
}

// peopleImport is one import on its way: what is known, and what it adds.
type peopleImport struct {
	store   *Store
	program string
	version int64 // of the facts it records
	at      int64
	known   map[string]personRow
	owners  map[string]string   // code key -> distributor it names now
	codes   map[string][]string // distributor -> code keys that name it now
	spelt   map[string]string   // code key -> as it is written
	summary admin.ImportSummary

	people    []admin.Distributor // added or changed
	links     []genealogy.Link
	standings []genealogy.Standing
	claims    []genealogy.Code
	periods   periodFacts // what only periods need
}

// PutDistributors adds people and records what changed as facts dated at. A row says everything about its person, but
// for codes, tax id and profile, which stay as they are where the row has none. See admin.Books.
func (s *Store) PutDistributors(ctx context.Context, program string, people []admin.Distributor, at time.Time, commit bool) (
	summary admin.ImportSummary, err error,
) {
	defer server.Wrap(&err, "put %d distributors", len(people))
	err = s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		version, err := s.touch(ctx, tx, program, "tree_version")
		if err != nil {
			return err
		}
		in := &peopleImport{store: s, program: program, version: version + 1, at: micros(at)}
		if err := in.load(ctx, tx); err != nil {
			return err
		}
		if err := in.compare(people); err != nil {
			return err
		}
		if err := in.check(ctx, tx, version); err != nil {
			return err
		}
		if err := in.write(ctx, tx); err != nil {
			return err
		}
		if err := in.bind(ctx, tx, people); err != nil {
			return err
		}
		if in.summary.Released, err = in.release(ctx, tx, people); err != nil {
			return err
		}
		summary = in.summary
		if !commit {
			return errDryRun
		}
		return nil
	})
	return summary, dryRun(err)
}

// load reads how everybody is now. A file usually names most people, so reading all of them beats asking for each.
func (in *peopleImport) load(ctx context.Context, tx *sqlx.Tx) error {
	var found []personRow
	err := tx.SelectContext(ctx, &found, `SELECT d.distributor_id, d.sponsor_id, d.status, d.rank, d.country, d.tax_id, p.sealed_profile
		FROM distributors d LEFT JOIN distributor_profiles p ON p.program_id = d.program_id AND p.distributor_id = d.distributor_id
		WHERE d.program_id = $1`, in.program)
	if err != nil {
		return fmt.Errorf("read the distributors: %w", err)
	}
	in.known = make(map[string]personRow, len(found))
	for _, p := range found {
		in.known[p.DistributorID] = p
	}
	in.owners, in.codes, in.spelt = map[string]string{}, map[string][]string{}, map[string]string{}
	err = eachRow(ctx, tx, func(scan func(...any) error) error {
		var key, code, owner string
		err := scan(&key, &code, &owner)
		in.owners[key], in.spelt[key] = owner, code // the last version, and in it the last date, is what holds now
		return err
	}, `SELECT code_key, code, distributor_id FROM distributor_codes WHERE program_id = $1 ORDER BY version, valid_from`, in.program)
	if err != nil {
		return fmt.Errorf("read the codes: %w", err)
	}
	for _, key := range sortedKeys(in.owners) {
		if owner := in.owners[key]; owner != "" {
			in.codes[owner] = append(in.codes[owner], key)
		}
	}
	return in.periods.load(ctx, tx, in.program)
}

// compare turns rows into facts where they say something new.
func (in *peopleImport) compare(people []admin.Distributor) error {
	seen := make(map[string]bool, len(people))
	for i := range people {
		id := people[i].DistributorID
		if seen[id] {
			return server.Errorf(server.Invalid, "Distributor %s is there twice.", id)
		}
		seen[id] = true
		in.compareOne(&people[i])
	}
	return in.compareCodes(people)
}

// keep fills in what the row says nothing about.
func (old *personRow) keep(p *admin.Distributor) {
	if p.Keep.Sponsor {
		p.SponsorID = old.SponsorID
	}
	if p.Keep.Status {
		p.Status = genealogy.Status(old.Status)
	}
	if p.Keep.Rank {
		p.Rank = old.Rank
	}
	if p.Keep.Country {
		p.Country = old.Country
	}
}

func (in *peopleImport) compareOne(p *admin.Distributor) {
	if p.Status == "" {
		p.Status = genealogy.Active
	}
	old, exists := in.known[p.DistributorID]
	from := in.at
	if exists {
		old.keep(p)
	} else {
		if from = genealogy.Beginning; !p.CreatedAt.IsZero() {
			from = p.CreatedAt.UnixMicro()
		}
	}
	moved := !exists || old.SponsorID != p.SponsorID
	stands := !exists || old.Status != string(p.Status) || old.Rank != p.Rank
	if moved {
		in.links = append(in.links, genealogy.Link{DistributorID: p.DistributorID, ParentID: p.SponsorID, ValidFrom: from, Version: in.version})
	}
	if stands {
		in.standings = append(in.standings, genealogy.Standing{
			DistributorID: p.DistributorID, Status: p.Status, Rank: p.Rank,
			ValidFrom: from, Version: in.version,
		})
	}
	facts := in.periods.compare(in, p, !exists, old.Country != p.Country, from)
	changed := moved || stands || facts || old.Country != p.Country || in.codesDiffer(p) ||
		in.sealedDiffers(p, old.TaxID, p.SealedTaxID) || in.sealedDiffers(p, old.Profile, p.SealedProfile)
	switch {
	case !exists:
		in.summary.Added++
	case changed:
		in.summary.Changed++
	default:
		in.summary.Unchanged++
		return
	}
	in.people = append(in.people, *p)
}

// sealedDiffers compares what was sealed; sealing the same twice gives different bytes. Without a key it is written
// again, which does no harm.
func (in *peopleImport) sealedDiffers(p *admin.Distributor, old, given []byte) bool {
	if given == nil {
		return false
	}
	opener := in.store.config.Opener
	if old == nil || opener == nil {
		return true
	}
	key := admin.PersonKey(in.program, p.DistributorID)
	before, errBefore := opener.Open(old, key)
	after, errAfter := opener.Open(given, key)
	return errBefore != nil || errAfter != nil || string(before) != string(after)
}

func codeKey(code string) string { return strings.ToLower(code) }

// codesDiffer reports whether the row says other codes than the person has. No list leaves them as they are.
func (in *peopleImport) codesDiffer(p *admin.Distributor) bool {
	if p.Codes == nil {
		return false
	}
	keys := make([]string, 0, len(p.Codes))
	for _, code := range p.Codes {
		keys = append(keys, codeKey(code))
	}
	slices.Sort(keys)
	return !slices.Equal(slices.Compact(keys), in.codes[p.DistributorID])
}

// compareCodes first takes back what people no longer have, so that a code may pass from one to another in one file.
// A code that was never used counts from the beginning: orders that came before it was known are the reason to add it.
func (in *peopleImport) compareCodes(people []admin.Distributor) error {
	claimed := make(map[string]string)
	for i := range people {
		for _, code := range people[i].Codes {
			key := codeKey(code)
			if other, twice := claimed[key]; twice && other != people[i].DistributorID {
				return server.Errorf(server.Invalid, "Code %s is given to %s and to %s.", code, other, people[i].DistributorID)
			}
			claimed[key] = people[i].DistributorID
			in.spelt[key] = code
		}
	}
	given := make(map[string]bool) // keys that pass on or end
	for i := range people {
		if people[i].Codes == nil {
			continue
		}
		for _, key := range in.codes[people[i].DistributorID] {
			if claimed[key] != people[i].DistributorID {
				given[key] = true
			}
		}
	}
	for _, key := range sortedKeys(claimed) {
		owner, used := in.owners[key]
		switch {
		case owner == claimed[key]:
			continue
		case owner != "" && !given[key]:
			taken := &admin.CodeTakenError{Code: in.spelt[key], Owner: owner}
			return &server.Error{Code: server.Invalid, Field: "codes", Message: taken.Error(), Err: taken}
		}
		delete(given, key)
		from := in.at
		if !used {
			from = genealogy.Beginning
		}
		in.claim(key, claimed[key], from)
	}
	for _, key := range sortedKeys(given) {
		in.claim(key, "", in.at)
	}
	return nil
}

func (in *peopleImport) claim(key, owner string, from int64) {
	in.claims = append(in.claims, genealogy.Code{Code: in.spelt[key], DistributorID: owner, ValidFrom: from, Version: in.version})
}

// check builds the tree as it would be. Its faults name the people.
func (in *peopleImport) check(ctx context.Context, tx *sqlx.Tx, version int64) error {
	before, err := in.store.tree(ctx, tx, in.program, version)
	if err != nil {
		return err
	}
	after, err := before.With(in.links, in.standings, in.claims)
	if err == nil {
		err = in.periods.check(after, in)
	}
	var faults genealogy.Faults
	if errors.As(err, &faults) {
		return &server.Error{Code: server.Invalid, Message: "The people do not make a tree: " + faults.Error(), Err: err}
	}
	return err
}

// peopleAtOnce is how many rows of an import are handed over together: what the driver holds of a million would not fit
// beside the people themselves.
const peopleAtOnce = 20_000

func (in *peopleImport) write(ctx context.Context, tx *sqlx.Tx) error {
	if len(in.people) == 0 {
		return nil
	}
	now := in.store.now()
	for people := range slices.Chunk(in.people, peopleAtOnce) {
		if err := in.writePeople(ctx, tx, people); err != nil {
			return err
		}
	}
	if err := in.periods.write(ctx, tx, in, now); err != nil {
		return err
	}
	if len(in.links)+len(in.standings)+len(in.claims)+in.periods.count() == 0 {
		return nil // only what the tree does not know: country, tax id, profile
	}
	err := inPieces(ctx, in, tx, insertLinks, now, in.links, func(r rows, l genealogy.Link) {
		r.text(l.DistributorID)
		r.text(l.ParentID)
		r.int(l.ValidFrom)
	})
	if err != nil {
		return err
	}
	err = inPieces(ctx, in, tx, insertStandings, now, in.standings, func(r rows, st genealogy.Standing) {
		r.text(st.DistributorID)
		r.text(string(st.Status))
		r.text(st.Rank)
		r.int(st.ValidFrom)
	})
	if err != nil {
		return err
	}
	err = inPieces(ctx, in, tx, insertCodes, now, in.claims, func(r rows, c genealogy.Code) {
		r.text(codeKey(c.Code))
		r.text(c.Code)
		r.text(c.DistributorID)
		r.int(c.ValidFrom)
	})
	if err != nil {
		return err
	}
	return raise(ctx, tx, in.program, "tree_version", in.version)
}

func (in *peopleImport) writePeople(ctx context.Context, tx *sqlx.Tx, list []admin.Distributor) error {
	d := in.store.dialect
	people, profiles := d.newRows(upsertDistributors, in.program), d.newRows(upsertProfiles, in.program)
	for i := range list {
		p := &list[i]
		for _, v := range []string{p.DistributorID, p.SponsorID, string(p.Status), p.Rank, p.Country} {
			people.text(v)
		}
		people.bytes(p.SealedTaxID)
		people.int(micros(p.CreatedAt))
		if p.SealedProfile != nil {
			profiles.text(p.DistributorID)
			profiles.bytes(p.SealedProfile)
		}
	}
	if _, err := d.run(ctx, tx, upsertDistributors, people); err != nil {
		return err
	}
	_, err := d.run(ctx, tx, upsertProfiles, profiles)
	return err
}

// bind records which customers the people are. It comes after them, since they must be there.
func (in *peopleImport) bind(ctx context.Context, tx *sqlx.Tx, people []admin.Distributor) error {
	var bindings []admin.Binding
	var rows []int
	for i := range people {
		for _, b := range people[i].Customers {
			bindings, rows = append(bindings, b), append(rows, i)
		}
	}
	if len(bindings) == 0 {
		return nil
	}
	var faults admin.RowErrors
	if err := in.store.checkBindings(ctx, tx, in.program, bindings); errors.As(err, &faults) {
		for _, f := range faults {
			f.Row, f.Field = rows[f.Row], "customer_ids"
		}
		return faults
	} else if err != nil {
		return err
	}
	var bound admin.ImportSummary
	added, err := in.store.addBindings(ctx, tx, in.program, bindings, in.version, in.at, &bound)
	if err != nil || len(added) == 0 {
		return err
	}
	changed := make(map[string]bool, len(in.people))
	for i := range in.people {
		changed[in.people[i].DistributorID] = true
	}
	for _, i := range added {
		if id := people[rows[i]].DistributorID; !changed[id] {
			changed[id] = true
			in.summary.Changed++
			in.summary.Unchanged--
		}
	}
	return raise(ctx, tx, in.program, "tree_version", in.version)
}

// inPieces writes facts of one kind, recorded now at the import's version.
func inPieces[F any](ctx context.Context, in *peopleImport, tx *sqlx.Tx, statement *bulk, now int64, facts []F, add func(rows, F)) error {
	for piece := range slices.Chunk(facts, peopleAtOnce) {
		r := in.store.dialect.newRows(statement, in.program, in.version, now)
		for _, fact := range piece {
			add(r, fact)
		}
		if _, err := in.store.dialect.run(ctx, tx, statement, r); err != nil {
			return err
		}
	}
	return nil
}

// release marks the orders that wait for one of the people or codes. There are far fewer causes than people, so the
// causes are read and looked up among the people.
func (in *peopleImport) release(ctx context.Context, tx *sqlx.Tx, people []admin.Distributor) (int, error) {
	var waiting []string
	err := tx.SelectContext(ctx, &waiting,
		`SELECT DISTINCT cause_key FROM park_causes WHERE program_id = $1 AND cause_key >= 'ref:' AND cause_key < 'ref;'`, in.program)
	if err != nil || len(waiting) == 0 {
		return 0, err
	}
	named := make(map[string]bool, len(people))
	for i := range people {
		named["ref:"+strings.ToLower(people[i].DistributorID)] = true
		for _, code := range people[i].Codes {
			named["ref:"+strings.ToLower(code)] = true
		}
	}
	mended := slices.DeleteFunc(waiting, func(key string) bool { return !named[key] })
	return in.store.release(ctx, tx, in.program, mended, in.store.now())
}
