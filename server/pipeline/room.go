package pipeline

import "sync"

// room counts what is in process, so that memory stays bounded whatever comes in: what finds no room waits in the
// database, where it was stored before.
type room struct {
	maxRows   int
	maxClaims int
	maxBytes  int64

	mu     sync.Mutex
	rows   int
	claims int // of the rows
	bytes  int64
	closed bool
	hungry bool            // the sweep left rows behind for want of room
	inside map[string]bool // delivery ids and released sources in process
}

func newRoom(maxRows, maxClaims int, maxBytes int64) *room {
	return &room{maxRows: maxRows, maxClaims: maxClaims, maxBytes: maxBytes, inside: make(map[string]bool, maxRows)}
}

// reserve takes room for one row. A single body larger than all of the bytes is let in when it is alone.
func (r *room) reserve(bytes int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.rows >= r.maxRows || r.rows > 0 && r.bytes+int64(bytes) > r.maxBytes {
		return false
	}
	r.rows++
	r.bytes += int64(bytes)
	return true
}

// force takes room for a row that was claimed: it is in memory already. The room may be overfull by what arrivals took
// while the claim was under way, which is bounded by claimMax.
func (r *room) force(bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows++
	r.claims++
	r.bytes += int64(bytes)
}

// enter notes that a delivery or source is in process; false where it already is.
func (r *room) enter(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.inside[key] {
		return false
	}
	r.inside[key] = true
	return true
}

// forget lets a delivery or source be taken on again, while its room is still held.
func (r *room) forget(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.inside, key)
}

// leave gives room back, of a row that was claimed or of another one, and reports whether the sweep should come again for what it left
// behind.
func (r *room) leave(key string, bytes int, claimed bool) (sweep bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.inside, key)
	r.rows--
	r.bytes -= int64(bytes)
	if claimed {
		r.claims--
	}
	if !r.hungry || r.rows > r.maxRows/2 || r.claims > r.maxClaims/2 || r.bytes > r.maxBytes/2 {
		return false
	}
	r.hungry = false
	return true
}

// free is how many rows there is room for to be claimed. None makes the room hungry: the next to leave wakes the sweep.
func (r *room) free() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return 0
	}
	free := max(0, min(r.maxRows-r.rows, r.maxClaims-r.claims))
	if r.bytes >= r.maxBytes {
		free = 0
	}
	r.hungry = free == 0
	return free
}

// close lets nothing more in.
func (r *room) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
}

// isClosed reports whether nothing comes in any more.
func (r *room) isClosed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}

// empty reports whether nothing is in process.
func (r *room) empty() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rows == 0
}
