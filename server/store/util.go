package store

import (
	"cmp"
	"crypto/rand"
	"database/sql"
	"fmt"
	"slices"
)

// affected reads the count of a statement's result.
func affected(result sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// sortedKeys gives a map's keys in one order, so that rows are locked in one order.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// compareInts compares pairs one after the other: a with b, then the next two.
func compareInts(pairs ...int64) int {
	for i := 0; i+1 < len(pairs); i += 2 {
		if c := cmp.Compare(pairs[i], pairs[i+1]); c != 0 {
			return c
		}
	}
	return 0
}

// auditPlace is where ids of timeOrderedID begin that were made at an instant or later.
func auditPlace(us int64) string { return fmt.Sprintf("%016x", uint64(us)) } //nolint:gosec // as in timeOrderedID

// timeOrderedID makes an id that sorts by time and never comes twice.
func timeOrderedID(now int64) (string, error) {
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", fmt.Errorf("make an id: %w", err)
	}
	return fmt.Sprintf("%016x%x", uint64(now), random), nil //nolint:gosec // the clock is past 1970
}
