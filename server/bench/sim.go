package bench

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// Costs are what was measured on one node, from which larger ones are planned. Every default names its measurement in docs/scaling.md.
type Costs struct {
	IngestUS         float64 `help:"Processor microseconds of an ingest process for one delivery, with its word to the bus." default:"212" json:"ingest_us"`
	EngineUS         float64 `help:"Processor microseconds of an engine for one order, from its word to the commit." default:"300" json:"engine_us"`
	DatabaseUS       float64 `help:"Processor microseconds of PostgreSQL for one order, arrival and settlement." default:"540" json:"database_us"`
	RepeatUS         float64 `help:"Processor microseconds of a repeated delivery, all processes." default:"150" json:"repeat_us"`
	LedgerBytes      float64 `help:"Bytes of an order that stay for ever: ledger, trace, revision, order, indexes." default:"10700" json:"ledger_bytes"`
	BodyBytes        float64 `help:"Bytes of a stored raw body with its row." default:"2600" json:"body_bytes"`
	PersonBytes      float64 `help:"Bytes of memory of one distributor in an engine's tree." default:"73" json:"person_bytes"`
	PersonDiskBytes  float64 `help:"Bytes of one distributor in the database." default:"600" json:"person_disk_bytes"`
	CloseSPerMillion float64 `help:"Processor seconds of a close for a million distributors with ten million lines." default:"2.4" json:"close_s_per_million"`
}

// Demand is what is planned for.
type Demand struct {
	OrdersPerS   float64 `name:"orders-per-s" help:"Orders a second at the peak." default:"100000" json:"orders_per_s"`
	MeanShare    float64 `help:"The mean of the year as a share of the peak." default:"0.3" json:"mean_share"`
	Distributors float64 `help:"People in all programs." default:"100000000" json:"distributors"`
	Programs     float64 `help:"Programs, each with its own chain and tree." default:"1000" json:"programs"`
	Repeats      float64 `help:"Repeated deliveries per order." default:"0.3" json:"repeats"`
	Changes      float64 `help:"Refunds and edits per order, each settled again." default:"0.2" json:"changes"`
	NodeCores    float64 `help:"Cores of a node." default:"32" json:"node_cores"`
	Utilisation  float64 `help:"How busy a node may be." default:"0.6" json:"utilisation"`
	ShardPerS    float64 `name:"shard-orders-per-s" help:"Orders a second of one PostgreSQL primary, which one disk that syncs and one chain at a time allow." default:"5000" json:"shard_orders_per_s"`
	BodyDays     float64 `help:"Days for which raw bodies are kept." default:"30" json:"body_days"`
	Copies       float64 `help:"Copies of the database: a primary, a synchronous replica, one for reading." default:"3" json:"copies"`
}

// SimReport is what `upline bench sim --json` prints.
type SimReport struct {
	Costs          Costs   `json:"costs"`
	Demand         Demand  `json:"demand"`
	IngestNodes    float64 `json:"ingest_nodes"`
	EngineNodes    float64 `json:"engine_nodes"`
	DatabaseShards float64 `json:"database_shards"` // primaries; each has its replicas
	DatabaseNodes  float64 `json:"database_nodes"`  // with the copies
	ShardCores     float64 `json:"shard_cores"`     // of one primary, from its processor time
	BusPartitions  float64 `json:"bus_partitions"`
	BusMBPerS      float64 `json:"bus_mb_per_s"`
	ProgramPerS    float64 `json:"program_orders_per_s"` // of the mean program; the largest must stay below a shard
	TreeGB         float64 `json:"tree_gb"`              // of all trees, held by engines in parts
	StorageYearTB  float64 `json:"storage_year_tb"`      // one copy
	BodiesTB       float64 `json:"bodies_tb"`            // one copy, for as long as they are kept
	StorageAllTB   float64 `json:"storage_year_all_copies_tb"`
	CloseCoreHours float64 `json:"close_core_hours"`
}

// engineMessagesPerS is what one partition's engine handles, with room to catch up: a partition is one engine's at a time.
const engineMessagesPerS = 500

// wordBytes is an order.normalised event with its key and headers.
const wordBytes = 750

