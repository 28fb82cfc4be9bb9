package magento

import (
	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/wire"
)

// reading collects the first fault of many fields, so that formulas can be written as formulas.
type reading struct {
	at   string // where the fields stand
	dust bool   // amounts may hold the dust of a float
	err  error
}

// amount reads one field; absent is 0, as Magento leaves out what is null.
func (r *reading) amount(field string, text wire.Amount) fine {
	value, err := parseFine(text, r.dust)
	if err != nil && r.err == nil {
		r.err = at(r.at+"."+field, err)
	}
	return value
}

// units reads a quantity. Volumes are per unit, so a part of a unit cannot be told.
func (r *reading) units(field string, text wire.Amount) int64 {
	value := r.amount(field, text)
	if r.err == nil && (value < 0 || value%fineOne != 0) {
		r.err = &adapters.Malformed{Field: r.at + "." + field, Reason: "want a whole number of units, not below 0; sell by the piece, or by a smaller unit"}
	}
	return int64(value / fineOne)
}

// at names the field of a fault.
func at(field string, err error) error {
	return &adapters.Malformed{Field: field, Reason: err.Error()}
}

func missing(field string) error {
	return &adapters.Malformed{Field: field, Reason: "the field is missing"}
}

// sku is what a mapping knows the row by; a product without a SKU goes by its id.
func sku(text string, product wire.ID) string {
	if text == "" && product != 0 {
		return "product:" + product.String()
	}
	return text
}
