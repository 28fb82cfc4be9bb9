package money

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// ErrWeights is returned when a total cannot be shared out: a weight is negative, or all are zero.
var ErrWeights = errors.New("money: the weights cannot share out the total")

// Allocate shares total in proportion to weights by largest remainder; between equal remainders the lowest index goes
// first. The parts sum to total exactly and each is less than one unit away from its exact share, so a weight of zero
// gets nothing. A negative total gives the parts of the positive one with their signs changed. Weights must not be
// negative, nor all zero unless the total is zero (ErrWeights).
func Allocate(total int64, weights []int64) ([]int64, error) {
	whole, err := totalWeight(total, weights)
	if err != nil {
		return nil, err
	}
	parts := make([]int64, len(weights))
	if whole.isZero() {
		return parts, nil
	}
	left := magnitude(total)
	remainders := make([]uint128, len(weights))
	for i, weight := range weights {
		high, low := bits.Mul64(magnitude(total), uint64(weight))
		share, remainder, _ := uint128{high, low}.div(whole) // A share is never above the total, so it fits.
		parts[i], remainders[i] = int64(share), remainder
		left -= share
	}
	for _, i := range largest(remainders, left) {
		parts[i]++
	}
	if total < 0 {
		for i := range parts {
			parts[i] = -parts[i]
		}
	}
	return parts, nil
}

// totalWeight adds the weights on 128 bits, where no list of int64 can overflow.
func totalWeight(total int64, weights []int64) (uint128, error) {
	var whole uint128
	for i, weight := range weights {
		if weight < 0 {
			return uint128{}, fmt.Errorf("%w: weight %d is %d", ErrWeights, i, weight)
		}
		whole = whole.add(uint128{low: uint64(weight)})
	}
	if whole.isZero() && total != 0 {
		return uint128{}, fmt.Errorf("%w: all %d weights are zero and the total is %d", ErrWeights, len(weights), total)
	}
	return whole, nil
}

// largest picks the indices of the count largest remainders. The remainders sum to count times the total weight and
// each is below it, so there are always more than count of them above zero.
func largest(remainders []uint128, count uint64) []int {
	if count == 0 {
		return nil
	}
	order := make([]int, len(remainders))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		if by := remainders[j].compare(remainders[i]); by != 0 {
			return by
		}
		return i - j
	})
	return order[:count]
}
