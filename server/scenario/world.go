package scenario

import (
	"cmp"
	"fmt"
	"time"

	"upline.dev/upline/core/catalog"
	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
)

// The ids of the one program and store a scenario plays in.
const (
	programID = "scenario"
	storeID   = "store"
)

// defaultClass is the commission class of a SKU that names none.
const defaultClass = "standard"

// firstOrderAt is the time of orders that name none, one minute apart in the file's order.
var firstOrderAt = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is everything a scenario's orders meet.
type world struct {
	file      *scenario
	tree      *genealogy.Tree
	catalog   *catalog.Catalog
	orders    map[string]*history
	bound     map[string]binding // by buyer
	posted    []ledger.Balance   // of all orders
	ranks     map[string]string  // the last rank of each person
	closes    closes
	countries []string // by number, in the order in which they are met
}

// history is one order so far.
type history struct {
	told     sale // with what earlier revisions said
	state    order.State
	input    commission.Input // of the last revision that was settled
	balances []ledger.Balance
	revision int64 // of the ledger
	versions int64 // of the platform
}

// binding is whose customer a buyer is.
type binding struct {
	distributor string
	since       time.Time
}

func newWorld(s *scenario) (*world, error) {
	w := &world{file: s, countries: []string{""}, orders: map[string]*history{}, bound: map[string]binding{}, ranks: map[string]string{}}
	var err error
	if w.tree, err = buildTree(s.People, w.ranks); err != nil {
		return nil, err
	}
	mappings := make([]catalog.Mapping, len(s.SKUs))
	for i, product := range s.SKUs {
		if mappings[i], err = product.mapping(); err != nil {
			return nil, fmt.Errorf("SKU %s: %w", product.SKU, err)
		}
	}
	if w.catalog, err = catalog.Build(mappings); err != nil {
		return nil, fmt.Errorf("skus: %w", err)
	}
	return w, nil
}

// buildTree turns facts about people into dated links and standings.
func buildTree(people []person, ranks map[string]string) (*genealogy.Tree, error) {
	var links []genealogy.Link
	var standings []genealogy.Standing
	var codes []genealogy.Code
	last := map[string]genealogy.Standing{}
	for _, p := range people {
		if p.Owner != "" {
			continue // A further position is nobody new.
		}
		from, err := instant(p.From, genealogy.Beginning)
		if err != nil {
			return nil, fmt.Errorf("person %s: %w", p.ID, err)
		}
		standing, known := last[p.ID]
		if !known {
			standing = genealogy.Standing{DistributorID: p.ID, Status: genealogy.Active}
		}
		if p.Sponsor != nil || !known {
			link := genealogy.Link{DistributorID: p.ID, ValidFrom: from, Version: 1}
			if p.Sponsor != nil {
				link.ParentID = *p.Sponsor
			}
			links = append(links, link)
		}
		if p.Status != "" {
			standing.Status = genealogy.Status(p.Status)
		}
		if p.Rank != nil {
			standing.Rank = *p.Rank
		}
		standing.ValidFrom, standing.Version = from, 1
		standings = append(standings, standing)
		if p.Code != "" {
			codes = append(codes, genealogy.Code{Code: p.Code, DistributorID: p.ID, ValidFrom: from, Version: 1})
		}
		last[p.ID], ranks[p.ID] = standing, standing.Rank
	}
	tree, err := genealogy.Build(links, standings, codes)
	if err != nil {
		return nil, fmt.Errorf("people: %w", err)
	}
	return tree, nil
}

// instant reads a time as microseconds; an empty text is fallback.
func instant(text string, fallback int64) (int64, error) {
	if text == "" {
		return fallback, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, fmt.Errorf("%q is no instant: write it like 2026-03-01T12:00:00Z", text)
	}
	return at.UnixMicro(), nil
}

func (s sku) mapping() (catalog.Mapping, error) {
	m := catalog.Mapping{
		SKUID: s.SKU, Platform: string(order.Custom), PlatformSKU: s.SKU, Name: s.SKU, CommissionClass: cmp.Or(s.Class, defaultClass),
		Country: s.Country, Version: 1,
	}
	var err error
	if m.ValidFrom, err = instant(s.From, genealogy.Beginning); err != nil {
		return m, fmt.Errorf("from: %w", err)
	}
	if m.CV, err = volumeRule(s.CV, s.CVOfNet); err != nil {
		return m, fmt.Errorf("cv: %w", err)
	}
	if m.QV, err = volumeRule(s.QV, s.QVOfNet); err != nil {
		return m, fmt.Errorf("qv: %w", err)
	}
	return m, nil
}

func volumeRule(perUnit, ofNet string) (catalog.VolumeRule, error) {
	var rule catalog.VolumeRule
	var err error
	if perUnit != "" {
		if rule.PerUnit, err = money.ParseVolume(perUnit); err != nil {
			return rule, err
		}
	}
	if ofNet != "" {
		rule.OfNet, err = money.ParseRate(ofNet)
	}
	return rule, err
}
