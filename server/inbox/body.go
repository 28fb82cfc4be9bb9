package inbox

import (
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// maxRawBytes bounds what a sealed body may unpack to, so that a damaged row cannot take all memory. Twice the limit
// of what the HTTP door accepts.
const maxRawBytes = 16 << 20

// s2Mark begins a body packed by s2. A zstd frame begins with another byte, so that both can be read from one table.
const s2Mark = 's'

// errUnpacked is a body whose first byte belongs to no packing we know.
var errUnpacked = errors.New("packed in an unknown way")

// bodies turns raw bodies into what is stored and back: packed, then sealed. zstd packs best, which pays where the
// database is another process; s2 costs a fifth of the time, which pays where the database is a file.
type bodies struct {
	fast    bool
	sealer  Sealer
	encoder *zstd.Encoder // EncodeAll is safe for concurrent use and pools its state
	decoder *zstd.Decoder // so is DecodeAll
	scratch sync.Pool     // *[]byte, for the compressed form between the two steps
}

// newBodies prepares the coders. They start no goroutines in this use.
func newBodies(sealer Sealer, fast bool) (*bodies, error) {
	encoder, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithLowerEncoderMem(true),
		zstd.WithEncoderCRC(false)) // the seal already tells a changed byte
	if err != nil {
		return nil, fmt.Errorf("prepare compression: %w", err)
	}
	decoder, err := zstd.NewReader(nil,
		zstd.WithDecoderMaxMemory(maxRawBytes),
		zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fmt.Errorf("prepare decompression: %w", err)
	}
	return &bodies{
		fast:    fast,
		sealer:  sealer,
		encoder: encoder,
		decoder: decoder,
		scratch: sync.Pool{New: func() any { b := make([]byte, 0, 16<<10); return &b }},
	}, nil
}

// seal compresses and encrypts. The delivery id is bound in, so that a sealed body cannot be moved to another row.
func (b *bodies) seal(deliveryID string, raw []byte) ([]byte, error) {
	buffer := b.scratch.Get().(*[]byte)
	packed := b.pack((*buffer)[:0], raw)
	sealed, err := b.sealer.Seal(packed, []byte(deliveryID))
	*buffer = packed
	b.scratch.Put(buffer)
	if err != nil {
		return nil, fmt.Errorf("seal body of delivery %s: %w", deliveryID, err)
	}
	return sealed, nil
}

func (b *bodies) pack(buffer, raw []byte) []byte {
	if !b.fast {
		return b.encoder.EncodeAll(raw, buffer)
	}
	need := 1 + s2.MaxEncodedLen(len(raw))
	if cap(buffer) < need {
		buffer = make([]byte, 0, need)
	}
	buffer = append(buffer, s2Mark)
	return buffer[:1+len(s2.Encode(buffer[1:need], raw))]
}

func (b *bodies) unpack(packed []byte) ([]byte, error) {
	if len(packed) == 0 {
		return nil, errUnpacked
	}
	if packed[0] != s2Mark {
		return b.decoder.DecodeAll(packed, nil)
	}
	size, err := s2.DecodedLen(packed[1:])
	if err != nil {
		return nil, err
	}
	if size > maxRawBytes {
		return nil, s2.ErrTooLarge
	}
	return s2.Decode(nil, packed[1:])
}

// open is seal's inverse.
func (b *bodies) open(deliveryID string, sealed []byte) ([]byte, error) {
	packed, err := b.sealer.Open(sealed, []byte(deliveryID))
	if err != nil {
		return nil, fmt.Errorf("unseal body of delivery %s: %w", deliveryID, err)
	}
	raw, err := b.unpack(packed)
	if err != nil {
		return nil, fmt.Errorf("decompress body of delivery %s: %w", deliveryID, err)
	}
	return raw, nil
}
