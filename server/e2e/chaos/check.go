package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/lib/pq"

	"upline.dev/upline/server/bus"
)

// verdict is what the books say after a fault.
type verdict struct {
	lost, twice int // orders or deliveries; an order that pays somebody too little is lost, too much is twice
	sound       bool
	settled     time.Duration // from the end of the load until nothing waited
	faults      []string      // sentences, the first few
}

func (v *verdict) fault(format string, args ...any) {
	if len(v.faults) < 5 {
		v.faults = append(v.faults, fmt.Sprintf(format, args...))
	}
}

// settleWithin is how long what was acknowledged may take until it is in the books, a fault that has just ended included.
const settleWithin = 2 * time.Minute

// check waits until everything is settled, and holds the ledger against our own arithmetic.
func (w *world) check(ctx context.Context, p *phase) (v verdict, err error) {
	begin := time.Now()
	err = await(ctx, "nothing to be waiting", settleWithin, func() bool { return w.waiting(ctx) == 0 })
	v.settled = time.Since(begin)
	if err != nil {
		v.fault("%v: %d deliveries wait", err, w.waiting(ctx))
	}
	if err := w.checkArrivals(ctx, p.ids, &v); err != nil {
		return v, err
	}
	if err := w.checkSales(ctx, p.sales, &v); err != nil {
		return v, err
	}
	out, err := w.command(ctx, w.binary, "verify")
	v.sound = err == nil && strings.Contains(out, "sound")
	if !v.sound {
		v.fault("verify: %v %s", err, out)
	}
	return v, nil
}

// waiting counts deliveries and orders that are not settled; -1: the database does not answer.
func (w *world) waiting(ctx context.Context) (n int) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := w.books.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM inbox_state WHERE status = 'waiting') + (SELECT count(*) FROM released_sources)`).Scan(&n)
	if err != nil {
		return -1
	}
	return n
}

// checkArrivals looks for what was acknowledged and is not in the inbox, or was put aside.
func (w *world) checkArrivals(ctx context.Context, ids []string, v *verdict) error {
	rows, err := w.books.QueryContext(ctx, `SELECT i.platform_delivery_id, s.status, s.result FROM inbox i JOIN inbox_state s ON s.delivery_id = i.delivery_id
		WHERE i.platform_delivery_id = ANY($1)`, pq.Array(ids))
	if err != nil {
		return fmt.Errorf("read the inbox: %w", err)
	}
	defer rows.Close()
	found := map[string]int{}
	for rows.Next() {
		var id, status, result string
		if err := rows.Scan(&id, &status, &result); err != nil {
			return err
		}
		if found[id]++; status != "done" {
			v.lost++
			v.fault("delivery %s is %s: %s", id, status, result)
		}
	}
	for _, id := range ids {
		switch {
		case found[id] == 0:
			v.lost++
			v.fault("delivery %s was acknowledged and is not in the inbox", id)
		case found[id] > 1:
			v.twice++
			v.fault("delivery %s is %d times in the inbox", id, found[id])
		}
	}
	return rows.Err()
}

// checkSales compares what each order pays with what it must pay.
func (w *world) checkSales(ctx context.Context, sales []*sale, v *verdict) error {
	sources := make([]string, len(sales))
	for i, s := range sales {
		sources[i] = s.source()
	}
	rows, err := w.books.QueryContext(ctx, `SELECT order_id, distributor_id, sum(amount) FROM ledger
		WHERE kind = 'earning' AND order_id = ANY($1) GROUP BY order_id, distributor_id`, pq.Array(sources))
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	defer rows.Close()
	paid := map[string]map[string]int64{}
	for rows.Next() {
		var source, who string
		var amount int64
		if err := rows.Scan(&source, &who, &amount); err != nil {
			return err
		}
		if paid[source] == nil {
			paid[source] = map[string]int64{}
		}
		paid[source][who] = amount
	}
	for _, s := range sales {
		s.compare(paid[s.source()], v)
	}
	return rows.Err()
}

func (s *sale) source() string { return fmt.Sprintf("shop/%d", orderID(s.n)) }

func (s *sale) compare(got map[string]int64, v *verdict) {
	less, more := false, false
	due := s.due()
	for who := range shares {
		less = less || got[who] < due[who]
		more = more || got[who] > due[who]
	}
	for who := range got {
		if _, known := shares[who]; !known && got[who] != 0 {
			more = true
		}
	}
	if less {
		v.lost++
	}
	if more {
		v.twice++
	}
	if less || more {
		v.fault("order %s pays %v, must pay %v", s.source(), got, due)
	}
}

// hearing is a reader of commission events that writes down what it hears.
type hearing struct {
	mu     sync.Mutex
	events map[string]bool
	times  int // messages, repeats included
}

// listen hears everything that is published, from now on.
func listen(ctx context.Context, url string) (*hearing, error) {
	h := &hearing{events: map[string]bool{}}
	b, err := bus.Open(url, bus.Options{})
	if err != nil {
		return nil, err
	}
	go func() {
		_ = b.Consume(ctx, "commission.event", "chaos", h.handle)
		_ = b.Close()
	}()
	return h, nil
}

func (h *hearing) handle(_ context.Context, batch []bus.Message) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range batch {
		var told struct {
			Data struct {
				Events []struct {
					EventID string `json:"event_id"`
				} `json:"events"`
			} `json:"data"`
		}
		if err := json.Unmarshal(m.Body, &told); err != nil {
			return bus.Poison(err)
		}
		for _, e := range told.Data.Events {
			h.events[e.EventID] = true
		}
		h.times++
	}
	return nil
}

// busAnswers tells whether the bus lets us in.
func busAnswers(url string) bool {
	b, err := bus.Open(url, bus.Options{})
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err = b.Ping(ctx)
	_ = b.Close()
	return err == nil
}

// unpublished counts postings of which no event was heard, once there was time for it.
func (w *world) unpublished(ctx context.Context, atMost time.Duration) (missing, posted int, err error) {
	rows, err := w.books.QueryContext(ctx, `SELECT event_id FROM postings`)
	if err != nil {
		return 0, 0, fmt.Errorf("read the postings: %w", err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var id []byte
		if err := rows.Scan(&id); err != nil {
			return 0, 0, err
		}
		all = append(all, hex.EncodeToString(id))
	}
	count := func() (n int) {
		w.heard.mu.Lock()
		defer w.heard.mu.Unlock()
		for _, id := range all {
			if !w.heard.events[id] {
				n++
			}
		}
		return n
	}
	_ = await(ctx, "all events to be heard", atMost, func() bool { return count() == 0 })
	return count(), len(all), rows.Err()
}
