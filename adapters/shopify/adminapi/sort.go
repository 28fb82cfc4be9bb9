package adminapi

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Limits of sorting a bulk result.
const (
	maxLineBytes  = 16 << 20 // one object; the largest order stays far below
	partObjects   = 4000     // objects in memory at once, some megabytes
	maxParts      = 256      // open files
	partBuffer    = 16 << 10
	maxAgreements = 20_000_000 // remembered, at 24 bytes or so each
)

// BulkOrder is an order as a bulk operation tells it: whole, but for the refunds, of which there are only the ids.
type BulkOrder struct {
	FullOrder
	RefundIDs []string
}

// sorter brings the lines of a bulk result together by order. They come in any order, children before their parents too, so
// each line goes to the part on disk that its order's number picks, and parts are then read one by one: however large the
// result, only a part is in memory. A sale names its agreement and not its order, so sales wait on disk until all
// agreements are known.
type sorter struct {
	folder  string
	parts   []*part
	waiting *part               // lines whose parent was not seen yet
	owner   map[agreement]int64 // agreement -> order
	kinds   map[string]uint8    // of agreements, as their ids name them
	partial []byte              // the beginning of a line
	failed  error               // the first failure of Write
}

// agreement is a global id in few bytes.
type agreement struct {
	number int64
	kind   uint8
}

// part is a file of lines, each behind the number of its order and a tab.
type part struct {
	file *os.File
	w    *bufio.Writer
}

// newSorter makes room for about so many objects below folder ("" : the system's for temporary files).
func newSorter(folder string, objects int) (*sorter, error) {
	dir, err := os.MkdirTemp(folder, "upline-bulk-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the bulk result: %w", err)
	}
	s := &sorter{folder: dir, owner: map[agreement]int64{}, kinds: map[string]uint8{}}
	for i := range min(maxParts, objects/partObjects+1) {
		p, err := s.newPart(strconv.Itoa(i))
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.parts = append(s.parts, p)
	}
	if s.waiting, err = s.newPart("waiting"); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *sorter) newPart(name string) (*part, error) {
	file, err := os.Create(filepath.Join(s.folder, name))
	if err != nil {
		return nil, fmt.Errorf("make a file for the bulk result: %w", err)
	}
	return &part{file: file, w: bufio.NewWriterSize(file, partBuffer)}, nil
}

// Close forgets everything that is on disk.
func (s *sorter) Close() error {
	for _, p := range append(s.parts, s.waiting) {
		if p != nil {
			_ = p.file.Close() // The folder goes with it.
		}
	}
	return os.RemoveAll(s.folder)
}

// Write takes the next bytes of the result.
func (s *sorter) Write(b []byte) (int, error) {
	n, err := s.take(b)
	if err != nil && s.failed == nil {
		s.failed = err
	}
	return n, err
}

func (s *sorter) take(b []byte) (int, error) {
	taken := len(b)
	for {
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			s.partial = append(s.partial, b...)
			if len(s.partial) > maxLineBytes {
				return 0, fmt.Errorf("a line of the bulk result has more than %d bytes", maxLineBytes)
			}
			return taken, nil
		}
		line := b[:end]
		if len(s.partial) > 0 {
			s.partial = append(s.partial, line...)
			line = s.partial
		}
		if err := s.line(line); err != nil {
			return 0, err
		}
		s.partial = s.partial[:0]
		b = b[end+1:]
	}
}

// lineHead is what says where a line belongs.
type lineHead struct {
	ID     string `json:"id"`
	Parent string `json:"__parentId"`
	Type   string `json:"__typename"`
}

func (s *sorter) line(line []byte) error {
	if len(bytes.TrimSpace(line)) == 0 {
		return nil
	}
	var head lineHead
	if err := json.Unmarshal(line, &head); err != nil {
		return errors.New("a line of the bulk result is no JSON object")
	}
	kind, number, err := splitID(cmp.Or(head.Parent, head.ID))
	if err != nil {
		return err
	}
	if kind != "Order" { // a sale; its agreement may not have come yet
		return s.waiting.put(0, line)
	}
	if strings.HasSuffix(head.Type, "Agreement") {
		own, ownNumber, err := splitID(head.ID)
		if err != nil {
			return err
		}
		if len(s.owner) >= maxAgreements {
			return fmt.Errorf("the bulk result has more than %d agreements; reconcile a shorter time", maxAgreements)
		}
		key := s.agreement(own, ownNumber)
		if other, known := s.owner[key]; known && other != number {
			return fmt.Errorf("the bulk result gives an agreement to the orders %d and %d", other, number)
		}
		s.owner[key] = number
	}
	return s.part(number).put(number, line)
}

func (s *sorter) part(number int64) *part { return s.parts[number%int64(len(s.parts))] }

func (s *sorter) agreement(kind string, number int64) agreement {
	known, found := s.kinds[kind]
	if !found {
		known = uint8(min(len(s.kinds), 255))
		s.kinds[kind] = known
	}
	return agreement{number: number, kind: known}
}

