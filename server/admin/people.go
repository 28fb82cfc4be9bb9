package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"upline.dev/upline/core/genealogy"
)

// DistributorSpec is one distributor as a CSV row or an API body says it, all text.
type DistributorSpec struct {
	DistributorID string   `json:"distributor_id"`
	SponsorID     string   `json:"sponsor_id"`
	Status        string   `json:"status"`     // default active
	Rank          string   `json:"rank"`       // by the plan's names; "" is the lowest
	Country       string   `json:"country"`    // ISO 3166-1 alpha-2
	CreatedAt     string   `json:"created_at"` // 2026-01-31 or RFC 3339; "": always been there
	Codes         []string `json:"codes"`      // coupon and reference codes
	Name          string   `json:"name"`       // kept sealed
	Email         string   `json:"email"`      // kept sealed
	TaxID         string   `json:"tax_id"`     // kept sealed
}

// RowError is what is wrong with one row, counted from 0 in the order given.
type RowError struct {
	Row    int
	Field  string
	Reason string
}

// Error names row and field.
func (e *RowError) Error() string { return fmt.Sprintf("row %d, %s: %s", e.Row+1, e.Field, e.Reason) }

// RowErrors are all faults found; nothing was written.
type RowErrors []*RowError

// Error shows the first faults and says how many there are.
func (es RowErrors) Error() string {
	shown := make([]string, 0, 5)
	for _, e := range es[:min(len(es), 5)] {
		shown = append(shown, e.Error())
	}
	text := strings.Join(shown, "; ")
	if len(es) > 5 {
		text += fmt.Sprintf("; and %d more", len(es)-5)
	}
	return text
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
)

// PutDistributors adds or changes people, all or nothing; commit=false is a dry run with the same answer. Faults of
// single rows come as RowErrors, faults of the tree (cycles, orphans) as a server.Error naming the people.
func (s *Service) PutDistributors(ctx context.Context, program string, specs []DistributorSpec, at time.Time, commit bool) (ImportSummary, error) {
	people := make([]Distributor, len(specs))
	var faults RowErrors
	seen := make(map[string]int, len(specs))
	for i := range specs {
		d, errs := checkDistributor(i, specs[i])
		if first, ok := seen[d.DistributorID]; ok {
			errs = append(errs, &RowError{i, "distributor_id", fmt.Sprintf("%s stands in row %d already", d.DistributorID, first+1)})
		}
		seen[d.DistributorID] = i
		faults = append(faults, errs...)
		people[i] = d
	}
	if len(faults) > 0 {
		return ImportSummary{}, faults
	}
	for i := range specs {
		if err := s.sealPerson(program, specs[i], &people[i]); err != nil {
			return ImportSummary{}, err
		}
	}
	summary, err := s.Books.PutDistributors(ctx, program, people, at, commit)
	if err != nil {
		return summary, fmt.Errorf("put distributors: %w", err)
	}
	if !commit {
		return summary, nil
	}
	return summary, s.audit(ctx, program, "distributors.put", fmt.Sprintf("%d rows", len(people)))
}

func checkDistributor(row int, spec DistributorSpec) (Distributor, RowErrors) {
	var faults RowErrors
	fault := func(field, format string, args ...any) {
		faults = append(faults, &RowError{row, field, fmt.Sprintf(format, args...)})
	}
	d := Distributor{
		DistributorID: spec.DistributorID, SponsorID: spec.SponsorID, Status: genealogy.Status(strings.ToLower(spec.Status)),
		Rank: strings.ToLower(spec.Rank), Country: strings.ToUpper(spec.Country), Codes: spec.Codes,
	}
	if !distributorID.MatchString(d.DistributorID) {
		fault("distributor_id", "%q: use 1 to 64 letters, digits and . _ : @ + -", d.DistributorID)
	}
	if d.SponsorID != "" && !distributorID.MatchString(d.SponsorID) {
		fault("sponsor_id", "%q: use 1 to 64 letters, digits and . _ : @ + -, or leave it empty at the top", d.SponsorID)
	}
	if d.SponsorID == d.DistributorID && d.SponsorID != "" {
		fault("sponsor_id", "%s cannot sponsor itself; leave sponsor_id empty at the top", d.SponsorID)
	}
	switch d.Status {
	case "":
		d.Status = genealogy.Active
	case genealogy.Active, genealogy.Inactive, genealogy.Suspended, genealogy.Terminated:
	default:
		fault("status", "%q: use active, inactive, suspended or terminated", spec.Status)
	}
	if !rankName.MatchString(d.Rank) {
		fault("rank", "%q: use the rank's id in the plan: a-z, 0-9 and _", spec.Rank)
	}
	if d.Country != "" && !countryCode.MatchString(d.Country) {
		fault("country", "%q: use two letters, for example DE", spec.Country)
	}
	created, err := parseDate(spec.CreatedAt)
	if err != nil {
		fault("created_at", "%q: use 2026-01-31 or 2026-01-31T10:00:00Z", spec.CreatedAt)
	}
	d.CreatedAt = created
	checkPersonal(spec, fault)
	return d, faults
}

func checkPersonal(spec DistributorSpec, fault func(field, format string, args ...any)) {
	if len(spec.Name) > maxNameBytes {
		fault("name", "longer than %d bytes", maxNameBytes)
	}
	if len(spec.Email) > maxNameBytes || (spec.Email != "" && !strings.Contains(spec.Email, "@")) {
		fault("email", "not an e-mail address")
	}
	if len(spec.TaxID) > maxTaxIDBytes {
		fault("tax_id", "longer than %d bytes", maxTaxIDBytes)
	}
	if len(spec.Codes) > maxCodes {
		fault("codes", "more than %d codes", maxCodes)
	}
	for _, code := range spec.Codes {
		if strings.TrimSpace(code) == "" || len(code) > 100 {
			fault("codes", "%q: a code has 1 to 100 bytes", code)
		}
	}
}

// parseDate reads a date or an instant; "" is the zero time.
func parseDate(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339Nano} {
		if t, err := time.Parse(layout, text); err == nil {
			if t.Year() < 1900 || t.Year() > 2200 {
				return time.Time{}, errors.New("year out of range")
			}
			return t.UTC(), nil
		}
	}
	return time.Time{}, errors.New("not a date")
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
