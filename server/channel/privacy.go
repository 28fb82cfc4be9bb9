package channel

import (
	"context"

	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/query"
)

// named is a line of an export.
type named struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// export tells what is kept of a customer of the shop under the customer's id. Orders hold ids and amounts; the shop has
// the rest itself.
func (s *Service) export(ctx context.Context, st *admin.Store, body []byte) (any, error) {
	var in who
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	v := listView[named]{Data: []named{}}
	if in.CustomerID == "" {
		return v, nil // Nothing is kept of guests but their orders' ids.
	}
	bindings, _, err := s.Reader.CustomerBindings(ctx, st.ProgramID, query.BindingFilter{StoreID: st.StoreID, CustomerID: in.CustomerID}, query.Page{Limit: mostFound})
	if err != nil {
		return nil, err
	}
	for i := range bindings {
		b := &bindings[i]
		v.Data = append(v.Data, named{Name: "Distributor (" + b.Kind + ")", Value: b.DistributorID})
	}
	return v, nil
}

// maxErased bounds the orders of one wish.
const maxErased = 1000

// erase carries out a customer's right to be forgotten: raw deliveries and bindings go, ids and amounts of orders stay.
func (s *Service) erase(ctx context.Context, st *admin.Store, body []byte) (any, error) {
	var in struct {
		CustomerID string   `json:"customer_id"`
		OrderIDs   []string `json:"order_ids"`
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	switch {
	case len(in.OrderIDs) > maxErased:
		return nil, invalid("order_ids", "at most 1000 orders at once")
	case in.CustomerID == "" && len(in.OrderIDs) == 0:
		return map[string]string{"erased": "Nothing is kept of this person."}, nil
	case s.Eraser == nil:
		return nil, server.Errorf(server.Conflict, "this server cannot erase customers by itself; ask its operator")
	}
	if err := s.Eraser.EraseCustomer(ctx, st.ProgramID, st.StoreID, in.CustomerID, in.OrderIDs); err != nil {
		return nil, err
	}
	return map[string]string{"erased": "What Upline received of this customer is erased; ids and amounts of orders stay, as the company's books."}, nil
}
