package importer

import (
	"errors"
	"io"
	"strings"

	"upline.dev/upline/server/admin"
)

// distributorColumns are the columns of a distributor file.
var distributorColumns = columns{
	required: []string{"distributor_id"},
	aliases: map[string]string{
		"distributor_id": "distributor_id", "id": "distributor_id", "member_id": "distributor_id", "consultant_id": "distributor_id",
		"sponsor_id": "sponsor_id", "sponsor": "sponsor_id", "upline_id": "sponsor_id", "parent_id": "sponsor_id",
		"status": "status", "rank": "rank", "title": "rank",
		"country": "country", "country_code": "country",
		"created_at": "created_at", "joined": "created_at", "join_date": "created_at", "enrolled_at": "created_at",
		"codes": "codes", "code": "codes", "coupon": "codes", "coupon_code": "codes",
		"name": "name", "full_name": "name", "email": "email", "e_mail": "email", "tax_id": "tax_id",
	},
}

// Distributors reads a distributor file. Faults of rows come back beside the table; nothing is half-read.
func Distributors(r io.Reader, encoding string) (*Table, []admin.DistributorSpec, error) {
	t, err := readTable(r, encoding, distributorColumns)
	if err != nil {
		return nil, nil, err
	}
	specs := make([]admin.DistributorSpec, 0, len(t.Rows))
	for _, row := range t.Rows {
		specs = append(specs, admin.DistributorSpec{
			DistributorID: t.Get(row, "distributor_id"), SponsorID: t.Get(row, "sponsor_id"), Status: t.Get(row, "status"),
			Rank: t.Get(row, "rank"), Country: t.Get(row, "country"), CreatedAt: t.Get(row, "created_at"),
			Codes: splitCodes(t.Get(row, "codes")), Name: t.Get(row, "name"), Email: t.Get(row, "email"), TaxID: t.Get(row, "tax_id"),
		})
	}
	return t, specs, nil
}

// splitCodes takes several codes in one cell, separated by spaces, | or ;.
func splitCodes(cell string) []string {
	return strings.FieldsFunc(cell, func(r rune) bool { return r == ' ' || r == '|' || r == ';' })
}

// skuColumns are the columns of a SKU file.
var skuColumns = columns{
	required: []string{"platform_sku", "commission_class"},
	aliases: map[string]string{
		"sku_id": "sku_id", "platform": "platform", "platform_sku": "platform_sku", "sku": "platform_sku",
		"name": "name", "title": "name", "product": "name", "category": "category", "type": "category",
		"commission_class": "commission_class", "class": "commission_class",
		"cv": "cv_per_unit", "cv_per_unit": "cv_per_unit", "cv_of_net": "cv_of_net",
		"qv": "qv_per_unit", "qv_per_unit": "qv_per_unit", "qv_of_net": "qv_of_net",
		"country": "country", "valid_from": "valid_from",
	},
}

// SKUs reads a SKU file; platform counts where a row names none.
func SKUs(r io.Reader, encoding, platform string) (*Table, []admin.MappingSpec, error) {
	t, err := readTable(r, encoding, skuColumns)
	if err != nil {
		return nil, nil, err
	}
	specs := make([]admin.MappingSpec, 0, len(t.Rows))
	for _, row := range t.Rows {
		spec := admin.MappingSpec{
			SKUID: t.Get(row, "sku_id"), Platform: t.Get(row, "platform"), PlatformSKU: t.Get(row, "platform_sku"),
			Name: t.Get(row, "name"), Category: t.Get(row, "category"), CommissionClass: t.Get(row, "commission_class"),
			CVPerUnit: t.Get(row, "cv_per_unit"), CVOfNet: t.Get(row, "cv_of_net"), QVPerUnit: t.Get(row, "qv_per_unit"),
			QVOfNet: t.Get(row, "qv_of_net"), Country: t.Get(row, "country"), ValidFrom: t.Get(row, "valid_from"),
		}
		if spec.Platform == "" {
			spec.Platform = platform
		}
		specs = append(specs, spec)
	}
	return t, specs, nil
}

// FaultsOf turns row errors, which count rows from 0, into faults with the file's own lines.
func (t *Table) FaultsOf(err error) ([]Fault, bool) {
	var rows admin.RowErrors
	if !errors.As(err, &rows) {
		return nil, false
	}
	faults := make([]Fault, 0, len(rows))
	for _, e := range rows {
		row := t.Rows[e.Row]
		faults = append(faults, Fault{Line: row.Line, Field: e.Field, Reason: e.Reason, Row: row.Cells})
	}
	return faults, true
}
