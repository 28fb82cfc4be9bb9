package pipeline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
)

// Sale is what one line of an order counts for in periods, or by how much that changed. Its texts and its time are its
// identity: what was recorded under another identity is taken back, and counts under the new one.
type Sale struct {
	LineID          string
	SellerID        string // "": the company's own sale
	BuyerID         string // the buying distributor; "" for a customer
	CustomerID      string // "store_id/platform customer id"; "" where the platform named none
	CommissionClass string
	Country         string // of the delivery; "" where it is not known
	Currency        money.Currency
	OrderTS         int64 // microseconds since 1970 UTC
	Quantity        int64
	NetMinor        int64
	CV, QV          money.Volume
}

// compare orders sales by identity.
func (s *Sale) compare(o *Sale) int {
	return cmp.Or(strings.Compare(s.LineID, o.LineID), strings.Compare(s.SellerID, o.SellerID), strings.Compare(s.BuyerID, o.BuyerID),
		strings.Compare(s.CustomerID, o.CustomerID), strings.Compare(s.CommissionClass, o.CommissionClass),
		strings.Compare(s.Country, o.Country), strings.Compare(string(s.Currency), string(o.Currency)), cmp.Compare(s.OrderTS, o.OrderTS))
}

// empty reports that nothing is left to count.
func (s *Sale) empty() bool { return s.Quantity == 0 && s.NetMinor == 0 && s.CV == 0 && s.QV == 0 }

// add counts sign times other onto the figures.
func (s *Sale) add(other *Sale, sign int64) error {
	for _, f := range [...]struct {
		into  *int64
		value int64
	}{
		{&s.Quantity, other.Quantity},
		{&s.NetMinor, other.NetMinor},
		{(*int64)(&s.CV), int64(other.CV)},
		{(*int64)(&s.QV), int64(other.QV)},
	} {
		value, err := money.Mul(f.value, sign)
		if err != nil {
			return err
		}
		if *f.into, err = money.Add(*f.into, value); err != nil {
			return err
		}
	}
	return nil
}

// salesOf is what an order counts for: the lines its commission was calculated from.
func salesOf(o order.Order, in *commission.Input) []Sale {
	sales := make([]Sale, 0, len(in.Lines))
	customer := ""
	if o.BuyerID != "" {
		customer = o.Source.StoreID + "/" + o.BuyerID
	}
	for i := range in.Lines {
		line := &in.Lines[i]
		sales = append(sales, Sale{
			LineID: line.LineID, SellerID: in.Attribution.DistributorID, BuyerID: in.Buyer, CustomerID: customer,
			CommissionClass: line.CommissionClass, Country: o.Country, Currency: in.Currency, OrderTS: in.OrderTS,
			Quantity: line.Quantity, NetMinor: line.NetMinor, CV: line.CV, QV: line.QV,
		})
	}
	return sales
}

// saleChanges is what has to be recorded so that what is recorded becomes what is wanted: the same convergence as that
// of postings. Equal states give nothing.
func saleChanges(recorded, want []Sale) ([]Sale, error) {
	type entry struct {
		sale Sale
		sign int64
	}
	all := make([]entry, 0, len(recorded)+len(want))
	for _, s := range recorded {
		all = append(all, entry{s, -1})
	}
	for _, s := range want {
		all = append(all, entry{s, 1})
	}
	slices.SortStableFunc(all, func(a, b entry) int { return a.sale.compare(&b.sale) })
	var changes []Sale
	for i := 0; i < len(all); {
		sum := all[i].sale
		sum.Quantity, sum.NetMinor, sum.CV, sum.QV = 0, 0, 0, 0
		for ; i < len(all) && all[i].sale.compare(&sum) == 0; i++ {
			if err := sum.add(&all[i].sale, all[i].sign); err != nil {
				return nil, fmt.Errorf("line %s as a sale: %w", sum.LineID, err)
			}
		}
		if !sum.empty() {
			changes = append(changes, sum)
		}
	}
	return changes, nil
}
