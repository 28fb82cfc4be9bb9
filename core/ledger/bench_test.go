package ledger_test

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"upline.dev/upline/core/ledger"
)

// order is what a typical order wants: 3 lines, 3 people each.
func order() []ledger.Balance {
	var want []ledger.Balance
	for line := range 3 {
		for level := range 3 {
			want = append(want, ledger.Balance{Key: ledger.Key{
				Source: "store_01HZX3/820982911946154508", LineID: fmt.Sprintf("46697647145%03d", line), ComponentID: "unilevel",
				DistributorID: fmt.Sprintf("D%07d", level), Kind: ledger.Earning, Currency: "USD",
			}, AmountMinor: int64(100 + line + level)})
		}
	}
	return want
}

func BenchmarkDifferenceOf9(b *testing.B) {
	want := order()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ledger.Difference("acme", 1, nil, want, stamp); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDifferenceEmptyOf9(b *testing.B) {
	want := order()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ledger.Difference("acme", 1, want, want, stamp); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLeaf(b *testing.B) {
	posting := mustDiffer(b, 1, nil, order())[0]
	b.ReportAllocs()
	for b.Loop() {
		ledger.Leaf(posting)
	}
}

// BenchmarkHashOfALeafsSize is the floor under BenchmarkLeaf: the bare SHA-256 of as many bytes.
func BenchmarkHashOfALeafsSize(b *testing.B) {
	data := make([]byte, 431)
	for b.Loop() {
		sha256.Sum256(data)
	}
}

func BenchmarkLeavesOf1000(b *testing.B) {
	postings := make([]ledger.Posting, 1000)
	for i := range postings {
		postings[i] = mustDiffer(b, 1, nil, order())[0]
	}
	b.ReportAllocs()
	for b.Loop() {
		ledger.Leaves(postings)
	}
}

func BenchmarkRootOf1000(b *testing.B) {
	leaves := manyLeaves(1000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ledger.Root(leaves); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyBatchOf1000(b *testing.B) {
	chain := chainOf(b, 1000)
	b.ReportAllocs()
	for b.Loop() {
		if findings := verify(chain); len(findings) != 0 {
			b.Fatal(findings)
		}
	}
}
