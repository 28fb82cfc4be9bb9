package commission

import (
	"cmp"
	"slices"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// won is one line of a new customer's first order.
type won struct {
	seller, customer int32
	lost             bool // all of it came back after it was counted in an earlier period
	cv               int64
}

// customerAcquisition pays an amount for each customer who ordered for the first time. A first order of which nothing
// is left wins nobody, nor does one with less CV than asked for. With bands the number won decides the amount of each,
// from the first customer on. Distributors are no customers. A first order that was counted in an earlier period and of which
// nothing is left now takes its customer back.
func (c *closing) customerAcquisition(index int) error {
	customers, err := c.customersWon(index)
	if err != nil {
		return err
	}
	var least int64
	if text := c.plan.Components[index].AcquisitionTerms.MinCV; text != "" {
		volume, err := money.ParseVolume(text)
		if err != nil {
			return err
		}
		least = int64(volume)
	}
	count := make([]int64, c.world.People.Count)
	for _, customer := range customers {
		switch {
		case customer.lost && -customer.cv >= least:
			count[customer.seller]--
		case !customer.lost && customer.cv >= least:
			count[customer.seller]++
		}
	}
	for person, number := range count {
		if number == 0 {
			continue
		}
		row, amount, note, err := c.perCustomer(index, int32(person), number)
		if err != nil {
			return err
		}
		if amount != 0 {
			c.award(index, int32(person), Term{
				Row: row, Base: number, Rate: plan.Ratio{Num: amount, Den: 1}, Money: true, Note: note,
			})
		}
	}
	return nil
}

// customersWon are the new customers with the CV of their first order, by seller and customer.
func (c *closing) customersWon(index int) ([]won, error) {
	var lane [lanes][]won
	err := c.paidSales(index, func(i int, sale *period.Sale) error {
		if !sale.First || sale.Customer < 0 || sale.Seller < 0 {
			return nil
		}
		lost := sale.Quantity < 0 || sale.CV < 0 || sale.Net < 0
		if lost || sale.Quantity > 0 || sale.CV > 0 || sale.Net > 0 {
			lane[i] = append(lane[i], won{sale.Seller, sale.Customer, lost, int64(sale.CV)})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	lines := slices.Concat(lane[:]...)
	slices.SortFunc(lines, func(a, b won) int {
		return cmp.Or(cmp.Compare(a.seller, b.seller), cmp.Compare(a.customer, b.customer), compareFlags(a.lost, b.lost))
	})
	customers := lines[:0]
	for _, line := range lines {
		last := len(customers) - 1
		if last < 0 || customers[last].seller != line.seller || customers[last].customer != line.customer || customers[last].lost != line.lost {
			customers = append(customers, line)
			continue
		}
		sum, err := money.Add(customers[last].cv, line.cv)
		if err != nil {
			return nil, err
		}
		customers[last].cv = sum
	}
	return customers, nil
}

// compareFlags puts what is not before what is.
func compareFlags(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// perCustomer is what one customer brings somebody who won so many, or costs who lost so many more than were won.
func (c *closing) perCustomer(index int, person int32, number int64) (row int32, amount int64, note string, err error) {
	component := &c.plan.Components[index]
	if bands := component.AcquisitionTerms.Bands; bands != nil {
		at := reached(bands, max(number, -number))
		if at < 0 {
			return -1, 0, "", nil
		}
		return -1, bands[at].Minor(), noteCustomers + ", band from " + bands[at].From, nil
	}
	at := component.Table(plan.Any).Cell(1, c.rank(person)).Row
	amount, err = c.minor(index, at)
	return int32(at), amount, noteCustomers, err
}

// noteCustomers says that a term's base is a number of customers.
const noteCustomers = "new customers"

// reached is the highest band that a figure reaches; -1 for none. Bands rise.
func reached(bands []plan.Band, figure int64) int {
	at := -1
	for i := range bands {
		if figure >= bands[i].Value() {
			at = i
		}
	}
	return at
}
