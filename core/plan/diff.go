package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Change is one way in which two plans differ.
type Change struct {
	Path   string // in the plan that has it, with ids and ranks in place of numbers: components.team.rates
	Text   string // the change as a sentence
	Before string // "" where it is new
	After  string // "" where it is gone
}

// Diff says in plain words how plan b differs from plan a, in the order of the document; nothing where both have the
// same canonical form. Rates are compared by what each rank is paid, not by how the rows are written. Both plans must
// come from Parse.
func Diff(a, b *Plan) []Change {
	d := &differ{a: a, b: b}
	d.value("name", "name", a.Name, b.Name)
	d.value("title", "title", a.Title, b.Title)
	d.value("effective_from", "beginning", a.EffectiveFrom, b.EffectiveFrom)
	d.value("currency", "currency", a.Currency, b.Currency)
	d.value("rounding", "rounding", a.Rounding, b.Rounding)
	d.value("ranks", "ranks", strings.Join(a.Ranks, ", "), strings.Join(b.Ranks, ", "))
	d.section("attribution", a.Attribution, b.Attribution)
	d.section("orders", a.Orders, b.Orders)
	d.section("eligible", a.Eligible, b.Eligible)
	d.section("volume", a.Volume, b.Volume)
	d.section("periods", a.Periods, b.Periods)
	d.qualification()
	d.section("placement", a.Placement, b.Placement)
	d.components()
	d.caps()
	d.section("holds", a.Holds, b.Holds)
	if len(d.changes) == 0 && a.Hash() != b.Hash() {
		d.add("components", "the tables are written differently; what anybody is paid is the same", "", "")
	}
	return d.changes
}

type differ struct {
	a, b    *Plan
	changes []Change
}

func (d *differ) add(path, text, before, after string) {
	d.changes = append(d.changes, Change{path, text, before, after})
}

// value compares two texts; "" is not given.
func (d *differ) value(path, words, before, after string) {
	switch {
	case before == after:
	case before == "":
		d.add(path, words+" is now "+after, "", after)
	case after == "":
		d.add(path, words+" is gone; it was "+before, before, "")
	default:
		d.add(path, words+" from "+before+" to "+after, before, after)
	}
}

// section compares two parts of the document key by key.
func (d *differ) section(path string, before, after any) {
	d.nodes(path, path, nodeOf(before), nodeOf(after))
}

// nodeOf is a part of a plan as the document has it. What a plan is made of always marshals and parses.
func nodeOf(part any) node {
	text, _ := json.Marshal(part) //nolint:errchkjson // Texts, whole numbers and booleans.
	n, _ := parseDocument(text)
	return n
}

func (d *differ) nodes(path, words string, before, after node) {
	if key := before.named(); key != "" && key == after.named() {
		d.list(path, words, key, before, after)
		return
	}
	if before.kind != kindObject || after.kind != kindObject {
		d.value(path, words, before.brief(), after.brief())
		return
	}
	for _, key := range unionOf(before.keys, after.keys) {
		d.nodes(join(path, key), strings.TrimSpace(words+" "+spoken(key)), before.child(key), after.child(key))
	}
}

// named is the key by which the objects of a list are told apart; "" where it is no list of such.
func (n node) named() string {
	for _, key := range []string{"from", "level", "active_legs"} {
		if n.kind == kindArray && len(n.items) > 0 && slices.Contains(n.items[0].keys, key) {
			return key
		}
	}
	return ""
}

// list compares lists of objects by the key that tells them apart.
func (d *differ) list(path, words, key string, before, after node) {
	find := func(n node, value string) node {
		if i := slices.IndexFunc(n.items, func(item node) bool { return item.child(key).text == value }); i >= 0 {
			return n.items[i]
		}
		return node{kind: kindNull}
	}
	var values []string
	for _, item := range append(slices.Clone(before.items), after.items...) {
		if value := item.child(key).text; !slices.Contains(values, value) {
			values = append(values, value)
		}
	}
	for _, value := range values {
		d.nodes(join(path, value), words+", "+spoken(key)+" "+value+":", find(before, value), find(after, value))
	}
}

// unionOf is the keys of both, in the order of the first.
func unionOf(a, b []string) []string {
	out := slices.Clone(a)
	for _, key := range b {
		if !slices.Contains(out, key) {
			out = append(out, key)
		}
	}
	return out
}

func spoken(key string) string { return strings.ReplaceAll(key, "_", " ") }

// child is the value of a key; nothing where there is none.
func (n node) child(key string) node {
	if i := slices.Index(n.keys, key); i >= 0 {
		return n.items[i]
	}
	return node{kind: kindNull}
}

// brief writes a value on one line.
func (n node) brief() string {
	var parts []string
	switch n.kind {
	case kindObject:
		for i, key := range n.keys {
			parts = append(parts, spoken(key)+" "+n.items[i].brief())
		}
		return strings.Join(parts, ", ")
	case kindArray:
		for _, item := range n.items {
			parts = append(parts, item.brief())
		}
		if len(parts) == 0 {
			return "none"
		}
		separator := ", "
		if n.items[0].kind == kindObject {
			separator = "; "
		}
		return strings.Join(parts, separator)
	case kindBool:
		return map[string]string{"true": "yes", "false": "no"}[n.text]
	default:
		return n.text
	}
}

