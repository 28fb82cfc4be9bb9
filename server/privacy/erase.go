package privacy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"upline.dev/upline/server/inbox"
)

const erasedNote = "what was kept of the person is gone; the ledger holds ids alone, and its seals stay valid"

// eraseCustomer forgets one customer: the bodies of their orders, other bodies that name them, whose customer they were,
// and export files about them.
func (s *Service) eraseCustomer(ctx context.Context, r *Request, p Person, detail Detail) (map[string]int64, string, error) {
	if err := s.decided(ctx, r); err != nil {
		return nil, "", err
	}
	counts := map[string]int64{}
	orders, err := s.Books.PersonOrders(ctx, r.ProgramID, p)
	if err != nil {
		return nil, "", fmt.Errorf("find the orders: %w", err)
	}
	counts["orders"] = int64(len(orders))
	if counts["bodies"], err = s.Books.DropBodiesOf(ctx, r.ProgramID, orders); err != nil {
		return nil, "", fmt.Errorf("forget the bodies of the orders: %w", err)
	}
	others, err := s.dropBodiesNaming(ctx, r, marks(p, detail))
	if counts["bodies"] += others; err != nil {
		return nil, "", err
	}
	if p.CustomerID == "" {
		return counts, erasedNote, nil
	}
	if counts["bindings"], err = s.Books.EraseBindings(ctx, r.ProgramID, r.StoreID, p.CustomerID); err != nil {
		return nil, "", fmt.Errorf("forget whose customer it was: %w", err)
	}
	if counts["exports"], err = s.Books.EraseExports(ctx, r.ProgramID, r.StoreID, p.CustomerID); err != nil {
		return nil, "", fmt.Errorf("forget the exports: %w", err)
	}
	return counts, erasedNote, nil
}

// marks is what tells a person's body from others.
func marks(p Person, d Detail) [][]byte {
	var out [][]byte
	for _, mark := range append([]string{p.CustomerID, strings.ToLower(d.Email), d.Phone}, d.OrderIDs...) {
		if len(mark) > 0 {
			out = append(out, []byte(mark))
		}
	}
	return out
}

// dropBodiesNaming looks through the bodies that belong to no order: requests about persons, and what could not be read.
func (s *Service) dropBodiesNaming(ctx context.Context, r *Request, marks [][]byte) (dropped int64, err error) {
	for after := ""; ; {
		rows, err := s.Books.Bodies(ctx, r.ProgramID, r.StoreID, "", after, bodiesAtOnce)
		if err != nil {
			return dropped, fmt.Errorf("read the bodies of no order: %w", err)
		}
		var naming []string
		for i := range rows {
			after = rows[i].DeliveryID
			if rows[i].Status == inbox.Waiting {
				continue
			}
			named, err := s.names(rows[i], marks)
			if err != nil {
				return dropped, err
			}
			if named {
				naming = append(naming, rows[i].DeliveryID)
			}
		}
		n, err := s.Books.DropBodiesByID(ctx, r.ProgramID, naming)
		if dropped += n; err != nil || len(rows) < bodiesAtOnce {
			return dropped, err
		}
	}
}

// names reports whether a body speaks of the person. One that cannot be opened any more is of nobody who could be found.
func (s *Service) names(row inbox.Row, marks [][]byte) (bool, error) {
	body, err := s.Bodies.Open(row)
	switch {
	case errors.Is(err, inbox.ErrBodyChanged):
		return true, nil // It is no evidence of anything, and may be of the person.
	case err != nil:
		return false, fmt.Errorf("open delivery %s: %w", row.DeliveryID, err)
	}
	body = bytes.ToLower(body)
	for _, mark := range marks {
		if mentions(body, mark) {
			return true, nil
		}
	}
	return false, nil
}

// mentions finds mark where it stands alone: 12 is not in 3124.
func mentions(body, mark []byte) bool {
	for from := 0; ; {
		at := bytes.Index(body[from:], mark)
		if at < 0 {
			return false
		}
		begin, end := from+at, from+at+len(mark)
		if (begin == 0 || !wordly(body[begin-1]) || !wordly(mark[0])) && (end == len(body) || !wordly(body[end]) || !wordly(mark[len(mark)-1])) {
			return true
		}
		from = begin + 1
	}
}

func wordly(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// eraseStore forgets everybody of a store that took the app away. A store that came back keeps its data: the platform
// sends no such request then, so it is an old one.
func (s *Service) eraseStore(ctx context.Context, r *Request) (map[string]int64, string, error) {
	if s.Connected != nil {
		connected, err := s.Connected(ctx, r.StoreID)
		if err != nil {
			return nil, "", fmt.Errorf("ask whether the store is connected: %w", err)
		}
		if connected {
			return map[string]int64{}, "the store is connected again, so nothing was erased; uninstall it first", nil
		}
	}
	if err := s.decided(ctx, r); err != nil {
		return nil, "", err
	}
	counts := map[string]int64{}
	for {
		dropped, err := s.Books.DropStoreBodies(ctx, r.ProgramID, r.StoreID, s.Clock().UTC(), bodiesAtOnce)
		if err != nil {
			return nil, "", fmt.Errorf("forget the store's bodies: %w", err)
		}
		counts["bodies"] += dropped
		if dropped < bodiesAtOnce {
			break
		}
	}
	for _, step := range []struct {
		name  string
		erase func() (int64, error)
	}{
		{"bindings", func() (int64, error) { return s.Books.EraseBindings(ctx, r.ProgramID, r.StoreID, "") }},
		{"hints", func() (int64, error) { return s.Books.EraseHints(ctx, r.ProgramID, r.StoreID) }},
		{"exports", func() (int64, error) { return s.Books.EraseExports(ctx, r.ProgramID, r.StoreID, "") }},
	} {
		n, err := step.erase()
		if err != nil {
			return nil, "", fmt.Errorf("forget the store's %s: %w", step.name, err)
		}
		counts[step.name] = n
	}
	return counts, "everything personal of the store is gone; the ledger holds ids alone, and its seals stay valid", nil
}
