package channel

import (
	"cmp"
	"context"
	"fmt"
	"math/big"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/money"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/query"
)

// explanationView is who was paid for an order, and why; for the box in the shop's order screen.
type explanationView struct {
	OrderID       string        `json:"order_id"`
	State         string        `json:"state"` // settled, parked or unknown
	Reason        string        `json:"reason"`
	Mend          string        `json:"mend"`
	Net           string        `json:"net"`
	Currency      string        `json:"currency"`
	DistributorID string        `json:"distributor_id"`
	Evidence      string        `json:"evidence"`
	Earnings      []earningView `json:"earnings"`
	URL           string        `json:"url"` // of the order's page here
}

type earningView struct {
	DistributorID string `json:"distributor_id"`
	Component     string `json:"component"`
	Amount        string `json:"amount"`
	Currency      string `json:"currency"`
	Why           string `json:"why"`
}

func (s *Service) explanation(ctx context.Context, st *admin.Store, body []byte) (any, error) {
	var in struct {
		OrderID string `json:"order_id"`
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	if in.OrderID == "" {
		return nil, invalid("order_id", "name the order by the shop's own id")
	}
	v := explanationView{OrderID: in.OrderID, State: "unknown", Earnings: []earningView{}, Currency: string(st.Currency)}
	id := st.StoreID + "/" + in.OrderID
	h, err := query.HistoryOf(ctx, s.Reader, st.ProgramID, id, query.PostingFilter{}, query.Page{Limit: 1})
	if server.CodeOf(err) == server.NotFound && err != nil {
		return v, nil
	}
	if err != nil {
		return nil, err
	}
	o := &h.Order
	v.State, v.Net, v.Currency, v.DistributorID = o.Settlement, o.Net, o.Currency, o.DistributorID
	v.URL = s.Base + "/orders/" + url.PathEscape(st.StoreID) + "/" + url.PathEscape(in.OrderID)
	v.Reason, v.Mend = splitReason(o.Reason)
	if o.WaitingCurrency != "" && o.Settlement == "parked" {
		v.Net, v.Currency = o.Waiting, o.WaitingCurrency
	}
	if len(h.Snapshots) == 0 {
		v.Reason = cmp.Or(v.Reason, h.Early())
		return v, nil
	}
	if err := v.explain(h.Snapshots[0].JSON); err != nil {
		return nil, fmt.Errorf("explain %s: %w", id, err)
	}
	return v, nil
}

// splitReason parts what is wrong from what mends it; a reason is one or two sentences.
func splitReason(reason string) (wrong, mend string) {
	wrong, mend, _ = strings.Cut(reason, ". ")
	if mend != "" {
		wrong += "."
	}
	return wrong, mend
}

// explain adds the newest calculation: who got what by which component.
func (v *explanationView) explain(newest []byte) error {
	told, err := commission.Explain(newest)
	if err != nil {
		return err
	}
	if winner := told.Attribution.Winner; winner != "" {
		v.Evidence = string(winner) + " " + told.Attribution.Value
	}
	sums := map[[2]string]*earningView{}
	paid := map[[2]string]int64{}
	for i := range told.Lines {
		for _, ladder := range told.Lines[i].Ladders {
			for _, rung := range ladder.Rungs {
				addRung(&ladder, &rung, told.Currency, sums, paid)
			}
		}
	}
	for key, e := range sums {
		if paid[key] != 0 {
			e.Amount, e.Currency = money.FormatMinor(paid[key], told.Currency), string(told.Currency)
			v.Earnings = append(v.Earnings, *e)
		}
	}
	slices.SortFunc(v.Earnings, func(a, b earningView) int {
		return cmp.Or(strings.Compare(a.Component, b.Component), strings.Compare(a.DistributorID, b.DistributorID))
	})
	return nil
}

// addRung adds up what one distributor got by one component over the lines.
func addRung(ladder *commission.Ladder, rung *commission.Rung, c money.Currency, sums map[[2]string]*earningView, paid map[[2]string]int64) {
	if rung.DistributorID == "" || rung.PaidMinor == 0 {
		return
	}
	key := [2]string{ladder.ComponentID, rung.DistributorID}
	if sums[key] == nil {
		sums[key] = &earningView{DistributorID: rung.DistributorID, Component: ladder.ComponentID}
	}
	paid[key] += rung.PaidMinor
	why := because(ladder, rung, c)
	if e := sums[key]; e.Why == "" {
		e.Why = why
	} else if len(e.Why) < maxText {
		e.Why += "; " + why
	}
}

// because says in words what a rung pays: "level 1: 2% of 29.90 EUR". It is read beside the amount in a shop's order screen.
func because(ladder *commission.Ladder, rung *commission.Rung, c money.Currency) string {
	base, unit := baseOf(ladder, c)
	why := base + " " + unit
	if rates := ratesOf(rung, c); len(rates) > 0 {
		why = strings.Join(rates, " × ") + " of " + why
	}
	if rung.Level > 0 {
		why = "level " + strconv.Itoa(rung.Level) + ": " + why
	}
	return why
}

// baseOf is what a ladder pays on, and in what.
func baseOf(ladder *commission.Ladder, c money.Currency) (base, unit string) {
	if ladder.Base == "cv" {
		return money.Volume(ladder.BaseMinor).String(), "CV"
	}
	return money.FormatMinor(ladder.BaseMinor, c), string(c)
}

// ratesOf are the factors of a rung that change something.
func ratesOf(rung *commission.Rung, c money.Currency) (rates []string) {
	for _, f := range rung.Factors {
		switch {
		case f.Name == "cv_to_money":
			if text := perCV(f, c); text != "" {
				rates = append(rates, text)
			}
		case f.Num != f.Den:
			rates = append(rates, percent(f))
		}
	}
	return rates
}

// perCV says what one CV is worth, such as "1.10 EUR"; "" where it is one of the currency, which goes without saying. The
// factor is in minor units per micro-unit of CV.
func perCV(f commission.Factor, c money.Currency) string {
	if f.Den == 0 {
		return ""
	}
	worth := big.NewRat(f.Num, f.Den)
	worth.Mul(worth, big.NewRat(1_000_000, 1))
	for range c.Exponent() {
		worth.Quo(worth, big.NewRat(10, 1))
	}
	if worth.Cmp(big.NewRat(1, 1)) == 0 {
		return ""
	}
	text := worth.RatString()
	if decimals, ends := worth.FloatPrec(); ends && decimals <= 9 {
		text = worth.FloatString(max(decimals, c.Exponent()))
	}
	return text + " " + string(c)
}

// percent writes a factor as a rate where it is one of at most nine decimals, and as a fraction else.
func percent(f commission.Factor) string {
	rate, rest := new(big.Int).QuoRem(new(big.Int).Mul(big.NewInt(f.Num), big.NewInt(int64(money.One))), big.NewInt(f.Den), new(big.Int))
	if rest.Sign() != 0 || !rate.IsInt64() {
		return strconv.FormatInt(f.Num, 10) + "/" + strconv.FormatInt(f.Den, 10)
	}
	return money.Rate(rate.Int64()).String()
}
