package genealogy

import (
	"math/bits"
	"slices"
	"strings"
)

// chunkBits is the size of the strings that hold the ids back to back. A walk hands out parts of them, which costs no
// memory; whoever keeps one id keeps its chunk of 16 KB alive.
const (
	chunkBits = 14
	chunkSize = 1 << chunkBits
)

// nameRef says where a name is: number of its chunk, offset in it, length (8 bits).
type nameRef uint64

// names is a dictionary from text to consecutive numbers, without a Go string or map entry per name.
type names struct {
	chunks    []string
	shards    []shard
	shardBits int
}

// shard is one open-addressing table; a slot holds 1 + the number of a name, 0 is free. Names are spread over shards by
// the top bits of their hash, so that a new name copies one small table and not all of them.
type shard struct {
	slots []uint32
	used  int
}

// A shard holds about usualShard names when the dictionary is made, and at most fullShard on average before all names
// are spread anew.
const (
	usualShard = 1024
	fullShard  = 8 * usualShard
	leastSlots = 8
)

// named is what a dictionary's numbers stand for: a record that knows its own name.
type named interface{ nameRef() nameRef }

func (n *names) text(ref nameRef) string {
	offset := ref >> 8 & (chunkSize - 1)
	return n.chunks[ref>>(8+chunkBits)][offset : offset+ref&0xff]
}

// hash mixes eight bytes at a time by 128-bit products. It is the same on every machine; nothing that can be seen from
// outside depends on it.
func hash(text string) uint64 {
	const first, second = 0x9e3779b97f4a7c15, 0xd6e8feb86659fd93
	h := uint64(len(text)) ^ first
	for ; len(text) >= 8; text = text[8:] {
		word := uint64(text[0]) | uint64(text[1])<<8 | uint64(text[2])<<16 | uint64(text[3])<<24 |
			uint64(text[4])<<32 | uint64(text[5])<<40 | uint64(text[6])<<48 | uint64(text[7])<<56
		h = mix(h^word, second)
	}
	word := uint64(0)
	for i := range len(text) {
		word |= uint64(text[i]) << (8 * i)
	}
	return mix(mix(h^word, second), first)
}

func mix(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low ^ a
}

// find looks a name up among the items that bear the names.
func find[T named](n *names, items *vector[T], text string) (int32, bool) {
	if len(n.shards) == 0 {
		return 0, false
	}
	h := hash(text)
	slots := n.shards[h>>(64-n.shardBits)].slots
	mask := uint64(len(slots) - 1)
	for at := h & mask; ; at = (at + 1) & mask {
		slot := slots[at]
		if slot == 0 {
			return 0, false
		}
		if number := int32(slot - 1); n.text((*items.at(number)).nameRef()) == text {
			return number, true
		}
	}
}

// namesWriter is a dictionary being made from another, sharing what it does not change.
type namesWriter struct {
	names
	mine []bool           // shards that are private
	open *strings.Builder // the last chunk, once something was added to it
}

// editNames prepares for about extra more names than there are.
func editNames(n names, extra int) namesWriter {
	w := namesWriter{names: names{slices.Clone(n.chunks), slices.Clone(n.shards), n.shardBits}}
	if len(n.shards) == 0 {
		w.spread(extra)
	} else {
		w.mine = make([]bool, len(n.shards))
	}
	return w
}

// spread makes empty shards for about count names.
func (w *namesWriter) spread(count int) {
	w.shardBits = bits.Len(uint(count / usualShard))
	w.shards = make([]shard, 1<<w.shardBits)
	w.mine = make([]bool, len(w.shards))
	each := leastSlots
	for 3*each < 4*(count>>w.shardBits) {
		each *= 2
	}
	for i := range w.shards {
		w.shards[i].slots = make([]uint32, each)
		w.mine[i] = true
	}
}

// addName stores text, which must be new, for the item that will get this number. The caller adds the item.
func addName[T named](w *namesWriter, items *vector[T], text string) nameRef {
	number := items.length
	if int(number) >= fullShard<<w.shardBits {
		w.spread(2 * int(number))
		for i := range number {
			w.insert(hash(w.text((*items.at(i)).nameRef())), i)
		}
	}
	h := hash(text)
	if s := &w.shards[h>>(64-w.shardBits)]; 4*(s.used+1) > 3*len(s.slots) {
		grow(w, items, h>>(64-w.shardBits))
	}
	w.insert(h, number)
	return w.store(text)
}

// grow doubles one shard.
func grow[T named](w *namesWriter, items *vector[T], index uint64) {
	old := w.shards[index].slots
	w.shards[index] = shard{slots: make([]uint32, 2*len(old))}
	w.mine[index] = true
	for _, slot := range old {
		if slot != 0 {
			w.insert(hash(w.text((*items.at(int32(slot - 1))).nameRef())), int32(slot-1))
		}
	}
}

// insert puts a number into its shard, which has room.
func (w *namesWriter) insert(h uint64, number int32) {
	index := h >> (64 - w.shardBits)
	s := &w.shards[index]
	if !w.mine[index] {
		s.slots = slices.Clone(s.slots)
		w.mine[index] = true
	}
	mask := uint64(len(s.slots) - 1)
	at := h & mask
	for s.slots[at] != 0 {
		at = (at + 1) & mask
	}
	s.slots[at] = uint32(number) + 1
	s.used++
}

// store appends the text to the last chunk. A chunk that an older tree reads is copied first: two trees made from one
// must not write into the same memory.
func (w *namesWriter) store(text string) nameRef {
	last := len(w.chunks) - 1
	switch {
	case last < 0 || len(w.chunks[last])+len(text) > chunkSize:
		w.open = new(strings.Builder)
		if last >= 0 {
			w.open.Grow(chunkSize) // The first chunk grows as it fills, since most trees are small.
		}
		w.chunks = append(w.chunks, "")
		last++
	case w.open == nil:
		w.open = new(strings.Builder)
		w.open.WriteString(w.chunks[last])
	}
	offset := w.open.Len()
	w.open.WriteString(text)
	w.chunks[last] = w.open.String()
	return nameRef(last)<<(8+chunkBits) | nameRef(offset)<<8 | nameRef(len(text))
}
