package demo

import (
	"math/rand/v2"
	"slices"
	"time"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
)

// customer buys in one store, from one distributor or from the company itself.
type customer struct {
	id     int64
	store  admin.Store
	seller *admin.DistributorSpec // nil: nobody's
}

// sale is one order as the generator thinks of it.
type sale struct {
	number   int
	customer customer
	store    admin.Store
	at       time.Time
	opening  bool   // the customer's first order
	how      string // "code", "cart", "landing", or "" for a customer who is known by now
	ref      string // what the buyer brought; differs from the seller's codes where it is mistyped
	items    []item
	discount int64 // minor units over all items, by code
	fate     fate
}

type item struct {
	product  product
	quantity int64
}

// fate is what becomes of an order.
type fate int

const (
	paid          fate = iota
	refunded           // paid, then the first line comes back
	paidLate           // by bank transfer, some days after
	unpaid             // and still waiting
	cancelled          // before it was paid
	newProduct         // with a SKU that nobody has mapped yet
	mistyped           // with a reference that names nobody
	otherCurrency      // as a store says it whose currency was changed
	wrongTotals        // figures that do not add up
	cutOff             // a body that ends in the middle
)

// fates of a thousand orders that are not a customer's first; the rest is paid.
func fates() []struct {
	fate     fate
	thousand int
} {
	return []struct {
		fate     fate
		thousand int
	}{{refunded, 60}, {paidLate, 14}, {unpaid, 7}, {cancelled, 10}, {newProduct, 6}, {mistyped, 4}, {otherCurrency, 2}, {wrongTotals, 2}, {cutOff, 1}}
}

// makeCustomers gives early joiners more customers, and every customer the store of the seller's region.
func (c *Company) makeCustomers(dice *rand.Rand) []customer {
	customers := make([]customer, customerCount)
	for i := range customers {
		cu := customer{id: 7_000_000_000 + int64(i), store: c.Stores[dice.IntN(3)]}
		if dice.IntN(100) < 96 {
			cu.seller = &c.People[min(dice.IntN(peopleCount), dice.IntN(peopleCount))]
			cu.store = c.storeFor(cu.seller.Country, dice)
		}
		customers[i] = cu
	}
	return customers
}

func (c *Company) storeFor(country string, dice *rand.Rand) admin.Store {
	switch {
	case country == "US":
		return c.Stores[1]
	case country == "JP":
		return c.Stores[2]
	case dice.IntN(100) < 15:
		return c.Stores[3]
	}
	return c.Stores[0]
}

// sales makes the orders of the three months in the order of time. The company grows: each month sells more.
func (c *Company) sales() []sale {
	dice := random(2)
	customers := c.makeCustomers(dice)
	var sales []sale
	for month, count := range []int{1080, 1180, 1340} {
		begin := First.AddDate(0, month, 0)
		days := int(begin.AddDate(0, 1, 0).Sub(begin).Hours()) / 24
		for range count {
			at := begin.AddDate(0, 0, dice.IntN(days)).Add(time.Duration(6*3600+dice.IntN(15*3600)) * time.Second)
			cu := customers[min(dice.IntN(customerCount), dice.IntN(customerCount))] // some buy often
			sales = append(sales, sale{customer: cu, store: cu.store, at: at})
		}
	}
	slices.SortStableFunc(sales, func(a, b sale) int { return a.at.Compare(b.at) })
	c.openWithDepth(sales)
	seen := map[int64]bool{}
	for i := range sales {
		s := &sales[i]
		s.number, s.opening = 1001+i, !seen[s.customer.id]
		seen[s.customer.id] = true
		c.fill(s, dice)
	}
	return sales
}

// exampleDepth is how many uplines the first order pays through: enough to show all levels of the plan.
const exampleDepth = 6

// openWithDepth makes a Shopify order of somebody deep in the tree the first one, #1001: the example of all pages.
func (c *Company) openWithDepth(sales []sale) {
	i := slices.IndexFunc(sales, func(s sale) bool {
		return s.store.StoreID == "lumina-eu" && s.customer.seller != nil && c.depth(s.customer.seller) >= exampleDepth
	})
	sales[0].at, sales[i].at = sales[i].at, sales[0].at
	sales[0], sales[i] = sales[i], sales[0]
}

// depth is how many uplines somebody has.
func (c *Company) depth(d *admin.DistributorSpec) int {
	sponsors := map[string]string{}
	for _, p := range c.People {
		sponsors[p.DistributorID] = p.SponsorID
	}
	depth := 0
	for id := d.SponsorID; id != ""; id = sponsors[id] {
		depth++
	}
	return depth
}

// fill puts goods, the distributor's reference and a fate into an order.
func (c *Company) fill(s *sale, dice *rand.Rand) {
	for range 1 + dice.IntN(3) {
		s.items = append(s.items, item{product: c.pickProduct(dice), quantity: 1 + int64(min(dice.IntN(3), dice.IntN(3)))})
	}
	if !s.opening {
		roll := dice.IntN(1000)
		for _, f := range fates() {
			if roll -= f.thousand; roll < 0 {
				s.fate = f.fate
				break
			}
		}
	}
	if s.customer.seller != nil && (s.opening || s.fate == mistyped || dice.IntN(100) < 60) {
		s.ref, s.how = s.customer.seller.Codes[0], []string{"code", "cart", "landing"}[dice.IntN(3)]
	}
	c.apply(s)
	if s.how == "code" && s.store.Platform == order.Shopify {
		s.discount = s.total() / 10
	}
}

// apply makes the fates that show in the order itself; where one does not fit the store, the order is simply paid.
func (c *Company) apply(s *sale) {
	onShopify := s.store.Platform == order.Shopify
	switch {
	case s.fate == newProduct:
		old := s.items[0].product
		s.items[0].product = product{sku: "SKIN-13", name: "Peptide Mask (new)", line: old.line, price: old.price}
	case s.fate == mistyped && s.ref != "":
		s.how, s.ref = "cart", s.ref+"X"
	case s.fate == mistyped, !onShopify && s.fate != unpaid:
		s.fate = paid
	}
}

func (c *Company) pickProduct(dice *rand.Rand) product {
	for {
		p := c.products[dice.IntN(len(c.products))]
		if dice.IntN(40) < p.line.weight {
			return p
		}
	}
}

func (s sale) total() int64 {
	var sum int64
	for _, it := range s.items {
		sum += it.amount(s.store.Currency)
	}
	return sum
}

func (it item) amount(currency money.Currency) int64 { return it.quantity * it.product.price[currency] }

// discountShares spreads the code's discount over the lines as Shopify does: in proportion.
func (s sale) discountShares() []int64 {
	weights := make([]int64, len(s.items))
	for i, it := range s.items {
		weights[i] = it.amount(s.store.Currency)
	}
	shares, err := money.Allocate(s.discount, weights)
	if err != nil {
		panic("share demo discount: " + err.Error()) // prices are positive
	}
	return shares
}
