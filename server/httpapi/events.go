package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/server/query"
)

// How live screens are kept: pulseEvery is how often a program that somebody looks at is felt, heartbeat how often a silent
// line says that it is alive, and eventsFor after how long a browser comes anew, so that who was let in is looked at again.
const (
	pulseEvery = time.Second
	heartbeat  = 15 * time.Second
	eventsFor  = 10 * time.Minute
)

// pulses feels each program once, however many screens look at it.
type pulses struct {
	mu       sync.Mutex
	programs map[string]*pulse
}

// pulse is one program that somebody looks at.
type pulse struct {
	watchers map[chan query.Pulse]bool
	last     query.Pulse
	known    bool
	stop     context.CancelFunc
}

// watch gives the newest pulse whenever it changed; the channel holds the newest alone. The function ends it.
func (s *Server) watch(program string) (<-chan query.Pulse, func()) {
	ch := make(chan query.Pulse, 1)
	s.pulses.mu.Lock()
	defer s.pulses.mu.Unlock()
	p := s.pulses.programs[program]
	if p == nil {
		ctx, stop := context.WithCancel(context.Background())
		p = &pulse{watchers: map[chan query.Pulse]bool{}, stop: stop}
		if s.pulses.programs == nil {
			s.pulses.programs = map[string]*pulse{}
		}
		s.pulses.programs[program] = p
		go s.feel(ctx, program, p)
	} else if p.known {
		ch <- p.last
	}
	p.watchers[ch] = true
	return ch, func() {
		s.pulses.mu.Lock()
		defer s.pulses.mu.Unlock()
		delete(p.watchers, ch)
		if len(p.watchers) == 0 && s.pulses.programs[program] == p {
			delete(s.pulses.programs, program)
			p.stop()
		}
	}
}

// feel reads a program's pulse until nobody looks any more. A database that is away is tried again; screens keep what they
// have.
func (s *Server) feel(ctx context.Context, program string, p *pulse) {
	tick := time.NewTicker(pulseEvery)
	defer tick.Stop()
	if s.Replica != nil {
		ctx = query.MayLag(ctx, 0) // Felt where it is read: a screen that is told too early would read what was before.
	}
	for {
		read, err := s.Screens.Pulse(ctx, program)
		if err == nil {
			s.tell(p, read)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *Server) tell(p *pulse, read query.Pulse) {
	s.pulses.mu.Lock()
	defer s.pulses.mu.Unlock()
	if p.known && read == p.last {
		return
	}
	p.last, p.known = read, true
	for ch := range p.watchers {
		select {
		case <-ch: // nobody has read the one before; only the newest counts
		default:
		}
		ch <- read
	}
}

// events tells by server-sent events that something changed; screens then read what they show. The first event comes at
// once, and an event says no more than that, so that nobody learns by it what they may not read.
func (s *Server) events(c *gin.Context) {
	changed, end := s.watch(programOf(c))
	defer end()
	control := http.NewResponseController(c.Writer)
	c.Header("Content-Type", "text/event-stream")
	c.Header("X-Accel-Buffering", "no")
	ctx, cancel := context.WithTimeout(c.Request.Context(), eventsFor)
	defer cancel()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	text := "retry: 2000\n\n"
	for {
		_ = control.SetWriteDeadline(s.Clock().Add(2 * heartbeat))
		if _, err := c.Writer.WriteString(text); err != nil {
			return
		}
		c.Writer.Flush()
		select {
		case <-ctx.Done():
			return
		case <-s.closing:
			return
		case <-beat.C:
			text = ": alive\n\n"
		case p := <-changed:
			data, err := json.Marshal(p)
			if err != nil {
				return
			}
			text = fmt.Sprintf("event: change\ndata: %s\n\n", data)
		}
	}
}

// CloseEvents ends all event streams, so that a server that stops does not wait for them.
func (s *Server) CloseEvents() { s.closed.Do(func() { close(s.closing) }) }
