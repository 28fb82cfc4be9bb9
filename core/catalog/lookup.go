package catalog

// country is an ISO 3166-1 alpha-2 code packed into a number; 0 is every country.
type country uint16

// countryOf packs a code, in capitals or not. Anything else than two letters is a country without a row of its own.
func countryOf(code string) country {
	if len(code) != 2 {
		return 0
	}
	return country(upper(code[0]))<<8 | country(upper(code[1]))
}

func upper(letter byte) byte {
	if 'a' <= letter && letter <= 'z' {
		return letter - 'a' + 'A'
	}
	return letter
}

func isCountry(code string) bool {
	return len(code) == 2 && 'A' <= code[0] && code[0] <= 'Z' && 'A' <= code[1] && code[1] <= 'Z'
}

// Version is the greatest catalogue version recorded; 0 for an empty catalogue.
func (c *Catalog) Version() int64 { return c.version }

// Len is the number of mappings.
func (c *Catalog) Len() int { return c.rows }

// Lookup is what a SKU is for a country at an instant (microseconds since 1970 UTC), as far as recorded up to version.
//
// Among the rows of the country the one with the greatest ValidFrom at or before the instant counts, of several the
// greatest Version; a row that ends the mapping, or none, leaves it to the rows for every country. The first mapping
// of a SKU also counts from the beginning, so that orders which waited for it are released: it answers where no row
// was valid yet. "First" is the lowest version among the rows that apply to the country; the country's own goes first.
//
// Without an answer the error is *Unmapped. That is also so when the SKU was mapped only after version: an order that
// waited for a mapping is pinned to the catalogue version that has it.
func (c *Catalog) Lookup(platform, platformSKU, countryCode string, at, version int64) (Item, error) {
	var own, every *countryRows
	where := countryOf(countryCode)
	all := c.skus[skuKey{platform, platformSKU}]
	for i := range all {
		switch all[i].country {
		case 0:
			every = &all[i]
		case where:
			own = &all[i]
		}
	}
	ownRow, ownEnded := own.at(at, version)
	if ownRow != nil {
		return ownRow.item, nil
	}
	everyRow, everyEnded := every.at(at, version)
	if everyRow != nil {
		return everyRow.item, nil
	}
	ownFirst, everyFirst := own.firstRow(version), every.firstRow(version)
	if ownFirst != nil && !ownEnded && (everyFirst == nil || ownFirst.version <= everyFirst.version) {
		return ownFirst.item, nil
	}
	if everyFirst != nil && !everyEnded && (ownFirst == nil || everyFirst.version <= ownFirst.version) {
		return everyFirst.item, nil
	}
	return Item{}, &Unmapped{Platform: platform, PlatformSKU: platformSKU}
}

// at is the row that counts; nil with ended set when that row ends the mapping.
func (r *countryRows) at(at, version int64) (counts *row, ended bool) {
	if r == nil {
		return nil, false
	}
	for i := len(r.rows) - 1; i >= 0; i-- {
		if r.rows[i].validFrom > at || r.rows[i].version > version {
			continue
		}
		if r.rows[i].item.CommissionClass == "" {
			return nil, true
		}
		return &r.rows[i], false
	}
	return nil, false
}

// firstRow is the earliest recorded mapping, if it was recorded by version.
func (r *countryRows) firstRow(version int64) *row {
	if r == nil || r.first < 0 || r.rows[r.first].version > version {
		return nil
	}
	return &r.rows[r.first]
}
