// Package catalog says what a platform's SKU is for the program: its commission class and its volumes, dated.
package catalog

import (
	"upline.dev/upline/core/money"
)

// VolumeRule gives the volume of a line: either fixed per unit or a rate of net. The zero value is no volume.
type VolumeRule struct {
	PerUnit money.Volume `json:"per_unit,omitempty"` // micro-units for each unit left
	OfNet   money.Rate   `json:"of_net,omitempty"`   // volume points per major currency unit of net: 100 % gives 1 CV for 1.00
}

// Mapping is one dated row of sku_mapping.
type Mapping struct {
	SKUID           string
	Platform        string
	PlatformSKU     string
	Name            string
	Category        string
	CommissionClass string
	CV              VolumeRule
	QV              VolumeRule
	Country         string // ISO 3166-1 alpha-2; "" for every country without a row of its own
	ValidFrom       int64  // microseconds since 1970 UTC; the first mapping of a SKU counts from the beginning
	Version         int64  // catalogue version that recorded it
}

// Item is what a SKU is, as of one instant.
type Item struct {
	SKUID           string     `json:"sku_id"`
	CommissionClass string     `json:"commission_class"`
	CV              VolumeRule `json:"cv"`
	QV              VolumeRule `json:"qv"`
}

// Unmapped is the error for a SKU without a mapping; it names what to map.
type Unmapped struct {
	Platform    string
	PlatformSKU string
}

// Error names the SKU and the mend.
func (u *Unmapped) Error() string {
	return "SKU " + u.PlatformSKU + " of " + u.Platform + " has no mapping: map it to a commission class"
}
