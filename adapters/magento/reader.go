package magento

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/wire"
)

// pageSize is how many orders one call asks for: an answer of a hundred large ones stays below a few megabytes.
const pageSize = 100

// orderFields are what is asked of an order: nothing of a person but the country the goods go to, and each row once.
var orderFields = "entity_id,increment_id,state,created_at,updated_at,base_currency_code,order_currency_code,customer_id,coupon_code," +
	bothSides("grand_total", "tax_amount", "shipping_amount", "shipping_discount_amount", "total_invoiced", "total_paid", "total_refunded") +
	",base_shipping_discount_tax_compensation_amnt,shipping_discount_tax_compensation_amount" +
	",extension_attributes[" + bothSides("gift_cards_amount", "customer_balance_amount", "reward_currency_amount") +
	",shipping_assignments[shipping[address[country_id]]]]" +
	",items[item_id,parent_item_id,sku,product_id,product_type,qty_ordered,qty_invoiced,qty_canceled," +
	bothSides("price", "row_total_incl_tax", "tax_amount", "weee_tax_applied_amount", "discount_amount",
		"discount_tax_compensation_amount", "row_invoiced", "discount_invoiced", "discount_tax_compensation_invoiced", "amount_refunded",
		"discount_refunded", "discount_tax_compensation_refunded") +
	",base_weee_tax_applied_row_amnt,weee_tax_applied_row_amount]"

var memoFields = "items[entity_id,order_id,state,created_at,items[order_item_id,qty," +
	bothSides("row_total", "discount_amount", "discount_tax_compensation_amount") + "]]"

// bothSides names fields in the base currency and in the order's.
func bothSides(names ...string) string {
	all := make([]string, 0, 2*len(names))
	for _, name := range names {
		all = append(all, "base_"+name, name)
	}
	return strings.Join(all, ",")
}

// Reader reads a store's orders for reconciliation and history: by the routes of our module, whose bodies are those that it pushes, or
// by core REST where the module is not there and the integration may read it.
type Reader struct{ Client *Client }

var _ adapters.Reader = (*Reader)(nil)

// Order reads one order with its credit memos.
func (r *Reader) Order(ctx context.Context, platformOrderID string) (adapters.Fetched, error) {
	if _, err := strconv.ParseUint(platformOrderID, 10, 63); err != nil {
		return adapters.Fetched{}, fmt.Errorf("order %q: %w", platformOrderID, adapters.ErrNoOrder)
	}
	fetched, err := r.moduleOrder(ctx, platformOrderID)
	if !errors.Is(err, errNoModule) {
		return fetched, err
	}
	var told jsontext.Value
	_, err = r.Client.get(ctx, "rest/V1/orders/"+platformOrderID, []pair{{"fields", orderFields}}, &told)
	if failed, ok := errors.AsType[*Failed](err); ok && failed.Status == http.StatusNotFound {
		return adapters.Fetched{}, fmt.Errorf("order %s: %w", platformOrderID, adapters.ErrNoOrder)
	}
	if err != nil {
		return adapters.Fetched{}, fmt.Errorf("read order %s: %w", platformOrderID, err)
	}
	return r.fetched(ctx, told)
}

// Changed hands out every order changed in [from, to), by ascending id: an order that changes meanwhile leaves no gap, as no
// page is counted. Magento's times have whole seconds, so from is taken at its second.
func (r *Reader) Changed(ctx context.Context, from, to time.Time, yield func(adapters.Fetched) error) error {
	if err := r.moduleChanged(ctx, from, to, yield); !errors.Is(err, errNoModule) {
		return err
	}
	var after wire.ID
	for {
		var page struct {
			Items []jsontext.Value `json:"items"` // null where there is none
		}
		if _, err := r.Client.get(ctx, "rest/V1/orders", changedQuery(from, to, after), &page); err != nil {
			return fmt.Errorf("read orders after %s: %w", after, err)
		}
		before := after
		for _, item := range page.Items {
			fetched, err := r.fetched(ctx, item)
			if err != nil {
				return err
			}
			id, err := strconv.ParseInt(fetched.PlatformOrderID, 10, 64)
			if err != nil || wire.ID(id) <= after {
				return fmt.Errorf("read orders after %s: %w", after, &Failed{Status: http.StatusOK, Message: "the orders do not ascend by entity_id"})
			}
			after = wire.ID(id)
			if err := yield(fetched); err != nil {
				return err
			}
		}
		if len(page.Items) < pageSize || after == before {
			return nil
		}
	}
}

// changedQuery asks for a page. No index is above 9, as Magento's versions sort those differently when they sign.
func changedQuery(from, to time.Time, after wire.ID) []pair {
	filter := func(group, field, condition, value string) []pair {
		name := "searchCriteria[filter_groups][" + group + "][filters][0]"
		return []pair{{name + "[field]", field}, {name + "[condition_type]", condition}, {name + "[value]", value}}
	}
	query := filter("0", "updated_at", "gteq", from.UTC().Format(time.DateTime))
	query = append(query, filter("1", "updated_at", "lt", to.UTC().Format(time.DateTime))...)
	query = append(query, filter("2", "entity_id", "gt", strconv.FormatInt(int64(after), 10))...)
	return append(query, pair{"searchCriteria[sortOrders][0][field]", "entity_id"}, pair{"searchCriteria[sortOrders][0][direction]", "ASC"},
		pair{"searchCriteria[pageSize]", strconv.Itoa(pageSize)}, pair{"searchCriteria[currentPage]", "1"},
		pair{"fields", "items[" + orderFields + "]"})
}

// fetched joins an order with its credit memos, which are asked for only where something went back.
func (r *Reader) fetched(ctx context.Context, told jsontext.Value) (adapters.Fetched, error) {
	var head struct {
		EntityID  wire.ID     `json:"entity_id"`
		UpdatedAt wire.Moment `json:"updated_at"`
		Refunded  wire.Amount `json:"base_total_refunded"`
	}
	if err := wire.Decode(told, &head); err != nil {
		return adapters.Fetched{}, fmt.Errorf("read an order of the answer: %w", err)
	}
	if head.EntityID == 0 {
		return adapters.Fetched{}, fmt.Errorf("read an order of the answer: %w", missing("entity_id"))
	}
	memos := jsontext.Value("[]")
	if back, err := parseFine(head.Refunded, true); err != nil || back != 0 {
		var page struct {
			Items jsontext.Value `json:"items"`
		}
		name := "searchCriteria[filter_groups][0][filters][0]"
		query := []pair{{name + "[field]", "order_id"}, {name + "[value]", head.EntityID.String()}, {"fields", memoFields}}
		if _, err := r.Client.get(ctx, "rest/V1/creditmemos", query, &page); err != nil {
			return adapters.Fetched{}, fmt.Errorf("read the credit memos of order %s: %w", head.EntityID, err)
		}
		if len(page.Items) > 0 {
			memos = page.Items
		}
	}
	body, err := json.Marshal(map[string]jsontext.Value{"order": told, "credit_memos": memos}, json.Deterministic(true))
	if err != nil {
		return adapters.Fetched{}, fmt.Errorf("join order %s: %w", head.EntityID, err)
	}
	return adapters.Fetched{PlatformOrderID: head.EntityID.String(), UpdatedAt: head.UpdatedAt.Time, Body: body}, nil
}
