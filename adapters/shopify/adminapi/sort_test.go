package adminapi

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// resultLines are the lines that a bulk result has of one order.
func resultLines(number, items int) []string {
	lines := make([]string, 2+2*items)
	for i := range lines {
		lines[i] = resultLine(number, i)
	}
	return lines
}

// resultLine is the order, its agreement, or by turns a line item and its sale.
func resultLine(number, i int) string {
	const money = `{"shopMoney":{"amount":"12.00","currencyCode":"EUR"}}`
	switch {
	case i == 0:
		return fmt.Sprintf(`{"__typename":"Order","id":"gid://shopify/Order/%d","name":"#%d","createdAt":"2026-11-20T10:00:00Z",`+
			`"processedAt":"2026-11-20T10:00:00Z","updatedAt":"2026-11-20T10:00:01Z","currencyCode":"EUR","taxesIncluded":true,`+
			`"displayFinancialStatus":"PAID","totalPriceSet":%s,"refunds":[]}`, number, number, money)
	case i == 1:
		return fmt.Sprintf(`{"__typename":"OrderAgreement","id":"gid://shopify/OrderAgreement/%d","__parentId":"gid://shopify/Order/%d"}`, number, number)
	case i%2 == 0:
		return fmt.Sprintf(`{"__typename":"LineItem","id":"gid://shopify/LineItem/%d","sku":"SERUM-30","quantity":1,"currentQuantity":1,"originalUnitPriceSet":%s,`+
			`"discountAllocations":[{"allocatedAmountSet":%s}],"taxLines":[{"priceSet":%s}],"__parentId":"gid://shopify/Order/%d"}`, number*100+i, money, money, money, number)
	}
	return fmt.Sprintf(`{"__typename":"ProductSale","id":"gid://shopify/Sale/%d","lineType":"PRODUCT","totalAmount":%s,"totalTaxAmount":%s,`+
		`"__parentId":"gid://shopify/OrderAgreement/%d"}`, number*100+i, money, money, number)
}

// TestSorterTakesAnyOrder cuts a result into any lines order and any writes, and gets every order whole.
func TestSorterTakesAnyOrder(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		var lines []string
		count := rapid.IntRange(1, 5).Draw(t, "orders")
		for n := range count {
			lines = append(lines, resultLines(n+1, n)...)
		}
		text := strings.Join(rapid.Permutation(lines).Draw(t, "lines"), "\n")
		if rapid.Bool().Draw(t, "ends") {
			text += "\n"
		}
		s, err := newSorter(folder, rapid.SampledFrom([]int{0, 9000, 90000}).Draw(t, "objects"))
		if err != nil {
			t.Fatalf("make a sorter: %v", err)
		}
		defer s.Close()
		for len(text) > 0 {
			n := min(len(text), rapid.IntRange(1, 700).Draw(t, "bytes"))
			if _, err := s.Write([]byte(text[:n])); err != nil {
				t.Fatalf("write: %v", err)
			}
			text = text[n:]
		}
		seen := map[string]bool{}
		err = s.each(func(o *BulkOrder) error {
			_, number, _ := splitID(o.Id)
			if items := int(number) - 1; len(o.Lines) != items || len(o.Sales) != items || seen[o.Id] {
				return fmt.Errorf("%s has %d lines and %d sales", o.Id, len(o.Lines), len(o.Sales))
			}
			seen[o.Id] = true
			return nil
		})
		if err != nil || len(seen) != count {
			t.Fatalf("%d of %d orders: %v", len(seen), count, err)
		}
	})
}

