package notice_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/notice"
	"upline.dev/upline/server/privacy"
)

// world writes down what the desk asks of others.
type world struct {
	done  []string
	fails error
	moved bool
}

func (w *world) say(format string, args ...any) error {
	w.done = append(w.done, fmt.Sprintf(format, args...))
	return w.fails
}

func (w *world) Uninstall(_ context.Context, store string, at time.Time, actor string) error {
	return w.say("uninstall %s at %s by %s", store, at.Format(time.RFC3339), actor)
}

func (w *world) Rescope(_ context.Context, store string, scopes []string, at time.Time, _ string) error {
	return w.say("rescope %s to %v at %s", store, scopes, at.Format(time.RFC3339))
}

func (w *world) MergeCustomers(_ context.Context, program, store, kept, gone string) (bool, error) {
	return w.moved, w.say("merge %s/%s: %s keeps %s", program, store, kept, gone)
}

func (w *world) Audit(_ context.Context, program, actor, action, subject, detail string) error {
	return w.say("audit %s %s %s %s: %s", program, actor, action, subject, detail)
}

func (w *world) Take(_ context.Context, a privacy.Ask) (string, error) {
	return "pr_1", w.say("%s of %q in %s, key %s, %v, %s", a.Kind, a.Subject, a.StoreID, a.Key, a.Detail, a.ReceivedAt.Format(time.RFC3339))
}

func (w *world) WishOrder(_ context.Context, program string, of order.Source, because string, at time.Time) error {
	return w.say("wish %s of %s at %s: %s", of, program, at.Format(time.RFC3339), because)
}

// bell is heard by whoever waits for one operation.
type bell string

func (b bell) Ring(operation string) bool { return operation == string(b) }

func TestTake(t *testing.T) {
	t.Parallel()
	at, received := time.Date(2026, 11, 10, 9, 0, 0, 0, time.UTC), time.Date(2026, 11, 10, 10, 0, 0, 0, time.UTC)
	d := order.Delivery{DeliveryID: "d1", PlatformDeliveryID: "w1", ProgramID: "acme", StoreID: "shop", Platform: order.Shopify, ReceivedAt: received}
	for name, c := range map[string]struct {
		notice adapters.Notice
		moved  bool
		done   []string
		note   string
	}{
		"uninstalled":           {adapters.Notice{Kind: adapters.Uninstalled, At: at}, false, []string{"uninstall shop at 2026-11-10T09:00:00Z by platform:shopify"}, "credentials are gone"},
		"uninstalled sometime":  {adapters.Notice{Kind: adapters.Uninstalled}, false, []string{"uninstall shop at 2026-11-10T10:00:00Z by platform:shopify"}, "credentials are gone"},
		"other scopes":          {adapters.Notice{Kind: adapters.ScopesChanged, At: at, Scopes: []string{"read_orders"}}, false, []string{"rescope shop to [read_orders] at 2026-11-10T09:00:00Z"}, "noted"},
		"merged":                {adapters.Notice{Kind: adapters.CustomersMerged, At: at, CustomerID: "2", KeptCustomerID: "1"}, true, []string{"merge acme/shop: 1 keeps 2", "audit acme platform:shopify customers.merge shop: 2 is now 1"}, "takes over"},
		"merged without effect": {adapters.Notice{Kind: adapters.CustomersMerged, At: at, CustomerID: "2", KeptCustomerID: "1"}, false, []string{"merge acme/shop: 1 keeps 2"}, "nothing was known"},
		"bulk":                  {adapters.Notice{Kind: adapters.BulkFinished, OperationID: "op"}, false, nil, "is read"},
		"another's bulk":        {adapters.Notice{Kind: adapters.BulkFinished, OperationID: "other"}, false, nil, "nobody"},
		"disputed": {
			adapters.Notice{Kind: adapters.OrderTouched, At: at, OrderIDs: []string{"9001"}, Event: "dispute 1 is lost"},
			false,
			[]string{
				"wish shop/9001 of acme at 2026-11-10T10:00:00Z: dispute 1 is lost",
				"audit acme platform:shopify order.touched shop/9001: dispute 1 is lost",
			},
			"dispute 1 is lost; order 9001 is read anew",
		},
		"data asked for": {
			adapters.Notice{Kind: adapters.CustomerExport, Key: "9999", CustomerID: "7", OrderIDs: []string{"1"}, Email: "a@b"},
			false,
			[]string{`customer_export of "7" in shop, key 9999, {a@b  [1]}, 2026-11-10T10:00:00Z`},
			"pr_1",
		},
		"a person erased": {
			adapters.Notice{Kind: adapters.CustomerErase, CustomerID: "7"},
			false,
			[]string{`customer_erase of "7" in shop, key w1, {  []}, 2026-11-10T10:00:00Z`},
			"pr_1",
		},
		"the shop erased": {
			adapters.Notice{Kind: adapters.StoreErase, At: at},
			false,
			[]string{"uninstall shop at 2026-11-08T09:00:00Z by platform:shopify", `store_erase of "" in shop, key w1, {  []}, 2026-11-10T10:00:00Z`},
			"pr_1",
		},
	} {
		w := &world{moved: c.moved}
		note, err := (&notice.Desk{Stores: w, Customers: w, Requests: w, Orders: w, Operations: bell("op")}).Take(t.Context(), d, &c.notice)
		if diff := cmp.Diff(c.done, w.done); err != nil || diff != "" || !strings.Contains(note, c.note) {
			t.Errorf("%s: %q, %v: %s", name, note, err, diff)
		}
		w = &world{fails: errors.New("the database is away")}
		_, err = (&notice.Desk{Stores: w, Customers: w, Requests: w, Orders: w, Operations: bell("op")}).Take(t.Context(), d, &c.notice)
		if c.done != nil && !errors.Is(err, w.fails) {
			t.Errorf("%s: a failure is lost: %v", name, err)
		}
	}
	w := &world{}
	if note, err := (&notice.Desk{}).Take(t.Context(), d, &adapters.Notice{Kind: adapters.BulkFinished}); err != nil || note == "" {
		t.Errorf("bulk, and nobody waits: %q, %v", note, err)
	}
	if _, err := (&notice.Desk{Stores: w}).Take(t.Context(), d, &adapters.Notice{Kind: "unheard-of"}); err == nil {
		t.Error("an unknown kind passes")
	}
}
