// Package relay tells the rest of the world what was posted: it reads the outbox and publishes each row as a CloudEvent.
//
// It may stop or die anywhere: how far it is stands in the database, and moves only after the bus has taken what was before it.
// So every event is published at least once, those of one order in their order; a reader that must not mind repeats leaves out a
// sequence that it has had.
package relay

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"upline.dev/upline/server"
	"upline.dev/upline/server/bus"
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
}

// lease is for how long a relay is alone. It is taken anew with every round.
const lease = 30 * time.Second

// Run publishes until ctx ends, and then returns nil. What goes wrong is logged once per round and tried again.
func (r *Relay) Run(ctx context.Context) error {
	if r.Every == 0 {
		r.Every = 250 * time.Millisecond
	}
	if r.Batch == 0 {
		r.Batch = 500
	}
	r.owner = rand.Text()
	tick := time.NewTicker(r.Every)
	defer tick.Stop()
	for {
		more, err := r.Round(ctx)
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

// Round publishes one batch of each program; more says that one of them had a full batch.
func (r *Relay) Round(ctx context.Context) (more bool, err error) {
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
	now := r.Clock().UTC()
	after, leased, err := r.Books.LeasePosition(ctx, program, r.Reader, r.owner, now, now.Add(lease))
	if err != nil || !leased {
		return false, err
	}
	rows, err := r.Books.Outbox(ctx, program, after, r.Batch)
	if err != nil || len(rows) == 0 {
		return false, err
	}
	// Whoever takes the lease over must not meet us still publishing.
	publishing, cancel := context.WithTimeout(ctx, lease/2)
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
		if err := r.Bus.Publish(publishing, rows[begin].Topic, messages); err != nil {
			return false, err
		}
		begin = end
	}
	return len(rows) == r.Batch, r.Books.MovePosition(ctx, program, r.Reader, r.owner, rows[len(rows)-1].Sequence)
}

// event is a CloudEvent 1.0 in structured JSON.
type event struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	Subject         string          `json:"subject"`
	Time            string          `json:"time"`
	DataContentType string          `json:"datacontenttype"`
	DataSchema      string          `json:"dataschema"`
	ProgramID       string          `json:"programid"`
	Sequence        string          `json:"sequence"`
	Data            json.RawMessage `json:"data"`
}

// schemaBase is where the schemas of data can be found.
const schemaBase = "https://upline.dev/schemas/"

// CommissionEventSchema describes the whole CloudEvent of what one settlement posted.
//
//go:embed schemas/commission.event.v1.json
var CommissionEventSchema []byte

func messagesOf(program string, rows []Row) ([]bus.Message, error) {
	messages := make([]bus.Message, len(rows))
	for i, row := range rows {
		sequence := strconv.FormatInt(row.Sequence, 10)
		id := program + "/" + sequence
		body, err := json.Marshal(event{
			SpecVersion: "1.0", ID: id, Source: "/programs/" + program, Type: "dev.upline." + row.Topic + ".v1", Subject: row.Key,
			Time: row.CreatedAt.UTC().Format(time.RFC3339Nano), DataContentType: "application/json", DataSchema: schemaBase + row.Topic + ".v1.json",
			ProgramID: program, Sequence: sequence, Data: row.Payload,
		})
		if err != nil {
			return nil, fmt.Errorf("outbox row %s: %w", id, err)
		}
		messages[i] = bus.Message{ID: id, Key: program + "/" + row.Key, Body: body}
	}
	return messages, nil
}

// Lost is the error of MovePosition where the lease is another's.
func Lost(program, reader string) error {
	return server.Errorf(server.Conflict, "another relay publishes program %s for %s", program, reader)
}