// Sim plans by arithmetic: every figure is a measured cost times a demand, divided by what a node can give.
func Sim(c Costs, d Demand) (SimReport, error) {
	for _, v := range []float64{
		c.IngestUS, c.EngineUS, c.DatabaseUS, c.LedgerBytes, d.OrdersPerS, d.MeanShare, d.Distributors, d.Programs, d.NodeCores, d.Utilisation,
		d.ShardPerS, d.Copies,
	} {
		if !(v > 0) || math.IsInf(v, 0) {
			return SimReport{}, errors.New("bench sim needs costs and demands above 0")
		}
	}
	if d.Utilisation > 1 || d.MeanShare > 1 || d.Repeats < 0 || d.Changes < 0 || c.RepeatUS < 0 || d.BodyDays < 0 {
		return SimReport{}, errors.New("bench sim needs shares up to 1, and nothing below 0")
	}
	settled := d.OrdersPerS * (1 + d.Changes)
	nodes := func(us float64) float64 { return math.Ceil(us / 1e6 / (d.NodeCores * d.Utilisation)) }
	r := SimReport{Costs: c, Demand: d}
	r.IngestNodes = nodes(settled*c.IngestUS + d.OrdersPerS*d.Repeats*c.RepeatUS)
	r.EngineNodes = nodes(settled * c.EngineUS)
	r.DatabaseShards = math.Ceil(settled / d.ShardPerS)
	r.DatabaseNodes = r.DatabaseShards * d.Copies
	r.ShardCores = round(settled/r.DatabaseShards*c.DatabaseUS/1e6/d.Utilisation, 1)
	r.BusPartitions = math.Ceil(settled/engineMessagesPerS/8) * 8
	r.BusMBPerS = round(settled*wordBytes/1e6, 0)
	r.ProgramPerS = round(d.OrdersPerS/d.Programs, 1)
	r.TreeGB = round(d.Distributors*c.PersonBytes/1e9, 1)
	year := d.OrdersPerS * d.MeanShare * 365 * 86400
	r.StorageYearTB = round((year*(1+d.Changes)*c.LedgerBytes+d.Distributors*c.PersonDiskBytes)/1e12, 0)
	r.BodiesTB = round(d.OrdersPerS*d.MeanShare*(1+d.Changes)*86400*d.BodyDays*c.BodyBytes/1e12, 0)
	r.StorageAllTB = round((r.StorageYearTB+r.BodiesTB)*d.Copies, 0)
	r.CloseCoreHours = round(d.Distributors/1e6*c.CloseSPerMillion*math.Max(1, year/12/d.Distributors/10)/3600, 2)
	return r, nil
}

// Print writes the report for people.
func (r SimReport) Print(w io.Writer) error {
	var out strings.Builder
	line := func(what, format string, args ...any) {
		fmt.Fprintf(&out, "%-28s %s\n", what, fmt.Sprintf(format, args...))
	}
	line("planned for", "%.0f orders/s at the peak, %.0f on average, %.0f distributors, %.0f programs", r.Demand.OrdersPerS, r.Demand.OrdersPerS*r.Demand.MeanShare, r.Demand.Distributors, r.Demand.Programs)
	line("ingest nodes", "%.0f of %.0f cores", r.IngestNodes, r.Demand.NodeCores)
	line("engine nodes", "%.0f of %.0f cores; trees of %.1f GB in all", r.EngineNodes, r.Demand.NodeCores, r.TreeGB)
	line("PostgreSQL", "%.0f primaries with %.1f busy cores each, %.0f nodes with their replicas", r.DatabaseShards, r.ShardCores, r.DatabaseNodes)
	line("bus", "%.0f partitions, %.0f MB/s", r.BusPartitions, r.BusMBPerS)
	line("storage a year", "%.0f TB and %.0f TB of raw bodies; %.0f TB in all copies", r.StorageYearTB, r.BodiesTB, r.StorageAllTB)
	line("close of a month", "%.2f core hours, without reading and writing", r.CloseCoreHours)
	line("mean program", "%.1f orders/s; one program is one chain, and must stay below %.0f/s", r.ProgramPerS, r.Demand.ShardPerS)
	_, err := io.WriteString(w, out.String())
	return err
}
