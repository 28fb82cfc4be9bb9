package plan

import "fmt"

// read takes the document apart and fills in defaults. The plan is nil where there is nothing to go on with.
func read(document []byte) (*Plan, []Problem) {
	root, err := parseDocument(document)
	if err != nil {
		return nil, []Problem{{Reason: err.Error(), Mend: "write the plan as one JSON or YAML document"}}
	}
	if root.kind != kindObject {
		return nil, []Problem{{Reason: fmt.Sprintf("is %s", root.kind), Mend: "write keys and values, at least name and components"}}
	}
	r := &reader{}
	o := r.object(root, "", "name", "title", "effective_from", "currency", "rounding", "ranks", "attribution", "orders",
		"eligible", "volume", "periods", "qualification", "placement", "components", "caps", "holds")
	p := &Plan{
		Name:          o.text("name", ""),
		Title:         o.text("title", ""),
		EffectiveFrom: o.text("effective_from", "1970-01-01T00:00:00Z"),
		Currency:      o.text("currency", ShopCurrency),
		Rounding:      o.text("rounding", "half_even"),
		Ranks:         o.texts("ranks", []string{"member"}),
		Attribution:   readAttribution(o),
		Orders:        readOrders(o),
		Eligible:      readEligible(o),
		Volume:        readVolume(o),
		Periods:       readPeriods(o),
		Qualification: readQualification(o),
		Placement:     readPlacement(o),
		Components:    readComponents(o),
		Caps:          readCaps(o),
		Holds:         readHolds(o),
	}
	return p, r.problems
}

// child opens the object under key; one that is missing reads as empty, so that all its defaults hold.
func (o object) child(key string, known ...string) object {
	n, path, ok := o.get(key)
	if !ok {
		return object{r: o.r, path: path}
	}
	return o.r.object(n, path, known...)
}

func readAttribution(o object) Attribution {
	a := o.child("attribution", "evidence", "binding", "self_retail")
	binding := a.child("binding", "mode", "days")
	return Attribution{
		Evidence:   a.texts("evidence", []string{"manual", "code", "cart", "landing", "customer"}),
		Binding:    Binding{Mode: binding.text("mode", BindLifetime), Days: binding.days("days")},
		SelfRetail: a.flag("self_retail"),
	}
}

func readOrders(o object) Orders {
	orders := o.child("orders", "partially_paid", "money_refunds")
	return Orders{
		PartiallyPaid: orders.text("partially_paid", "none"),
		MoneyRefunds:  orders.text("money_refunds", "spread"),
	}
}

func readEligible(o object) Eligible {
	return Eligible{Statuses: o.child("eligible", "statuses").texts("statuses", []string{"active"})}
}

func readVolume(o object) Volume { return Volume{Money: o.child("volume", "money").textMap("money")} }

func readHolds(o object) Holds { return Holds{Days: o.child("holds", "days").days("days")} }

func readComponents(o object) []Component {
	items, path, _ := o.list("components")
	out := make([]Component, 0, min(len(items), MaxComponents+1))
	for i, item := range items {
		if i > MaxComponents {
			break // Validate names the limit.
		}
		out = append(out, readComponent(o.r, item, index(path, i)))
	}
	return out
}

func readComponent(r *reader, n node, path string) Component {
	o := r.object(n, path, componentKeys...)
	c := Component{
		ID:             o.text("id", ""),
		Title:          o.text("title", ""),
		Type:           o.text("type", ""),
		Base:           o.text("base", ""),
		Commissionable: o.text("commissionable", "100%"),
		Tree:           o.text("tree", ""),
		LevelsFrom:     o.text("levels_from", ""),
		Compression:    o.text("compression", ""),
		Period:         o.text("period", ""),
		IncludeSelf:    o.flag("include_self"),
		Requires:       o.condition("requires"),
		Rates:          readRates(o),
	}
	readTerms(o, &c)
	c.defaults()
	return c
}

func readRates(o object) []Rate {
	items, path, _ := o.list("rates")
	out := make([]Rate, 0, min(len(items), MaxRates+1))
	for i, item := range items {
		if i > MaxRates {
			break // Validate names the limit.
		}
		row := o.r.object(item, index(path, i), "class", "rank", "rate", "levels", "amount",
			"amounts", "shares", "limit")
		out = append(out, Rate{
			Class:   row.text("class", Any),
			Rank:    row.text("rank", Any),
			Rate:    row.text("rate", ""),
			Levels:  row.texts("levels", nil),
			Amount:  row.text("amount", ""),
			Amounts: row.textMap("amounts"),
			Shares:  row.text("shares", ""),
			Limit:   row.text("limit", ""),
		})
	}
	return out
}

func readCaps(o object) []Cap {
	items, path, _ := o.list("caps")
	out := make([]Cap, 0, min(len(items), MaxCaps+1))
	for i, item := range items {
		if i > MaxCaps {
			break // Validate names the limit.
		}
		c := o.r.object(item, index(path, i), "id", "scope", "component", "rank", "limit", "limits", "of", "enforce", "per")
		out = append(out, Cap{
			ID:        c.text("id", ""),
			Scope:     c.text("scope", ""),
			Component: c.text("component", ""),
			Rank:      c.text("rank", ""),
			Limit:     c.text("limit", ""),
			Limits:    c.textMap("limits"),
			Of:        c.text("of", ""),
			Enforce:   c.text("enforce", ProRata),
			Per:       c.text("per", PerOrder),
		})
	}
	return out
}

func orElse(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}
