package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"upline.dev/upline/server"
)

// MappingRule maps SKUs that look alike. Case does not count; what is empty fits everything, but one of Prefix, Suffix and
// Contains is said. Volumes are as in MappingSpec.
type MappingRule struct {
	RuleID          string `json:"rule_id,omitempty"` // made where it is empty; stays through edits
	Platform        string `json:"platform"`
	Prefix          string `json:"prefix"`
	Suffix          string `json:"suffix"`
	Contains        string `json:"contains"`
	CommissionClass string `json:"commission_class"`
	Category        string `json:"category"`
	CVPerUnit       string `json:"cv_per_unit"`
	CVOfNet         string `json:"cv_of_net"`
	QVPerUnit       string `json:"qv_per_unit"`
	QVOfNet         string `json:"qv_of_net"`
}

// MappingRules are a program's rules; the first that fits a SKU counts.
type MappingRules struct {
	Rules   []MappingRule
	Version int64 // 0: there never were any
}

// WaitingSKU keeps orders waiting and has never been mapped.
type WaitingSKU struct{ Platform, PlatformSKU string }

const (
	maxRules     = 200  // a company that needs more has a list of SKUs, and imports that
	maxRulePart  = 100  // bytes of a prefix, suffix or part
	rulesAtOnce  = 1000 // SKUs that one transaction maps
	maxRuleIDLen = 40
)

// Fits reports whether the rule speaks of a SKU.
func (r *MappingRule) Fits(platform, sku string) bool {
	sku = strings.ToLower(sku)
	return (r.Platform == "" || r.Platform == platform) && strings.HasPrefix(sku, strings.ToLower(r.Prefix)) &&
		strings.HasSuffix(sku, strings.ToLower(r.Suffix)) && strings.Contains(sku, strings.ToLower(r.Contains))
}

// Spec is the mapping that the rule makes of a SKU.
func (r *MappingRule) Spec(platform, sku string) MappingSpec {
	return MappingSpec{
		Platform: platform, PlatformSKU: sku, CommissionClass: r.CommissionClass, Category: r.Category,
		CVPerUnit: r.CVPerUnit, CVOfNet: r.CVOfNet, QVPerUnit: r.QVPerUnit, QVOfNet: r.QVOfNet,
	}
}

// Check names what is wrong with the rule.
func (r *MappingRule) Check() error {
	switch {
	case r.Prefix == "" && r.Suffix == "" && r.Contains == "":
		return invalid("prefix", "say how the SKUs look: name a prefix, a suffix or a part")
	case len(r.Prefix) > maxRulePart || len(r.Suffix) > maxRulePart || len(r.Contains) > maxRulePart:
		return invalid("prefix", "a prefix, a suffix and a part have up to %d bytes", maxRulePart)
	case r.CommissionClass == "":
		return invalid("commission_class", "name the commission class")
	case len(r.RuleID) > maxRuleIDLen:
		return invalid("rule_id", "a rule's id has up to %d bytes", maxRuleIDLen)
	}
	platform := r.Platform
	if platform == "" {
		platform = "custom" // any will do: the rest is the same for all
	}
	var faults RowErrors
	if err := CheckMappings([]MappingSpec{r.Spec(platform, "x")}); errors.As(err, &faults) {
		return invalid(faults[0].Field, "%s", faults[0].Reason)
	} else if err != nil {
		return err
	}
	return nil
}

// covers reports whether r fits whatever other fits, as far as the texts alone show.
func (r *MappingRule) covers(other *MappingRule) bool {
	low := strings.ToLower
	within := r.Contains == ""
	for _, part := range []string{other.Prefix, other.Suffix, other.Contains} {
		within = within || strings.Contains(low(part), low(r.Contains))
	}
	return (r.Platform == "" || r.Platform == other.Platform) && strings.HasPrefix(low(other.Prefix), low(r.Prefix)) &&
		strings.HasSuffix(low(other.Suffix), low(r.Suffix)) && within
}

