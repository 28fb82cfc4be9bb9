package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"upline.dev/upline/core/genealogy"
)

// None, as a whole field, takes away what a known distributor or mapping has: a sponsor, a rank, a country, codes.
const None = "-"

// DistributorSpec is one distributor as a CSV row or an API body says it, all text. An empty field changes nothing about
// somebody who is known already: a file without a column must not move everybody to the top.
type DistributorSpec struct {
	DistributorID string   `json:"distributor_id"`
	SponsorID     string   `json:"sponsor_id"` // "" for somebody new, or None: at the top
	Status        string   `json:"status"`     // "" for somebody new: active
	Rank          string   `json:"rank"`       // by the plan's names; "" for somebody new, or None: the lowest
	Country       string   `json:"country"`    // ISO 3166-1 alpha-2; None takes it away
	CreatedAt     string   `json:"created_at"` // 2026-01-31, begun by the company's clocks, or RFC 3339; "": always been there
	Codes         []string `json:"codes"`      // coupon and reference codes; nil leaves them, an empty list takes all back
	Name          string   `json:"name"`       // kept sealed; name and email are one value, so a row gives both or neither
	Email         string   `json:"email"`      // kept sealed
	TaxID         string   `json:"tax_id"`     // kept sealed

	// Facts that only periods need. An empty field changes nothing here either.
	EnrollerID      string `json:"enroller_id,omitempty"`      // None: the sponsor
	EnrolledAt      string `json:"enrolled_at,omitempty"`      // as created_at, which it is by default
	Autoship        string `json:"autoship,omitempty"`         // yes or no
	PlacementParent string `json:"placement_parent,omitempty"` // position above in the placement tree; None: at the top
	PlacementLeg    string `json:"placement_leg,omitempty"`    // left, right, or a number from 1; 1 is left

	// CustomerIDs are the customers who are this person, as store_id/customer_id: what they buy is an own order. Those
	// named before stay.
	CustomerIDs []string `json:"customer_ids,omitempty"`
}

