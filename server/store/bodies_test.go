package store_test

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/inbox"
	"upline.dev/upline/server/store"
)

// bodyWorld is a company whose bodies arrive in partitions, and two processes of it.
type bodyWorld struct {
	one, other *store.Store
	raw        *sql.DB
	dsn        string
}

func newBodyWorld(t *testing.T) bodyWorld {
	t.Helper()
	dsn := newDatabase(t, postgresServer(t))
	w := bodyWorld{raw: openRaw(t, dsn), dsn: dsn, one: openStore(t, store.Config{DatabaseURL: dsn, MaxConns: 8}), other: openStore(t, store.Config{DatabaseURL: dsn, MaxConns: 8})}
	exec(t, w.raw, `INSERT INTO programs (program_id, name, currency, time_zone, created_at) VALUES ('p', 'p', 'EUR', '', 1)`)
	return w
}

var (
	noon     = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	bodyKeep = 30 * time.Hour // in partitions of an hour
)

var bodiesArrived atomic.Int64

// arrived is a delivery that comes at a time.
func arrived(at time.Time) inbox.Row {
	ms := fmt.Sprintf("%012x", at.UnixMilli())
	id := fmt.Sprintf("%s-%s-7000-8000-%012x", ms[:8], ms[8:], bodiesArrived.Add(1))
	return inbox.Row{
		Delivery: order.Delivery{
			DeliveryID: id, PlatformDeliveryID: id, ProgramID: "p", StoreID: "s", Platform: order.Shopify,
			Topic: "orders/create", Headers: map[string]string{}, ReceivedAt: at,
		},
		SealedBody: []byte("body of " + id), BodyBytes: 4, DueAt: at,
	}
}

func (w bodyWorld) put(t testing.TB, s *store.Store, rows ...inbox.Row) {
	t.Helper()
	_, err := s.PutDeliveries(t.Context(), rows)
	check(t, err)
}

func (w bodyWorld) end(t *testing.T, status inbox.Status, rows ...inbox.Row) {
	t.Helper()
	for _, r := range rows {
		check(t, w.one.FinishDeliveries(t.Context(), []inbox.Finished{{DeliveryID: r.DeliveryID, Status: status, Result: "x", At: r.ReceivedAt}}))
	}
}

func (w bodyWorld) turn(t testing.TB, now time.Time) {
	t.Helper()
	_, err := w.one.TurnBodies(t.Context(), now, bodyKeep)
	check(t, err)
}

// where says in which table the body of a delivery is, as the other process reads it.
func (w bodyWorld) where(t *testing.T, r inbox.Row) string {
	t.Helper()
	var places sql.NullString
	check(t, w.raw.QueryRow(`SELECT string_agg(place, ' and ') FROM (
		SELECT tableoid::regclass::text AS place FROM inbox_bodies WHERE delivery_id = $1
		UNION ALL SELECT 'inbox' FROM inbox WHERE delivery_id = $1 AND sealed_body IS NOT NULL) p`, r.DeliveryID).Scan(&places))
	stored, err := w.other.StoredDelivery(t.Context(), "p", r.DeliveryID)
	check(t, err)
	want := ""
	if places.Valid {
		want = string(r.SealedBody)
	}
	if string(stored.SealedBody) != want {
		t.Errorf("the body of %s is in %q, and read as %q", r.DeliveryID, places.String, stored.SealedBody)
	}
	return strings.TrimPrefix(cmp.Or(places.String, "gone"), "inbox_bodies_")
}

// bodyPartitions are the names of the partitions of bodies, which tell when they begin, the oldest first.
func bodyPartitions(t *testing.T, raw *sql.DB) string {
	t.Helper()
	var names string
	check(t, raw.QueryRow(`SELECT coalesce(string_agg(substr(part, 14), ' ' ORDER BY low), '') FROM upline_body_partitions()`).Scan(&names))
	return names
}

