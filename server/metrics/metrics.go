// Package metrics holds the Prometheus figures of the walk from a platform's request to the ledger.
//
// The parts that are measured do not know this package: each names an interface of its own, and Metrics has the methods.
package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics is the figures of one process. All methods may be called from any number of goroutines.
type Metrics struct {
	ack           prometheus.Histogram
	emit          prometheus.Histogram
	stored        prometheus.Counter
	commits       prometheus.Histogram
	duplicates    *prometheus.CounterVec
	conflicts     prometheus.Counter
	refused       prometheus.Counter
	handoverFull  prometheus.Counter
	bodiesDropped prometheus.Counter
	tooLarge      *prometheus.CounterVec
	badSignature  *prometheus.CounterVec
	settlements   *prometheus.CounterVec
	deliveries    *prometheus.CounterVec
	parked        *prometheus.CounterVec
	retries       prometheus.Counter
	batches       prometheus.Histogram
	backlog       prometheus.Gauge
	oldest        prometheus.Gauge
	word          *prometheus.CounterVec
}

// New registers the figures. It panics where a name is taken already, which is a fault in how the process is put
// together.
func New(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		ack: seconds("upline_ack_seconds", "From the arrival of a webhook request to its answer.",
			.0005, .001, .002, .004, .008, .015, .03, .06, .12, .3, 1, 5),
		emit: seconds("upline_emit_seconds", "From the arrival of a delivery to the commit that settled it.",
			.001, .002, .004, .008, .015, .03, .06, .12, .25, .5, 1, 2, 10, 60, 600),
		stored:        counter("upline_deliveries_stored_total", "Deliveries made durable."),
		commits:       sizes("upline_inbox_commit_rows", "Deliveries per commit of the inbox."),
		duplicates:    counters("upline_duplicates_total", "Deliveries that were there already.", "platform"),
		conflicts:     counter("upline_delivery_conflicts_total", "Duplicates with another body than the first."),
		refused:       counter("upline_deliveries_refused_total", "Deliveries for which there was no room; the platform sends them again."),
		handoverFull:  counter("upline_handover_full_total", "Deliveries left to the sweep for want of room in process."),
		bodiesDropped: counter("upline_bodies_dropped_total", "Raw bodies dropped by retention; those of a whole partition as PostgreSQL estimates them."),
		tooLarge:      counters("upline_bodies_too_large_total", "Requests refused because their body is too large.", "platform"),
		badSignature:  counters("upline_bad_signatures_total", "Requests refused because no secret fits their signature.", "platform"),
		settlements:   counters("upline_settlements_total", "Orders settled, by outcome.", "outcome"),
		deliveries:    counters("upline_deliveries_total", "Deliveries ended, by result.", "result"),
		parked:        counters("upline_parked_total", "Orders and unreadable deliveries parked, by reason.", "reason"),
		retries:       counter("upline_retries_total", "Deliveries put off to a later attempt."),
		batches:       sizes("upline_settle_batch_deliveries", "Deliveries per settling transaction."),
		backlog:       gauge("upline_backlog_deliveries", "Deliveries that have not ended."),
		oldest:        gauge("upline_oldest_waiting_seconds", "Age of the oldest delivery that has not ended; 0 where there is none."),
	}
	m.word = counters("upline_bus_word_total", "Word of deliveries over the bus: events sent; deliveries unsent, taken, left, returned; events unreadable, newer.", "what")
	registry.MustRegister(m.collectors()...)
	return m
}

func (m *Metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{
		m.ack, m.emit, m.stored, m.commits, m.duplicates, m.conflicts, m.refused, m.handoverFull, m.bodiesDropped, m.tooLarge,
		m.badSignature, m.settlements, m.deliveries, m.parked, m.retries, m.batches, m.backlog, m.oldest, m.word,
	}
}

// Acked is one webhook request answered with a 2xx.
func (m *Metrics) Acked(sinceArrival time.Duration) { m.ack.Observe(sinceArrival.Seconds()) }

// TooLarge is one request whose body is above the limit.
func (m *Metrics) TooLarge(platform string) { m.tooLarge.WithLabelValues(platform).Inc() }

// BadSignature is one request whose signature does not fit.
func (m *Metrics) BadSignature(platform string) { m.badSignature.WithLabelValues(platform).Inc() }

// Stored is one commit of the inbox.
func (m *Metrics) Stored(rows int) {
	m.stored.Add(float64(rows))
	m.commits.Observe(float64(rows))
}

// Duplicate is one delivery that was there already.
func (m *Metrics) Duplicate(platform string) { m.duplicates.WithLabelValues(platform).Inc() }

// Conflict is one duplicate with another body than the first.
func (m *Metrics) Conflict() { m.conflicts.Inc() }

// Refused is one delivery without room in the inbox.
func (m *Metrics) Refused() { m.refused.Inc() }

// HandoverFull is deliveries stored without room in process.
func (m *Metrics) HandoverFull(rows int) { m.handoverFull.Add(float64(rows)) }

// BodiesDropped is what retention forgot.
func (m *Metrics) BodiesDropped(rows int64) { m.bodiesDropped.Add(float64(rows)) }

// Settled is one order, with its outcome.
func (m *Metrics) Settled(outcome string) { m.settlements.WithLabelValues(outcome).Inc() }

// Emitted is one delivery settled.
func (m *Metrics) Emitted(sinceArrival time.Duration) { m.emit.Observe(sinceArrival.Seconds()) }

// Ended is one delivery, with its result.
func (m *Metrics) Ended(result string) { m.deliveries.WithLabelValues(result).Inc() }

// Parked is one order or delivery, with its reason's code.
func (m *Metrics) Parked(reason string) { m.parked.WithLabelValues(reason).Inc() }

// Retried is one delivery put off.
func (m *Metrics) Retried() { m.retries.Inc() }

// Batch is one settling transaction.
func (m *Metrics) Batch(deliveries int) { m.batches.Observe(float64(deliveries)) }

// Backlog is what waits now.
func (m *Metrics) Backlog(waiting int64, oldest time.Duration) {
	m.backlog.Set(float64(waiting))
	m.oldest.Set(oldest.Seconds())
}

// WordSent is events that the bus has taken.
func (m *Metrics) WordSent(events int) { m.word.WithLabelValues("sent").Add(float64(events)) }

// WordUnsent is deliveries of which the bus took no word: the sweep finds them.
func (m *Metrics) WordUnsent(deliveries int) {
	m.word.WithLabelValues("unsent").Add(float64(deliveries))
}

// WordTaken is deliveries that the bus told of.
func (m *Metrics) WordTaken(deliveries int) { m.word.WithLabelValues("taken").Add(float64(deliveries)) }

// WordLeft is deliveries that the bus told of and that a sweep through a backlog will find.
func (m *Metrics) WordLeft(deliveries int) { m.word.WithLabelValues("left").Add(float64(deliveries)) }

// WordReturned is deliveries whose word comes again.
func (m *Metrics) WordReturned(deliveries int) {
	m.word.WithLabelValues("returned").Add(float64(deliveries))
}

// WordUnreadable is one message that is none of ours, or of a newer version.
func (m *Metrics) WordUnreadable(newer bool) {
	what := "unreadable"
	if newer {
		what = "newer"
	}
	m.word.WithLabelValues(what).Inc()
}

func seconds(name, help string, buckets ...float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
}

func sizes(name, help string) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: prometheus.ExponentialBuckets(1, 2, 9)})
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

func counters(name, help, label string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
}