// RuleEffect says what one rule of a list does.
type RuleEffect struct {
	RuleID    string
	SKUs      []WaitingSKU // that wait, and that this rule maps: no rule before it fits them
	CoveredBy string       // the rule before it that fits all it could fit, so that it never counts; "": none
}

// RuleConflict is a SKU that waits and that several rules would map differently. The first of them counts.
type RuleConflict struct {
	WaitingSKU
	RuleIDs []string
}

// Decide says which rule maps which of the SKUs that wait.
func (rs *MappingRules) Decide(waiting []WaitingSKU) (effects []RuleEffect, conflicts []RuleConflict) {
	effects = make([]RuleEffect, len(rs.Rules))
	for i := range rs.Rules {
		effects[i].RuleID = rs.Rules[i].RuleID
		for j := range rs.Rules[:i] {
			if rs.Rules[j].covers(&rs.Rules[i]) {
				effects[i].CoveredBy = rs.Rules[j].RuleID
				break
			}
		}
	}
	for _, w := range waiting {
		var fit []string
		first, differ := -1, false
		for i := range rs.Rules {
			r := &rs.Rules[i]
			if !r.Fits(w.Platform, w.PlatformSKU) {
				continue
			}
			fit = append(fit, r.RuleID)
			if first < 0 {
				first = i
				effects[i].SKUs = append(effects[i].SKUs, w)
			} else if r.Spec("", "") != rs.Rules[first].Spec("", "") {
				differ = true
			}
		}
		if differ {
			conflicts = append(conflicts, RuleConflict{w, fit})
		}
	}
	return effects, conflicts
}

// RulesOutcome is what a list of rules does, or would do.
type RulesOutcome struct {
	MappingRules
	Effects   []RuleEffect
	Conflicts []RuleConflict
	Summary   ImportSummary
}

// PutMappingRules keeps a program's rules where they still are at the version that was seen, and maps what waits by them.
// commit=false changes nothing and says the same.
func (s *Service) PutMappingRules(ctx context.Context, program string, rules []MappingRule, seen int64, at time.Time, commit bool) (RulesOutcome, error) {
	if err := s.checkRules(rules); err != nil {
		return RulesOutcome{}, err
	}
	kept := MappingRules{Rules: rules, Version: seen}
	if commit {
		text, err := json.Marshal(rules)
		if err != nil {
			return RulesOutcome{}, fmt.Errorf("write the rules: %w", err)
		}
		if kept.Version, err = s.Books.PutMappingRules(ctx, program, text, seen, s.Actor); err != nil {
			return RulesOutcome{}, err
		}
		if err := s.Books.Audit(ctx, program, s.Actor, "mapping_rules.put", fmt.Sprintf("version %d", kept.Version), string(text)); err != nil {
			return RulesOutcome{}, err
		}
	}
	return s.mapByRules(ctx, program, kept, at, commit)
}

func (s *Service) checkRules(rules []MappingRule) error {
	if len(rules) > maxRules {
		return invalid("rules", "a program has up to %d rules; import a list of SKUs instead", maxRules)
	}
	seen := make(map[string]bool, len(rules))
	for i := range rules {
		r := &rules[i]
		if r.RuleID == "" {
			id, err := s.token("rule_")
			if err != nil {
				return err
			}
			r.RuleID = id[:16]
		}
		err := r.Check()
		if err == nil && seen[r.RuleID] {
			err = invalid("rule_id", "two rules have the id %s", r.RuleID)
		}
		var wrong *server.Error
		if errors.As(err, &wrong) {
			return invalid(fmt.Sprintf("rules.%d.%s", i, wrong.Field), "rule %d: %s", i+1, wrong.Message)
		}
		if err != nil {
			return err
		}
		seen[r.RuleID] = true
	}
	return nil
}

// MappingRulesOf reads a program's rules, and what they would do now.
func (s *Service) MappingRulesOf(ctx context.Context, program string, at time.Time) (RulesOutcome, error) {
	rules, err := s.rules(ctx, program)
	if err != nil {
		return RulesOutcome{}, err
	}
	return s.mapByRules(ctx, program, rules, at, false)
}