// splitID reads "gid://shopify/Order/1001" as Order and 1001.
func splitID(id string) (kind string, number int64, err error) {
	rest, found := strings.CutPrefix(id, "gid://shopify/")
	kind, digits, split := strings.Cut(rest, "/")
	digits, _, _ = strings.Cut(digits, "?")
	number, err = strconv.ParseInt(digits, 10, 64)
	if !found || !split || err != nil || number <= 0 {
		return "", 0, fmt.Errorf("%s is no global id", strconv.Quote(told(id)))
	}
	return kind, number, nil
}

func (p *part) put(number int64, line []byte) error {
	p.w.WriteString(strconv.FormatInt(number, 10)) //nolint:errcheck // the buffer keeps its first error for Flush
	p.w.WriteByte('\t')                            //nolint:errcheck // same
	p.w.Write(line)                                //nolint:errcheck // same
	return p.w.WriteByte('\n')
}

// lines hands out what was put.
func (p *part) lines(yield func(number int64, line []byte) error) error {
	if err := p.w.Flush(); err != nil {
		return fmt.Errorf("write the bulk result to disk: %w", err)
	}
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read the bulk result again: %w", err)
	}
	lines := bufio.NewScanner(p.file)
	lines.Buffer(make([]byte, 64<<10), maxLineBytes+32)
	for lines.Scan() {
		digits, line, _ := bytes.Cut(lines.Bytes(), []byte{'\t'})
		number, err := strconv.ParseInt(string(digits), 10, 64)
		if err != nil {
			return fmt.Errorf("read the bulk result again: %w", err)
		}
		if err := yield(number, line); err != nil {
			return err
		}
	}
	return lines.Err()
}

// each ends the input and hands out the orders, part by part, in each part by number.
func (s *sorter) each(yield func(*BulkOrder) error) error {
	if _, err := s.Write([]byte{'\n'}); err != nil { // the last line may have no end
		return err
	}
	err := s.waiting.lines(func(_ int64, line []byte) error {
		var head lineHead
		if err := json.Unmarshal(line, &head); err != nil {
			return fmt.Errorf("read a sale again: %w", err)
		}
		kind, number, err := splitID(head.Parent)
		if err != nil {
			return err
		}
		owner, known := s.owner[s.agreement(kind, number)]
		if !known {
			return errors.New("the bulk result has a sale without its agreement; it is not whole")
		}
		return s.part(owner).put(owner, line)
	})
	if err != nil {
		return err
	}
	clear(s.owner)
	for _, p := range s.parts {
		if err := p.each(yield); err != nil {
			return err
		}
	}
	return nil
}

// each reads one part into memory.
func (p *part) each(yield func(*BulkOrder) error) error {
	orders := map[int64]*BulkOrder{}
	err := p.lines(func(number int64, line []byte) error {
		o := orders[number]
		if o == nil {
			o = &BulkOrder{}
			orders[number] = o
		}
		return o.add(line)
	})
	if err != nil {
		return err
	}
	numbers := make([]int64, 0, len(orders))
	for number := range orders {
		numbers = append(numbers, number)
	}
	slices.Sort(numbers)
	for _, number := range numbers {
		o := orders[number]
		if o.Id == "" {
			return fmt.Errorf("the bulk result has parts of order %d, but not the order; it is not whole", number)
		}
		delete(orders, number)
		if err := yield(o); err != nil {
			return err
		}
	}
	return nil
}

// add takes one line of the order.
func (o *BulkOrder) add(line []byte) error {
	var head lineHead
	err := json.Unmarshal(line, &head)
	switch {
	case err != nil:
	case head.Type == "Order":
		err = o.addHead(line)
	case head.Type == "LineItem":
		o.Lines = append(o.Lines, LineDetail{})
		err = json.Unmarshal(line, &o.Lines[len(o.Lines)-1])
	case strings.HasSuffix(head.Type, "Sale"):
		var sale SaleDetail
		err = __unmarshalSaleDetail(line, &sale)
		o.Sales = append(o.Sales, sale)
	case strings.HasSuffix(head.Type, "Agreement"):
	default:
		err = fmt.Errorf("unknown kind %s", strconv.Quote(told(head.Type)))
	}
	if err != nil {
		return fmt.Errorf("read a line of the bulk result: %w", err)
	}
	return nil
}

func (o *BulkOrder) addHead(line []byte) error {
	var refunds struct {
		Refunds []struct {
			ID string `json:"id"`
		} `json:"refunds"`
	}
	if err := json.Unmarshal(line, &o.OrderHead); err != nil {
		return err
	}
	if err := json.Unmarshal(line, &refunds); err != nil {
		return err
	}
	for _, r := range refunds.Refunds {
		o.RefundIDs = append(o.RefundIDs, r.ID)
	}
	return nil
}
