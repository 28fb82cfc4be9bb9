package adaptertest

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"upline.dev/upline/adapters"
)

// badAmounts are what must never become money. Exponents are refused too: no platform writes them, and 1e400 is one.
var badAmounts = []string{
	`1e400`, `-1e400`, `"1e400"`, `1e2`, `NaN`, `"NaN"`, `Infinity`, `"Infinity"`, `"-Inf"`, `-1`, `"-1"`, `"-0.01"`,
	`9223372036854775808`, `"9223372036854775808"`, `99999999999999999999999999`, `"0x10"`, `"1,50"`, `"1 000"`, `"1_000"`, `"１２"`,
	`".5"`, `"5."`, `"1.2.3"`, `""`, `" "`, `"12.34567"`, `true`, `{}`, `[]`, `["1"]`, `{"amount":"1"}`, `"example string"`, `"1\u0000"`,
}

// badAmounts are those of the platform: where it tells amounts before rounding, five decimals are no fault but seven are.
func (s suite) badAmounts() []string {
	bad := slices.Clone(badAmounts)
	if s.cases.Unrounded {
		bad[slices.Index(bad, `"12.34567"`)] = `"12.3456789"`
	}
	return bad
}

// badIDs are what must never become the name of an order.
var badIDs = []string{`1.5`, `-1`, `1e3`, `1e400`, `true`, `{}`, `[]`, `[1]`, `null`, `""`}

// hostility replaces parts of genuine bodies, and sends bodies that are no JSON at all.
func hostility(t *testing.T, s suite) {
	need(t, "Spots", len(s.cases.Spots))
	for _, spot := range s.cases.Spots {
		for _, bad := range s.badAmounts() {
			s.refused(t, spot.Name+", amount "+bad, replaced(t, spot.Delivery, spot.Amount, member(t, spot.Amount)+":"+bad))
		}
		s.refused(t, spot.Name+", amount of 10 MB", replaced(t, spot.Delivery, spot.Amount, member(t, spot.Amount)+`:"`+strings.Repeat("9", 10<<20)+`"`))
		s.refused(t, spot.Name+", long amount", replaced(t, spot.Delivery, spot.Amount, member(t, spot.Amount)+`:"`+strings.Repeat("9", 10<<10)+`"`))
		for _, bad := range append(badIDs, strings.Repeat("9", 300)) {
			s.refused(t, spot.Name+", id "+bad, replaced(t, spot.Delivery, spot.ID, member(t, spot.ID)+":"+bad))
		}
		s.shapes(t, spot)
	}
}

// shapes breaks the JSON itself.
func (s suite) shapes(t *testing.T, spot Spot) {
	t.Helper()
	body := bytes.TrimSpace(spot.Body)
	with := func(first string) Delivery {
		d := spot.Delivery
		d.Body = append([]byte("{"+first+","), body[1:]...)
		return d
	}
	whole := func(text string) Delivery {
		d := spot.Delivery
		d.Body = []byte(text)
		return d
	}
	cases := map[string]Delivery{
		"id given twice":              replaced(t, spot.Delivery, spot.ID, spot.ID+","+spot.ID),
		"unknown member given twice":  with(`"zz":1,"zz":2`),
		"amount given twice":          replaced(t, spot.Delivery, spot.Amount, spot.Amount+","+spot.Amount),
		"invalid UTF-8 in a value":    with(`"zz":"` + "\xff\xfe" + `"`),
		"invalid UTF-8 in a name":     with(`"z` + "\xc3" + `":1`),
		"half a surrogate":            with(`"zz":"\ud800"`),
		"control character":           with("\"zz\":\"a\x01b\""),
		"nested lists":                with(`"zz":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)),
		"nested objects":              with(`"zz":` + strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000)),
		"nested lists, open":          whole(strings.Repeat("[", 1_000_000)),
		"nested objects, open":        whole(strings.Repeat(`{"a":`, 1_000_000)),
		"a string of 10 MB":           with(`"zz":"` + strings.Repeat("x", 10<<20) + `"`),
		"a number of 10 MB":           with(`"zz":` + strings.Repeat("9", 10<<20)),
		"a name of 10 MB":             with(`"` + strings.Repeat("z", 10<<20) + `":1`),
		"ten million spaces":          whole(strings.Repeat(" ", 10<<20)),
		"text after the object":       whole(string(body) + "{}"),
		"a comma too many":            whole(string(body[:len(body)-1]) + ",}"),
		"a byte order mark":           whole("\ufeff" + string(body)),
		"nothing":                     whole(""),
		"null":                        whole("null"),
		"a list":                      whole("[" + string(body) + "]"),
		"a number":                    whole("1e400"),
		"a string":                    whole(`"` + strings.Repeat("x", 1000) + `"`),
		"an empty object":             whole("{}"),
		"not JSON":                    whole("<order/>"),
		"form data":                   whole("id=1&price=2"),
		"zero bytes":                  whole(strings.Repeat("\x00", 1000)),
		"a body above the size limit": whole(string(body) + strings.Repeat(" ", adapters.MaxBodyBytes)),
	}
	for name, d := range cases {
		s.refused(t, spot.Name+", "+name, d)
	}
}
