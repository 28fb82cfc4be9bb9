package privacy

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"upline.dev/upline/server"
)

// How requests are worked on.
const (
	atOnce = 20 // requests of one program in one turn

	// retryFirst doubles with every attempt up to retryMost; the deadline of a month leaves room for hundreds.
	retryFirst = time.Minute
	retryMost  = 6 * time.Hour
	// waitForDeliveries is how soon a request looks again whether what waits in the inbox is decided, its own delivery too.
	waitForDeliveries = time.Second

	// ExportLife is how long an export file lies ready. It holds what a person asked for, so it must not lie for ever.
	ExportLife = Deadline

	bodiesAtOnce = 200 // bodies of one transaction
)

// Run carries requests out until ctx ends: when woken, and every so often.
func (s *Service) Run(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if err := s.Work(ctx); err != nil && ctx.Err() == nil {
			s.Logger.WarnContext(ctx, "privacy requests cannot be worked on", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-ticker.C:
		}
	}
}

// Work does what is due now, once.
func (s *Service) Work(ctx context.Context) error {
	programs, err := s.Books.ProgramIDs(ctx)
	if err != nil {
		return fmt.Errorf("list the programs: %w", err)
	}
	var failed []error
	for _, program := range programs {
		if _, err := s.Books.DropExports(ctx, program, s.Clock().Add(-ExportLife)); err != nil {
			failed = append(failed, err)
			continue
		}
		due, err := s.Books.DueRequests(ctx, program, s.Clock(), atOnce)
		if err != nil {
			failed = append(failed, err)
		}
		for i := range due {
			if err := s.carryOut(ctx, &due[i]); err != nil {
				failed = append(failed, fmt.Errorf("request %s: %w", due[i].RequestID, err))
			}
		}
	}
	return errors.Join(failed...)
}

// notYet is why a request waits, when nothing is wrong.
type notYet struct{ why string }

func (n *notYet) Error() string { return n.why }

// carryOut does one request and writes down what came of it.
func (s *Service) carryOut(ctx context.Context, r *Request) error {
	counts, note, err := s.do(ctx, r)
	if err == nil {
		return s.Books.Finish(ctx, r.ProgramID, r.RequestID, note, counts, s.Clock().UTC())
	}
	code := server.CodeOf(err)
	if code == server.Conflict || code == server.NotFound || code == server.Invalid {
		// Trying again changes nothing; whoever asked has to do something first.
		return s.Books.Finish(ctx, r.ProgramID, r.RequestID, "refused: "+firstLine(err), nil, s.Clock().UTC())
	}
	if code == server.Unavailable || ctx.Err() != nil {
		return err // nobody's fault: the same again, uncounted
	}
	wait, why := backoff(r.Attempt), firstLine(err)
	if waiting, ok := errors.AsType[*notYet](err); ok {
		wait, why = waitForDeliveries, waiting.why
		err = nil
		time.AfterFunc(wait, s.Wake)
	}
	if later := s.Books.PutOff(ctx, r.ProgramID, r.RequestID, s.Clock().Add(wait).UTC(), why); later != nil {
		return errors.Join(err, later)
	}
	if err != nil {
		log := s.Logger.WarnContext
		if s.Clock().After(r.DueAt) {
			log = s.Logger.ErrorContext // A person must act: the law's deadline has passed.
		}
		log(ctx, "a privacy request failed and is tried again", "program_id", r.ProgramID, "store", r.StoreID,
			"request_id", r.RequestID, "kind", string(r.Kind), "attempt", r.Attempt+1, "error", err)
	}
	return nil
}

func backoff(attempt int) time.Duration {
	wait := retryFirst << min(attempt, 16)
	return min(wait, retryMost)
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

func (s *Service) do(ctx context.Context, r *Request) (counts map[string]int64, note string, err error) {
	detail, err := s.detail(r)
	if err != nil {
		return nil, "", err
	}
	person := Person{StoreID: r.StoreID, CustomerID: r.Subject, OrderIDs: detail.OrderIDs}
	switch r.Kind {
	case CustomerExport:
		return s.export(ctx, r, person)
	case CustomerErase:
		return s.eraseCustomer(ctx, r, person, detail)
	case StoreErase:
		return s.eraseStore(ctx, r)
	case DistributorErase:
		profiles, err := s.Books.EraseDistributor(ctx, r.ProgramID, r.Subject)
		return map[string]int64{"profiles": profiles}, "the name, e-mail and tax id are gone; the ledger keeps the id alone", err
	default:
		return nil, "", fmt.Errorf("a request of the unknown kind %q", r.Kind)
	}
}

func (s *Service) detail(r *Request) (d Detail, err error) {
	if r.SealedDetail == nil {
		return d, nil
	}
	plain, err := s.Sealer.Open(r.SealedDetail, rowKey(r.ProgramID, r.RequestID, "detail"))
	if err != nil {
		return d, fmt.Errorf("open the detail: %w", err)
	}
	if err := json.Unmarshal(plain, &d); err != nil {
		return d, fmt.Errorf("read the detail: %w", err)
	}
	return d, nil
}

// decided waits until everything that came before the request is in the books: a body that waits is the only copy of what
// it says, and erasing it would lose an order.
func (s *Service) decided(ctx context.Context, r *Request) error {
	waiting, err := s.Books.Undecided(ctx, r.ProgramID, r.StoreID, r.ReceivedAt)
	if err == nil && waiting > 0 {
		err = &notYet{fmt.Sprintf("waiting until %d deliveries of the store are processed", waiting)}
	}
	return err
}

// newID sorts by time and never comes twice.
func newID(now time.Time) (string, error) {
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", fmt.Errorf("make an id: %w", err)
	}
	return fmt.Sprintf("pr_%012x%s", now.UnixMilli(), hex.EncodeToString(random[:])), nil
}
