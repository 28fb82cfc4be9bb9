package planfile

import (
	"slices"
	"testing"
)

// Editors know only the schema, so it must refuse by itself what goes with another type.
func TestSchemaKnowsWhichKeysGoWithWhichType(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ component, path string }{
		{`{id: a, type: retail, requires: {pv: "1"}, rates: [{rate: 1%}]}`, "components[0].requires"},
		{`{id: a, type: unilevel, period: order, requires: {pv: "1"}, rates: [{levels: [1%]}]}`, "components[0].requires"},
		{`{id: a, type: unilevel, period: monthly, requires: {pv: "1"}, rates: [{levels: [1%]}]}`, ""},
		{`{id: a, type: retail, pool: {share: 1%}, rates: [{rate: 1%}]}`, "components[0].pool"},
		{`{id: a, type: pool, pool: {share: 1%}, rates: [{shares: "1"}]}`, ""},
		{`{id: a, type: pool, period: order, pool: {share: 1%}, rates: [{shares: "1"}]}`, "components[0].period"},
		{`{id: a, type: pool, rates: [{shares: "1"}]}`, "components[0].pool"},
		{`{id: a, type: binary, tree: sponsor, binary: {}, rates: [{rate: 1%}]}`, "components[0].tree"},
		{`{id: a, type: binary, tree: placement, binary: {}, rates: [{rate: 1%}]}`, ""},
		{`{id: a, type: pool, tree: sponsor, pool: {share: 1%}}`, "components[0].tree"},
		{`{id: a, type: generation, levels_from: buyer, generation: {boundary: earner}}`, "components[0].levels_from"},
		{`{id: a, type: infinity, compression: none, infinity: {below: 1}}`, "components[0].compression"},
		{`{id: a, type: fixed, base: net, rates: [{amount: "1"}]}`, "components[0].base"},
		{`{id: a, type: retail, period: weekly, requires: {pv: "1", without: gold}, rates: [{rate: 1%}]}`, "components[0].requires"},
		{`{id: a, type: retail, period: weekly, requires: {pv: "1", gv: "1"}, rates: [{rate: 1%}]}`, "components[0].requires"},
		{`{id: a, type: retail, period: weekly, requires: {not: {any: [{gv: "> 1", max_leg_share: 50%}, {leg: {n: 1, volume: "1"}}]}}, rates: [{rate: 1%}]}`, ""},
		{`{id: a, type: retail, period: weekly, requires: {not: {any: [{gv: "much"}]}}, rates: [{rate: 1%}]}`, "components[0].requires.not.any[0].gv"},
	} {
		d, err := ParseYAML([]byte("name: x\ncomponents:\n  - "+c.component+"\n"), "x.yaml")
		if err != nil {
			t.Fatal(err)
		}
		problems, err := d.checkSchema()
		if err != nil {
			t.Fatal(err)
		}
		if c.path == "" && len(problems) > 0 || c.path != "" && !slices.ContainsFunc(problems, func(p Problem) bool { return p.Path == c.path }) {
			t.Errorf("%s: want a problem at %q, have %v", c.component, c.path, problems)
		}
	}
}
