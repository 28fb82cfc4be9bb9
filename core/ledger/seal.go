package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// maxSealBytes bounds the JSON of one seal; ours take about 400 bytes.
const maxSealBytes = 4096

// Hash is a SHA-256 whose text and JSON form is 64 lower-case hex digits.
type Hash [32]byte

// String writes 64 lower-case hex digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText writes what String writes.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads exactly what MarshalText writes, so that a hash has one spelling.
func (h *Hash) UnmarshalText(text []byte) error {
	var read Hash
	if len(text) != hex.EncodedLen(len(read)) || bytes.ContainsAny(text, "ABCDEF") {
		return fmt.Errorf("read hash %s: want 64 lower-case hex digits", quote(string(text)))
	}
	if _, err := hex.Decode(read[:], text); err != nil {
		return fmt.Errorf("read hash %s: %w", quote(string(text)), err)
	}
	*h = read
	return nil
}

// Seal closes one batch of postings and chains it to the batch before.
type Seal struct {
	ProgramID string `json:"program_id"`
	Sequence  int64  `json:"sequence"`  // from 1, without gaps, per program
	Leaves    int    `json:"leaves"`    // postings in the batch
	Root      Hash   `json:"root"`      // Merkle root over their leaves
	Previous  Hash   `json:"previous"`  // Hash of the seal before; zeros for the first
	Hash      Hash   `json:"hash"`      // over all fields above and SealedAt; see ChainHash
	SealedAt  int64  `json:"sealed_at"` // microseconds since 1970 UTC
}

// ErrChain is returned where a batch cannot follow the seal it is given.
var ErrChain = errors.New("ledger: the batch cannot follow this seal")

// Chain seals a batch after the program's last seal; the zero Seal begins the chain. An empty batch is ErrEmptyBatch,
// another program's seal, or one that was altered since it was made, is ErrChain.
func Chain(previous Seal, program string, leaves [][32]byte, at int64) (Seal, error) {
	root, err := Root(leaves)
	if err != nil {
		return Seal{}, fmt.Errorf("seal a batch of program %s: %w", quote(program), err)
	}
	if program == "" {
		return Seal{}, fmt.Errorf("seal a batch: %w: the program is missing", ErrChain)
	}
	if previous != (Seal{}) && (previous.ProgramID != program || previous.ChainHash() != previous.Hash) {
		return Seal{}, fmt.Errorf("seal a batch of program %s: %w: seal %d of program %s", quote(program), ErrChain,
			previous.Sequence, quote(previous.ProgramID))
	}
	seal := Seal{
		ProgramID: program,
		Sequence:  previous.Sequence + 1,
		Leaves:    len(leaves),
		Root:      root,
		Previous:  previous.Hash,
		SealedAt:  at,
	}
	if seal.Sequence < 1 {
		return Seal{}, fmt.Errorf("seal a batch of program %s: %w: its sequence is %d", quote(program), ErrChain, previous.Sequence)
	}
	seal.Hash = seal.ChainHash()
	return seal, nil
}

// ChainHash is what Hash must be, in the notation of Leaf:
//
//	SHA-256(text("upline/seal/v1") previous text(program_id) int(sequence) int(leaves) root int(sealed_at))
//
// where previous and root are 32 bytes each.
func (s Seal) ChainHash() Hash {
	var room [256]byte
	data := appendText(room[:0], sealTag)
	data = append(data, s.Previous[:]...)
	data = appendText(data, s.ProgramID)
	data = appendInt(data, s.Sequence)
	data = appendInt(data, int64(s.Leaves))
	data = append(data, s.Root[:]...)
	data = appendInt(data, s.SealedAt)
	return sha256.Sum256(data)
}

// ParseSeal reads the JSON of one seal as json.Marshal writes it. Unknown members, more text after the object and
// figures that no seal has are errors. It does not check the hash; a Verifier does.
func ParseSeal(data []byte) (Seal, error) {
	if len(data) > maxSealBytes {
		return Seal{}, fmt.Errorf("read seal: it has %d bytes, more than %d", len(data), maxSealBytes)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var seal Seal
	if err := decoder.Decode(&seal); err != nil {
		return Seal{}, fmt.Errorf("read seal: %w", err)
	}
	if rest := data[decoder.InputOffset():]; len(bytes.TrimSpace(rest)) > 0 {
		return Seal{}, errors.New("read seal: more text after the object")
	}
	if seal.ProgramID == "" || seal.Sequence < 1 || seal.Leaves < 1 {
		return Seal{}, errors.New("read seal: a seal has a program, a sequence from 1 and at least one leaf")
	}
	return seal, nil
}
