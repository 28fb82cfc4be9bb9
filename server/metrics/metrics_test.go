package metrics_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"upline.dev/upline/server/metrics"
)

// figures reads every sample as "name{label}": a counter's or gauge's value, a histogram's count and sum.
func figures(t *testing.T, registry *prometheus.Registry) map[string]string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			name := family.GetName()
			for _, label := range metric.GetLabel() {
				name += "{" + label.GetValue() + "}"
			}
			switch h := metric.GetHistogram(); {
			case h != nil:
				out[name] = fmt.Sprintf("%d of %g", h.GetSampleCount(), h.GetSampleSum())
			case metric.GetGauge() != nil:
				out[name] = fmt.Sprint(metric.GetGauge().GetValue())
			default:
				out[name] = fmt.Sprint(metric.GetCounter().GetValue())
			}
		}
	}
	return out
}

func TestEveryFigureIsExposed(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	m := metrics.New(registry)
	m.Acked(2 * time.Millisecond)
	m.TooLarge("shopify")
	m.BadSignature("magento")
	m.Stored(7)
	m.Duplicate("shopify")
	m.Conflict()
	m.Refused()
	m.HandoverFull(3)
	m.BodiesDropped(500)
	m.Settled("settled")
	m.Emitted(20 * time.Millisecond)
	m.Ended("unchanged")
	m.Parked("unmapped_sku")
	m.Retried()
	m.Batch(16)
	m.Backlog(9, 90*time.Second)
	want := map[string]string{
		"upline_ack_seconds":                     "1 of 0.002",
		"upline_backlog_deliveries":              "9",
		"upline_bad_signatures_total{magento}":   "1",
		"upline_bodies_dropped_total":            "500",
		"upline_bodies_too_large_total{shopify}": "1",
		"upline_deliveries_refused_total":        "1",
		"upline_deliveries_stored_total":         "7",
		"upline_deliveries_total{unchanged}":     "1",
		"upline_delivery_conflicts_total":        "1",
		"upline_duplicates_total{shopify}":       "1",
		"upline_emit_seconds":                    "1 of 0.02",
		"upline_handover_full_total":             "3",
		"upline_inbox_commit_rows":               "1 of 7",
		"upline_oldest_waiting_seconds":          "90",
		"upline_parked_total{unmapped_sku}":      "1",
		"upline_retries_total":                   "1",
		"upline_settle_batch_deliveries":         "1 of 16",
		"upline_settlements_total{settled}":      "1",
	}
	if diff := cmp.Diff(want, figures(t, registry)); diff != "" {
		t.Error(diff)
	}
}

func TestANameThatIsTakenPanics(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	metrics.New(registry)
	defer func() {
		if recover() == nil {
			t.Error("the same figures were registered twice")
		}
	}()
	metrics.New(registry)
}
