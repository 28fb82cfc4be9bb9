package placement_test

import (
	"fmt"
	"strconv"
	"testing"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/placement"
	"upline.dev/upline/core/plan"
)

// BenchmarkPlaceMillion places a million people one after the other: below one sponsor, below whoever joined at a random
// time before, or on a tree that begins as a line of 100,000. ns/op is of all of them, ns/place of one.
func BenchmarkPlaceMillion(b *testing.B) {
	const people = 1_000_000
	ids := make([]string, people)
	for i := range ids {
		ids[i] = "d" + strconv.Itoa(i)
	}
	sponsors := map[string]func(i int) int{
		"one sponsor": func(int) int { return 0 },
		"any sponsor": func(i int) int { return int(uint64(i) * 0x9e3779b97f4a7c15 >> 20 % uint64(i)) },
		"a chain":     func(i int) int { return i - 1 },
	}
	for _, terms := range []plan.Placement{
		{Width: 2, Strategy: plan.PlaceBreadthFirst},
		{Width: 2, Strategy: plan.PlaceBalanced},
		{Width: 2, Strategy: plan.PlaceWeaker},
		{Width: 2, Strategy: plan.PlaceLeft},
		{Width: 3, Strategy: plan.PlaceBreadthFirst},
		{Width: 64, Strategy: plan.PlaceBalanced},
		{Width: 3, Depth: 20, Strategy: plan.PlaceDepthFirst},
	} {
		for _, line := range []int{0, 100_000} {
			for _, kind := range []string{"one sponsor", "any sponsor", "a chain"} {
				if terms.Depth > 0 && (line > 0 || kind == "a chain") {
					continue // The depth leaves no room.
				}
				name := fmt.Sprintf("%s width %d/line of %d/%s", terms.Strategy, terms.Width, line, kind)
				b.Run(name, func(b *testing.B) { placeAll(b, terms, ids, line, sponsors[kind]) })
			}
		}
	}
}

func placeAll(b *testing.B, terms plan.Placement, ids []string, line int, sponsor func(i int) int) {
	b.Helper()
	for range b.N {
		tree := startLine(b, terms, ids[:line+1])
		for i := line + 1; i < len(ids); i++ {
			if _, err := tree.Place(ids[i], ids[sponsor(i)], 1, 1); err != nil {
				if terms.Depth == 0 {
					b.Fatal(err)
				}
				if _, err := tree.Place(ids[i], "", 1, 1); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(ids)), "ns/place")
}

// startLine is a tree that begins as one line down the left.
func startLine(b *testing.B, terms plan.Placement, ids []string) *placement.Tree {
	b.Helper()
	links := make([]placement.Link, len(ids))
	for i, id := range ids {
		links[i] = placement.Link{PositionID: id, DistributorID: id, Version: 1}
		if i > 0 {
			links[i].ParentID = ids[i-1]
		}
	}
	tree, err := placement.Build(&terms, links, genealogy.AsOf{At: 1, Version: 1})
	if err != nil {
		b.Fatal(err)
	}
	return tree
}
