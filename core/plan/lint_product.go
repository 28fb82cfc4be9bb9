package plan

import (
	"fmt"
	"strings"
)

// free finds pay that does not need a product to be sold. A business that pays for recruiting is against the law in most
// countries, whatever else it sells, so most of these are errors.
func (l *linter) free(c *Component, path string) {
	const mend = "pay on volume, or ask for some: "
	switch c.Type {
	case CustomerAcquisition:
		if least := c.AcquisitionTerms.MinCV; isZero(least) {
			l.err("pay-without-product", join(path, CustomerAcquisition), "pays for a new customer whatever the first order holds, even nothing of worth", `write min_cv: "50"`)
		}
	case RankAdvance:
		l.freeRanks(c, path)
	case Matrix:
		if len(c.MatrixTerms.Completion) > 0 && !l.needsSale(c) {
			l.err("pay-without-product", join(join(path, Matrix), "completion"), "pays for places that are taken, by recruiting alone",
				mend+`leave completion out, or write requires: {cv: ">= 100"}`)
		}
	case Bands:
		if c.BandsTerms.Of == MeasureCustomers && !l.needsSale(c) {
			l.warn("pay-without-product", join(path, Bands), "pays for customers whatever they buy, even nothing of worth",
				mend+`write requires: {pv: ">= 100"}`)
		}
		for i, band := range c.BandsTerms.Bands {
			if band.Amount != "" && !isZero(band.Amount) && isZero(band.From) {
				l.err("pay-without-product", index(join(join(path, Bands), "bands"), i), "pays an amount from a figure of 0 on, for next to nothing sold", mend+"begin above 0")
			}
		}
	}
	for i := range c.Rates {
		if row := &c.Rates[i]; enrolment(row.Class) && row.pays() {
			l.add(c.rowKey() == keyAmount, "pay-without-product", join(index(join(path, "rates"), i), "class"),
				fmt.Sprintf("%q sounds like an enrolment or a starter kit, and %s pays on it", row.Class, c.ID), "pay nothing on what people buy in order to join")
		}
	}
}

// freeRanks finds amounts for ranks that can be had while nobody anywhere sells.
func (l *linter) freeRanks(c *Component, path string) {
	reach := l.reachable(true)
	for rank := range l.plan.Ranks {
		row := lookup(c.rowIndex(), Any, l.plan.Ranks[rank])
		paid := row >= 0 && c.Rates[row].pays()
		switch {
		case !paid || l.needsSale(c):
		case rank == 0:
			l.warn("pays-nobody", index(join(path, "rates"), row), fmt.Sprintf("pays nobody for %q, the lowest rank, which is nobody's advance", l.plan.Ranks[rank]),
				`give it a row of amount "0"`)
		case reach[rank]:
			l.err("pay-without-product", index(join(path, "rates"), row), fmt.Sprintf("pays for %q, which can be reached by recruiting while nobody sells anything", l.plan.Ranks[rank]),
				`let the rank ask for volume, such as {gv: ">= 1000"}`)
		}
	}
}

// needsSale tells whether nobody can earn by a component in a period in which nobody sells.
func (l *linter) needsSale(c *Component) bool {
	requires := c.Requires
	if requires == nil {
		requires = l.plan.active()
	}
	return !l.reaches(requires, l.reachable(true), true)
}

// enrolment tells whether a class is named like something bought in order to join.
func enrolment(class string) bool {
	name := strings.ToLower(class)
	for _, word := range []string{"kit", "enrol", "registration", "membership", "sign-up", "signup", "joining", "starter"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// classes finds classes that are named, but by which nobody ever earns.
func (l *linter) classes() {
	named := map[string]bool{}
	for i := range l.plan.Components {
		for j := range l.plan.Components[i].Rates {
			class := l.plan.Components[i].Rates[j].Class
			if class == Any || named[class] || enrolment(class) {
				continue
			}
			named[class] = true
			if !l.paid(class) {
				l.warn("class-unpaid", join(index(join(index("components", i), "rates"), j), "class"),
					fmt.Sprintf("%q is named, but no component ever pays anything on it", class), "give it a rate, or leave its rows out")
			}
		}
	}
}

// paid tells whether any component pays anything on products of a class.
func (l *linter) paid(class string) bool {
	for i := range l.plan.Components {
		c := &l.plan.Components[i]
		rule, _ := ruleOf(c.Type)
		if len(rule.bases) > 0 && (!rule.classes || c.rowKey() == "") {
			return true // Paid on all products together.
		}
		table := c.Table(class)
		if table == nil || !rule.classes {
			continue
		}
		for level := 1; level <= table.Depth(); level++ {
			for rank := range l.plan.Ranks {
				if c.Rates[table.Cell(level, rank).Row].pays() {
					return true
				}
			}
		}
	}
	return false
}
