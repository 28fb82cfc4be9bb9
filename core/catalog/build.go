package catalog

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxReported bounds how many rows one error names.
const maxReported = 1000

// RowError says what is wrong with one mapping.
type RowError struct {
	Row         int // index in the list given to Build
	Platform    string
	PlatformSKU string
	What        string
}

// Error names the row and the fault.
func (e *RowError) Error() string {
	return fmt.Sprintf("mapping %d, SKU %s of %s: %s", e.Row, strconv.Quote(e.PlatformSKU), strconv.Quote(e.Platform), e.What)
}

// Catalog answers what a SKU is as of any instant and any catalogue version. It does not change, so any number of
// readers may share it.
type Catalog struct {
	skus    map[skuKey]sku
	version int64
	rows    int
}

type skuKey struct{ platform, platformSKU string }

// sku holds all rows of one SKU by country, the rows for every country first.
type sku []countryRows

// countryRows are sorted by ValidFrom, then Version. first is the row that counts from the beginning as far as this
// country's rows decide it: the earliest recorded one that maps; -1 where every row is an end.
type countryRows struct {
	country country
	first   int
	rows    []row
}

type row struct {
	validFrom int64
	version   int64
	item      Item // without a CommissionClass: the mapping ends here
}

// Build takes every mapping ever recorded, in any order. A row without a platform or SKU, with an impossible country, a
// volume rule that says two things, or another content than a row of the same SKU, country, ValidFrom and Version is a
// *RowError; all of them are joined, at most 1000. A row that repeats another word for word changes nothing.
func Build(mappings []Mapping) (*Catalog, error) {
	var faults []error
	report := func(i int, what string) {
		if len(faults) < maxReported {
			faults = append(faults, &RowError{i, mappings[i].Platform, mappings[i].PlatformSKU, what})
		}
	}
	for i := range mappings {
		if what := flaw(&mappings[i]); what != "" {
			report(i, what)
		}
	}
	order := sorted(mappings)
	for n := 1; n < len(order); n++ {
		before, this := &mappings[order[n-1]], &mappings[order[n]]
		if samePlace(before, this) && *before != *this {
			report(order[n], fmt.Sprintf("mapping %d says something else for the same country, time and version", order[n-1]))
		}
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("build catalogue: %w", errors.Join(faults...))
	}
	return fill(mappings, order), nil
}

// flaw says what is wrong with a mapping by itself; "" is nothing.
func flaw(m *Mapping) string {
	switch {
	case m.Platform == "" || m.PlatformSKU == "":
		return "its platform or its SKU is missing"
	case m.Country != "" && !isCountry(m.Country):
		return "country " + strconv.Quote(m.Country) + " is not two capital letters"
	case m.CommissionClass != "" && m.SKUID == "":
		return "it maps to no SKU of the program"
	case m.CV.check() != nil:
		return "CV: " + m.CV.check().Error()
	case m.QV.check() != nil:
		return "QV: " + m.QV.check().Error()
	default:
		return ""
	}
}

// sorted gives the indices of the mappings by SKU, country, ValidFrom and Version; equal ones by the rest of the row,
// so that the outcome does not depend on the order of the input.
func sorted(mappings []Mapping) []int {
	order := make([]int, len(mappings))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		a, b := &mappings[i], &mappings[j]
		return cmp.Or(
			strings.Compare(a.Platform, b.Platform),
			strings.Compare(a.PlatformSKU, b.PlatformSKU),
			strings.Compare(a.Country, b.Country),
			cmp.Compare(a.ValidFrom, b.ValidFrom),
			cmp.Compare(a.Version, b.Version),
		)
	})
	return order
}

func samePlace(a, b *Mapping) bool {
	return a.Platform == b.Platform && a.PlatformSKU == b.PlatformSKU && a.Country == b.Country &&
		a.ValidFrom == b.ValidFrom && a.Version == b.Version
}

func fill(mappings []Mapping, order []int) *Catalog {
	c := &Catalog{skus: make(map[skuKey]sku)}
	var rows []row
	for n, i := range order {
		m := &mappings[i]
		c.version = max(c.version, m.Version)
		last := n+1 == len(order)
		if last || !samePlace(m, &mappings[order[n+1]]) {
			rows = append(rows, row{m.ValidFrom, m.Version, Item{m.SKUID, m.CommissionClass, m.CV, m.QV}})
			c.rows++
		}
		if last || !sameCountry(m, &mappings[order[n+1]]) {
			key := skuKey{m.Platform, m.PlatformSKU}
			c.skus[key] = append(c.skus[key], countryRows{countryOf(m.Country), earliest(rows), rows})
			rows = nil
		}
	}
	return c
}

func sameCountry(a, b *Mapping) bool {
	return a.Platform == b.Platform && a.PlatformSKU == b.PlatformSKU && a.Country == b.Country
}

// earliest finds the row recorded first that maps; of several recorded together, the one valid first.
func earliest(rows []row) int {
	first := -1
	for i := range rows {
		if rows[i].item.CommissionClass != "" && (first < 0 || rows[i].version < rows[first].version) {
			first = i
		}
	}
	return first
}
