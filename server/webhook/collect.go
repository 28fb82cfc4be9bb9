package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"upline.dev/upline/server"
	"upline.dev/upline/server/bus"
	"upline.dev/upline/server/relay"
)

// The readers of the outbox and of the books, whose positions the relay's books keep.
const (
	OutboxReader = "webhooks"
	FactsReader  = "webhook-facts" // its position is an instant, in microseconds
)

// lookBack is how much older than the last look a fact may be that is found: by how much a commit may come after the time it
// names. Who is told twice of one fact is asked by its id, and is not.
const lookBack = 10 * time.Minute

// Collector turns what happened into messages. It is the bus of a relay of its own, so that the outbox's rows come one after
// the other, however often the process dies.
type Collector struct {
	Books  Books
	Relay  relay.Books // positions and leases
	Clock  func() time.Time
	Logger *slog.Logger
	Every  time.Duration // how often the books are looked at; default 5 s
}

var _ relay.Publisher = (*Collector)(nil)

// told is what is read of a CloudEvent.
type told struct {
	Subject   string          `json:"subject"`
	Time      time.Time       `json:"time"`
	ProgramID string          `json:"programid"`
	Sequence  string          `json:"sequence"`
	Data      json.RawMessage `json:"data"`
}

// settled points at a settlement.
type settled struct {
	OrderID    string `json:"order_id"`
	Revision   int64  `json:"revision"`
	SnapshotID string `json:"snapshot_id,omitempty"`
}

// Publish takes a batch of one program's outbox. See relay.Publisher.
func (c *Collector) Publish(ctx context.Context, topic string, batch []bus.Message) error {
	if topic != CommissionEvent || len(batch) == 0 {
		return nil
	}
	var program string
	events := make([]Event, 0, 2*len(batch))
	for i := range batch {
		var t told
		var of settled
		if err := json.Unmarshal(batch[i].Body, &t); err != nil {
			return fmt.Errorf("read event %s: %w", batch[i].ID, err)
		}
		if err := json.Unmarshal(t.Data, &of); err != nil {
			return fmt.Errorf("read event %s: %w", batch[i].ID, err)
		}
		pointer, err := json.Marshal(of)
		if err != nil {
			return fmt.Errorf("event %s: %w", batch[i].ID, err)
		}
		program = t.ProgramID
		events = append(events,
			Event{EventID(program, OrderSettled, t.Sequence), OrderSettled, t.Subject, t.Time, pointer},
			Event{EventID(program, CommissionEvent, t.Sequence), CommissionEvent, t.Subject, t.Time, t.Data})
	}
	endpoints, err := c.Books.Endpoints(ctx, program)
	if err != nil {
		return err
	}
	return c.add(ctx, program, endpoints, events)
}

// add gives each endpoint the events it chose. What happened before there was an endpoint it is not told.
func (c *Collector) add(ctx context.Context, program string, endpoints []Endpoint, events []Event) error {
	for i := range endpoints {
		e := &endpoints[i]
		var messages []Message
		for j := range events {
			if !e.wants(events[j].Type) || events[j].At.Before(e.CreatedAt) {
				continue
			}
			m, err := messageOf(program, &events[j])
			if err != nil {
				return fmt.Errorf("write event %s: %w", events[j].EventID, err)
			}
			messages = append(messages, m)
		}
		if len(messages) == 0 {
			continue
		}
		if err := c.Books.AddMessages(ctx, program, []string{e.EndpointID}, messages); err != nil {
			return err
		}
	}
	return nil
}

// Look looks for facts beside the outbox until ctx ends.
func (c *Collector) Look(ctx context.Context) {
	if c.Every == 0 {
		c.Every = 5 * time.Second
	}
	owner := "facts-" + strconv.FormatInt(c.Clock().UnixNano(), 36)
	tick := time.NewTicker(c.Every)
	defer tick.Stop()
	for {
		if err := c.lookOnce(ctx, owner); err != nil && ctx.Err() == nil {
			c.Logger.WarnContext(ctx, "facts for webhooks are looked for again", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// lookOnce goes through all programs that have an endpoint.
func (c *Collector) lookOnce(ctx context.Context, owner string) error {
	all, err := c.Books.Endpoints(ctx, "")
	if err != nil {
		return err
	}
	for begin := 0; begin < len(all); {
		end := begin + 1
		for end < len(all) && all[end].ProgramID == all[begin].ProgramID {
			end++
		}
		if err := c.lookAt(ctx, owner, all[begin].ProgramID, all[begin:end]); err != nil {
			return err
		}
		begin = end
	}
	return nil
}

func (c *Collector) lookAt(ctx context.Context, owner, program string, endpoints []Endpoint) error {
	var types []string
	for i := range endpoints {
		types = append(types, endpoints[i].Types...)
	}
	types = slices.Compact(slices.Sorted(slices.Values(types)))
	now := c.Clock().UTC()
	position, leased, err := c.Relay.LeasePosition(ctx, program, FactsReader, owner, now, now.Add(4*c.Every))
	if err != nil || !leased {
		return err
	}
	events, err := c.Books.Facts(ctx, program, types, time.UnixMicro(position).Add(-lookBack))
	if err != nil {
		return err
	}
	if err := c.add(ctx, program, endpoints, events); err != nil {
		return err
	}
	err = c.Relay.MovePosition(ctx, program, FactsReader, owner, now.UnixMicro())
	if server.CodeOf(err) == server.Conflict {
		return nil // another one looks now
	}
	return err
}

// Followed is a relay's books that follow the outbox of those programs alone that have an endpoint.
type Followed struct {
	relay.Books
	Endpoints func(ctx context.Context, program string) ([]Endpoint, error)
}

// ProgramIDs lists the programs that have an endpoint.
func (f Followed) ProgramIDs(ctx context.Context) ([]string, error) {
	all, err := f.Endpoints(ctx, "")
	if err != nil {
		return nil, err
	}
	var ids []string
	for i := range all {
		ids = append(ids, all[i].ProgramID)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}
