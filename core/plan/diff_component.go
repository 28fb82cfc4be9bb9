package plan

import (
	"fmt"
	"slices"
	"strings"
)

func (d *differ) components() {
	before, after := componentIDs(d.a), componentIDs(d.b)
	for _, id := range unionOf(before, after) {
		i, j := d.a.componentIndex(id), d.b.componentIndex(id)
		path := "components." + id
		switch {
		case i < 0:
			d.add(path, fmt.Sprintf("component %s is new: %s", id, componentWords(&d.b.Components[j])), "", componentWords(&d.b.Components[j]))
		case j < 0:
			d.add(path, fmt.Sprintf("component %s is gone: it was %s", id, componentWords(&d.a.Components[i])), componentWords(&d.a.Components[i]), "")
		default:
			d.component(path, &d.a.Components[i], &d.b.Components[j])
		}
	}
	d.order("components", "components are calculated", before, after)
}

func componentIDs(p *Plan) []string {
	out := make([]string, len(p.Components))
	for i := range p.Components {
		out[i] = p.Components[i].ID
	}
	return out
}

func componentWords(c *Component) string {
	words := spoken(c.Type) + ", paid " + span(c.Period)
	if c.Base != "" {
		words += ", on " + c.Base
	}
	return words
}

// component compares everything but the rows key by key, and the rows by what they pay whom.
func (d *differ) component(path string, before, after *Component) {
	if was, is := span(before.Period), span(after.Period); was != is {
		d.add(path+".period", fmt.Sprintf("%s: paid %s instead of %s", before.ID, is, was), was, is)
	}
	d.condition(path+".requires", before.ID, before.Requires, after.Requires)
	d.rows(path+".rates", before, after)
	plainBefore, plainAfter := *before, *after
	for _, c := range []*Component{&plainBefore, &plainAfter} {
		c.Period, c.Requires, c.Rates = PerOrder, nil, nil
	}
	a, b := nodeOf(plainBefore), nodeOf(plainAfter)
	for _, key := range unionOf(a.keys, b.keys) {
		if key != "rates" {
			d.nodes(join(path, key), before.ID+": "+spoken(key), a.child(key), b.child(key))
		}
	}
}

// cellChange is what ranks are paid differently by one key of the rows, at one level where there are levels.
type cellChange struct {
	what          string // level 3, rate, amount, shares, limit
	before, after string
	ranks         []string
}

// rows tells, class by class, what is paid differently, and joins ranks with the same change.
func (d *differ) rows(path string, before, after *Component) {
	was, is := before.rowIndex(), after.rowIndex()
	for _, class := range unionOf(rowClasses(before), rowClasses(after)) {
		var changes []cellChange
		for _, rank := range d.b.Ranks {
			if !slices.Contains(d.a.Ranks, rank) {
				changes = appendCells(changes, rank, nil, cells(after, is, class, rank))
				continue
			}
			changes = appendCells(changes, rank, cells(before, was, class, rank), cells(after, is, class, rank))
		}
		for _, change := range changes {
			d.cell(path, before.ID, class, change)
		}
	}
}

// rowClasses are the classes of the rows, each once.
func rowClasses(c *Component) []string {
	var out []string
	seen := map[string]bool{}
	for i := range c.Rates {
		if class := c.Rates[i].Class; !seen[class] {
			seen[class], out = true, append(out, class)
		}
	}
	return out
}

// cells are what a rank is paid on a class: what, and how much.
func cells(c *Component, rows map[[2]string]int, class, rank string) [][2]string {
	at := lookup(rows, class, rank)
	if at < 0 {
		return nil
	}
	row := &c.Rates[at]
	var out [][2]string
	for i, level := range row.Levels {
		out = append(out, [2]string{fmt.Sprintf("level %d", i+1), level})
	}
	for _, pair := range [][2]string{{"rate", row.Rate}, {"amount", row.Amount}, {"shares", row.Shares}, {"limit", row.Limit}} {
		if pair[1] != "" {
			out = append(out, pair)
		}
	}
	for _, currency := range sortedKeys(row.Amounts) {
		out = append(out, [2]string{"amount in " + currency, row.Amounts[currency]})
	}
	return out
}

// appendCells adds what differs for one rank to the changes of ranks before it.
func appendCells(changes []cellChange, rank string, before, after [][2]string) []cellChange {
	find := func(list [][2]string, what string) string {
		if i := slices.IndexFunc(list, func(pair [2]string) bool { return pair[0] == what }); i >= 0 {
			return list[i][1]
		}
		return ""
	}
	for _, pair := range append(slices.Clone(after), before...) {
		was, is := find(before, pair[0]), find(after, pair[0])
		known := slices.IndexFunc(changes, func(c cellChange) bool { return c.what == pair[0] && c.before == was && c.after == is })
		switch {
		case was == is:
		case known < 0:
			changes = append(changes, cellChange{pair[0], was, is, []string{rank}})
		case !slices.Contains(changes[known].ranks, rank):
			changes[known].ranks = append(changes[known].ranks, rank)
		}
	}
	return changes
}

// cell tells one change: gold: level 3 from 4% to 5%.
func (d *differ) cell(path, id, class string, c cellChange) {
	who := strings.Join(c.ranks, " and ")
	if len(c.ranks) == len(d.b.Ranks) {
		who = "every rank"
	}
	words := id + ": " + who + ": " + c.what
	if class != Any {
		words = id + ": " + who + ", class " + class + ": " + c.what
	}
	switch {
	case c.before == "":
		d.add(path, words+" is new, with "+c.after, "", c.after)
	case c.after == "":
		d.add(path, words+" is closed; it was "+c.before, c.before, "")
	default:
		d.add(path, words+" from "+c.before+" to "+c.after, c.before, c.after)
	}
}
