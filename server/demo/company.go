// Package demo makes a believable company out of nothing: the same people, products and orders on every machine. All
// persons, shops and figures are invented.
package demo

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/core/placement"
	"upline.dev/upline/core/plan"
	"upline.dev/upline/server/admin"
)

// The size of the company.
const (
	peopleCount   = 500
	customerCount = 1400
	seed          = 20260801
)

// First and Last bound the orders: three whole months.
var (
	First = time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)
	Last  = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
)

// GraceDays is periods.grace_days of the company's plan.
const GraceDays = 3

// PlanYAML is the company's plan document.
//
//go:embed plan.yaml
var PlanYAML []byte

// ProgramID of the company.
const ProgramID = "lumina"

// Company is everything but the orders.
type Company struct {
	Program  admin.Program
	Stores   []admin.Store
	People   []admin.DistributorSpec
	Mappings []admin.MappingSpec
	products []product
}

// New makes the company.
func New() *Company {
	c := &Company{
		Program: admin.Program{ProgramID: ProgramID, Name: "Lumina Naturals", Currency: "EUR", TimeZone: "Europe/Berlin"},
		Stores: []admin.Store{
			store("lumina-eu", order.Shopify, "lumina-naturals-eu.myshopify.com", "Lumina Europe", "EUR"),
			store("lumina-us", order.Shopify, "lumina-naturals-us.myshopify.com", "Lumina United States", "USD"),
			store("lumina-jp", order.Shopify, "lumina-naturals-jp.myshopify.com", "Lumina Japan", "JPY"),
			store("lumina-events", order.Custom, "events.lumina-naturals.example", "Lumina parties and fairs", "EUR"),
		},
	}
	c.makePeople(random(1))
	c.makeProducts()
	return c
}

// random gives each part dice of its own, so that a change in one leaves the others as they are.
func random(part uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, part)) //nolint:gosec // a demonstration must be the same everywhere
}

func store(id string, p order.Platform, domain, name string, currency money.Currency) admin.Store {
	return admin.Store{StoreID: id, ProgramID: ProgramID, Platform: p, Domain: domain, Name: name, Currency: currency, AcceptTestOrders: true}
}

const (
	givenNames = `Anna Ben Clara David Elif Felix Greta Hiro Ines Jonas Keiko Lena Marco Nora Oskar Paula
		Quentin Rosa Sora Tom Ulla Viktor Wanda Xenia Yuki Zoe Aiko Bruno Carmen Dana Emil Farah Goran Hana Ivo Jana
		Kenji Lucia Mei Nils Olga Pedro Rika Sven Tara Umut Vera Willem Yara Zeno`
	familyNames = `Albrecht Bauer Costa Dubois Eriksen Fischer Garcia Huber Ivanova Jensen Keller Lopez
		Martin Nakamura Olsen Pereira Quist Rossi Schmidt Tanaka Urban Vogel Weber Xu Yamada Zimmer Brandt Carter Diaz
		Evans Foster Greene Hughes Ito Johnson King Lindner Moreau Novak Ortiz Parker Reyes Sato Turner Vidal Walker`
	countries = `DE DE AT FR ES US US JP`
)

// makePeople grows the tree the way companies grow: most people are sponsored by somebody who joined a while ago and
// already sponsors others, and a few lines go deep. Nobody joins before the sponsor.
func (c *Company) makePeople(dice *rand.Rand) {
	given, family, country := strings.Fields(givenNames), strings.Fields(familyNames), strings.Fields(countries)
	sponsored := make([]int, peopleCount)
	for i := range peopleCount {
		first := pick(dice, given)
		name := first + " " + pick(dice, family)
		d := admin.DistributorSpec{
			DistributorID: fmt.Sprintf("L%04d", 1001+i),
			Name:          name,
			Email:         fmt.Sprintf("%s.%d@example.com", strings.ToLower(strings.ReplaceAll(name, " ", ".")), 1001+i),
			Country:       pick(dice, country),
			CreatedAt:     time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i*2).Format(time.DateOnly),
			Status:        status(dice),
			Codes:         []string{fmt.Sprintf("%s%d", strings.ToUpper(first), 1001+i)},
		}
		if i > 0 {
			sponsor := pickSponsor(dice, i)
			d.SponsorID = c.People[sponsor].DistributorID
			sponsored[sponsor]++
		}
		c.People = append(c.People, d)
	}
	for i := range c.People {
		c.People[i].Rank = rankFor(sponsored[i])
	}
	c.People[0].Status, c.People[0].Rank = "active", "diamond"
	c.addPeriodFacts()
}

// addPeriodFacts gives everybody what only periods need: a place in the binary tree, breadth first below the sponsor, in
// the order in which they joined; some an enroller of their own, and some an autoship.
func (c *Company) addPeriodFacts() {
	tree, err := placement.New(&plan.Placement{Width: 2, Strategy: plan.PlaceBreadthFirst})
	if err != nil {
		panic(fmt.Sprintf("demo: the terms of the placement tree: %v", err)) // they are written here
	}
	sponsors := map[string]string{}
	for i := range c.People {
		d := &c.People[i]
		link, err := tree.Place(d.DistributorID, d.SponsorID, 0, 1)
		if err != nil {
			panic(fmt.Sprintf("demo: place %s: %v", d.DistributorID, err)) // a binary tree without depth is never full
		}
		if d.PlacementParent = admin.None; link.ParentID != "" {
			d.PlacementParent, d.PlacementLeg = link.ParentID, []string{"left", "right"}[link.Leg]
		}
		if d.Autoship = "no"; i%3 == 0 {
			d.Autoship = "yes"
		}
		if above := sponsors[d.SponsorID]; i%20 == 7 && above != "" {
			d.EnrollerID = above // the sponsor's sponsor won the new member
		}
		sponsors[d.DistributorID] = d.SponsorID
	}
}

func pick(dice *rand.Rand, from []string) string { return from[dice.IntN(len(from))] }

// status: most are active, some rest, few have left or are suspended.
func status(dice *rand.Rand) string {
	switch roll := dice.IntN(100); {
	case roll < 8:
		return "inactive"
	case roll < 10:
		return "terminated"
	case roll < 11:
		return "suspended"
	}
	return "active"
}

func pickSponsor(dice *rand.Rand, i int) int {
	if dice.IntN(100) < 35 {
		return max(i-1-dice.IntN(min(i, 12)), 0) // a recent joiner: lines go deep
	}
	a := dice.IntN(i)
	return min(a, dice.IntN(i)) // earlier joiners sponsor more
}

func rankFor(sponsored int) string {
	switch {
	case sponsored >= 6:
		return "diamond"
	case sponsored >= 4:
		return "gold"
	case sponsored >= 2:
		return "silver"
	}
	return "member"
}