func TestBodiesArriveInPartitions(t *testing.T) {
	t.Parallel()
	w := newBodyWorld(t)
	early, far := arrived(noon.Add(-time.Minute)), arrived(noon.AddDate(40, 0, 0))
	begun := arrived(noon.Add(5 * time.Minute))
	w.put(t, w.one, early, begun, far)
	for _, r := range []inbox.Row{early, begun, far} {
		if got := w.where(t, r); got != "rest" {
			t.Errorf("without a partition the body is in %s", got)
		}
	}
	for range 2 { // The second time there is nothing to do.
		w.turn(t, noon.Add(10*time.Minute))
		if got, want := bodyPartitions(t, w.raw), "20260304_120000 20260304_130000 20260304_140000 20260304_150000"; got != want {
			t.Fatalf("partitions %s, want %s", got, want)
		}
	}
	late := arrived(noon.Add(2 * time.Hour))
	w.put(t, w.other, late)
	for r, want := range map[*inbox.Row]string{&early: "rest", &begun: "20260304_120000", &late: "20260304_140000", &far: "rest"} {
		if got := w.where(t, *r); got != want {
			t.Errorf("the body that came at %s is in %s, want %s", r.ReceivedAt, got, want)
		}
	}
	waiting, err := w.other.WaitingDeliveries(t.Context(), noon.Add(time.Hour), []string{begun.DeliveryID, late.DeliveryID})
	check(t, err)
	if len(waiting) != 2 || string(waiting[0].SealedBody) != string(begun.SealedBody) || string(waiting[1].SealedBody) != string(late.SealedBody) {
		t.Errorf("an engine reads %+v", waiting)
	}
	repeat := arrived(noon.Add(90 * time.Minute))
	repeat.PlatformDeliveryID = late.PlatformDeliveryID
	if results, err := w.other.PutDeliveries(t.Context(), []inbox.Row{repeat}); err != nil || !results[0].Duplicate || results[0].DeliveryID != late.DeliveryID {
		t.Errorf("a repeat: %+v, %v", results, err)
	}
	var kept int
	if check(t, w.raw.QueryRow(`SELECT count(*) FROM inbox_bodies WHERE delivery_id = $1`, repeat.DeliveryID).Scan(&kept)); kept != 0 {
		t.Error("the body of a repeat is kept")
	}
	// After a week without anybody, the next partition begins where it is, and longer ones behind those that are there.
	w.turn(t, noon.AddDate(0, 0, 7))
	dropped, err := w.one.TurnBodies(t.Context(), noon.AddDate(0, 0, 7).Add(3*time.Hour), 4*bodyKeep)
	check(t, err)
	if got, want := bodyPartitions(t, w.raw), "20260311_120000 20260311_130000 20260311_140000 20260311_150000 20260311_160000 20260311_200000"; got != want || dropped != 0 {
		t.Errorf("%d bodies dropped, partitions %s, want %s", dropped, got, want)
	}
}

// TestBodiesAfterAClockWasAhead: what was made for a time that is not yet does not keep partitions from being made for now.
func TestBodiesAfterAClockWasAhead(t *testing.T) {
	t.Parallel()
	w := newBodyWorld(t)
	w.turn(t, noon.AddDate(10, 0, 0))
	w.turn(t, noon.Add(26*time.Hour)) // which reaches to where the next one begins
	w.turn(t, noon)
	w.turn(t, noon.Add(24*time.Hour))
	want := "20260304_120000 20260304_130000 20260304_140000 20260305_120000 20260305_130000 20260305_140000 20260305_150000 20260305_160000 " +
		"20360304_120000 20360304_130000 20360304_140000"
	if got := bodyPartitions(t, w.raw); got != want {
		t.Errorf("partitions %s, want %s", got, want)
	}
}

