package importer

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"upline.dev/upline/server/admin"
)

// people shows what of a file's people matters here.
func people(t *testing.T, text, encoding string) (*Table, []string, error) {
	t.Helper()
	table, specs, err := Distributors(strings.NewReader(text), encoding)
	shown := make([]string, 0, len(specs))
	for _, s := range specs {
		shown = append(shown, fmt.Sprintf("%s<%s %s", s.DistributorID, s.SponsorID, s.Name))
	}
	return table, shown, err
}

func utf16(t *testing.T, order unicode.Endianness, mark unicode.BOMPolicy, text string) string {
	t.Helper()
	out, err := unicode.UTF16(order, mark).NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEncodingsSeparatorsAndHeaders(t *testing.T) {
	t.Parallel()
	const plain = "distributor_id,sponsor_id,name\nA,,Zoë\nB,A,Jürg\n"
	latin, err := charmap.Windows1252.NewEncoder().String(plain)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, encoding string }{
		"plain":                 {plain, ""},
		"byte order mark":       {"\xEF\xBB\xBF" + plain, "utf-8"},
		"mark against the flag": {"\xEF\xBB\xBF" + plain, "windows-1252"},
		"crlf":                  {strings.ReplaceAll(plain, "\n", "\r\n"), ""},
		"lone cr":               {strings.ReplaceAll(plain, "\n", "\r"), ""},
		"no last newline":       {strings.TrimSuffix(plain, "\n"), ""},
		"blank lines":           {strings.ReplaceAll(plain, "\n", "\n\n,,\n"), ""},
		"utf-16le with mark":    {utf16(t, unicode.LittleEndian, unicode.UseBOM, plain), ""},
		"utf-16be with mark":    {utf16(t, unicode.BigEndian, unicode.UseBOM, plain), ""},
		"utf-16le by name":      {utf16(t, unicode.LittleEndian, unicode.IgnoreBOM, plain), "UTF-16LE"},
		"utf-16be by name":      {utf16(t, unicode.BigEndian, unicode.IgnoreBOM, plain), "utf-16be"},
		"windows-1252":          {latin, "windows-1252"},
		"semicolon":             {strings.ReplaceAll(plain, ",", ";"), ""},
		"tab":                   {strings.ReplaceAll(plain, ",", "\t"), ""},
		"excel's first line":    {"sep=;\r\n" + strings.ReplaceAll(plain, ",", ";"), ""},
		"headers":               {strings.Replace(plain, "distributor_id,sponsor_id,name", `"Distributor, ID", Sponsor-Id ,NAME`, 1), ""},
		"other order":           {"Name,Sponsor ID,Shoe,Member ID\nZoë,,44,A\nJürg,A,45,B\n", ""},
		"extra empty cells":     {strings.ReplaceAll(plain, "\n", ",\n"), ""},
		"trailing separators":   {"distributor_id,sponsor_id,name\nA,,Zoë,,\nB,A,Jürg, \n", ""},
		"quotes":                {"distributor_id,sponsor_id,name\n\"A\",\"\",Zoë\n\"B\",A,\"Jürg\"\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table, got, err := people(t, c.text, c.encoding)
			if err != nil || len(table.Faults) > 0 {
				t.Fatalf("%v %v", err, table.Faults)
			}
			if diff := cmp.Diff([]string{"A< Zoë", "B<A Jürg"}, got); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func TestCellsWithSeparatorsNewlinesAndApostrophes(t *testing.T) {
	t.Parallel()
	table, specs, err := Distributors(strings.NewReader(
		"distributor_id,sponsor_id,name,codes\nA,,\"Rossi, Ada\r\nof \"\"Rome\"\"\",ADA1|ADA2 ADA3\nB,'-,'=B,\nC,A,,-\n"), "")
	if err != nil || len(table.Faults) > 0 {
		t.Fatal(err, table)
	}
	want := []admin.DistributorSpec{
		{DistributorID: "A", Name: "Rossi, Ada\nof \"Rome\"", Codes: []string{"ADA1", "ADA2", "ADA3"}},
		{DistributorID: "B", SponsorID: "-", Name: "=B"},
		{DistributorID: "C", SponsorID: "A", Codes: []string{}},
	}
	if diff := cmp.Diff(want, specs); diff != "" {
		t.Fatal(diff)
	}
	if lines := []int{table.Rows[0].Line, table.Rows[1].Line, table.Rows[2].Line}; !slices.Equal(lines, []int{2, 4, 5}) {
		t.Fatalf("lines %v", lines)
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, encoding, want string }{
		"empty":            {"", "", "the file is empty"},
		"only blank":       {"\n\n", "", "the file is empty"},
		"header only":      {"distributor_id,sponsor_id\n", "", "column names and no rows"},
		"missing column":   {"distributor_id,name\nA,B\n", "", "line 1: column sponsor_id is missing; found distributor_id, name"},
		"doubled column":   {"id,member_id,sponsor_id\nA,A,\n", "", `line 1: columns "id" and "member_id" both mean distributor_id`},
		"utf-16 unmarked":  {utf16(t, unicode.LittleEndian, unicode.IgnoreBOM, "distributor_id,sponsor_id\nA,\n"), "", "looks like UTF-16"},
		"unknown encoding": {"a", "morse", `encoding "morse" is not known: use iso-8859-1, iso-8859-15, utf-16,`},
		"header's quotes":  {"\"distributor_id,sponsor_id\nA,\n", "", "line 1: the names of the columns cannot be read"},
		"no text at all":   {strings.Repeat("\x00", 100), "", "looks like UTF-16"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, _, err := people(t, c.text, c.encoding); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestRowsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for row, want := range map[string]string{
		"A":              "line 3: 1 cells under 3 columns",
		"A,,x,y":         "line 3: 4 cells under 3 columns",
		"A,,\xff":        "line 3: a character cannot be read",
		"A,,\uFFFD":      "line 3: a character cannot be read",
		"A,,a\x00b":      "line 3: holds a NUL byte",
		"A,,5\" ruler":   "line 3: bare \" in non-quoted-field: check the quotes",
		"A,,\"open":      "line 3: extraneous or missing \" in quoted-field: check the quotes",
		"1.2E+15,,":      "line 3, distributor_id: \"1.2E+15\" is a number that a spreadsheet has shortened",
		"A,'B,":          "line 3, sponsor_id: \"'B\" begins with an apostrophe",
		"#REF!,,":        "line 3, distributor_id: \"#REF!\" is a spreadsheet's error",
		"A,1\u00a0E+3 ,": "",
	} {
		t.Run(row, func(t *testing.T) {
			t.Parallel()
			table, got, err := people(t, "distributor_id,sponsor_id,name\nOK,,\n"+row+"\n", "")
			if err != nil {
				t.Fatal(err)
			}
			if want == "" {
				if len(table.Faults) != 0 {
					t.Fatal(table.Faults)
				}
				return
			}
			if len(table.Faults) != 1 || !strings.HasPrefix(table.Faults[0].Error(), want) {
				t.Fatalf("got %v, want %q", table.Faults, want)
			}
			if len(got) != 1 {
				t.Fatalf("rows %v", got)
			}
		})
	}
}

func TestRowLimit(t *testing.T) {
	t.Parallel()
	text := "distributor_id,sponsor_id\n" + strings.Repeat("A,\n", MaxRows+1)
	if _, _, err := people(t, text, ""); err == nil || !strings.Contains(err.Error(), "more than 1000000 rows: split it") {
		t.Fatal(err)
	}
}

func TestFaultsAreBounded(t *testing.T) {
	t.Parallel()
	table, _, err := people(t, "distributor_id,sponsor_id\n"+strings.Repeat("A\n", MaxFaults+5), "")
	if err != nil || len(table.Faults) != MaxFaults {
		t.Fatal(err, len(table.Faults))
	}
}

// TestFaultFile: no cell of it is a formula, and the mended rows read as they were written.
func TestFaultFile(t *testing.T) {
	t.Parallel()
	cells := []string{"=1+1", "+49 30", "-5", "@SUM(A1)", "\t=x", "  =y", "plain", "it's", "a,\"b\"\nc"}
	var out bytes.Buffer
	header := []string{"=h", "b", "c", "d", "e", "f", "g", "h", "i"}
	if err := WriteFaults(&out, header, []Fault{{Line: 7, Field: "=f", Reason: "-r", Row: cells}}); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, cell := range slices.Concat(rows...) {
		if formula(cell) {
			t.Errorf("%q is a formula", cell)
		}
	}
	table := Table{column: map[string]int{"x": 0}}
	for i, cell := range cells {
		if got := table.Get(Row{Cells: rows[1][3+i:]}, "x"); got != strings.TrimSpace(cell) {
			t.Errorf("%q reads as %q", cell, got)
		}
	}
}

func TestTwinsNameTheirLine(t *testing.T) {
	t.Parallel()
	table, specs, err := Distributors(strings.NewReader("id,sponsor_id\n\nA,\nA,\n"), "")
	if err != nil {
		t.Fatal(err)
	}
	faults, ok := table.FaultsOf(fmt.Errorf("wrapped: %w", admin.CheckDistributors(specs)))
	if !ok || len(faults) != 1 || faults[0].Error() != `line 4, distributor_id: "A" is there twice (first in line 3)` {
		t.Fatal(faults)
	}
	if _, ok := table.FaultsOf(io.EOF); ok {
		t.Fatal("an error of no row has rows")
	}
}

// berlin is where the company of these files has its clocks.
func berlin(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestOrders(t *testing.T) {
	t.Parallel()
	table, orders, err := Orders(strings.NewReader("Order,Date,SKU,Qty,Price,Currency,Ref,distributor_ref,total\n"+
		"A-1,2026-09-01,TEA,02,10.00,,,ADA,\nB-1,2026-09-01T10:00:00+02:00,TEA,1,5,USD,,BEN,4.50\nA-1,,MUG,1,2.5,,,,\n"), "", "custom", "EUR", berlin(t))
	if err != nil || len(table.Faults) > 0 {
		t.Fatal(err, table)
	}
	want := []Order{
		{"A-1", []int{0, 2}, []byte(`{"platform":"custom","platform_order_id":"A-1","order_ts":"2026-08-31T22:00:00Z","currency":"EUR","distributor_ref":"ADA","items":[{"platform_sku":"TEA","qty":2,"unit_price":"10.00"},{"platform_sku":"MUG","qty":1,"unit_price":"2.5"}],"total":"22.50"}`)},
		{"B-1", []int{1}, []byte(`{"platform":"custom","platform_order_id":"B-1","order_ts":"2026-09-01T10:00:00+02:00","currency":"USD","distributor_ref":"BEN","items":[{"platform_sku":"TEA","qty":1,"unit_price":"5"}],"total":"4.50"}`)},
	}
	if diff := cmp.Diff(want, orders); diff != "" {
		t.Fatal(diff)
	}
	fault := table.OrderFault(orders[0], "items[1].platform_sku", "is strange")
	if fault.Error() != "line 4, sku: order A-1: is strange" {
		t.Fatal(fault.Error())
	}
	if fault := table.OrderFault(orders[0], "$", "is strange"); fault.Error() != "line 2: order A-1: is strange" {
		t.Fatal(fault.Error())
	}
	if diff := cmp.Diff([]string{"Ref"}, table.Unused); diff != "" {
		t.Fatal(diff)
	}
}

func TestSKUs(t *testing.T) {
	t.Parallel()
	table, specs, err := SKUs(strings.NewReader("sku,class,cv,platform\nTEA,a,12.5,\nMUG,-,,magento\nCUP,,,\n"), "", "shopify")
	if err != nil || len(table.Faults) != 1 || table.Faults[0].Line != 4 || table.Faults[0].Field != "commission_class" {
		t.Fatal(err, table.Faults)
	}
	want := []admin.MappingSpec{
		{Platform: "shopify", PlatformSKU: "TEA", CommissionClass: "a", CVPerUnit: "12.5"},
		{Platform: "magento", PlatformSKU: "MUG", CommissionClass: "-"},
	}
	if diff := cmp.Diff(want, specs[:2]); diff != "" {
		t.Fatal(diff)
	}
}

// again writes a table as WriteFaults does, without the three columns before.
func again(t *testing.T, table *Table) string {
	t.Helper()
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	for _, cells := range append([][]string{table.Header}, cellsOf(table)...) {
		if err := w.Write(harmless(nil, cells)); err != nil {
			t.Fatal(err)
		}
	}
	w.Flush()
	return out.String()
}

func cellsOf(table *Table) (all [][]string) {
	for _, row := range table.Rows {
		all = append(all, row.Cells)
	}
	return all
}

func seeds(f *testing.F) {
	f.Helper()
	for _, text := range []string{
		"distributor_id,sponsor_id,codes\nA,,X Y\nB,A,-\n", "sep=;\nid;sponsor\nA;'=B\n", "\xff\xfei\x00d\x00", "order_id,order_ts,sku,qty,unit_price\nA,2026-01-31,T,1,2.50\nA,,T,1,1\n",
		"sku,class,cv\nA,a,1\n", "id,sponsor\n\"A\r\nB\",\"\"\"\"\n", "\"", "id,sponsor\n'-,+A\n", "sku;class\r'a;b",
	} {
		f.Add([]byte(text), "")
	}
	f.Add([]byte("id;sponsor\n\xe4;b\n"), "windows-1252")
}

func FuzzDistributors(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, raw []byte, encoding string) {
		table, specs, err := Distributors(bytes.NewReader(raw), encoding)
		if err != nil || len(table.Faults) > 0 {
			return
		}
		_, second, err := Distributors(strings.NewReader(again(t, table)), "")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(specs, second); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzSKUs(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, raw []byte, encoding string) {
		table, specs, err := SKUs(bytes.NewReader(raw), encoding, "shopify")
		if err != nil || len(table.Faults) > 0 {
			return
		}
		_, second, err := SKUs(strings.NewReader(again(t, table)), "", "shopify")
		if diff := cmp.Diff(specs, second); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
	})
}

func FuzzOrders(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, raw []byte, encoding string) {
		table, orders, err := Orders(bytes.NewReader(raw), encoding, "custom", "EUR", berlin(t))
		if err != nil || len(table.Faults) > 0 {
			return
		}
		_, second, err := Orders(strings.NewReader(again(t, table)), "", "custom", "EUR", berlin(t))
		if diff := cmp.Diff(orders, second); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
	})
}
