package commission_test

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// volumesOf is one sale per person, made when it is asked for.
type volumesOf struct{ people, block int32 }

func (v volumesOf) Blocks() int { return int((v.people + v.block - 1) / v.block) }

func (v volumesOf) Block(i int, buf []period.Sale) ([]period.Sale, error) {
	buf = buf[:0]
	for person := int32(i) * v.block; person < min(v.people, int32(i+1)*v.block); person++ {
		s := sold(person, 10+int64(uint32(person)*2654435761>>25))
		buf = append(buf, s)
	}
	return buf, nil
}

// manyPositions is a full binary tree of n people, each with one position and an id of nine bytes, and one of them in
// forty inactive.
func manyPositions(p *plan.Plan, n int32) commission.CloseInput {
	digits := func(i int32) string { return "p" + strconv.Itoa(int(100_000_000 + i))[1:] }
	w := &period.World{
		Period: period.Period{ID: "2026-W10", Kind: plan.Monthly, From: 0, To: 1}, Classes: []string{"tea"},
		Currency: p.PeriodCurrency(), Sales: volumesOf{n, 1 << 14},
		People:    period.People{Count: n, ID: digits, Status: make([]genealogy.Status, n)},
		Positions: period.Positions{Parent: make([]int32, n), Leg: make([]uint8, n), Owner: make([]int32, n)},
	}
	w.Positions.Primary = w.Positions.Owner
	w.Positions.Index = func(id string) (int32, bool) {
		i, err := strconv.Atoi(id[1:])
		return int32(i), err == nil && int32(i) < n
	}
	s := &period.Standings{Rank: make([]int8, n), Active: make([]bool, n)}
	for i := range n {
		w.People.Status[i] = genealogy.Active
		w.Positions.Parent[i], w.Positions.Leg[i], w.Positions.Owner[i] = (i-1)>>1, uint8(1-i&1), i
		s.Rank[i], s.Active[i] = int8(i%3), i%40 != 0
	}
	w.Positions.Parent[0] = period.Nobody
	return commission.CloseInput{World: w, Standings: s}
}

// BenchmarkBinaryClose closes two periods of UPLINE_BENCH_POSITIONS (1,000,000) positions with carry in and out, limits
// by rank and per owner, a carry limit and the state's hash. It reports CPU and, where the system tells, peak memory:
// run it alone, with -benchtime=1x and GOGC=50 for the figures in docs/benchmarks.md.
func BenchmarkBinaryClose(b *testing.B) {
	n := int32(1_000_000)
	if text := os.Getenv("UPLINE_BENCH_POSITIONS"); text != "" {
		many, err := strconv.Atoi(text)
		if err != nil {
			b.Fatal(err)
		}
		n = int32(many)
	}
	p := binaryPlan(b, `"pay":"weaker_leg","max_carry":"50000","owner_limit":"900","capped":"flush"`,
		`{"rate":"10%","limit":"100"},{"rank":"silver","rate":"10%","limit":"500"},{"rank":"gold","rate":"12%"}`)
	in := manyPositions(p, n)
	in.Before = firstPeriod(b, in, p)
	debug.FreeOSMemory()
	b.ResetTimer()
	before := cpuSeconds(b)
	for range b.N {
		got, err := commission.Close(in, p)
		if err != nil {
			b.Fatal(err)
		}
		state := got.After.Binary["legs"]
		if state.Hash() == "" || len(got.Lost()) == 0 {
			b.Fatal("nothing was paid")
		}
		data, _ := state.MarshalBinary()
		b.ReportMetric(float64(len(data))/float64(state.Len()), "B/carry")
		b.ReportMetric(float64(state.Len()), "carries")
	}
	b.StopTimer()
	b.ReportMetric((cpuSeconds(b)-before)/float64(b.N), "cpu-s")
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.Sys)/(1<<20), "MB-from-OS")
	b.ReportMetric(peakMB(), "peak-MB")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/position")
}

// firstPeriod is what the period before left behind, without the rest of it.
func firstPeriod(b *testing.B, in commission.CloseInput, p *plan.Plan) commission.State {
	b.Helper()
	first, err := commission.Close(in, p)
	if err != nil {
		b.Fatal(err)
	}
	return first.After
}

// cpuSeconds is what all threads have used so far, the collector's included.
func cpuSeconds(b *testing.B) float64 {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}

// peakMB is the process's largest resident size; 0 where the system does not tell.
func peakMB() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kb := 0.0
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		return 0
	}
	return kb / 1024
}
