package store

import (
	"cmp"
	"database/sql"
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
