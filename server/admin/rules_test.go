package admin

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestMappingRuleChecks(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, want string
		rule       MappingRule
	}{
		{"a prefix", "", MappingRule{Prefix: "TEA-", CommissionClass: "care"}},
		{"volumes", "", MappingRule{Contains: "x", CommissionClass: "care", CVPerUnit: "12.5", QVOfNet: "80%"}},
		{"no text", "name a prefix", MappingRule{CommissionClass: "care"}},
		{"no class", "commission class", MappingRule{Prefix: "x"}},
		{"a long part", "100 bytes", MappingRule{Suffix: strings.Repeat("x", 101), CommissionClass: "care"}},
		{"an unknown platform", "use shopify", MappingRule{Prefix: "x", Platform: "etsy", CommissionClass: "care"}},
		{"a rate without a percent sign", "80%", MappingRule{Prefix: "x", CommissionClass: "care", CVOfNet: "80"}},
		{"two volumes", "not both", MappingRule{Prefix: "x", CommissionClass: "care", CVOfNet: "8%", CVPerUnit: "1"}},
	} {
		err := tc.rule.Check()
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
}

// TestDecide: the first rule that fits counts; who would have decided otherwise is said.
func TestDecide(t *testing.T) {
	t.Parallel()
	rules := MappingRules{Rules: []MappingRule{
		{RuleID: "tea", Prefix: "TEA-", CommissionClass: "care"},
		{RuleID: "green", Prefix: "tea-green-", CommissionClass: "home"},
		{RuleID: "mug", Suffix: "-MUG", Platform: "shopify", CommissionClass: "home"},
		{RuleID: "twin", Contains: "MUG", CommissionClass: "home"},
	}}
	skus := []WaitingSKU{{"custom", "tea-green-1"}, {"shopify", "TEA-MUG"}, {"shopify", "X-MUG"}, {"custom", "X-MUG"}, {"custom", "CUP"}}
	effects, conflicts := rules.Decide(skus)
	if diff := cmp.Diff([]RuleEffect{
		{RuleID: "tea", SKUs: skus[:2]}, {RuleID: "green", CoveredBy: "tea"}, {RuleID: "mug", SKUs: skus[2:3]}, {RuleID: "twin", SKUs: skus[3:4]},
	}, effects); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]RuleConflict{{skus[0], []string{"tea", "green"}}, {skus[1], []string{"tea", "mug", "twin"}}}, conflicts); diff != "" {
		t.Error(diff)
	}
}

// TestCovered: a rule that is said never to count fits nothing that the one before it does not fit.
func TestCovered(t *testing.T) {
	t.Parallel()
	part := rapid.StringMatching("[abA]{0,2}")
	rule := rapid.Custom(func(t *rapid.T) MappingRule {
		return MappingRule{Platform: rapid.SampledFrom([]string{"", "shopify", "custom"}).Draw(t, "platform"), Prefix: part.Draw(t, "prefix"), Suffix: part.Draw(t, "suffix"), Contains: part.Draw(t, "contains")}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := rule.Draw(t, "a"), rule.Draw(t, "b")
		platform, sku := rapid.SampledFrom([]string{"shopify", "custom"}).Draw(t, "of"), rapid.StringMatching("[abB]{0,6}").Draw(t, "sku")
		if a.covers(&b) && b.Fits(platform, sku) && !a.Fits(platform, sku) {
			t.Fatalf("%+v covers %+v, but does not fit %s of %s", a, b, sku, platform)
		}
	})
}
