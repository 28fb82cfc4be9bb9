package demo

import (
	"fmt"
	"strconv"
	"strings"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
)

// product is one SKU with its price in each store currency.
type product struct {
	sku    string
	name   string
	line   *productLine
	points int64                    // CV per unit, the same in every country
	price  map[money.Currency]int64 // minor units
}

// productLine is a kind of product. Its prices in cents go from the first to the last name in even steps.
type productLine struct {
	prefix   string
	category string
	class    string
	weight   int // how often it is bought
	from, to int64
	names    string // separated by |
}

// productLines make 60 SKUs. Kits are sold at cost: they earn nothing.
func productLines() []*productLine {
	return []*productLine{
		{"SKIN", "Skin care", "care", 34, 1990, 7990, `Cleansing Milk|Tonic Rose|Hand Balm|Lip Care|Day Cream|Night Cream|Eye Gel|Vitamin Serum|
			Retinal Serum|Clay Mask|Sun Fluid 50|Recovery Oil`},
		{"HAIR", "Hair care", "care", 14, 1490, 3690, `Shampoo Nettle|Shampoo Oat|Conditioner|Scalp Tonic|Hair Mask|Repair Oil|Styling Balm|
			Dry Shampoo|Curl Cream|Colour Care`},
		{"NUTR", "Nutrition", "nutrition", 26, 2490, 8490, `Magnesium|Vitamin D3|Omega 3|Zinc and C|Iron Gentle|Probiotic|Collagen|Protein Vanilla|
			Protein Cocoa|Greens|Energy B12|Sleep Well`},
		{"TEA", "Teas", "nutrition", 12, 990, 1890, `Morning Tea|Ginger Tea|Balance Tea|Evening Tea|Sencha|Rooibos|Mint|Hibiscus|Fennel|Oolong`},
		{"HOME", "Home", "home", 11, 1290, 4490, `Candle Fig|Candle Cedar|Candle Linen|Room Spray|Diffuser|Laundry Soap|Dish Soap|Glass Cleaner|
			Linen Water|Incense`},
		{"KIT", "Starter kits", "kit", 3, 2900, 9900, `Sample Box|Host Box|Starter Kit|Starter Kit Plus|Catalogue Pack|Tester Set`},
	}
}

// prices in each currency of the stores; a yen price is rounded to 100 as shops in Japan do.
func prices(cents int64) map[money.Currency]int64 {
	return map[money.Currency]int64{"EUR": cents, "USD": cents*112/1000*10 + 9, "JPY": cents * 15 / 1000 * 100}
}

// makeProducts fills the catalogue. Every country has the same points, which the plan turns into its own money.
func (c *Company) makeProducts() {
	for _, line := range productLines() {
		names := strings.Split(line.names, "|")
		step := (line.to - line.from) / int64(len(names)-1)
		for i, name := range names {
			cents := (line.from+step*int64(i))/100*100 + 90
			p := product{sku: fmt.Sprintf("%s-%02d", line.prefix, i+1), name: strings.TrimSpace(name), line: line, price: prices(cents)}
			if line.class != "kit" {
				p.points = cents / 100
			}
			c.products = append(c.products, p)
			for _, platform := range []order.Platform{order.Shopify, order.Custom} {
				c.Mappings = append(c.Mappings, p.mapping(platform))
			}
		}
	}
}

func (p product) mapping(platform order.Platform) admin.MappingSpec {
	points := strconv.FormatInt(p.points, 10)
	return admin.MappingSpec{
		SKUID: p.sku, Platform: string(platform), PlatformSKU: p.sku, Name: p.name, Category: p.line.category,
		CommissionClass: p.line.class, CVPerUnit: points, QVPerUnit: points,
	}
}
