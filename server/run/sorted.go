package run

import (
	"maps"
	"slices"
)

// sorted gives a map's keys in one order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
