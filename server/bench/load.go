// Package bench measures the product on the machine it runs on. Figures are ratios within one run, because absolute
// numbers of a small shared machine say little; docs/benchmarks.md says how to read them.
package bench

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// target is a server under load: requests go to addr only, which is always a loopback address.
type target struct {
	addr   string
	path   string
	domain string
	secret []byte
}

// conn is one keep-alive HTTP/1.1 connection. The generator shares the machine with the server, so it writes requests
// by hand: net/http's client would cost more than a no-op handler.
type conn struct {
	net.Conn
	r *bufio.Reader
	b []byte
}

func (t target) dial(ctx context.Context) (*conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", t.addr)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", t.addr, err)
	}
	return &conn{Conn: c, r: bufio.NewReaderSize(c, 8<<10)}, nil
}

// post sends one signed delivery and waits for the answer's status.
func (c *conn) post(t target, id string, body []byte, signature string) (int, error) {
	b := c.b[:0] // The buffer of the last request is used again.
	b = append(b, "POST "...)
	b = append(b, t.path...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, t.addr...)
	b = append(b, "\r\nContent-Type: application/json\r\nX-Shopify-Topic: orders/paid\r\nX-Shopify-Api-Version: 2026-10\r\nX-Shopify-Shop-Domain: "...)
	b = append(b, t.domain...)
	b = append(b, "\r\nX-Shopify-Webhook-Id: "...)
	b = append(b, id...)
	b = append(b, "\r\nX-Shopify-Hmac-Sha256: "...)
	b = append(b, signature...)
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	b = append(b, "\r\n\r\n"...)
	b = append(b, body...)
	c.b = b
	if _, err := c.Write(b); err != nil {
		return 0, fmt.Errorf("send request: %w", err)
	}
	answer, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return 0, fmt.Errorf("read answer: %w", err)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, errors.Join(err, answer.Body.Close())
}

func sign(secret, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// request is one ready-made delivery.
type request struct {
	id        string
	body      []byte
	signature string
}

// source gives the n-th request; it must be safe for concurrent use.
type source func(n int64) request

// closedLoop keeps connections busy for the time given and counts answers. Anything but 2xx ends the run.
func closedLoop(ctx context.Context, t target, connections int, d time.Duration, next source) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var count, sequence atomic.Int64
	errs := make(chan error, connections)
	var wg sync.WaitGroup
	for range connections {
		c, err := t.dial(ctx)
		if err != nil {
			return 0, err
		}
		wg.Go(func() {
			defer func() { _ = c.Close() }() // All answers are read.
			for ctx.Err() == nil {
				r := next(sequence.Add(1))
				status, err := c.post(t, r.id, r.body, r.signature)
				if err == nil && status/100 != 2 {
					err = fmt.Errorf("answer %d", status)
				}
				if err != nil {
					errs <- err
					return
				}
				count.Add(1)
			}
		})
	}
	wg.Wait()
	close(errs)
	return count.Load(), <-errs
}

// openLoop sends at a fixed rate whatever the server does and measures each answer from the moment it was due.
func openLoop(ctx context.Context, t target, rate, connections int, d time.Duration, next source) ([]time.Duration, error) {
	total := int64(rate) * int64(d) / int64(time.Second)
	begin := time.Now().Add(50 * time.Millisecond)
	latencies := make([]time.Duration, total)
	var sequence atomic.Int64
	errs := make(chan error, connections)
	var wg sync.WaitGroup
	for range connections {
		c, err := t.dial(ctx)
		if err != nil {
			return nil, err
		}
		wg.Go(func() {
			defer func() { _ = c.Close() }() // All answers are read.
			for {
				n := sequence.Add(1) - 1
				if n >= total || ctx.Err() != nil {
					return
				}
				due := begin.Add(time.Duration(n) * time.Second / time.Duration(rate))
				time.Sleep(time.Until(due))
				r := next(n)
				status, err := c.post(t, r.id, r.body, r.signature)
				if err == nil && status/100 != 2 {
					err = fmt.Errorf("answer %d", status)
				}
				if err != nil {
					errs <- err
					return
				}
				latencies[n] = time.Since(due)
			}
		})
	}
	wg.Wait()
	close(errs)
	if err := <-errs; err != nil {
		return nil, err
	}
	return latencies, ctx.Err()
}

// percentile of unsorted durations, in milliseconds.
func percentile(all []time.Duration, p float64) float64 {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Clone(all)
	slices.Sort(sorted)
	i := min(int(float64(len(sorted))*p), len(sorted)-1)
	return float64(sorted[i].Microseconds()) / 1000
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}
