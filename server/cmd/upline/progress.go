package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// progress shows how far long work is, on standard error and only to a person: nothing is drawn into a pipe or file.
type progress struct {
	w     io.Writer
	what  string
	total int
	shown time.Time
	count int
}

// progress begins a bar; total 0 means that the end is not known.
func (e *environment) progress(what string, total int) *progress {
	p := &progress{what: what, total: total}
	if f, ok := e.stderr.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			p.w = f
		}
	}
	return p
}

// set draws at most ten times a second.
func (p *progress) set(n int) {
	p.count = n
	if p.w == nil || time.Since(p.shown) < 100*time.Millisecond {
		return
	}
	p.shown = time.Now()
	p.draw()
}

func (p *progress) draw() {
	if p.total == 0 {
		fmt.Fprintf(p.w, "\r%s: %d ", p.what, p.count)
		return
	}
	const width = 30
	filled := width * p.count / p.total
	fmt.Fprintf(p.w, "\r%s [%s%s] %d of %d ", p.what, strings.Repeat("#", filled), strings.Repeat(".", width-filled), p.count, p.total)
}

// done draws the end and leaves the line.
func (p *progress) done() {
	if p.w == nil {
		return
	}
	p.draw()
	fmt.Fprintln(p.w)
}
