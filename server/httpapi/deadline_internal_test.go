package httpapi

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func TestDeadlinesAreSharedAndEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d deadlines
		first := d.ack()
		if d.ack() != first {
			t.Error("two deliveries at once have two contexts")
		}
		for range 60 { // six seconds, longer than any delivery may take
			time.Sleep(deadlineStep)
			synctest.Wait()
			ctx := d.ack()
			end, _ := ctx.Deadline()
			if left := time.Until(end); left < ackTimeout-deadlineStep || left > ackTimeout || ctx.Err() != nil {
				t.Fatalf("a delivery that comes now has %v left: %v", left, ctx.Err())
			}
		}
		if !errors.Is(first.Err(), context.DeadlineExceeded) {
			t.Errorf("the first delivery was not given up: %v", first.Err())
		}
		time.Sleep(2 * ackTimeout) // what was begun ends
	})
}

func TestBuffersGiveBodiesWhole(t *testing.T) {
	var b buffers
	long := bytes.Repeat([]byte("long "), 2000)
	for _, want := range [][]byte{long, []byte("short"), {}, long, bytes.Repeat([]byte("x"), firstRead+5), []byte("short")} {
		for _, told := range []int64{int64(len(want)), -1} { // by Content-Length, or in chunks
			r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(want))
			r.ContentLength = told
			got, err := b.read(r)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("a body of %d bytes came as %d: %v", len(want), len(got), err)
			}
			b.reuse(got)
		}
	}
}
