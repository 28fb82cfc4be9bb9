package importer_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/server/importer"
)

const history = `order_id,order_ts,distributor_id,customer_id,class,currency,quantity,net,cv,qv
A-1,2025-03-10T10:00:00Z,ADA,C1,goods,EUR,2,200.00,200,150.5
A-1,2025-03-10T10:00:00Z,ADA,C1,kit,EUR,1,0,0,
2,2025-03-11,,,goods,JPY,1,1500,12.25,
`

func TestSales(t *testing.T) {
	t.Parallel()
	table, sales, err := importer.Sales(strings.NewReader(history), "utf-8", time.UTC)
	if err != nil || len(table.Faults) > 0 || len(sales) != 3 {
		t.Fatalf("%v, %v, %d sales", err, table.Faults, len(sales))
	}
	if s := sales[0]; s.NetMinor != 20000 || s.CV.String() != "200" || s.QV.String() != "150.5" || s.Quantity != 2 || s.CustomerID != "C1" {
		t.Errorf("%+v", s)
	}
	if s := sales[2]; s.NetMinor != 1500 || s.QV != s.CV || s.DistributorID != "" {
		t.Errorf("%+v", s)
	}
	for row, field := range map[string]string{
		",2025-03-10,A,,goods,EUR,1,1,1,":      "order_id",
		"1,10.3.2025,A,,goods,EUR,1,1,1,":      "order_ts",
		"1,,A,,goods,EUR,1,1,1,":               "order_ts",
		"1,2025-03-10,A,,,EUR,1,1,1,":          "class",
		"1,2025-03-10,A,,goods,Euro,1,1,1,":    "currency",
		"1,2025-03-10,A,,goods,EUR,1,1.001,1,": "net",
		"1,2025-03-10,A,,goods,EUR,1,1,x,":     "cv",
		"1,2025-03-10,A,,goods,EUR,1.5,1,1,":   "quantity",
		"1,2025-03-10,A,,goods,EUR,1,-1,1,":    "",
	} {
		table, _, err := importer.Sales(strings.NewReader(strings.SplitAfter(history, "\n")[0]+row+"\n"), "utf-8", time.UTC)
		if err != nil || len(table.Faults) != 1 || table.Faults[0].Field != field || table.Faults[0].Line != 2 {
			t.Errorf("%s: %v, %+v, want one fault of %q", row, err, table, field)
		}
	}
}

// FuzzSales: what is read without a fault is written and read again as it was; nothing panics.
func FuzzSales(f *testing.F) {
	f.Add([]byte(history))
	f.Add([]byte("order_id;date;seller_id;class;currency;net;cv\n'=1;2025-03-10;A;x;EUR;1;1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		table, sales, err := importer.Sales(bytes.NewReader(data), "utf-8", time.UTC)
		if err != nil || len(table.Faults) > 0 {
			return
		}
		var out bytes.Buffer
		err = importer.WriteSales(&out, func(fn func(*importer.Sale) error) error {
			for i := range sales {
				if err := fn(&sales[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		table, again, err := importer.Sales(&out, "utf-8", time.UTC)
		if err != nil || len(table.Faults) > 0 {
			t.Fatalf("what was written is not read: %v, %+v", err, table)
		}
		if diff := cmp.Diff(sales, again); diff != "" {
			t.Fatal(diff)
		}
	})
}