// TestOldBodiesGoWithTheirPartition: but for those whose deliveries are not done, which are kept until they are.
func TestOldBodiesGoWithTheirPartition(t *testing.T) {
	t.Parallel()
	w := newBodyWorld(t)
	w.turn(t, noon)
	done, waiting, parked := arrived(noon.Add(time.Minute)), arrived(noon.Add(2*time.Minute)), arrived(noon.Add(3*time.Minute))
	later, stray := arrived(noon.Add(time.Hour)), arrived(noon.Add(-time.Hour))
	w.put(t, w.one, done, waiting, parked, later, stray)
	w.end(t, inbox.Done, done, later, stray)
	w.end(t, inbox.Parked, parked)
	exec(t, w.raw, `ANALYZE`)

	w.turn(t, noon.Add(bodyKeep))
	for r, want := range map[*inbox.Row]string{&done: "20260304_120000", &later: "20260304_130000", &stray: "gone"} {
		if got := w.where(t, *r); got != want {
			t.Errorf("as old as it may be, the body that came at %s is in %s, want %s", r.ReceivedAt, got, want)
		}
	}
	dropped, err := w.one.TurnBodies(t.Context(), noon.Add(bodyKeep+time.Minute), bodyKeep)
	check(t, err)
	if dropped != 3 { // as many as there were when they were last counted, before two of them moved
		t.Errorf("%d bodies are dropped, want 3", dropped)
	}
	for r, want := range map[*inbox.Row]string{&done: "gone", &waiting: "inbox", &parked: "inbox", &later: "20260304_130000"} {
		if got := w.where(t, *r); got != want {
			t.Errorf("the body that came at %s is in %s, want %s", r.ReceivedAt, got, want)
		}
	}
	if got := bodyPartitions(t, w.raw); strings.HasPrefix(got, "20260304_120000") {
		t.Errorf("partitions %s", got)
	}
	claimed, err := w.other.WaitingDeliveries(t.Context(), noon.Add(bodyKeep), []string{waiting.DeliveryID})
	check(t, err)
	if len(claimed) != 1 || string(claimed[0].SealedBody) != string(waiting.SealedBody) {
		t.Fatalf("an engine reads %+v", claimed)
	}
	w.end(t, inbox.Done, waiting)
	if n, err := w.one.DropBodies(t.Context(), noon.Add(time.Hour), 10); err != nil || n != 1 || w.where(t, waiting) != "gone" {
		t.Errorf("once it is done, %d bodies go, %v", n, err)
	}
	if err := w.one.Replay(t.Context(), "p", done.DeliveryID); server.CodeOf(err) != server.Conflict {
		t.Errorf("without its body it is taken up again: %v", err)
	}
}

