package ledger

import (
	"crypto/sha256"
	"errors"
	"fmt"
)

// ErrEmptyBatch is returned for a batch without postings: sealing nothing would hide that nothing was written.
var ErrEmptyBatch = errors.New("ledger: a batch has at least one posting")

// Root is the root of the Merkle tree over the leaf hashes, as in RFC 6962 section 2.1: a node is
// SHA-256(0x01 left right), and a list is split at the largest power of two below its length. No leaves is
// ErrEmptyBatch.
func Root(leaves [][32]byte) ([32]byte, error) {
	if len(leaves) == 0 {
		return [32]byte{}, ErrEmptyBatch
	}
	level := make([][32]byte, (len(leaves)+1)/2)
	raise(level, leaves)
	for len(level) > 1 {
		level = raise(level, level)
	}
	return level[0], nil
}

// raise writes the level above into dst, which may be the level itself. The last node of an odd level moves up as it
// is, which is what splitting at powers of two comes to.
func raise(dst, level [][32]byte) [][32]byte {
	n := 0
	for i := 0; i < len(level); i += 2 {
		if i+1 < len(level) {
			dst[n] = node(level[i], level[i+1])
		} else {
			dst[n] = level[i]
		}
		n++
	}
	return dst[:n]
}

func node(left, right [32]byte) [32]byte {
	var data [1 + 2*sha256.Size]byte
	data[0] = nodePrefix
	copy(data[1:], left[:])
	copy(data[1+sha256.Size:], right[:])
	return sha256.Sum256(data[:])
}

// Proof shows that one leaf is in a batch: the audit path of RFC 6962 section 2.1.1, from the leaf's sibling upwards.
type Proof struct {
	Index  int    `json:"index"`  // the leaf's position in the batch, from 0
	Leaves int    `json:"leaves"` // leaves in the batch
	Path   []Hash `json:"path"`
}

// Prove makes the proof for leaf i of a batch. An i outside the batch is an error.
func Prove(leaves [][32]byte, i int) (Proof, error) {
	if i < 0 || i >= len(leaves) {
		return Proof{}, fmt.Errorf("prove posting %d of a batch of %d: it is not in it", i, len(leaves))
	}
	proof := Proof{Index: i, Leaves: len(leaves), Path: []Hash{}}
	level := append([][32]byte(nil), leaves...)
	for len(level) > 1 {
		if sibling := i ^ 1; sibling < len(level) {
			proof.Path = append(proof.Path, level[sibling])
		}
		level = raise(level, level)
		i /= 2
	}
	return proof, nil
}

// Verify reports whether the proof leads from the leaf to the root. It needs nothing but the root from a seal, so a
// stranger can run it. It follows RFC 9162 section 2.1.3.2.
func (p Proof) Verify(leaf, root [32]byte) bool {
	if p.Index < 0 || p.Index >= p.Leaves {
		return false
	}
	at, last, hash := p.Index, p.Leaves-1, leaf
	for _, sibling := range p.Path {
		if last == 0 {
			return false
		}
		if at&1 == 1 || at == last {
			hash = node(sibling, hash)
			for at&1 == 0 && at != 0 {
				at, last = at>>1, last>>1
			}
		} else {
			hash = node(hash, sibling)
		}
		at, last = at>>1, last>>1
	}
	return last == 0 && hash == root
}