func TestSorterRefuses(t *testing.T) {
	t.Parallel()
	whole := resultLines(7, 1)
	for name, c := range map[string]struct{ text, part string }{
		"no JSON":              {"{", "no JSON object"},
		"no id":                {`{"__typename":"Order"}`, "no global id"},
		"a foreign id":         {`{"__typename":"Order","id":"gid://evil/Order/1"}`, "no global id"},
		"a negative id":        {`{"__typename":"Order","id":"gid://shopify/Order/-1"}`, "no global id"},
		"no order":             {whole[2], "but not the order"},
		"no agreement":         {whole[0] + "\n" + whole[3], "without its agreement"},
		"two owners":           {whole[1] + "\n" + strings.Replace(whole[1], "Order/7", "Order/8", 1), "to the orders 7 and 8"},
		"an unknown kind":      {`{"__typename":"Moon","id":"gid://shopify/Moon/1","__parentId":"gid://shopify/Order/7"}`, "unknown kind"},
		"another kind of data": {strings.Replace(whole[0], `"PAID"`, `7`, 1), "read a line"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := newSorter(t.TempDir(), 10)
			if err != nil {
				t.Fatalf("make a sorter: %v", err)
			}
			defer s.Close()
			_, err = io.WriteString(s, c.text+"\n")
			if err == nil {
				err = s.each(func(*BulkOrder) error { return nil })
			}
			if err == nil || !strings.Contains(err.Error(), c.part) {
				t.Errorf("got %v, want %q", err, c.part)
			}
		})
	}
	s, err := newSorter(t.TempDir(), 10)
	if err != nil {
		t.Fatalf("make a sorter: %v", err)
	}
	folder := s.folder
	if _, err := s.Write(make([]byte, maxLineBytes+1)); err == nil || s.failed == nil {
		t.Errorf("an endless line is taken: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
}

// FuzzSorter takes any bytes without a panic.
func FuzzSorter(f *testing.F) {
	f.Add([]byte(strings.Join(resultLines(3, 2), "\n")))
	f.Add([]byte("{}\n\n[1]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := newSorter(t.TempDir(), 10)
		if err != nil {
			t.Fatalf("make a sorter: %v", err)
		}
		defer s.Close()
		if _, err := s.Write(text); err == nil {
			_ = s.each(func(*BulkOrder) error { return nil }) // an error is an answer
		}
	})
}

// sortMany sorts so many lines, the children of all orders before their parents, and gives the highest memory in use, in
// bytes, and how many orders came out.
func sortMany(t testing.TB, lines int) (peak uint64, orders int) {
	t.Helper()
	const items = 4 // 10 lines an order
	s, err := newSorter(t.TempDir(), lines)
	if err != nil {
		t.Fatalf("make a sorter: %v", err)
	}
	var highest atomic.Uint64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			highest.Store(max(highest.Load(), m.HeapInuse+m.StackInuse))
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	for kind := 9; kind >= 0; kind-- {
		for n := range lines / 10 {
			if _, err := io.WriteString(s, resultLine(n+1, kind)+"\n"); err != nil {
				t.Fatalf("write: %v", err)
			}
		}
	}
	err = s.each(func(o *BulkOrder) error {
		if len(o.Lines) != items || len(o.Sales) != items {
			return fmt.Errorf("%s has %d lines and %d sales", o.Id, len(o.Lines), len(o.Sales))
		}
		orders++
		return nil
	})
	close(stop)
	<-stopped
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatalf("sort: %v", err)
	}
	return highest.Load(), orders
}

// memoryMax is what sorting a result may use, however long the result is.
const memoryMax = 200 << 20

func TestSorterMemory(t *testing.T) {
	peak, orders := sortMany(t, 40_000)
	if peak > memoryMax || orders != 4_000 {
		t.Errorf("%d orders with %d MB", orders, peak>>20)
	}
}

// BenchmarkSortMillionLines is the figure of docs/benchmarks.md.
func BenchmarkSortMillionLines(b *testing.B) {
	for b.Loop() {
		peak, orders := sortMany(b, 1_000_000)
		if peak > memoryMax || orders != 100_000 {
			b.Fatalf("%d orders with %d MB", orders, peak>>20)
		}
		b.ReportMetric(float64(peak>>20), "peak-MB")
	}
}
