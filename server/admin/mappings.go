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
	// SeenVersion is the version of the SKU's newest mapping that the sender has seen, 0 for none; nil: it does not matter.
	SeenVersion *int64 `json:"seen_version"`
}

// maxSKUBytes is what a SKU and the id behind it may have.
const maxSKUBytes = 255

// maxVolumeRate catches 80 written for 80%: no company gives ten points for each unit of money.
const maxVolumeRate = 10 * money.One

var commissionClass = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

// PutMappings adds dated mappings, all or nothing; commit=false is a dry run with the same answer.
func (s *Service) PutMappings(ctx context.Context, program string, specs []MappingSpec, at time.Time, commit bool) (ImportSummary, error) {
	zone, err := s.Zone(ctx, program)
	if err != nil {
		return ImportSummary{}, err
	}
	rows, err := checkMappings(specs, at, zone)
	if err != nil {
		return ImportSummary{}, err
	}
	summary, err := s.putMappings(ctx, program, rows, specs, at, commit)
	if err != nil {
		return ImportSummary{}, fmt.Errorf("put mappings: %w", err)
	}
	if !commit {
		return summary, nil
	}
	return summary, s.audit(ctx, program, "mappings.put", fmt.Sprintf("%d rows", len(rows)))
}

func (s *Service) putMappings(ctx context.Context, program string, rows []catalog.Mapping, specs []MappingSpec, at time.Time, commit bool) (ImportSummary, error) {
	seen, told := make([]int64, len(specs)), false
	for i := range specs {
		seen[i] = -1
		if specs[i].SeenVersion != nil {
			seen[i], told = *specs[i].SeenVersion, true
		}
	}
	if told {
		return s.Books.PutSeenMappings(ctx, program, rows, seen, commit)
	}
	return s.Books.PutMappings(ctx, program, rows, at, commit)
}

// CheckMappings reports what single rows show to be wrong, as RowErrors, without a database.
func CheckMappings(specs []MappingSpec) error {
	_, err := checkMappings(specs, time.Unix(0, 0), time.UTC) // the time of the import stands in for missing dates only
	return err
}

func checkMappings(specs []MappingSpec, at time.Time, zone *time.Location) ([]catalog.Mapping, error) {
	rows := make([]catalog.Mapping, len(specs))
	faults, seen := newRowFaults(zone), make(map[mappingKey]int, len(specs))
	for i := range specs {
		row := faults.at(i)
		m := checkMapping(specs[i], at, row)
		once(row, seen, mappingKey{m.Platform, m.PlatformSKU, m.Country, m.ValidFrom}, "platform_sku", m.PlatformSKU)
		rows[i] = m
	}
	return rows, faults.err()
}

// mappingKey is what one row of a file may say something about.
type mappingKey struct {
	platform, sku, country string
	validFrom              int64
}

func checkMapping(spec MappingSpec, at time.Time, row *rowFaults) catalog.Mapping {
	m := catalog.Mapping{
		SKUID: spec.SKUID, Platform: strings.ToLower(spec.Platform), PlatformSKU: spec.PlatformSKU, Name: spec.Name,
		Category: spec.Category, CommissionClass: given(spec.CommissionClass), Country: strings.ToUpper(given(spec.Country)),
		ValidFrom: at.UnixMicro(),
	}
	if m.SKUID == "" {
		m.SKUID = m.PlatformSKU
	}
	switch order.Platform(m.Platform) {
	case order.Shopify, order.WooCommerce, order.Magento, order.Custom:
	default:
		row.fault("platform", "%s: use shopify, woocommerce, magento or custom", quote(spec.Platform))
	}
	if m.PlatformSKU == "" || m.PlatformSKU != strings.TrimSpace(m.PlatformSKU) {
		row.fault("platform_sku", "%s: a SKU has 1 to %d bytes and no blanks around it", quote(m.PlatformSKU), maxSKUBytes)
	}
	row.text("platform_sku", m.PlatformSKU, maxSKUBytes)
	row.text("sku_id", m.SKUID, maxSKUBytes)
	row.text("name", m.Name, maxNameBytes)
	row.text("category", m.Category, maxNameBytes)
	if m.CommissionClass != "" && !commissionClass.MatchString(m.CommissionClass) {
		row.fault("commission_class", "%s: use up to 40 letters, digits, _ and -", quote(m.CommissionClass))
	}
	if m.Country != "" && !countryCode.MatchString(m.Country) {
		row.fault("country", "%s: use two letters, for example DE", quote(spec.Country))
	}
	if from := row.date("valid_from", spec.ValidFrom); !from.IsZero() {
		m.ValidFrom = max(from.UnixMicro(), genealogy.Beginning)
	}
	m.CV = checkVolume("cv", spec.CVPerUnit, spec.CVOfNet, row)
	m.QV = checkVolume("qv", spec.QVPerUnit, spec.QVOfNet, row)
	return m
}

// checkVolume reads one volume rule; where neither form is named the volume is 100 % of net, which is what most
// companies start with.
func checkVolume(prefix, perUnit, ofNet string, row *rowFaults) catalog.VolumeRule {
	switch {
	case perUnit != "" && ofNet != "":
		row.fault(prefix+"_per_unit", "name either %s_per_unit or %s_of_net, not both", prefix, prefix)
		return catalog.VolumeRule{}
	case perUnit != "":
		v, err := money.ParseVolume(perUnit)
		if err != nil || v < 0 {
			row.fault(prefix+"_per_unit", "%s: use a number such as 25 or 12.5", quote(perUnit))
		}
		return catalog.VolumeRule{PerUnit: v}
	case ofNet == "":
		return catalog.VolumeRule{OfNet: money.One}
	}
	r, err := money.ParseRate(ofNet)
	if err != nil || r < 0 || r > maxVolumeRate {
		row.fault(prefix+"_of_net", "%s: use a rate from 0%% to 1000%%, such as 80%%", quote(ofNet))
	}
	return catalog.VolumeRule{OfNet: r}
}
