package admin

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"upline.dev/upline/core/catalog"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
)

// MappingSpec is one row of sku_mapping as a CSV row or an API body says it, all text.
type MappingSpec struct {
	SKUID           string `json:"sku_id"`   // default: the platform SKU
	Platform        string `json:"platform"` // shopify, woocommerce, magento, custom
	PlatformSKU     string `json:"platform_sku"`
	Name            string `json:"name"`
	Category        string `json:"category"`
	CommissionClass string `json:"commission_class"` // "" ends the mapping
	CVPerUnit       string `json:"cv_per_unit"`      // decimal text
	CVOfNet         string `json:"cv_of_net"`        // rate text; default 100% when no CV is named
	QVPerUnit       string `json:"qv_per_unit"`
	QVOfNet         string `json:"qv_of_net"`
	Country         string `json:"country"`
	ValidFrom       string `json:"valid_from"` // date; "" : from now, or from the beginning for a first mapping
}

var commissionClass = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

// PutMappings adds dated mappings, all or nothing; commit=false is a dry run with the same answer.
func (s *Service) PutMappings(ctx context.Context, program string, specs []MappingSpec, at time.Time, commit bool) (ImportSummary, error) {
	rows := make([]catalog.Mapping, len(specs))
	var faults RowErrors
	seen := make(map[string]int, len(specs))
	for i := range specs {
		m, errs := checkMapping(i, specs[i], at)
		key := fmt.Sprintf("%s\x00%s\x00%s\x00%d", m.Platform, m.PlatformSKU, m.Country, m.ValidFrom)
		if first, ok := seen[key]; ok {
			errs = append(errs, &RowError{i, "platform_sku", fmt.Sprintf("%s stands in row %d already", m.PlatformSKU, first+1)})
		}
		seen[key] = i
		faults = append(faults, errs...)
		rows[i] = m
	}
	if len(faults) > 0 {
		return ImportSummary{}, faults
	}
	summary, err := s.Books.PutMappings(ctx, program, rows, at, commit)
	if err != nil {
		return summary, fmt.Errorf("put mappings: %w", err)
	}
	if !commit {
		return summary, nil
	}
	return summary, s.audit(ctx, program, "mappings.put", fmt.Sprintf("%d rows", len(rows)))
}

func checkMapping(row int, spec MappingSpec, at time.Time) (catalog.Mapping, RowErrors) {
	var faults RowErrors
	fault := func(field, format string, args ...any) {
		faults = append(faults, &RowError{row, field, fmt.Sprintf(format, args...)})
	}
	m := catalog.Mapping{
		SKUID: spec.SKUID, Platform: strings.ToLower(spec.Platform), PlatformSKU: spec.PlatformSKU, Name: spec.Name,
		Category: spec.Category, CommissionClass: spec.CommissionClass, Country: strings.ToUpper(spec.Country),
		ValidFrom: at.UnixMicro(),
	}
	if m.SKUID == "" {
		m.SKUID = m.PlatformSKU
	}
	switch order.Platform(m.Platform) {
	case order.Shopify, order.WooCommerce, order.Magento, order.Custom:
	default:
		fault("platform", "%q: use shopify, woocommerce, magento or custom", spec.Platform)
	}
	if m.PlatformSKU == "" || len(m.PlatformSKU) > 255 {
		fault("platform_sku", "a SKU has 1 to 255 bytes")
	}
	if m.CommissionClass != "" && !commissionClass.MatchString(m.CommissionClass) {
		fault("commission_class", "%q: use letters, digits, _ and -", m.CommissionClass)
	}
	if m.Country != "" && !countryCode.MatchString(m.Country) {
		fault("country", "%q: use two letters, for example DE", spec.Country)
	}
	if from, err := parseDate(spec.ValidFrom); err != nil {
		fault("valid_from", "%q: use 2026-01-31 or 2026-01-31T10:00:00Z", spec.ValidFrom)
	} else if !from.IsZero() {
		m.ValidFrom = max(from.UnixMicro(), genealogy.Beginning)
	}
	m.CV = checkVolume("cv", spec.CVPerUnit, spec.CVOfNet, fault)
	m.QV = checkVolume("qv", spec.QVPerUnit, spec.QVOfNet, fault)
	return m, faults
}

// checkVolume reads one volume rule; where neither form is named the volume is 100 % of net, which is what most
// companies start with.
func checkVolume(prefix, perUnit, ofNet string, fault func(field, format string, args ...any)) catalog.VolumeRule {
	if perUnit != "" && ofNet != "" {
		fault(prefix+"_per_unit", "name either %s_per_unit or %s_of_net, not both", prefix, prefix)
		return catalog.VolumeRule{}
	}
	if perUnit != "" {
		v, err := money.ParseVolume(perUnit)
		if err != nil || v < 0 {
			fault(prefix+"_per_unit", "%q: use a number such as 25 or 12.5", perUnit)
		}
		return catalog.VolumeRule{PerUnit: v}
	}
	if ofNet == "" {
		return catalog.VolumeRule{OfNet: money.One}
	}
	r, err := money.ParseRate(ofNet)
	if err != nil || r < 0 {
		fault(prefix+"_of_net", "%q: use a rate such as 80%%", ofNet)
	}
	return catalog.VolumeRule{OfNet: r}
}
