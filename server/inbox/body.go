package inbox

import (
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// maxRawBytes bounds what a sealed body may unpack to, so that a damaged row cannot take all memory. Twice the limit
// of what the HTTP door accepts.
const maxRawBytes = 16 << 20

// bodies turns raw bodies into what is stored and back: zstd at its fastest level, then the sealer.
type bodies struct {
	sealer  Sealer
	encoder *zstd.Encoder // EncodeAll is safe for concurrent use and pools its state
	decoder *zstd.Decoder // so is DecodeAll
	scratch sync.Pool     // *[]byte, for the compressed form between the two steps
}

// newBodies prepares the coders. They start no goroutines in this use.
func newBodies(sealer Sealer) (*bodies, error) {
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
		sealer:  sealer,
		encoder: encoder,
		decoder: decoder,
		scratch: sync.Pool{New: func() any { b := make([]byte, 0, 16<<10); return &b }},
	}, nil
}

// seal compresses and encrypts. The delivery id is bound in, so that a sealed body cannot be moved to another row.
func (b *bodies) seal(deliveryID string, raw []byte) ([]byte, error) {
	buffer := b.scratch.Get().(*[]byte)
	packed := b.encoder.EncodeAll(raw, (*buffer)[:0])
	sealed, err := b.sealer.Seal(packed, []byte(deliveryID))
	*buffer = packed
	b.scratch.Put(buffer)
	if err != nil {
		return nil, fmt.Errorf("seal body of delivery %s: %w", deliveryID, err)
	}
	return sealed, nil
}

// open is seal's inverse.
func (b *bodies) open(deliveryID string, sealed []byte) ([]byte, error) {
	packed, err := b.sealer.Open(sealed, []byte(deliveryID))
	if err != nil {
		return nil, fmt.Errorf("unseal body of delivery %s: %w", deliveryID, err)
	}
	raw, err := b.decoder.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("decompress body of delivery %s: %w", deliveryID, err)
	}
	return raw, nil
}