var (
	distributorID = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}._:@+-]{0,63}$`)
	countryCode   = regexp.MustCompile(`^[A-Z]{2}$`)
	rankName      = regexp.MustCompile(`^[a-z0-9_]{0,40}$`)
)

// limits of personal fields; they are sealed as one value.
const (
	maxNameBytes  = 300
	maxTaxIDBytes = 64
	maxCodes      = 20
	maxCodeBytes  = 100
)

// PutDistributors adds or changes people, all or nothing; commit=false is a dry run with the same answer. What is wrong
// with rows comes as RowErrors, also where only the whole tree shows it: cycles, orphans, codes of somebody else.
func (s *Service) PutDistributors(ctx context.Context, program string, specs []DistributorSpec, at time.Time, commit bool) (ImportSummary, error) {
	zone, err := s.Zone(ctx, program)
	if err != nil {
		return ImportSummary{}, err
	}
	people, ids, err := checkDistributors(specs, zone)
	if err != nil {
		return ImportSummary{}, err
	}
	for i := range specs {
		if err := s.sealPerson(program, specs[i], &people[i]); err != nil {
			return ImportSummary{}, err
		}
	}
	summary, err := s.Books.PutDistributors(ctx, program, people, at, commit)
	if err != nil {
		return ImportSummary{}, fmt.Errorf("put distributors: %w", rowsOfTree(err, ids, people))
	}
	if !commit {
		return summary, nil
	}
	return summary, s.audit(ctx, program, "distributors.put", fmt.Sprintf("%d rows", len(people)))
}

// CheckDistributors reports what single rows show to be wrong, as RowErrors, without a database.
func CheckDistributors(specs []DistributorSpec) error {
	_, _, err := checkDistributors(specs, time.UTC) // a date that can be read can be read in every zone
	return err
}

// checkDistributors reads all rows; ids says in which row a person is.
func checkDistributors(specs []DistributorSpec, zone *time.Location) (people []Distributor, ids map[string]int, err error) {
	people = make([]Distributor, len(specs))
	faults := newRowFaults(zone)
	ids, codes, customers := make(map[string]int, len(specs)), make(map[string]int), make(map[bindingKey]int)
	for i := range specs {
		row := faults.at(i)
		people[i] = checkDistributor(specs[i], row)
		row.once(ids, people[i].DistributorID, "distributor_id", people[i].DistributorID)
		for _, code := range people[i].Codes {
			row.once(codes, strings.ToLower(code), "codes", "code "+code)
		}
		for _, c := range people[i].Customers {
			once(row, customers, bindingKey{store: c.StoreID, customer: c.CustomerID}, "customer_ids", c.StoreID+"/"+c.CustomerID)
		}
	}
	return people, ids, faults.err()
}

func checkDistributor(spec DistributorSpec, row *rowFaults) Distributor {
	d := Distributor{
		DistributorID: spec.DistributorID, SponsorID: given(spec.SponsorID), Status: genealogy.Status(strings.ToLower(spec.Status)),
		Rank: strings.ToLower(given(spec.Rank)), Country: strings.ToUpper(given(spec.Country)), Codes: spec.Codes,
		Keep: Keep{Sponsor: spec.SponsorID == "", Status: spec.Status == "", Rank: spec.Rank == "", Country: spec.Country == ""},
	}
	if !validID(d.DistributorID) {
		row.fault("distributor_id", "%s: use 1 to 64 letters, digits and . _ : @ + -, beginning with a letter or digit", quote(spec.DistributorID))
	}
	if d.SponsorID != "" && !validID(d.SponsorID) {
		row.fault("sponsor_id", "%s: use 1 to 64 letters, digits and . _ : @ + -, or leave it empty at the top", quote(spec.SponsorID))
	}
	if d.SponsorID == d.DistributorID && d.SponsorID != "" {
		row.fault("sponsor_id", "%s cannot sponsor itself; leave sponsor_id empty at the top", quote(d.SponsorID))
	}
	switch d.Status {
	case "":
		d.Status = genealogy.Active
	case genealogy.Active, genealogy.Inactive, genealogy.Suspended, genealogy.Terminated:
	default:
		row.fault("status", "%s: use active, inactive, suspended or terminated", quote(spec.Status))
	}
	if !rankName.MatchString(d.Rank) {
		row.fault("rank", "%s: use the rank's id in the plan: up to 40 of a-z, 0-9 and _", quote(spec.Rank))
	}
	if d.Country != "" && !countryCode.MatchString(d.Country) {
		row.fault("country", "%s: use two letters, for example DE", quote(spec.Country))
	}
	d.CreatedAt = row.date("created_at", spec.CreatedAt)
	checkPeriodFacts(spec, &d, row)
	customersOf(&d, spec.CustomerIDs, row)
	checkPersonal(spec, row)
	return d
}

// validID holds an id to what the tree and the keys made of it take: 64 characters, and 255 bytes.
func validID(id string) bool { return len(id) <= 255 && distributorID.MatchString(id) }

// given is what a field says, where None says that there is nothing.
func given(field string) string {
	if field == None {
		return ""
	}
	return field
}

func checkPersonal(spec DistributorSpec, row *rowFaults) {
	row.text("name", spec.Name, maxNameBytes)
	row.text("email", spec.Email, maxNameBytes)
	row.text("tax_id", spec.TaxID, maxTaxIDBytes)
	if spec.Email != "" && !strings.Contains(strings.Trim(spec.Email, "@"), "@") {
		row.fault("email", "not an e-mail address")
	}
	if len(spec.Codes) > maxCodes {
		row.fault("codes", "more than %d codes", maxCodes)
	}
	for _, code := range spec.Codes {
		if code == "" || code != strings.TrimSpace(code) {
			row.fault("codes", "%s: a code has 1 to %d bytes and no blanks around it", quote(code), maxCodeBytes)
		}
		row.text("codes", code, maxCodeBytes)
	}
}

// profile is the personal data of a distributor; it is sealed whole and dropped whole.
type profile struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
}

// PersonKey is the associated data of a distributor's sealed fields.
func PersonKey(program, distributorID string) []byte {
	return []byte(program + "\x00" + distributorID)
}

func (s *Service) sealPerson(program string, spec DistributorSpec, d *Distributor) error {
	key := PersonKey(program, d.DistributorID)
	if spec.TaxID != "" {
		sealed, err := s.Sealer.Seal([]byte(spec.TaxID), key)
		if err != nil {
			return fmt.Errorf("seal tax id of %s: %w", d.DistributorID, err)
		}
		d.SealedTaxID = sealed
	}
	if spec.Name == "" && spec.Email == "" {
		return nil
	}
	plain, err := json.Marshal(profile{Name: spec.Name, Email: spec.Email})
	if err != nil {
		return fmt.Errorf("encode profile of %s: %w", d.DistributorID, err)
	}
	if d.SealedProfile, err = s.Sealer.Seal(plain, key); err != nil {
		return fmt.Errorf("seal profile of %s: %w", d.DistributorID, err)
	}
	return nil
}
