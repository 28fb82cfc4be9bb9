package genealogy_test

import (
	"fmt"
	"runtime"
	"testing"

	"upline.dev/upline/core/genealogy"
)

// company makes n people "D0000000"…, each below one that came before, about 20 deep; every thousandth moved once.
func company(n int) ([]genealogy.Link, []genealogy.Standing) {
	links := make([]genealogy.Link, 0, n+n/1000)
	standings := make([]genealogy.Standing, 0, n)
	state := uint64(1)
	for i := range n {
		id, parent := fmt.Sprintf("D%07d", i), ""
		if i > 0 {
			state = state*6364136223846793005 + 1442695040888963407
			parent = fmt.Sprintf("D%07d", int(state>>33)%i)
		}
		links = append(links, genealogy.Link{DistributorID: id, ParentID: parent, ValidFrom: int64(i), Version: 1})
		if i > 0 && i%1000 == 0 {
			links = append(links, genealogy.Link{DistributorID: id, ParentID: "D0000000", ValidFrom: int64(n + i), Version: 2})
		}
		rank := [...]string{"", "silver", "gold", "diamond"}[i%4]
		standings = append(standings, genealogy.Standing{DistributorID: id, Status: genealogy.Active, Rank: rank, ValidFrom: int64(i), Version: 1})
	}
	return links, standings
}

func liveHeap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestMillionPeopleFitInto100MB is the promise of the package's size; it does not run in parallel, since it measures
// the whole heap.
func TestMillionPeopleFitInto100MB(t *testing.T) {
	const people, limit = 1_000_000, 100_000_000
	before := liveHeap()
	tree := func() *genealogy.Tree {
		links, standings := company(people)
		tree, err := genealogy.Build(links, standings, nil)
		if err != nil {
			t.Fatal(err)
		}
		return tree
	}()
	size := liveHeap() - before
	t.Logf("%d people: %d bytes, %.1f each", tree.Len(), size, float64(size)/people)
	if tree.Len() != people || size > limit {
		t.Fatalf("%d people take %d bytes, want %d in at most %d", tree.Len(), size, people, limit)
	}
	runtime.KeepAlive(tree)
}

func build(b testing.TB, n int) *genealogy.Tree {
	b.Helper()
	links, standings := company(n)
	tree, err := genealogy.Build(links, standings, nil)
	if err != nil {
		b.Fatal(err)
	}
	return tree
}

func BenchmarkBuild1M(b *testing.B) {
	links, standings := company(1_000_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := genealogy.Build(links, standings, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkUpline10Of1M walks ten people up: from one seller again and again, as a busy one's orders do, and from 4096
// sellers in turn, whose uplines do not stay in the processor's cache.
func BenchmarkUpline10Of1M(b *testing.B) {
	tree := build(b, 1_000_000)
	for name, sellers := range map[string]int{"one seller": 1, "4096 sellers": 4096} {
		b.Run(name, func(b *testing.B) {
			ids := make([]string, sellers)
			for i := range ids {
				ids[i] = fmt.Sprintf("D%07d", 999_997-i*37)
			}
			dst := make([]genealogy.Person, 0, 64)
			as := genealogy.AsOf{At: 1 << 40, Version: 2}
			people, i := 0, 0
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if dst, err = tree.Upline(dst[:0], ids[i%len(ids)], as, 10); err != nil {
					b.Fatal(err)
				}
				people += len(dst)
				i++
			}
			b.ReportMetric(float64(people)/float64(b.N), "people/op")
		})
	}
}

func BenchmarkWithOneLinkOn1M(b *testing.B) {
	tree := build(b, 1_000_000)
	link := []genealogy.Link{{DistributorID: "NEW", ParentID: "D0999999", ValidFrom: 1 << 40, Version: 3}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tree.With(link, nil, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWith10000LinksOn1M(b *testing.B) {
	tree := build(b, 1_000_000)
	links := make([]genealogy.Link, 10_000)
	for i := range links {
		links[i] = genealogy.Link{DistributorID: fmt.Sprintf("N%d", i), ParentID: "D0999999", ValidFrom: 1 << 40, Version: 3}
	}
	for b.Loop() {
		if _, err := tree.With(links, nil, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSnapshot1M(b *testing.B) {
	tree := build(b, 1_000_000)
	for b.Loop() {
		if _, err := tree.Snapshot(genealogy.AsOf{At: 1 << 40, Version: 2}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSubtreeSums1M(b *testing.B) {
	snapshot, err := build(b, 1_000_000).Snapshot(genealogy.AsOf{At: 1 << 40, Version: 2})
	if err != nil {
		b.Fatal(err)
	}
	own := make([]int64, snapshot.Len())
	for i := range own {
		own[i] = int64(i)
	}
	for b.Loop() {
		if _, err := snapshot.SubtreeSums(own); err != nil {
			b.Fatal(err)
		}
	}
}