func (d *differ) qualification() {
	before, after := d.a.Qualification, d.b.Qualification
	d.condition("qualification.active", "being active", before.Active, after.Active)
	for _, rank := range unionOf(d.a.Ranks, d.b.Ranks) {
		d.condition("qualification.ranks."+rank, rank, requirement(d.a, rank), requirement(d.b, rank))
	}
	before.Active, before.Ranks, after.Active, after.Ranks = nil, nil, nil, nil
	d.section("qualification", before, after)
}

func requirement(p *Plan, rank string) *Condition {
	for i := range p.Qualification.Ranks {
		if p.Qualification.Ranks[i].Rank == rank {
			return &p.Qualification.Ranks[i].Requires
		}
	}
	return nil
}

// condition tells which tests are new, gone or different.
func (d *differ) condition(path, subject string, before, after *Condition) {
	switch {
	case before == nil && after == nil:
	case before == nil:
		d.add(path, subject+" now asks for "+after.Words(), "", after.Words())
	case after == nil:
		d.add(path, subject+" no longer asks for anything; it asked for "+before.Words(), before.Words(), "")
	case before.Words() != after.Words():
		d.tests(path, subject, before.tests(), after.tests())
	}
}

// tests are the parts that must all hold.
func (c *Condition) tests() []*Condition {
	var out []*Condition
	for i := range c.All {
		out = append(out, c.All[i].tests()...)
	}
	if c.All == nil {
		out = append(out, c)
	}
	return out
}

func (d *differ) tests(path, subject string, before, after []*Condition) {
	same := func(list []*Condition, c *Condition) int {
		return slices.IndexFunc(list, func(other *Condition) bool { return other.Words() == c.Words() })
	}
	alike := func(list []*Condition, c *Condition) int {
		return slices.IndexFunc(list, func(other *Condition) bool {
			return c.Test != nil && other.Test != nil && c.Test.figure() == other.Test.figure() && c.Test.Measure != MeasureStatus
		})
	}
	gone := slices.DeleteFunc(slices.Clone(before), func(c *Condition) bool { return same(after, c) >= 0 })
	for _, c := range after {
		if same(before, c) >= 0 {
			continue
		}
		if i := alike(gone, c); i >= 0 {
			d.add(path, fmt.Sprintf("%s now asks for %s instead of %s", subject, c.Words(), gone[i].Words()), gone[i].Words(), c.Words())
			gone = slices.Delete(gone, i, i+1)
			continue
		}
		d.add(path, subject+" now asks for "+c.Words(), "", c.Words())
	}
	for _, c := range gone {
		d.add(path, subject+" no longer asks for "+c.Words(), c.Words(), "")
	}
}

func (d *differ) caps() {
	for _, id := range unionOf(ids(d.a.Caps), ids(d.b.Caps)) {
		before, after := capNamed(d.a, id), capNamed(d.b, id)
		path, words := "caps."+id, "cap "+id
		switch {
		case before == nil:
			d.add(path, words+" is new: "+capWords(after), "", capWords(after))
		case after == nil:
			d.add(path, words+" is gone: it was "+capWords(before), capWords(before), "")
		default:
			d.nodes(path, words+":", nodeOf(before), nodeOf(after))
		}
	}
	d.order("caps", "caps are enforced", ids(d.a.Caps), ids(d.b.Caps))
}

func ids(caps []Cap) []string {
	out := make([]string, len(caps))
	for i := range caps {
		out[i] = caps[i].ID
	}
	return out
}

func capNamed(p *Plan, id string) *Cap {
	if i := slices.Index(ids(p.Caps), id); i >= 0 {
		return &p.Caps[i]
	}
	return nil
}

// capWords tells a cap whole.
func capWords(c *Cap) string {
	limit := c.Limit
	if c.Limits != nil {
		limit = nodeOf(c.Limits).brief()
	}
	if c.Of != "" {
		limit += " of " + c.Of
	}
	who := c.Scope
	if c.Component+c.Rank != "" {
		who += " " + c.Component + c.Rank
	}
	per := map[string]string{Daily: "day", Weekly: "week", Monthly: "month", Quarterly: "quarter"}[c.Per]
	return fmt.Sprintf("%s at most %s per %s, %s", who, limit, orElse(per, c.Per), spoken(c.Enforce))
}

// order reports that what both have comes in another order.
func (d *differ) order(path, words string, before, after []string) {
	kept := slices.DeleteFunc(slices.Clone(before), func(id string) bool { return !slices.Contains(after, id) })
	now := slices.DeleteFunc(slices.Clone(after), func(id string) bool { return !slices.Contains(before, id) })
	if !slices.Equal(kept, now) {
		d.add(path, words+" in another order: "+strings.Join(now, ", "), strings.Join(kept, ", "), strings.Join(now, ", "))
	}
}
