package adminapi

import (
	"encoding/json"
	"strings"
	"sync"
	"time"
)

// throttle follows a shop's bucket of cost points, so that calls wait before they are refused. Points are whole numbers:
// fractions are cut, to the safe side.
type throttle struct {
	mu        sync.Mutex
	known     bool
	available int64
	at        time.Time // when available was true
	maximum   int64
	restore   int64            // points per second
	costs     map[string]int64 // what each operation asked for the last time
}

// points reads "1000.0" as 1000; what is no number is 0.
type points int64

// UnmarshalJSON cuts the fraction.
func (p *points) UnmarshalJSON(text []byte) error {
	whole, _, _ := strings.Cut(string(text), ".")
	var n int64
	if json.Unmarshal([]byte(whole), &n) == nil {
		*p = points(n)
	}
	return nil
}

// cost is the extensions.cost of an answer.
type cost struct {
	Requested points `json:"requestedQueryCost"`
	Actual    points `json:"actualQueryCost"`
	Status    struct {
		Maximum   points `json:"maximumAvailable"`
		Available points `json:"currentlyAvailable"`
		Restore   points `json:"restoreRate"`
	} `json:"throttleStatus"`
}

// reserve takes the operation's points and says how long to wait until they are there.
func (t *throttle) reserve(operation string, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.known || t.restore <= 0 {
		return 0
	}
	t.refill(now)
	need := t.costs[operation]
	t.available -= need
	if t.available >= 0 {
		return 0
	}
	return time.Duration(-t.available) * time.Second / time.Duration(t.restore)
}

func (t *throttle) refill(now time.Time) {
	if passed := now.Sub(t.at); passed > 0 {
		t.available = min(t.maximum, t.available+int64(passed/time.Millisecond)*t.restore/1000)
		t.at = now
	}
}

// learn takes over what an answer says of the bucket, and returns how long a refused query has to wait.
func (t *throttle) learn(operation string, c cost, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.Status.Restore <= 0 {
		return 0
	}
	t.known, t.at = true, now
	t.available, t.maximum, t.restore = int64(c.Status.Available), int64(c.Status.Maximum), int64(c.Status.Restore)
	if t.costs == nil {
		t.costs = map[string]int64{}
	}
	t.costs[operation] = min(int64(c.Requested), t.maximum)
	missing := t.costs[operation] - t.available
	if missing <= 0 {
		return 0
	}
	return time.Duration(missing) * time.Second / time.Duration(t.restore)
}
