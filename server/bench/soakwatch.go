package bench

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"upline.dev/upline/server/store"
)

// SoakPoint is what the process and its database held at one moment of a soak.
type SoakPoint struct {
	Second      float64 `json:"second"`
	RSSMB       float64 `json:"rss_mb"`
	HeapMB      float64 `json:"heap_mb"` // in use by Go
	Goroutines  int     `json:"goroutines"`
	Files       int     `json:"files"`       // sockets included
	Connections int     `json:"connections"` // of the database, PostgreSQL only; the measurement's own are among them
	DatabaseMB  float64 `json:"database_mb"`
}

// soakPoints is about how many moments a report shows.
const soakPoints = 30

// soakWatch looks at the process twice a second, and now and then closer.
type soakWatch struct {
	server *child
	store  *store.Store
	begin  time.Time
	series [][2]float64 // second and megabytes
	points []SoakPoint
	stop   func()
}

// watchSoak looks until stop is called; points come each so often.
func watchSoak(ctx context.Context, server *child, st *store.Store, every time.Duration) *soakWatch {
	watching, cancel := context.WithCancel(ctx)
	w := &soakWatch{server: server, store: st, begin: time.Now()}
	var watcher sync.WaitGroup
	watcher.Go(func() {
		next := time.Duration(0)
		for watching.Err() == nil {
			at := time.Since(w.begin)
			w.series = append(w.series, [2]float64{at.Seconds(), server.rssMB()})
			if at >= next {
				w.point(watching)
				next += every
			}
			select {
			case <-time.After(500 * time.Millisecond):
			case <-watching.Done():
			}
		}
	})
	w.stop = func() {
		cancel()
		watcher.Wait()
	}
	return w
}

// point looks closer.
func (w *soakWatch) point(ctx context.Context) {
	text, err := get(ctx, "http://"+w.server.addr+"/metrics")
	if err != nil {
		return // It has no time for us; the next one will do.
	}
	p := SoakPoint{Second: round(time.Since(w.begin).Seconds(), 0), RSSMB: round(w.server.rssMB(), 1)}
	p.HeapMB = round(figure(text, "go_memstats_heap_inuse_bytes")/(1<<20), 1)
	p.Goroutines, p.Files = int(figure(text, "go_goroutines")), int(figure(text, "process_open_fds"))
	if p.Connections, err = w.store.Sessions(ctx); err != nil {
		return
	}
	size, err := w.store.Bytes(ctx)
	if err != nil {
		return
	}
	p.DatabaseMB = round(float64(size)/(1<<20), 0)
	w.points = append(w.points, p)
}

// figure is one of Prometheus's figures without labels; 0 where it is missing.
func figure(text, name string) float64 {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			value, _ := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			return value
		}
	}
	return 0
}
