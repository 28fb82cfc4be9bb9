package bench_test

import (
	"strings"
	"testing"

	"upline.dev/upline/server/bench"
)

func simCosts() bench.Costs {
	return bench.Costs{IngestUS: 125, EngineUS: 425, DatabaseUS: 500, RepeatUS: 100, LedgerBytes: 10_000, BodyBytes: 2000, PersonBytes: 100, PersonDiskBytes: 500, CloseSPerMillion: 2}
}

func simDemand() bench.Demand {
	return bench.Demand{
		OrdersPerS: 10_000, MeanShare: 0.5, Distributors: 1e6, Programs: 10, NodeCores: 10, Utilisation: 0.5, ShardPerS: 2000, BodyDays: 10, Copies: 3,
	}
}

// TestSim holds the plan against the same sums done by hand.
func TestSim(t *testing.T) {
	t.Parallel()
	r, err := bench.Sim(simCosts(), simDemand())
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string][2]float64{
		"ingest nodes: 10,000 x 125 us = 1.25 cores of 5":    {r.IngestNodes, 1},
		"engine nodes: 10,000 x 425 us = 4.25 cores of 5":    {r.EngineNodes, 1},
		"shards: 10,000 of 2,000 each":                       {r.DatabaseShards, 5},
		"nodes with copies":                                  {r.DatabaseNodes, 15},
		"cores of a shard: 2,000 x 500 us, half busy":        {r.ShardCores, 2},
		"partitions: 20, in steps of 8":                      {r.BusPartitions, 24},
		"tree: 1,000,000 x 100 bytes":                        {r.TreeGB, 0.1},
		"a year: 5,000 x 31,536,000 s x 10 kB":               {r.StorageYearTB, 1577},
		"bodies: 5,000 x 864,000 s x 2 kB":                   {r.BodiesTB, 9},
		"orders of the mean program":                         {r.ProgramPerS, 1000},
		"close: a million people, 13,140 lines each, not 10": {r.CloseCoreHours, 0.73},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %v, want %v", name, pair[0], pair[1])
		}
	}
	twice := simDemand()
	twice.OrdersPerS *= 2
	if more, err := bench.Sim(simCosts(), twice); err != nil || more.DatabaseShards != 10 || more.EngineNodes != 2 {
		t.Errorf("twice as much: %+v, %v", more, err)
	}
	var text strings.Builder
	if err := r.Print(&text); err != nil || !strings.Contains(text.String(), "5 primaries") {
		t.Errorf("printed %q, %v", text.String(), err)
	}
	for _, spoil := range []func(*bench.Costs, *bench.Demand){
		func(c *bench.Costs, _ *bench.Demand) { c.EngineUS = 0 },
		func(_ *bench.Costs, d *bench.Demand) { d.Utilisation = 1.1 },
		func(_ *bench.Costs, d *bench.Demand) { d.OrdersPerS = -1 },
		func(_ *bench.Costs, d *bench.Demand) { d.Repeats = -0.1 },
	} {
		c, d := simCosts(), simDemand()
		spoil(&c, &d)
		if _, err := bench.Sim(c, d); err == nil {
			t.Errorf("planned with %+v, %+v", c, d)
		}
	}
}
