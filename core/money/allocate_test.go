package money_test

import (
	"errors"
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/money"
)

// weightLists draws weights with many ties and zeros, and some that only 128 bits can add up; never all zero.
func weightLists() *rapid.Generator[[]int64] {
	return rapid.SliceOfN(rapid.OneOf(
		rapid.Int64Range(0, 3),
		rapid.Int64Range(0, 100_000),
		rapid.Int64Range(0, math.MaxInt64),
	), 1, 12).Filter(func(weights []int64) bool { return slices.Max(weights) > 0 })
}

// exactShare is total x weight / sum.
func exactShare(total int64, weights []int64, i int) *big.Rat {
	sum := new(big.Int)
	for _, weight := range weights {
		sum.Add(sum, big.NewInt(weight))
	}
	return new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(total), big.NewInt(weights[i])), sum)
}

// allocateRat is the oracle: it hands out the units left over one at a time to the share furthest below.
func allocateRat(total int64, weights []int64) []int64 {
	parts, missing := make([]int64, len(weights)), make([]*big.Rat, len(weights))
	left := total
	for i := range weights {
		share := exactShare(total, weights, i)
		parts[i] = roundRat(share, money.Down).Int64()
		missing[i] = new(big.Rat).Sub(share, new(big.Rat).SetInt64(parts[i]))
		missing[i].Abs(missing[i])
		left -= parts[i]
	}
	step := int64(1)
	if total < 0 {
		step = -1
	}
	for ; left != 0; left -= step {
		next := 0
		for i := range missing {
			if missing[i].Cmp(missing[next]) > 0 {
				next = i
			}
		}
		parts[next] += step
		missing[next] = new(big.Rat).SetInt64(-1)
	}
	return parts
}

func TestAllocateIsLargestRemainder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		total, weights := anyInt64().Draw(t, "total"), weightLists().Draw(t, "weights")
		before := slices.Clone(weights)
		parts, err := money.Allocate(total, weights)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(allocateRat(total, weights), parts); diff != "" {
			t.Fatalf("parts (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(before, weights); diff != "" {
			t.Fatalf("the weights were changed (-before +after):\n%s", diff)
		}
		if sum, err := money.Sum(parts...); err != nil || sum != total {
			t.Fatalf("the parts sum to %d, %v; want %d", sum, err, total)
		}
		for i, part := range parts {
			off := new(big.Rat).Sub(exactShare(total, weights, i), new(big.Rat).SetInt64(part))
			if off.Abs(off).Cmp(big.NewRat(1, 1)) >= 0 {
				t.Fatalf("part %d is %d, a whole unit away from its share", i, part)
			}
		}
	})
}

// TestAllocateIsFair: who weighs more never gets less, and of equals the earlier one gets the spare unit.
func TestAllocateIsFair(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(0, math.MaxInt64).Draw(t, "total")
		weights := weightLists().Draw(t, "weights")
		parts, err := money.Allocate(total, weights)
		if err != nil {
			t.Fatal(err)
		}
		for i := range weights {
			for j := range i {
				if weights[i] > weights[j] && parts[i] < parts[j] || weights[i] < weights[j] && parts[i] > parts[j] {
					t.Fatalf("weights %d and %d got %d and %d", weights[j], weights[i], parts[j], parts[i])
				}
				if weights[i] == weights[j] && parts[i] > parts[j] {
					t.Fatalf("of equal weights the later got %d, the earlier %d", parts[i], parts[j])
				}
			}
		}
	})
}

func TestAllocateMirrorsNegativeTotals(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(0, math.MaxInt64).Draw(t, "total")
		weights := weightLists().Draw(t, "weights")
		gave, err := money.Allocate(total, weights)
		if err != nil {
			t.Fatal(err)
		}
		took, err := money.Allocate(-total, weights)
		if err != nil {
			t.Fatal(err)
		}
		for i := range took {
			took[i] = -took[i]
		}
		if diff := cmp.Diff(gave, took); diff != "" {
			t.Fatalf("a refund shares out differently (-sale +refund):\n%s", diff)
		}
	})
}

func TestAllocateRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		total   int64
		weights []int64
	}{
		{"nobody", 1, nil},
		{"only zeros", -1, []int64{0, 0}},
		{"negative weight", 1, []int64{1, -1}},
		{"negative weight and nothing to share", 0, []int64{-1}},
	} {
		if got, err := money.Allocate(tt.total, tt.weights); !errors.Is(err, money.ErrWeights) {
			t.Errorf("%s: Allocate = %v, %v; want ErrWeights", tt.name, got, err)
		}
	}
}
