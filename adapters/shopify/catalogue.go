package shopify

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/shopify/adminapi"
)

// variantsPage is how many variants a page asks for.
const variantsPage = 100

var (
	_ adapters.Catalogue = (*Reader)(nil)
	_ adapters.Coder     = (*Reader)(nil)
)

// Articles hands out the shop's variants under the names that its orders' lines have. See adapters.Catalogue.
func (r *Reader) Articles(ctx context.Context, yield func(adapters.Article) error) error {
	for after := ""; ; {
		page, err := adminapi.Variants(ctx, r.client, variantsPage, after, "")
		if err != nil {
			return err
		}
		for _, v := range page.ProductVariants.Nodes {
			variant, err := numberOf("productVariants.id", v.Id)
			if err != nil {
				return err
			}
			a := adapters.Article{
				PlatformSKU: platformSKU(&lineBody{SKU: v.Sku, VariantID: variant}), Name: v.Product.Title, Category: v.Product.ProductType,
				Price: v.Price, Available: int64(v.InventoryQuantity), Counted: v.InventoryItem.Tracked,
			}
			if v.Title != "" && v.Title != "Default Title" { // a product without variants has one of that name
				a.Name += ", " + v.Title
			}
			if err := yield(a); err != nil {
				return err
			}
		}
		if !page.ProductVariants.PageInfo.HasNextPage {
			return nil
		}
		after = page.ProductVariants.PageInfo.EndCursor
	}
}

// AddCodes makes one discount with a code for every distributor. Where one of the codes is there already, its discount gets the
// others. See adapters.Coder.
func (r *Reader) AddCodes(ctx context.Context, terms adapters.CodeTerms, codes []string, told func(done int)) (report adapters.CodeReport, err error) {
	if len(codes) == 0 {
		return report, nil
	}
	discount, rest, err := r.discount(ctx, terms, codes, &report)
	if err != nil {
		return report, err
	}
	for done := len(codes) - len(rest); len(rest) > 0; {
		chunk := rest[:min(len(rest), adminapi.CodesAtOnce)]
		rest = rest[len(chunk):]
		results, err := r.client.AddCodes(ctx, discount, chunk)
		if err != nil {
			return report, err
		}
		for _, result := range results {
			switch {
			case len(result.Errors) == 0:
				report.Added++
			case taken(result.Errors):
				report.Known++
			default:
				report.Faults = append(report.Faults, adapters.CodeFault{Code: result.Code, Reason: result.Errors[0].Message})
			}
		}
		done += len(chunk)
		told(done)
	}
	return report, nil
}

func taken(list []adminapi.FieldError) bool {
	for _, e := range list {
		if e.Code == "TAKEN" || e.Code == "DUPLICATE" {
			return true
		}
	}
	return false
}

// discount finds the discount of a code that is known, or makes one with the first code. rest are the codes still to be added.
func (r *Reader) discount(ctx context.Context, terms adapters.CodeTerms, codes []string, report *adapters.CodeReport) (id string, rest []string, err error) {
	const looked = 20 // codes; whoever added any has most likely added the first ones
	for _, code := range codes[:min(len(codes), looked)] {
		found, err := adminapi.DiscountOfCode(ctx, r.client, code)
		if err != nil {
			return "", nil, err
		}
		if found.CodeDiscountNodeByCode != nil {
			return found.CodeDiscountNodeByCode.Id, codes, nil
		}
	}
	id, err = r.client.CreateDiscount(ctx, adminapi.DiscountCodeBasicInput{
		Title: terms.Title, Code: codes[0], StartsAt: r.client.Now(),
		Context:      adminapi.DiscountContextInput{All: adminapi.DiscountBuyerSelectionAll},
		CustomerGets: adminapi.DiscountCustomerGetsInput{Items: adminapi.DiscountItemsInput{All: true}, Value: share(terms.PercentHundredths)},
		CombinesWith: adminapi.DiscountCombinesWithInput{ShippingDiscounts: true},
	})
	report.Added++
	return id, codes[1:], err
}

// share writes hundredths of a percent as the part of 1 that Shopify wants, without a float: 1000 is 0.1000.
func share(hundredths int64) adminapi.DiscountCustomerGetsValueInput {
	text := fmt.Sprintf("%d.%04d", hundredths/10_000, hundredths%10_000)
	return adminapi.DiscountCustomerGetsValueInput{Percentage: json.Number(strings.TrimSuffix(text, ".0000"))}
}
