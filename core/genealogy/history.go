package genealogy

import (
	"cmp"
)

// latest sees every fact recorded, and is after every instant.
const latest int64 = 1<<63 - 1

// absent is the value of a fact that was never recorded.
const absent uint32 = 1<<32 - 1

// fact is one dated value of one person or code. The newest fact lies in the record itself; only those who have more
// than one have a history, so the common person costs no second look into memory.
type fact struct {
	from    int64
	version int64
	value   uint32
	older   int32 // 1 + number of the list of all older facts; 0: there are none
}

var noFact = fact{value: absent}

func compareFacts(a, b fact) int {
	return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.version, b.version), cmp.Compare(a.value, b.value))
}

// histories are lists of facts sorted by from, then version.
type histories = vector[[]fact]

// read gives the value as of an instant and version: of the facts recorded by then the one with the greatest from at or
// before the instant, and of several such the one with the greatest version.
func read(h *histories, newest *fact, as AsOf) (value uint32, known bool) {
	if newest.from <= as.At && newest.version <= as.Version {
		return newest.value, newest.value != absent
	}
	if newest.older == 0 {
		return 0, false
	}
	older := *h.at(newest.older - 1)
	for i := begunBy(older, as.At) - 1; i >= 0; i-- {
		if older[i].version <= as.Version {
			return older[i].value, true
		}
	}
	return 0, false
}

// begunBy counts the facts whose from is at or before the instant.
func begunBy(facts []fact, at int64) int {
	low, high := 0, len(facts)
	for low < high {
		if middle := (low + high) / 2; facts[middle].from <= at {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// span is read together with the instant until which the answer holds.
func span(h *histories, newest *fact, as AsOf) (value uint32, until int64, known bool) {
	value, known = read(h, newest, as)
	until = latest
	if newest.from > as.At && newest.version <= as.Version && newest.value != absent {
		until = newest.from
	}
	if newest.older == 0 {
		return value, until, known
	}
	older := *h.at(newest.older - 1)
	for _, next := range older[begunBy(older, as.At):] {
		if next.version <= as.Version {
			return value, next.from, known
		}
	}
	return value, until, known
}

// all gives every fact, oldest first.
func all(h *histories, newest fact) []fact {
	if newest.value == absent {
		return nil
	}
	var facts []fact
	if newest.older != 0 {
		facts = append(facts, *h.at(newest.older - 1)...)
	}
	newest.older = 0
	return append(facts, newest)
}

// earliest is the first instant at which there is a value at all.
func earliest(h *histories, newest *fact) int64 {
	if newest.older != 0 {
		return (*h.at(newest.older - 1))[0].from
	}
	return newest.from
}
