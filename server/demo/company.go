// Package demo makes a believable company out of nothing: the same people, products and orders on every machine. All
// persons, shops and figures are invented.
package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
)

// The size of the company.
const (
	peopleCount = 500
	skuCount    = 60
	orderCount  = 3600
	seed        = 20260801
)

// First and Last bound the orders: three whole months.
var (
	First = time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)
	Last  = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
)

// ProgramID of the company.
const ProgramID = "lumina"

// Company is everything but the orders.
type Company struct {
	Program  admin.Program
	Stores   []admin.Store
	People   []admin.DistributorSpec
	Mappings []admin.MappingSpec
	products []product
	rng      *rand.Rand
}

// product is one SKU with its price in each store currency.
type product struct {
	sku   string
	name  string
	class string
	price map[money.Currency]int64 // minor units
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
		rng: rand.New(rand.NewPCG(seed, seed)), //nolint:gosec // a demonstration must be the same everywhere
	}
	c.makePeople()
	c.makeProducts()
	return c
}

func store(id string, p order.Platform, domain, name string, currency money.Currency) admin.Store {
	return admin.Store{StoreID: id, ProgramID: ProgramID, Platform: p, Domain: domain, Name: name, Currency: currency, AcceptTestOrders: true}
}

var (
	givenNames = strings.Fields(`Anna Ben Clara David Elif Felix Greta Hiro Ines Jonas Keiko Lena Marco Nora Oskar Paula
		Quentin Rosa Sora Tom Ulla Viktor Wanda Xenia Yuki Zoe Aiko Bruno Carmen Dana Emil Farah Goran Hana Ivo Jana
		Kenji Lucia Mei Nils Olga Pedro Rika Sven Tara Umut Vera Willem Yara Zeno`)
	familyNames = strings.Fields(`Albrecht Bauer Costa Dubois Eriksen Fischer Garcia Huber Ivanova Jensen Keller Lopez
		Martin Nakamura Olsen Pereira Quist Rossi Schmidt Tanaka Urban Vogel Weber Xu Yamada Zimmer Brandt Carter Diaz
		Evans Foster Greene Hughes Ito Johnson King Lindner Moreau Novak Ortiz Parker Reyes Sato Turner Vidal Walker`)
	countries = []string{"DE", "DE", "AT", "FR", "ES", "US", "US", "JP"}
)

// makePeople grows the tree the way companies grow: most people are sponsored by somebody who joined a while ago and
// already sponsors others, and a few lines go deep.
func (c *Company) makePeople() {
	sponsored := make([]int, peopleCount)
	for i := range peopleCount {
		name := givenNames[c.rng.IntN(len(givenNames))] + " " + familyNames[c.rng.IntN(len(familyNames))]
		d := admin.DistributorSpec{
			DistributorID: fmt.Sprintf("L%04d", 1001+i),
			Name:          name,
			Email:         fmt.Sprintf("%s.%d@example.com", strings.ToLower(strings.ReplaceAll(name, " ", ".")), 1001+i),
			Country:       countries[c.rng.IntN(len(countries))],
			CreatedAt:     time.Date(2023, 1, 1, 9, 0, 0, 0, time.UTC).AddDate(0, 0, i*2).Format(time.DateOnly),
			Status:        "active",
		}
		first, _, _ := strings.Cut(name, " ")
		d.Codes = []string{fmt.Sprintf("%s%d", strings.ToUpper(first), 1001+i)}
		if i > 0 {
			sponsor := c.pickSponsor(i)
			d.SponsorID = c.People[sponsor].DistributorID
			sponsored[sponsor]++
		}
		if c.rng.IntN(100) < 9 {
			d.Status = "inactive"
		}
		c.People = append(c.People, d)
	}
	for i := range c.People {
		c.People[i].Rank = rankFor(sponsored[i])
	}
	c.People[0].Status, c.People[0].Rank = "active", "diamond"
}

func (c *Company) pickSponsor(i int) int {
	if c.rng.IntN(100) < 35 {
		return max(i-1-c.rng.IntN(min(i, 12)), 0) // a recent joiner: lines go deep
	}
	a := c.rng.IntN(i)
	return min(a, c.rng.IntN(i)) // earlier joiners sponsor more
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

// makeProducts fills a catalogue of 60 SKUs: care, nutrition, home, starter kits and samples.
func (c *Company) makeProducts() {
	lines := []struct{ prefix, class, category string }{
		{"SERUM", "care", "Skin care"}, {"CREAM", "care", "Skin care"}, {"TEA", "nutrition", "Nutrition"},
		{"CAPS", "nutrition", "Nutrition"}, {"CANDLE", "home", "Home"}, {"KIT", "kit", "Starter kits"},
	}
	for i := range skuCount {
		l := lines[i%len(lines)]
		cents := int64(990 + 500*c.rng.IntN(24))
		p := product{
			sku: fmt.Sprintf("%s-%02d", l.prefix, i/len(lines)+1), class: l.class,
			name:  fmt.Sprintf("%s No. %d", l.prefix[:1]+strings.ToLower(l.prefix[1:]), i/len(lines)+1),
			price: map[money.Currency]int64{"EUR": cents, "USD": cents + 300, "JPY": cents / 100 * 160},
		}
		c.products = append(c.products, p)
		for _, platform := range []order.Platform{order.Shopify, order.Custom} {
			c.Mappings = append(c.Mappings, admin.MappingSpec{
				SKUID: p.sku, Platform: string(platform), PlatformSKU: p.sku, Name: p.name,
				Category: l.category, CommissionClass: p.class,
			})
		}
	}
}
