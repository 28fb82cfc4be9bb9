package httpapi

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"upline.dev/upline/server/query"
)

// ackFigures reads how fast deliveries were answered, and how many were duplicates, out of the process's own figures. A
// quantile is the upper bound of its bucket: never better than it was.
func ackFigures(g prometheus.Gatherer) (ack query.Latency, duplicates int64, err error) {
	families, err := g.Gather()
	if err != nil {
		return ack, 0, fmt.Errorf("gather figures: %w", err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			switch family.GetName() {
			case "upline_duplicates_total":
				duplicates += int64(m.GetCounter().GetValue())
			case "upline_ack_seconds":
				h := m.GetHistogram()
				ack.Of = int64(h.GetSampleCount()) //nolint:gosec // a count of requests
				for _, b := range h.GetBucket() {
					us, below := int64(b.GetUpperBound()*1e6), int64(b.GetCumulativeCount()) //nolint:gosec // as above
					if ack.P50US == 0 && below*2 >= ack.Of {
						ack.P50US = us
					}
					if ack.P95US == 0 && below*100 >= ack.Of*95 {
						ack.P95US = us
					}
				}
			}
		}
	}
	if ack.Of == 0 {
		return query.Latency{}, duplicates, nil
	}
	return ack, duplicates, nil
}
