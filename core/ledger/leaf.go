package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// The first bytes of everything hashed here. A tag keeps a hash made for one purpose from being passed off as another,
// and its version lets the layout change without touching what is sealed already.
const (
	eventTag   = "upline/event/v1"
	postingTag = "upline/posting/v1"
	sealTag    = "upline/seal/v1"

	leafPrefix = 0x00 // RFC 6962: a leaf can never be taken for a node
	nodePrefix = 0x01
)

// EventID is the identity of one posting: the lower-case hex of
//
//	SHA-256(text("upline/event/v1") text(program) text(source) text(line_id) text(component_id) text(distributor_id)
//	        text(kind) text(currency) int(revision))
//
// in the notation of Leaf. The same fact has the same id whoever posts it, so the database can refuse it a second time.
func EventID(program string, k Key, revision int64) string { return eventID(program, &k, revision) }

func eventID(program string, k *Key, revision int64) string {
	var room [512]byte
	data := appendText(room[:0], eventTag)
	data = appendText(data, program)
	data = appendKey(data, k)
	data = appendInt(data, revision)
	hash := sha256.Sum256(data)
	var text [2 * sha256.Size]byte
	hex.Encode(text[:], hash[:])
	return string(text[:])
}

// Leaf is the hash that stands for one posting in its batch's Merkle tree:
//
//	SHA-256(0x00 text("upline/posting/v1") text(event_id) text(program_id) text(source) text(line_id)
//	        text(component_id) text(distributor_id) text(kind) text(currency) int(revision) text(from) text(to)
//	        int(amount_minor) text(snapshot_id) int(order_ts) int(posted_at))
//
// where text(s) is the length of s in bytes as 4 bytes, most significant first, and then the bytes of s as they are;
// and int(n) is n as 8 bytes in two's complement, most significant first. There are no separators, no padding, and
// every field is there even when it is empty, so two different postings never give the same bytes.
func Leaf(p Posting) [32]byte {
	var room [768]byte
	return sha256.Sum256(appendPosting(room[:0], &p))
}

// Leaves is Leaf of every posting in order; it reuses one buffer for all of them.
func Leaves(postings []Posting) [][32]byte {
	leaves := make([][32]byte, len(postings))
	var buffer []byte
	for i := range postings {
		buffer = appendPosting(buffer[:0], &postings[i])
		leaves[i] = sha256.Sum256(buffer)
	}
	return leaves
}

func appendPosting(dst []byte, p *Posting) []byte {
	dst = append(dst, leafPrefix)
	dst = appendText(dst, postingTag)
	dst = appendText(dst, p.EventID)
	dst = appendText(dst, p.ProgramID)
	dst = appendKey(dst, &p.Key)
	dst = appendInt(dst, p.Revision)
	dst = appendText(dst, p.From)
	dst = appendText(dst, p.To)
	dst = appendInt(dst, p.AmountMinor)
	dst = appendText(dst, p.SnapshotID)
	dst = appendInt(dst, p.OrderTS)
	return appendInt(dst, p.PostedAt)
}

func appendKey(dst []byte, k *Key) []byte {
	dst = appendText(dst, k.Source)
	dst = appendText(dst, k.LineID)
	dst = appendText(dst, k.ComponentID)
	dst = appendText(dst, k.DistributorID)
	dst = appendText(dst, string(k.Kind))
	return appendText(dst, string(k.Currency))
}

func appendText(dst []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(text))), text...)
}

func appendInt(dst []byte, value int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(value))
}
