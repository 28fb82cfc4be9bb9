// Package relay tells the rest of the world what was posted: it reads the outbox and publishes each row as a CloudEvent.
//
// It may stop or die anywhere: how far it is stands in the database, and moves only after the bus has taken what was before it.
// So every event is published at least once, those of one order in their order; a reader that must not mind repeats leaves out a
// sequence that it has had.
package relay

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"upline.dev/upline/server"
	"upline.dev/upline/server/bus"
	"upline.dev/upline/server/event"
)

// Row is one message of a program's outbox.
type Row struct {
	Sequence  int64 // per program, in the order of the commits, without gaps
	Topic     string
	Key       string // the order; messages of one key stay in order
	Payload   []byte // JSON
	CreatedAt time.Time
}

// Books is what the relay asks of the database.
type Books interface {
	ProgramIDs(ctx context.Context) ([]string, error)
	// Outbox reads what follows a sequence, at most limit.
	Outbox(ctx context.Context, program string, after int64, limit int) ([]Row, error)
	// LeasePosition makes owner the only one who reads for reader until a time, and says how far the reader is; false where another
	// one holds a lease that is not over at now.
	LeasePosition(ctx context.Context, program, reader, owner string, now, until time.Time) (sequence int64, leased bool, err error)
	// MovePosition notes that everything up to a sequence is with the reader. Where owner holds no lease it is a server.Conflict, and a
	// sequence below the one noted changes nothing.
	MovePosition(ctx context.Context, program, reader, owner string, sequence int64) error
}

// Publisher is the side of a bus that the relay needs.
type Publisher interface {
	Publish(ctx context.Context, topic string, batch []bus.Message) error
}

// Relay publishes every program's outbox for one reader.
type Relay struct {
	Books  Books
	Bus    Publisher
	Reader string // whose position counts; "bus" for the bus
	Clock  func() time.Time
	Logger *slog.Logger
	Every  time.Duration // how often the outbox is looked at where there was nothing; default 250 ms
	Batch  int           // messages published at once; default 500

	owner string
	held  map[string]*held // by program
}

// held is what a relay knows of a program's position without asking.
type held struct {
	after int64     // the reader's position, while the lease lasts
	until time.Time // the end of the lease; zero: another one has it
	askAt time.Time // when another one's lease is asked for again
}

// lease is for how long a relay is alone. Half of it passes before it is taken anew, so that a relay with nothing to do seldom
// writes; publishing ends well before the rest does, as whoever takes the lease over must not meet us still publishing.
const (
	lease      = 30 * time.Second
	renewAt    = lease / 2
	publishing = lease / 3
	askAgain   = lease / 6
	// handingOver bounds how long a relay that stops tries to give its leases back.
	handingOver = 2 * time.Second
)

// Run publishes until ctx ends, and then returns nil. What goes wrong is logged once per round and tried again.
func (r *Relay) Run(ctx context.Context) error {
	if r.Every == 0 {
		r.Every = 250 * time.Millisecond
	}
	if r.Batch == 0 {
		r.Batch = 500
	}
	r.owner, r.held = rand.Text(), make(map[string]*held)
	tick := time.NewTicker(r.Every)
	defer tick.Stop()
	defer r.handOver(ctx)
	for {
		more, err := r.round(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			r.Logger.WarnContext(ctx, "the relay goes on where it was", "reader", r.Reader, "error", err)
		}
		if more && err == nil {
			continue
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// handOver ends the leases, so that another relay need not wait until they end by themselves.
func (r *Relay) handOver(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), handingOver)
	defer cancel()
	for program, h := range r.held {
		if now := r.Clock().UTC(); !h.until.IsZero() {
			_, _, _ = r.Books.LeasePosition(ctx, program, r.Reader, r.owner, now, now) // Where it fails they end by themselves.
		}
	}
}

// round publishes one batch of each program; more says that one of them had a full batch.
func (r *Relay) round(ctx context.Context) (more bool, err error) {
	programs, err := r.Books.ProgramIDs(ctx)
	if err != nil {
		return false, fmt.Errorf("list the programs: %w", err)
	}
	for _, program := range programs {
		full, programErr := r.program(ctx, program)
		more = more || full
		if programErr != nil {
			err = fmt.Errorf("relay program %s: %w", program, programErr)
		}
	}
	return more, err
}

// program publishes one program's next batch, by topic and in order.
func (r *Relay) program(ctx context.Context, program string) (full bool, err error) {
	position, err := r.position(ctx, program)
	if err != nil || position.until.IsZero() {
		return false, err
	}
	rows, err := r.Books.Outbox(ctx, program, position.after, r.Batch)
	if err != nil || len(rows) == 0 {
		return false, err
	}
	limited, cancel := context.WithTimeout(ctx, publishing)
	defer cancel()
	for begin := 0; begin < len(rows); {
		end := begin + 1
		for end < len(rows) && rows[end].Topic == rows[begin].Topic {
			end++
		}
		messages, err := messagesOf(program, rows[begin:end])
		if err != nil {
			return false, err
		}
		if err := r.Bus.Publish(limited, rows[begin].Topic, messages); err != nil {
			return false, err
		}
		begin = end
	}
	last := rows[len(rows)-1].Sequence
	if err := r.Books.MovePosition(ctx, program, r.Reader, r.owner, last); err != nil {
		delete(r.held, program) // Perhaps another one has the lease: ask.
		return false, err
	}
	position.after = last
	return len(rows) == r.Batch, nil
}

// position is the reader's in a program, leased where until is set.
func (r *Relay) position(ctx context.Context, program string) (*held, error) {
	now := r.Clock().UTC()
	h := r.held[program]
	if h != nil && (now.Before(h.askAt) || now.Before(h.until.Add(-renewAt))) {
		return h, nil
	}
	after, leased, err := r.Books.LeasePosition(ctx, program, r.Reader, r.owner, now, now.Add(lease))
	if err != nil {
		return nil, err
	}
	h = &held{after: after, until: now.Add(lease)}
	if !leased {
		h = &held{askAt: now.Add(askAgain)}
	}
	r.held[program] = h
	return h, nil
}

func messagesOf(program string, rows []Row) ([]bus.Message, error) {
	messages := make([]bus.Message, len(rows))
	for i, row := range rows {
		sequence := strconv.FormatInt(row.Sequence, 10)
		told := event.New(row.Topic, program, sequence, row.Key, row.CreatedAt, row.Payload)
		told.Sequence = sequence
		body, err := json.Marshal(told)
		if err != nil {
			return nil, fmt.Errorf("outbox row %s/%s: %w", program, sequence, err)
		}
		messages[i] = bus.Message{ID: told.ID, Key: program + "/" + row.Key, Body: body}
	}
	return messages, nil
}

// Lost is the error of MovePosition where the lease is another's.
func Lost(program, reader string) error {
	return server.Errorf(server.Conflict, "another relay publishes program %s for %s", program, reader)
}
