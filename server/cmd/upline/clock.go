package main

import (
	"os"
	"strings"
	"sync"
	"time"
)

// clock is this process's own. Where many processes work on one database the database's counts, see store.Store.Now.
func (e *environment) clock() func() time.Time {
	if e.TestClock == "" {
		return time.Now
	}
	c := &movedClock{file: e.TestClock}
	return c.now
}

// now is the time that all processes on the database agree on.
func (a *app) now() time.Time { return a.store.Now() }

// movedClock is off by what stands in a file, such as "-1h"; tests write the file while the process runs.
type movedClock struct {
	file string

	mu   sync.Mutex
	read time.Time
	off  time.Duration
}

// movedEvery is how often the file is read.
const movedEvery = 50 * time.Millisecond

func (c *movedClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if now.Sub(c.read) >= movedEvery {
		c.read = now
		if text, err := os.ReadFile(c.file); err == nil {
			c.off, _ = time.ParseDuration(strings.TrimSpace(string(text)))
		}
	}
	return now.Add(c.off)
}
