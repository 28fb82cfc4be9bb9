package channel

import (
	"context"
	"strings"
	"time"

	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/query"
)

// statusActive is of a distributor who is one.
const statusActive = "active"

type foundView struct {
	DistributorID string `json:"distributor_id"`
	Code          string `json:"code"` // the first; "" for none
	Rank          string `json:"rank"`
	Status        string `json:"status"`
}

// listView is an answer of several rows.
type listView[T any] struct {
	Data       []T    `json:"data"`
	NextCursor string `json:"next_cursor"`
}

// Bounds of the lists.
const (
	usualFound, mostFound     = 20, 50
	usualCoupons, mostCoupons = 100, 200
	usualEarned, mostEarned   = 20, 50
)

// distributors finds people for the picker in the order screen: by the beginning of an id, also in capitals, or by a code.
// Names and e-mail stay here.
func (s *Service) distributors(ctx context.Context, st *admin.Store, body []byte) (any, error) {
	var in struct {
		Search string `json:"search"`
		Limit  int    `json:"limit"`
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	p, err := pageOf(in.Limit, usualFound, mostFound, "")
	if err != nil {
		return nil, err
	}
	people, _, err := s.Reader.Distributors(ctx, st.ProgramID, in.Search, p)
	if upper := strings.ToUpper(in.Search); err == nil && len(people) == 0 && upper != in.Search {
		people, _, err = s.Reader.Distributors(ctx, st.ProgramID, upper, p)
	}
	if err != nil {
		return nil, err
	}
	v := listView[foundView]{Data: []foundView{}}
	for i := range people {
		d := &people[i]
		v.Data = append(v.Data, foundView{d.DistributorID, codeOf(d), d.Rank, d.Status})
	}
	return v, nil
}

func codeOf(d *query.Distributor) string {
	if len(d.Codes) == 0 {
		return ""
	}
	return d.Codes[0]
}

type couponView struct {
	Code          string `json:"code"`
	DistributorID string `json:"distributor_id"`
	Active        bool   `json:"active"`
}

// coupons lists the codes of all distributors, for the shop to make coupons of.
func (s *Service) coupons(ctx context.Context, st *admin.Store, body []byte) (any, error) {
	var in struct {
		Cursor string `json:"cursor"`
		Limit  int    `json:"limit"`
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	p, err := pageOf(min(in.Limit, mostCoupons), usualCoupons, mostCoupons, in.Cursor)
	if err != nil {
		return nil, err
	}
	people, next, err := s.Reader.Distributors(ctx, st.ProgramID, "", p)
	if err != nil {
		return nil, err
	}
	v := listView[couponView]{Data: []couponView{}, NextCursor: next}
	for i := range people {
		for _, code := range people[i].Codes {
			v.Data = append(v.Data, couponView{code, people[i].DistributorID, people[i].Status == statusActive})
		}
	}
	return v, nil
}

type earningsView struct {
	Distributor *meView      `json:"distributor"` // null: the customer is none
	Totals      []totalView  `json:"totals"`
	Data        []earnedView `json:"data"`
	BackOffice  bool         `json:"back_office"` // whether there is a page here for the distributor to open
}

type meView struct {
	DistributorID string `json:"distributor_id"`
	Code          string `json:"code"`
	Status        string `json:"status"`
	Rank          string `json:"rank"`
	Link          string `json:"link"` // into this shop; "" without a code
}

type totalView struct {
	Currency  string `json:"currency"`
	Pending   string `json:"pending"`
	Available string `json:"available"`
	Paid      string `json:"paid"`
	Reversed  string `json:"reversed"`
	ThisMonth string `json:"this_month"`
}

type earnedView struct {
	At        time.Time `json:"at"`
	Order     string    `json:"order"`
	Component string    `json:"component"`
	Amount    string    `json:"amount"`
	Currency  string    `json:"currency"`
	Status    string    `json:"status"`
}

// earnings is what the account page of a distributor in the shop shows.
func (s *Service) earnings(ctx context.Context, st *admin.Store, body []byte) (any, error) {
	var in struct {
		who
		Limit int `json:"limit"`
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	p, err := pageOf(in.Limit, usualEarned, mostEarned, "")
	if err != nil {
		return nil, err
	}
	v := earningsView{Totals: []totalView{}, Data: []earnedView{}}
	d, err := s.distributor(ctx, st, in.who)
	if err != nil || d == nil {
		return v, err
	}
	own, err := s.ownOf(ctx, st, d, p)
	if err != nil {
		return nil, err
	}
	v.Distributor, v.Totals, v.BackOffice = &own.Me, own.Totals, true
	for i := range own.Earned {
		e := &own.Earned[i]
		v.Data = append(v.Data, earnedView{e.OrderTS, e.OrderID, e.ComponentID, e.Value, e.Currency, e.Status})
	}
	return v, nil
}

// linkOf is a share link into the shop.
func linkOf(st *admin.Store, code string) string {
	if code == "" {
		return ""
	}
	return "https://" + st.Domain + "/?ref=" + code
}

// who names a person by the customer's id in the shop, or by the distributor's id that the shop's admin has set.
type who struct {
	CustomerID    string `json:"customer_id"`
	DistributorID string `json:"distributor_id"`
}

// distributor finds who is meant; nil where the customer is nobody's account.
func (s *Service) distributor(ctx context.Context, st *admin.Store, w who) (*query.Distributor, error) {
	id := w.DistributorID
	if id == "" {
		if w.CustomerID == "" {
			return nil, invalid("customer_id", "name the customer, or the distributor")
		}
		bindings, _, err := s.Reader.CustomerBindings(ctx, st.ProgramID, query.BindingFilter{StoreID: st.StoreID, CustomerID: w.CustomerID}, query.Page{Limit: mostFound})
		if err != nil {
			return nil, err
		}
		if id = selfOf(bindings, s.now()); id == "" {
			return nil, nil //nolint:nilnil // nobody is a proper answer
		}
	}
	d, err := s.Reader.Distributor(ctx, st.ProgramID, id)
	if server.CodeOf(err) == server.NotFound && err != nil {
		return nil, nil //nolint:nilnil // nobody is a proper answer
	}
	return &d, err
}

// selfOf is the distributor that a customer is, by what was stated last and holds now.
func selfOf(bindings []query.CustomerBinding, now time.Time) string {
	var found *query.CustomerBinding
	for i := range bindings {
		b := &bindings[i]
		if b.Kind != "self" || b.ValidFrom != nil && b.ValidFrom.After(now) {
			continue
		}
		if found == nil || began(b).After(began(found)) || began(b).Equal(began(found)) && b.RecordedAt.After(found.RecordedAt) {
			found = b
		}
	}
	if found == nil {
		return ""
	}
	return found.DistributorID
}

func began(b *query.CustomerBinding) time.Time {
	if b.ValidFrom == nil {
		return time.Time{}
	}
	return *b.ValidFrom
}