func (s *Service) rules(ctx context.Context, program string) (rules MappingRules, err error) {
	text, version, err := s.Books.MappingRules(ctx, program)
	if err != nil || version == 0 {
		return rules, err
	}
	rules.Version = version
	if err := json.Unmarshal(text, &rules.Rules); err != nil {
		return rules, fmt.Errorf("read the mapping rules of program %s: %w", program, err)
	}
	return rules, nil
}

// mapByRules maps the SKUs that wait, and were never mapped, by the first rule that fits each. What somebody has decided, an
// ended mapping too, is theirs.
func (s *Service) mapByRules(ctx context.Context, program string, rules MappingRules, at time.Time, commit bool) (RulesOutcome, error) {
	out := RulesOutcome{MappingRules: rules}
	if len(rules.Rules) == 0 {
		return out, nil
	}
	waiting, err := s.Books.WaitingSKUs(ctx, program)
	if err != nil {
		return out, err
	}
	out.Effects, out.Conflicts = rules.Decide(waiting)
	for i := range out.Effects {
		e := &out.Effects[i]
		for begin := 0; begin < len(e.SKUs); begin += rulesAtOnce {
			some := e.SKUs[begin:min(len(e.SKUs), begin+rulesAtOnce)]
			if err := s.mapByRule(ctx, program, &rules.Rules[i], some, at, commit, &out.Summary); err != nil {
				return out, err
			}
		}
	}
	return out, nil
}

func (s *Service) mapByRule(ctx context.Context, program string, r *MappingRule, skus []WaitingSKU, at time.Time, commit bool, sum *ImportSummary) error {
	specs, none := make([]MappingSpec, len(skus)), int64(0)
	for i, w := range skus {
		specs[i] = r.Spec(w.Platform, w.PlatformSKU)
		specs[i].SeenVersion = &none // whoever maps it by hand in this moment is right
	}
	rows, err := checkMappings(specs, at, time.UTC) // a rule names no date
	if err != nil {
		return err
	}
	done, err := s.putMappings(ctx, program, rows, specs, at, commit)
	if err != nil {
		return fmt.Errorf("map %d SKUs by rule %s: %w", len(skus), r.RuleID, err)
	}
	sum.Added, sum.Changed, sum.Unchanged, sum.Released = sum.Added+done.Added, sum.Changed+done.Changed, sum.Unchanged+done.Unchanged, sum.Released+done.Released
	if !commit {
		return nil
	}
	const named = 20 // SKUs in the audit log; the mappings themselves say the rest
	list := make([]string, 0, named)
	for _, w := range skus[:min(len(skus), named)] {
		list = append(list, w.PlatformSKU)
	}
	return s.Books.Audit(ctx, program, s.Actor, "mappings.by_rule", r.RuleID, fmt.Sprintf("%d SKUs: %s", len(skus), strings.Join(list, ", ")))
}

// ApplyMappingRules maps what has come to wait since, in all programs, and reports how many SKUs it mapped. A program that
// fails is tried again with the next call, and does not hold up the others.
func (s *Service) ApplyMappingRules(ctx context.Context, at time.Time) (mapped int, err error) {
	programs, err := s.Books.ProgramsWithRules(ctx)
	if err != nil {
		return 0, err
	}
	var failed []error
	for _, program := range programs {
		rules, err := s.rules(ctx, program)
		if err == nil {
			var out RulesOutcome
			out, err = s.mapByRules(ctx, program, rules, at, true)
			mapped += out.Summary.Added
		}
		if err != nil && server.CodeOf(err) != server.Conflict { // somebody maps the same SKUs just now
			failed = append(failed, err)
		}
	}
	return mapped, errors.Join(failed...)
}

// KeepMappingRules applies the rules every so often until ctx ends, and calls kick when orders were released.
func (s *Service) KeepMappingRules(ctx context.Context, every time.Duration, clock func() time.Time, kick func(), failed func(error)) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		mapped, err := s.ApplyMappingRules(ctx, clock())
		if mapped > 0 {
			kick()
		}
		if err != nil && ctx.Err() == nil {
			failed(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
