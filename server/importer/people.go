package importer

import (
	"io"
	"strings"

	"upline.dev/upline/server/admin"
)

// distributorColumns are the columns of a distributor file. sponsor_id is required, because without it everybody new
// would stand at the top.
func distributorColumns() columns {
	return columns{
		required: []string{"distributor_id", "sponsor_id"},
		ids:      []string{"distributor_id", "sponsor_id", "codes", "enroller_id", "placement_parent", "customer_ids"},
		aliases: map[string]string{
			"distributorid": "distributor_id", "id": "distributor_id", "memberid": "distributor_id", "consultantid": "distributor_id",
			"memberno": "distributor_id", "membernumber": "distributor_id", "distributor": "distributor_id", "distributorno": "distributor_id",
			"distributornumber": "distributor_id", "partnerid": "distributor_id", "partnernumber": "distributor_id",
			"sponsorid": "sponsor_id", "sponsor": "sponsor_id", "uplineid": "sponsor_id", "parentid": "sponsor_id",
			"upline": "sponsor_id", "sponsorno": "sponsor_id", "sponsornumber": "sponsor_id", "recruiterid": "sponsor_id", "recruiter": "sponsor_id",
			"status": "status", "rank": "rank", "country": "country", "countrycode": "country",
			"createdat": "created_at", "joined": "created_at", "joindate": "created_at", "joinedat": "created_at", "membersince": "created_at", "startdate": "created_at",
			"codes": "codes", "code": "codes", "coupon": "codes", "couponcode": "codes", "referralcode": "codes",
			"name": "name", "fullname": "name", "email": "email", "emailaddress": "email", "taxid": "tax_id",
			"enrollerid": "enroller_id", "enroller": "enroller_id", "enrolledat": "enrolled_at", "enrolmentdate": "enrolled_at",
			"enrollmentdate": "enrolled_at", "autoship": "autoship", "placementparent": "placement_parent",
			"placementid": "placement_parent", "placementleg": "placement_leg", "leg": "placement_leg",
			"customerids": "customer_ids", "customerid": "customer_ids", "customers": "customer_ids",
		},
	}
}

// Distributors reads a distributor file. Faults of rows come back beside the table.
func Distributors(r io.Reader, encoding string) (*Table, []admin.DistributorSpec, error) {
	t, err := readTable(r, encoding, distributorColumns())
	if err != nil {
		return nil, nil, err
	}
	specs := make([]admin.DistributorSpec, len(t.Rows))
	for i, row := range t.Rows {
		specs[i] = admin.DistributorSpec{
			DistributorID: t.Get(row, "distributor_id"), SponsorID: t.Get(row, "sponsor_id"), Status: t.Get(row, "status"),
			Rank: t.Get(row, "rank"), Country: t.Get(row, "country"), CreatedAt: t.Get(row, "created_at"),
			Codes: splitCodes(t.Get(row, "codes")), Name: t.Get(row, "name"), Email: t.Get(row, "email"), TaxID: t.Get(row, "tax_id"),
			EnrollerID: t.Get(row, "enroller_id"), EnrolledAt: t.Get(row, "enrolled_at"), Autoship: t.Get(row, "autoship"),
			PlacementParent: t.Get(row, "placement_parent"), PlacementLeg: t.Get(row, "placement_leg"),
			CustomerIDs: splitCodes(t.Get(row, "customer_ids")),
		}
	}
	return t, specs, nil
}

// splitCodes takes several codes in one cell, separated by blanks, | or ;. An empty cell is nil, which leaves the codes
// as they are; admin.None takes them all back.
func splitCodes(cell string) []string {
	switch cell {
	case "":
		return nil
	case admin.None:
		return []string{}
	}
	codes := strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(" \t\n\u00a0|;", r) })
	if len(codes) == 0 {
		return nil
	}
	return codes
}