// TestBodyTakenUpAgainMeanwhile: a delivery that is taken up again just when its partition is dropped keeps its body.
func TestBodyTakenUpAgainMeanwhile(t *testing.T) {
	t.Parallel()
	w := newBodyWorld(t)
	w.turn(t, noon)
	done := arrived(noon.Add(time.Minute))
	w.put(t, w.one, done)
	w.end(t, inbox.Done, done)
	for { // Until it was quick enough: who drops waits no longer than a tenth of a second.
		again, err := w.raw.BeginTx(t.Context(), nil)
		check(t, err)
		check(t, again.QueryRow(`SELECT sealed_body FROM inbox_bodies WHERE delivery_id = $1`, done.DeliveryID).Scan(new([]byte)))
		_, err = again.Exec(`UPDATE inbox_state SET status = 'waiting' WHERE delivery_id = $1`, done.DeliveryID)
		check(t, err)
		dropped := make(chan error, 1)
		go func() {
			_, err := w.other.TurnBodies(t.Context(), noon.Add(2*bodyKeep), bodyKeep)
			dropped <- err
		}()
		for waits := false; !waits && len(dropped) == 0; time.Sleep(time.Millisecond) {
			check(t, w.raw.QueryRowContext(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'
				AND relation = 'inbox_bodies'::regclass AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`).Scan(&waits))
		}
		check(t, again.Commit())
		if err := <-dropped; err == nil {
			break
		} else if !strings.Contains(err.Error(), "lock timeout") {
			t.Fatal(err)
		}
		exec(t, w.raw, `UPDATE inbox_state SET status = 'done'`)
	}
	if got := w.where(t, done); got != "inbox" {
		t.Errorf("its body is in %s", got)
	}
}

// TestBodyForgottenWhileItMoves: what somebody asked to be forgotten is, also where it moves into its delivery just then.
func TestBodyForgottenWhileItMoves(t *testing.T) {
	t.Parallel()
	w := newBodyWorld(t)
	r := arrived(noon)
	w.put(t, w.one, r)
	moving, err := w.raw.BeginTx(t.Context(), nil)
	check(t, err)
	_, err = moving.Exec(`WITH gone AS (DELETE FROM inbox_bodies RETURNING *)
		UPDATE inbox SET sealed_body = gone.sealed_body FROM gone WHERE inbox.delivery_id = gone.delivery_id`)
	check(t, err)
	dropped := make(chan int64, 1)
	go func() {
		n, err := w.other.DropBodiesByID(t.Context(), "p", []string{r.DeliveryID})
		check(t, err)
		dropped <- n
	}()
	for waits := false; !waits; time.Sleep(time.Millisecond) {
		check(t, w.raw.QueryRowContext(t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
			AND wait_event_type = 'Lock' AND query LIKE 'DELETE FROM inbox_bodies%')`).Scan(&waits))
	}
	check(t, moving.Commit())
	if n := <-dropped; n != 1 || w.where(t, r) != "gone" {
		t.Errorf("%d bodies are forgotten, and this one is in %s", n, w.where(t, r))
	}
}

// TestBodiesTurnMeanwhile: while partitions are made and dropped by two processes, what arrives keeps its body, and nobody who takes
// deliveries in is refused.
func TestBodiesTurnMeanwhile(t *testing.T) {
	t.Parallel()
	w := newBodyWorld(t)
	gaveUp := regexp.MustCompile(`lock timeout|deadlock detected`)
	var arriving, turning sync.WaitGroup
	var all [2][]inbox.Row
	var hours atomic.Int64
	for n, s := range []*store.Store{w.one, w.other} {
		arriving.Go(func() {
			for i := range 100 {
				rows := []inbox.Row{arrived(noon.Add(time.Duration(i) * time.Hour)), arrived(noon.Add(time.Duration(i)*time.Hour + time.Minute))}
				w.put(t, s, rows...)
				if i%2 == 0 {
					check(t, s.FinishDeliveries(t.Context(), []inbox.Finished{{DeliveryID: rows[0].DeliveryID, Status: inbox.Done, Result: "x", At: noon}}))
				}
				all[n] = append(all[n], rows...)
				hours.Store(int64(i))
				time.Sleep(5 * time.Millisecond) // so that who turns them keeps up a little
			}
		})
	}
	ctx, stop := context.WithCancel(t.Context())
	for _, s := range []*store.Store{w.one, w.other} {
		turning.Go(func() {
			for ctx.Err() == nil {
				_, err := s.TurnBodies(ctx, noon.Add(time.Duration(hours.Load())*time.Hour), bodyKeep)
				if err != nil && ctx.Err() == nil && !gaveUp.MatchString(err.Error()) {
					t.Error(err)
				}
			}
		})
	}
	arriving.Wait()
	stop()
	turning.Wait()
	w.turn(t, noon.Add(99*time.Hour))
	places := map[string]int{}
	for _, r := range append(all[0], all[1]...) {
		place := w.where(t, r)
		if place == "gone" {
			var status string
			check(t, w.raw.QueryRow(`SELECT status FROM inbox_state WHERE delivery_id = $1`, r.DeliveryID).Scan(&status))
			if status != "done" {
				t.Errorf("the body of %s is gone, which is %s", r.DeliveryID, status)
			}
		}
		places[place]++
	}
	t.Logf("%d places; gone: %d, in their deliveries: %d, without a partition: %d", len(places), places["gone"], places["inbox"], places["rest"])
	// The first of every other hour is done, by each of two, and 69 hours are over for more than 30.
	if places["gone"] != 70 || len(places) < 5 {
		t.Errorf("bodies by place: %v", places)
	}
}

// TestBodyWhosePartitionIsAttached: what was on its way to where no partition is for it is stored all the same.
func TestBodyWhosePartitionIsAttached(t *testing.T) {
	t.Parallel()
	w := newBodyWorld(t)
	attaching, err := w.raw.BeginTx(t.Context(), nil)
	check(t, err)
	var made string
	check(t, attaching.QueryRow(`SELECT upline_extend_bodies($1::bigint, 3600000000, $1::bigint + 1)`, noon.UnixMicro()).Scan(&made))
	r, stored := arrived(noon.Add(time.Minute)), make(chan struct{})
	go func() {
		defer close(stored)
		w.put(t, w.other, r)
	}()
	for waits := false; !waits; time.Sleep(time.Millisecond) {
		check(t, w.raw.QueryRowContext(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'inbox_bodies_rest'::regclass
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`).Scan(&waits))
	}
	check(t, attaching.Commit())
	<-stored
	if got := w.where(t, r); "inbox_bodies_"+got != made {
		t.Errorf("the body is in %s, want %s", got, made)
	}
}

// TestUpgradeIsFinished: where programs from before may be at work, bodies arrive where those find them until somebody says that there is none.
func TestUpgradeIsFinished(t *testing.T) {
	t.Parallel()
	main := postgresServer(t)
	name := fmt.Sprintf("upline_inline_%d", databases.Add(1))
	check(t, administer(main, `CREATE DATABASE `+name))
	t.Cleanup(func() { check(t, administer(main, `DROP DATABASE `+name+` WITH (FORCE)`)) })
	c := store.Config{DatabaseURL: withDatabase(main, name), MaxConns: 4}
	check(t, store.MigrateTo(t.Context(), c, 23))
	w := bodyWorld{raw: openRaw(t, c.DatabaseURL), dsn: c.DatabaseURL}
	exec(t, w.raw, `INSERT INTO programs (program_id, name, currency, time_zone, created_at) VALUES ('p', 'p', 'EUR', '', 1)`)
	_, err := store.Migrate(t.Context(), c)
	check(t, err)
	w.one, w.other = openStore(t, c), openStore(t, c)
	before := arrived(noon)
	w.put(t, w.one, before)
	w.turn(t, noon)
	if got := w.where(t, before); got != "inbox" || bodyPartitions(t, w.raw) != "" {
		t.Fatalf("before the upgrade is finished a body is in %s; partitions %q", got, bodyPartitions(t, w.raw))
	}
	for i, want := range []bool{true, false} {
		if changed, err := store.FinishUpgrade(t.Context(), c); err != nil || changed != want {
			t.Fatalf("%d: finished %v, %v", i, changed, err)
		}
	}
	w.other = openStore(t, c)
	still, after := arrived(noon.Add(time.Second)), arrived(noon.Add(2*time.Second))
	w.put(t, w.one, still)
	w.put(t, w.other, after)
	_, err = w.other.TurnBodies(t.Context(), noon, bodyKeep)
	check(t, err)
	for r, want := range map[*inbox.Row]string{&before: "inbox", &still: "inbox", &after: "20260304_120000"} {
		if got := w.where(t, *r); got != want {
			t.Errorf("the body that came at %s is in %s, want %s", r.ReceivedAt, got, want)
		}
	}
	var floor string
	if check(t, w.raw.QueryRow(`SELECT value FROM installation WHERE name = 'schema_floor'`).Scan(&floor)); floor != "24" {
		t.Errorf("the least schema is %s", floor)
	}
	if changed, err := store.FinishUpgrade(t.Context(), store.Config{DataDir: t.TempDir()}); err != nil || changed {
		t.Errorf("SQLite: %v, %v", changed, err)
	}
}
