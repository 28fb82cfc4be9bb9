package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/importer"
)

// ImportOrdersCmd imports past orders of a store.
type ImportOrdersCmd struct {
	importFlags
	Store string `help:"Id of the store the orders belong to." required:"" placeholder:"ID"`
}

// Run carries it out: every order is checked before the first is written, then all walk through the inbox as orders
// posted to the API do, so a repeated import changes nothing.
func (cmd *ImportOrdersCmd) Run(ctx context.Context, env *environment) error {
	return cmd.withFile(ctx, env, func(a *app, program string, f io.Reader) error {
		info, err := a.store.StoreInfo(ctx, cmd.Store)
		if server.CodeOf(err) == server.NotFound || err == nil && info.ProgramID != program {
			return wrongSetting("--store: program %s has no store %s (upline admin store list)", program, cmd.Store)
		}
		if err != nil {
			return err
		}
		zone, err := a.admin.Zone(ctx, program)
		if err != nil {
			return err
		}
		t, orders, err := importer.Orders(f, cmd.Encoding, string(info.Platform), string(info.Currency), zone)
		if err != nil {
			return err
		}
		env.tellUnused(t)
		deliveries, faults := checkOrders(t, orders, program, info.Store)
		if faults = t.With(faults); len(faults) > 0 {
			return cmd.reportFaults(env, t.Header, faults)
		}
		if !cmd.Commit {
			return env.foretellOrders(ctx, a, t, program, cmd.Store, orders)
		}
		return env.importOrders(ctx, a, program, deliveries)
	})
}

// checkOrders lets the API's own reader look at every order.
func checkOrders(t *importer.Table, orders []importer.Order, program string, st adapters.Store) ([]order.Delivery, []importer.Fault) {
	adapter, now := platforms()[order.Custom], time.Now().UTC()
	deliveries := make([]order.Delivery, 0, len(orders))
	var faults []importer.Fault
	for _, o := range orders {
		if len(faults) >= importer.MaxFaults {
			break
		}
		sum := sha256.Sum256(o.Body)
		d := order.Delivery{
			PlatformDeliveryID: "import:" + hex.EncodeToString(sum[:16]), ProgramID: program, StoreID: st.StoreID,
			Platform: order.Custom, Topic: "orders", Body: o.Body, ReceivedAt: now,
		}
		revisions, err := adapter.Normalise(d, st)
		for _, r := range revisions {
			if r.Order != nil {
				err = errors.Join(err, r.Order.Validate())
			}
		}
		if err != nil {
			faults = append(faults, orderFaults(t, o, err)...)
			continue
		}
		deliveries = append(deliveries, d)
	}
	return deliveries, faults
}

// orderFaults puts each thing the reader found at the row that says it.
func orderFaults(t *importer.Table, o importer.Order, err error) []importer.Fault {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		var faults []importer.Fault
		for _, each := range several.Unwrap() {
			faults = append(faults, orderFaults(t, o, each)...)
		}
		return faults
	}
	var malformed *adapters.Malformed
	var invalid *order.Invalid
	switch {
	case errors.As(err, &malformed):
		return []importer.Fault{t.OrderFault(o, malformed.Field, malformed.Reason)}
	case errors.As(err, &invalid):
		return []importer.Fault{t.OrderFault(o, invalid.Field, invalid.Reason)}
	default:
		return []importer.Fault{t.OrderFault(o, "$", err.Error())}
	}
}

// foretellOrders is the answer of a dry run.
func (e *environment) foretellOrders(ctx context.Context, a *app, t *importer.Table, program, store string, orders []importer.Order) error {
	known := 0
	for _, o := range orders {
		_, err := a.store.Order(ctx, program, order.Source{StoreID: store, PlatformOrderID: o.PlatformOrderID}.String())
		switch {
		case err == nil:
			known++
		case server.CodeOf(err) != server.NotFound:
			return err
		}
	}
	_, err := fmt.Fprintf(e.stdout, "%s: %s to import, %d of them known already\n%s\n",
		count(len(t.Rows), "row"), count(len(orders), "order"), known, dryRunNote)
	return err
}

// importOrders sends the deliveries and waits until the pipeline has settled them. What is sent when ctx ends counts;
// the same command sends the rest.
func (e *environment) importOrders(ctx context.Context, a *app, program string, deliveries []order.Delivery) error {
	var sent sendCounts
	err := e.withMachine(ctx, a, func(m *machine) error {
		bar := e.progress("orders sent", len(deliveries))
		err := m.send(ctx, slices.All(deliveries), func(s sendCounts) {
			sent = s
			bar.set(s.sent)
		})
		bar.done()
		if err != nil {
			return err
		}
		return m.settled(ctx, a)
	})
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("stopped after %d of %s: what was sent counts, and the same command sends the rest", sent.sent, count(len(deliveries), "order"))
	case err != nil:
		return fmt.Errorf("%d of %s were sent and count: %w", sent.sent, count(len(deliveries), "order"), err)
	}
	fmt.Fprintf(e.stdout, "%s imported, %d of them were there already\n", count(len(deliveries), "order"), sent.duplicates)
	overview, err := a.store.Overview(ctx, program)
	if err == nil && overview.ParkedOrders > 0 {
		fmt.Fprintf(e.stdout, "%s of program %s in all; upline explain ORDER says why one waits\n",
			count(int(overview.ParkedOrders), "parked order"), program)
	}
	return err
}
