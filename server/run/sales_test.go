package run

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
)

// TestSpool: what does not fit into memory comes back from the file as it went in, block by block, by several at once.
func TestSpool(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := newSpool(t.TempDir())
		defer s.close()
		s.limit = rapid.SampledFrom([]int{0, 1, salesInBlock, 2*salesInBlock + 5}).Draw(rt, "limit")
		count := rapid.IntRange(0, 3*salesInBlock).Draw(rt, "count")
		sale := rapid.Custom(func(rt *rapid.T) period.Sale {
			number := rapid.Int32()
			figure := rapid.Int64()
			return period.Sale{
				Seller: number.Draw(rt, "seller"), Buyer: number.Draw(rt, "buyer"), Customer: number.Draw(rt, "customer"), Order: number.Draw(rt, "order"),
				Class: rapid.Uint16().Draw(rt, "class"), Country: rapid.Uint16().Draw(rt, "country"), First: rapid.Bool().Draw(rt, "first"),
				At: figure.Draw(rt, "at"), Quantity: figure.Draw(rt, "quantity"), Net: figure.Draw(rt, "net"),
				CV: money.Volume(figure.Draw(rt, "cv")), QV: money.Volume(figure.Draw(rt, "qv")),
			}
		})
		some := rapid.SliceOfN(sale, 1, 5).Draw(rt, "sales")
		for i := range count {
			if err := s.add(&some[i%len(some)]); err != nil {
				rt.Fatal(err)
			}
		}
		if err := s.end(); err != nil {
			rt.Fatal(err)
		}
		blocks := make([][]period.Sale, s.Blocks())
		err := parallel(s.Blocks(), func(i int) error {
			block, err := s.Block(i, nil)
			blocks[i] = block
			return err
		})
		if err != nil {
			rt.Fatal(err)
		}
		at := 0
		for _, block := range blocks {
			for i := range block {
				if diff := cmp.Diff(some[at%len(some)], block[i]); diff != "" {
					rt.Fatalf("sale %d: %s", at, diff)
				}
				at++
			}
		}
		if at != count || s.len() != count {
			rt.Fatalf("%d of %d sales came back", at, count)
		}
	})
}
