package httpapi

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
)

// MaxBody is the largest body taken, in bytes. Shopify's largest real orders stay below 2 MB; 8 MB leaves room and
// still bounds the memory of a flood.
const MaxBody = adapters.MaxBodyBytes

// firstRead bounds what a claimed Content-Length alone can make us allocate.
const firstRead = 64 << 10

var errTooLarge = server.Errorf(server.TooLarge, "the body is larger than %d bytes", MaxBody)

// readBody reads at most MaxBody bytes into a buffer of its own, sized by Content-Length: the pipeline keeps it after
// the request has ended, and io.ReadAll would grow it five times on the way.
func readBody(r *http.Request) ([]byte, error) { return readBodyInto(nil, r) }

// readBodyInto is readBody into memory that is there already, where that is large enough.
func readBodyInto(memory []byte, r *http.Request) ([]byte, error) {
	if r.ContentLength > MaxBody {
		return nil, errTooLarge
	}
	// One byte more than the body, to see that it ends there.
	if size := min(max(r.ContentLength, 512), firstRead) + 1; int64(cap(memory)) < size {
		memory = make([]byte, 0, size)
	}
	return readUpTo(memory[:0], r.Body, MaxBody)
}

// buffers keeps the memory of bodies that nobody reads any more for the next ones: where deliveries are only stored they are most of what
// a request throws away.
type buffers struct{ pool sync.Pool }

// read is readBody; what it gives may be handed to reuse.
func (b *buffers) read(r *http.Request) ([]byte, error) {
	if kept, ok := b.pool.Get().(*[]byte); ok {
		return readBodyInto(*kept, r)
	}
	return readBody(r)
}

// reuse takes back a body. Nobody may hold it, or a part of it.
func (b *buffers) reuse(body []byte) {
	if cap(body) <= firstRead+1 {
		b.pool.Put(&body)
	}
}

// readUpTo appends all of r to b; one byte over the limit is enough to know that it is too much.
func readUpTo(b []byte, r io.Reader, limit int) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):min(cap(b), limit+1)])
		b = b[:len(b)+n]
		switch {
		case len(b) > limit:
			return nil, errTooLarge
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return nil, &server.Error{Code: server.Invalid, Message: "the body ended early; send it again", Err: err}
		}
	}
}

// How much of a refused body is still taken in, and for how long.
const (
	hearOutBytes = 3 * MaxBody
	hearOutFor   = 5 * time.Second
)

// tellWhoSendsOn answers a body that is too large at once and whole, and then lets the client finish within bounds, keeping
// nothing: many clients send all of it before they read, and would see a broken connection instead of the reason.
func (s *Server) tellWhoSendsOn(c *gin.Context, p problem) {
	text, err := json.Marshal(p)
	if err != nil {
		s.Logger.ErrorContext(c.Request.Context(), "a problem cannot be written", "error", err)
	}
	c.Header("Content-Length", strconv.Itoa(len(text)))
	c.Abort()
	c.Data(p.Status, "application/problem+json", text)
	if c.Request.Header.Get("Expect") != "" {
		return // it waits for our word, which it has now
	}
	c.Writer.Flush()
	// Where a deadline cannot be set the server's own one counts. A client that goes away has nothing left to be told.
	_ = http.NewResponseController(c.Writer).SetReadDeadline(time.Now().Add(hearOutFor)) //nolint:forbidigo // a connection goes by the machine's own clock
	_, _ = io.CopyN(io.Discard, c.Request.Body, hearOutBytes)
}

// rejectBody answers for a body that could not be read. One over the limit is counted and somebody is called: it may
// be an order, and only reconciliation can fetch it.
func (s *Server) rejectBody(c *gin.Context, platform order.Platform, err error) {
	if errors.Is(err, errTooLarge) {
		s.Metrics.TooLarge(string(platform))
		s.Logger.ErrorContext(c.Request.Context(), "body over the limit", "platform", string(platform), "content_length", c.Request.ContentLength)
	}
	s.fail(c, err)
}
