package run

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
)

// How many sales are kept in memory, and how many a block has. What is beyond lies in a temporary file that has no name
// any more, so that it is gone with the process, however that ends.
const (
	salesInMemory = 1 << 20
	salesInBlock  = 1 << 13
	saleBytes     = 64
)

// spool is sales in blocks: in memory, and in a file beyond that.
type spool struct {
	dir    string
	limit  int // sales kept in memory
	memory []period.Sale
	file   *os.File
	buffer *bufio.Writer
	filed  int // sales in the file
}

var _ period.Sales = (*spool)(nil)

func newSpool(dir string) *spool { return &spool{dir: dir, limit: salesInMemory} }

// add appends one sale; none may be added once blocks were read.
func (s *spool) add(sale *period.Sale) error {
	if len(s.memory) < s.limit {
		s.memory = append(s.memory, *sale)
		return nil
	}
	if s.file == nil {
		file, err := os.CreateTemp(s.dir, "upline-sales-*")
		if err != nil {
			return fmt.Errorf("make a temporary file for sales: %w", err)
		}
		s.file, s.buffer = file, bufio.NewWriterSize(file, 1<<18)
		if err := os.Remove(file.Name()); err != nil {
			return fmt.Errorf("unlink the temporary file of sales: %w", err)
		}
	}
	var record [saleBytes]byte
	encodeSale(record[:], sale)
	if _, err := s.buffer.Write(record[:]); err != nil {
		return fmt.Errorf("write sales to a temporary file: %w", err)
	}
	s.filed++
	return nil
}

// end makes what was added readable.
func (s *spool) end() error {
	if s.buffer == nil {
		return nil
	}
	if err := s.buffer.Flush(); err != nil {
		return fmt.Errorf("write sales to a temporary file: %w", err)
	}
	return nil
}

func (s *spool) close() {
	if s.file != nil {
		_ = s.file.Close() // It is unlinked: nothing is left to lose.
	}
}

func (s *spool) len() int { return len(s.memory) + s.filed }

// Blocks counts the blocks. See period.Sales.
func (s *spool) Blocks() int {
	return (len(s.memory)+salesInBlock-1)/salesInBlock + (s.filed+salesInBlock-1)/salesInBlock
}

// Block gives one block. See period.Sales.
func (s *spool) Block(i int, buf []period.Sale) ([]period.Sale, error) {
	inMemory := (len(s.memory) + salesInBlock - 1) / salesInBlock
	if i < inMemory {
		return s.memory[i*salesInBlock : min((i+1)*salesInBlock, len(s.memory))], nil
	}
	from := (i - inMemory) * salesInBlock
	count := min(salesInBlock, s.filed-from)
	raw := make([]byte, count*saleBytes)
	if _, err := s.file.ReadAt(raw, int64(from)*saleBytes); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read sales from a temporary file: %w", err)
	}
	if cap(buf) < count {
		buf = make([]period.Sale, count)
	}
	buf = buf[:count]
	for j := range buf {
		decodeSale(raw[j*saleBytes:], &buf[j])
	}
	return buf, nil
}

func encodeSale(to []byte, s *period.Sale) {
	for i, v := range [...]int32{s.Seller, s.Buyer, s.Customer, s.Order} {
		binary.LittleEndian.PutUint32(to[4*i:], uint32(v))
	}
	binary.LittleEndian.PutUint16(to[16:], s.Class)
	binary.LittleEndian.PutUint16(to[18:], s.Country)
	to[20] = 0
	if s.First {
		to[20] = 1
	}
	for i, v := range [...]int64{s.At, s.Quantity, s.Net, int64(s.CV), int64(s.QV)} {
		binary.LittleEndian.PutUint64(to[24+8*i:], uint64(v))
	}
}

func decodeSale(from []byte, s *period.Sale) {
	number := func(i int) int32 { return int32(binary.LittleEndian.Uint32(from[4*i:])) }
	figure := func(i int) int64 { return int64(binary.LittleEndian.Uint64(from[24+8*i:])) }
	*s = period.Sale{
		Seller: number(0), Buyer: number(1), Customer: number(2), Order: number(3),
		Class: binary.LittleEndian.Uint16(from[16:]), Country: binary.LittleEndian.Uint16(from[18:]), First: from[20] == 1,
		At: figure(0), Quantity: figure(1), Net: figure(2), CV: money.Volume(figure(3)), QV: money.Volume(figure(4)),
	}
}
