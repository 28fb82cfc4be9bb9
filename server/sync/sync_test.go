package sync_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/adapters"
	"upline.dev/upline/server/query"
	"upline.dev/upline/server/sync"
)

// program has its people and mappings on pages of one row.
type program struct {
	people   []query.Distributor
	mappings []query.Mapping
	err      error
}

func page[T any](list []T, p query.Page) (rows []T, next string) {
	at := len(p.After)
	if at+1 < len(list) {
		next = p.After + "x"
	}
	return list[at:min(at+1, len(list))], next
}

func (p *program) Distributors(_ context.Context, _, _ string, of query.Page) ([]query.Distributor, string, error) {
	rows, next := page(p.people, of)
	return rows, next, p.err
}

func (p *program) Mappings(_ context.Context, _, _ string, of query.Page) ([]query.Mapping, string, error) {
	rows, next := page(p.mappings, of)
	return rows, next, p.err
}

func TestCodes(t *testing.T) {
	t.Parallel()
	p := &program{people: []query.Distributor{
		{DistributorID: "b", Status: "active", Codes: []string{"ZOE", "anna"}},
		{DistributorID: "a", Status: "active", Codes: []string{"ANNA"}},
		{DistributorID: "c", Status: "terminated", Codes: []string{"GONE"}},
		{DistributorID: "d", Status: "active"},
	}}
	got, err := sync.Codes(t.Context(), p, "p1")
	if diff := cmp.Diff([]string{"ANNA", "ZOE"}, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	p.err = errors.New("away")
	if _, err := sync.Codes(t.Context(), p, "p1"); !errors.Is(err, p.err) {
		t.Errorf("got %v", err)
	}
}

// sold is what a store sells.
type sold []adapters.Article

func (s sold) Articles(_ context.Context, yield func(adapters.Article) error) error {
	for _, a := range s {
		if err := yield(a); err != nil {
			return err
		}
	}
	return nil
}

func TestArticles(t *testing.T) {
	t.Parallel()
	p := &program{mappings: []query.Mapping{
		{Platform: "shopify", PlatformSKU: "TEA", CommissionClass: "new"},
		{Platform: "shopify", PlatformSKU: "TEA", CommissionClass: "old"},
		{Platform: "custom", PlatformSKU: "CUP", CommissionClass: "other"},
	}}
	store := sold{{PlatformSKU: "TEA", Name: "Tea"}, {PlatformSKU: "CUP"}, {PlatformSKU: "TEA", Name: "Tea again"}}
	got := map[string]string{}
	err := sync.Articles(t.Context(), p, "p1", "shopify", store, func(a adapters.Article, class string) error {
		got[a.PlatformSKU+"/"+a.Name] = class
		return nil
	})
	if diff := cmp.Diff(map[string]string{"TEA/Tea": "new", "CUP/": ""}, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	stop := errors.New("enough")
	if err := sync.Articles(t.Context(), p, "p1", "shopify", store, func(adapters.Article, string) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}
