package importer

import (
	"io"

	"upline.dev/upline/server/admin"
)

// skuColumns are the columns of a SKU file.
func skuColumns() columns {
	return columns{
		required: []string{"platform_sku", "commission_class"},
		ids:      []string{"platform_sku", "sku_id"},
		aliases: map[string]string{
			"skuid": "sku_id", "platform": "platform", "platformsku": "platform_sku", "sku": "platform_sku",
			"name": "name", "title": "name", "product": "name", "category": "category", "type": "category",
			"commissionclass": "commission_class", "class": "commission_class",
			"cv": "cv_per_unit", "cvperunit": "cv_per_unit", "cvofnet": "cv_of_net",
			"qv": "qv_per_unit", "qvperunit": "qv_per_unit", "qvofnet": "qv_of_net",
			"country": "country", "countrycode": "country", "validfrom": "valid_from",
		},
	}
}

// SKUs reads a SKU file; platform counts where a row names none. An empty commission class is a fault, since it would
// end the mapping: admin.None says that.
func SKUs(r io.Reader, encoding, platform string) (*Table, []admin.MappingSpec, error) {
	t, err := readTable(r, encoding, skuColumns())
	if err != nil {
		return nil, nil, err
	}
	specs := make([]admin.MappingSpec, len(t.Rows))
	for i, row := range t.Rows {
		specs[i] = admin.MappingSpec{
			SKUID: t.Get(row, "sku_id"), Platform: t.Get(row, "platform"), PlatformSKU: t.Get(row, "platform_sku"),
			Name: t.Get(row, "name"), Category: t.Get(row, "category"), CommissionClass: t.Get(row, "commission_class"),
			CVPerUnit: t.Get(row, "cv_per_unit"), CVOfNet: t.Get(row, "cv_of_net"), QVPerUnit: t.Get(row, "qv_per_unit"),
			QVOfNet: t.Get(row, "qv_of_net"), Country: t.Get(row, "country"), ValidFrom: t.Get(row, "valid_from"),
		}
		if specs[i].Platform == "" {
			specs[i].Platform = platform
		}
		if specs[i].CommissionClass == "" {
			t.fault(row.Line, row.Cells, "commission_class", "empty: name the class by which the plan pays, or - to end the mapping")
		}
	}
	t.Faults = t.With(nil)
	return t, specs, nil
}
