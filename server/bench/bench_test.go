package bench

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPercentileAndMedian(t *testing.T) {
	t.Parallel()
	all := make([]time.Duration, 1000)
	for i := range all {
		all[len(all)-1-i] = time.Duration(i) * time.Millisecond
	}
	if p50, p99 := percentile(all, 0.5), percentile(all, 0.99); p50 != 500 || p99 != 990 {
		t.Errorf("p50 %v, p99 %v of 0 to 999 ms", p50, p99)
	}
	if got := percentile(nil, 0.5); got != 0 {
		t.Errorf("nothing has percentile %v", got)
	}
	if got := median([]float64{3, 1, 2}); got != 2 {
		t.Errorf("median %v", got)
	}
}

func TestHistogram(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("# HELP x\nupline_emit_seconds_bucket{le=\"0.001\"} 10\nupline_emit_seconds_bucket{le=\"0.003\"} 30\n" +
			"upline_emit_seconds_bucket{le=\"+Inf\"} 30\nupline_emit_seconds_sum 1\n"))
	}))
	defer server.Close()
	h, err := emitHistogram(t.Context(), strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(histogram{bounds: []float64{0.001, 0.003, math.Inf(1)}, counts: []float64{10, 30, 30}}, h, cmp.AllowUnexported(histogram{})); diff != "" {
		t.Error(diff)
	}
	before := histogram{bounds: h.bounds, counts: []float64{10, 10, 10}}
	for q, want := range map[float64]float64{0.5: 0.002, 1: 0.003} {
		if got := h.minus(before).quantile(q); math.Abs(got-want) > 1e-12 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
}

// TestBodies: every order is new, is signed, is about as large as real ones and names somebody of the company.
func TestBodies(t *testing.T) {
	t.Parallel()
	b, ids := newBodies(), map[json.Number]bool{}
	known := map[string]bool{}
	for _, d := range distributors() {
		known[d.DistributorID] = true
	}
	for n := range int64(100) {
		r := b.signed(n)
		var body struct {
			ID         json.Number `json:"id"`
			Attributes []struct {
				Value string `json:"value"`
			} `json:"note_attributes"`
			Lines []struct{} `json:"line_items"`
		}
		if err := json.Unmarshal(r.body, &body); err != nil {
			t.Fatal(err)
		}
		if ids[body.ID] || len(body.Lines) != 3 || !known[body.Attributes[0].Value] || len(r.body) < 5000 {
			t.Errorf("order %d: id %s, %d lines, %v, %d bytes", n, body.ID, len(body.Lines), body.Attributes, len(r.body))
		}
		ids[body.ID] = true
		if r.signature != sign([]byte(shopSecret), r.body) {
			t.Errorf("order %d: its signature is of another body", n)
		}
	}
}

// TestLoops: each request goes out once, and an answer other than 2xx ends a run.
func TestLoops(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Shopify-Webhook-Id")
		mu.Lock()
		seen[id]++
		mu.Unlock()
		if id == "refused" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	to := target{addr: strings.TrimPrefix(server.URL, "http://"), path: "/webhooks/shopify", domain: shopDomain}
	all, err := openLoop(t.Context(), to, 1000, 4, 50*time.Millisecond, func(n int64) request { return request{id: fmt.Sprint(n), body: []byte("{}")} })
	if err != nil || len(all) != 50 || len(seen) != 50 {
		t.Fatalf("%d latencies, %d requests: %v", len(all), len(seen), err)
	}
	n, err := closedLoop(t.Context(), to, 2, 50*time.Millisecond, func(int64) request { return request{id: "x", body: []byte("{}")} })
	if err != nil || n == 0 || int(n) != seen["x"] {
		t.Errorf("%d answers, %d requests: %v", n, seen["x"], err)
	}
	if _, err := closedLoop(t.Context(), to, 2, time.Second, func(int64) request { return request{id: "refused"} }); err == nil {
		t.Error("a refusal goes unnoticed")
	}
}

func TestSettleMeasures(t *testing.T) {
	t.Parallel()
	report, err := settle(3, 10)
	if err != nil {
		t.Fatal(err)
	}
	if report.Events < postingsPerOrder || report.CalculateUS <= 0 || report.SnapshotBytes == 0 {
		t.Errorf("%+v", report)
	}
}
