// Package sync keeps a store and a program in step beside the orders: it brings what the store sells to where it is mapped, and
// distributors' codes to where they are redeemed.
package sync

import (
	"context"
	"slices"
	"strings"

	"upline.dev/upline/adapters"
	"upline.dev/upline/server/query"
)

// Program is what is read of a program.
type Program interface {
	Distributors(ctx context.Context, program, search string, p query.Page) ([]query.Distributor, string, error)
	Mappings(ctx context.Context, program, search string, p query.Page) ([]query.Mapping, string, error)
}

// pageRows is how many rows are read at once.
const pageRows = 200

// Codes lists the codes of a program's distributors that are active, sorted, each once: codes are compared without case.
func Codes(ctx context.Context, p Program, program string) ([]string, error) {
	byKey := map[string]string{}
	for page := (query.Page{Limit: pageRows}); ; {
		list, next, err := p.Distributors(ctx, program, "", page)
		if err != nil {
			return nil, err
		}
		for _, d := range list {
			if d.Status != "active" {
				continue
			}
			for _, code := range d.Codes {
				if key := strings.ToLower(code); byKey[key] == "" || code < byKey[key] {
					byKey[key] = code
				}
			}
		}
		if page.After = next; next == "" {
			break
		}
	}
	codes := make([]string, 0, len(byKey))
	for _, code := range byKey {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	return codes, nil
}

// Articles hands out what a store sells, and whether it is mapped for the store's platform; each SKU once.
func Articles(ctx context.Context, p Program, program, platform string, c adapters.Catalogue, yield func(a adapters.Article, class string) error) error {
	classes := map[string]string{}
	for page := (query.Page{Limit: pageRows}); ; {
		list, next, err := p.Mappings(ctx, program, "", page)
		if err != nil {
			return err
		}
		for i := range list {
			if _, known := classes[list[i].PlatformSKU]; list[i].Platform == platform && !known { // the newest comes first
				classes[list[i].PlatformSKU] = list[i].CommissionClass
			}
		}
		if page.After = next; next == "" {
			break
		}
	}
	seen := map[string]bool{}
	return c.Articles(ctx, func(a adapters.Article) error {
		if seen[a.PlatformSKU] {
			return nil
		}
		seen[a.PlatformSKU] = true
		return yield(a, classes[a.PlatformSKU])
	})
}
