package main

import (
	"context"
	"net"
	"sync"
	"time"
)

// proxy stands between the processes and a server they need, and does to the way between them what networks do.
type proxy struct {
	listener net.Listener

	mu     sync.Mutex
	target string
	refuse bool          // new connections are closed at once
	stall  chan struct{} // not nil: nothing passes until it is closed
	delay  time.Duration // every piece takes so long, each way
	open   map[net.Conn]bool
}

// newProxy listens on a free port of this machine.
func newProxy(target string) (*proxy, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: listener, target: target, open: map[net.Conn]bool{}}
	go p.accept()
	return p, nil
}

func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.carry(conn)
	}
}

// carry joins one connection with one to the target.
func (p *proxy) carry(client net.Conn) {
	defer p.forget(client)
	p.mu.Lock()
	target, refuse := p.target, p.refuse
	p.open[client] = true
	p.mu.Unlock()
	if refuse {
		return
	}
	server, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "tcp", target)
	if err != nil {
		return
	}
	p.mu.Lock()
	p.open[server] = true
	p.mu.Unlock()
	defer p.forget(server)
	var both sync.WaitGroup
	both.Go(func() { p.pipe(server, client) })
	both.Go(func() { p.pipe(client, server) })
	both.Wait()
}

func (p *proxy) forget(c net.Conn) {
	_ = c.Close()
	p.mu.Lock()
	delete(p.open, c)
	p.mu.Unlock()
}

// pipe carries bytes one way until either side ends.
func (p *proxy) pipe(to, from net.Conn) {
	defer to.Close()   //nolint:errcheck // it has ended
	defer from.Close() //nolint:errcheck // it has ended
	piece := make([]byte, 64<<10)
	for {
		n, err := from.Read(piece)
		if n > 0 {
			p.pass()
			if _, writeErr := to.Write(piece[:n]); writeErr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// pass waits for as long as a piece takes at the moment.
func (p *proxy) pass() {
	p.mu.Lock()
	stall, delay := p.stall, p.delay
	p.mu.Unlock()
	if stall != nil {
		<-stall
	}
	time.Sleep(delay)
}

// cut ends all connections and lets no new one through until mend.
func (p *proxy) cut() {
	p.mu.Lock()
	p.refuse = true
	p.mu.Unlock()
	p.reset()
}

// mend lets everything through again.
func (p *proxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse, p.delay = false, 0
	if p.stall != nil {
		close(p.stall)
		p.stall = nil
	}
}

// swallow takes everything and passes nothing on, as a network does that has lost its way.
func (p *proxy) swallow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stall == nil {
		p.stall = make(chan struct{})
	}
}

// slow delays every piece.
func (p *proxy) slow(delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = delay
}

// reset ends all connections.
func (p *proxy) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // the other side sees a reset, as when a machine is gone
		}
		_ = c.Close()
	}
}

// lead makes another server the target, and ends what leads to the old one.
func (p *proxy) lead(target string) {
	p.mu.Lock()
	p.target = target
	p.mu.Unlock()
	p.reset()
}

func (p *proxy) close() {
	_ = p.listener.Close()
	p.mend()
	p.reset()
}
