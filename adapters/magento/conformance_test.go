package magento_test

import (
	"bytes"
	"strings"
	"testing"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/adaptertest"
	"upline.dev/upline/adapters/magento"
	"upline.dev/upline/adapters/plugin"
	"upline.dev/upline/core/order"
)

// sign is what our module does.
func sign(body, secret []byte) map[string]string {
	const id, timestamp = "evt_01k9x7m2c5q8r3v6t1b4n7d0fg", "1795218509"
	return map[string]string{
		"webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": adapters.SignStandard(id, timestamp, body, secret),
	}
}

// delivery is one body of our module and what it must come to in US dollars.
func delivery(t testing.TB, name string, kind order.RevisionKind, id string, nets map[string]int64) adaptertest.Delivery {
	t.Helper()
	return adaptertest.Delivery{
		Name: name, Topic: plugin.Topic, Body: fixture(t, "module", name+".json"), Kind: kind, PlatformOrderID: id, NetMinor: nets,
		Headers: map[string]string{"webhook-id": "evt_" + name, "webhook-timestamp": "1795218509"},
	}
}

// nothing is what an order comes to of which nothing counts.
func nothing(ids ...string) map[string]int64 {
	nets := map[string]int64{}
	for _, id := range ids {
		nets[id] = 0
	}
	return nets
}

func TestConformance(t *testing.T) {
	t.Parallel()
	all := []string{"11", "12", "15", "16", "17", "20"}
	refunded := map[string]int64{"11": 18000, "12": 5400, "15": 9000, "16": 4500, "17": 7200, "20": 1800}
	kept := nothing(all...)
	kept["11"], kept["12"] = 9000, 5400
	placed := delivery(t, "placed", order.Snapshot, "2", nothing(all...))
	inPart := delivery(t, "invoiced_in_part", order.Snapshot, "2", nothing(all...))
	back := delivery(t, "invoiced_and_refunded", order.Snapshot, "2", refunded)
	rest := delivery(t, "rest_cancelled", order.Snapshot, "2", kept)
	cancelled := delivery(t, "cancelled", order.Snapshot, "3", nothing("21"))
	deleted := delivery(t, "deleted", order.Deletion, "3", nil)
	one := delivery(t, "one_line", order.Snapshot, "9007199254740993", map[string]int64{"20": 4990})
	adaptertest.Run(t, magento.New(), adaptertest.Cases{
		Store: store("USD"), Sign: sign, Arrivals: arrivals(),
		Deliveries: []adaptertest.Delivery{placed, inPart, back, rest, cancelled, deleted, one, fetchedByName(t, refunded)},
		Spots:      []adaptertest.Spot{{Delivery: one, Amount: `"net": "49.9000"`, ID: `"id": "9007199254740993"`}},
		Ignored:    []string{"customer.updated", "product.updated", "heartbeat"},
		Converging: []adaptertest.Converging{
			{Name: "placed, invoiced, refunded", Deliveries: []adaptertest.Delivery{placed, inPart, back}, NetMinor: refunded},
			{Name: "the rest of it cancelled", Deliveries: []adaptertest.Delivery{placed, inPart, rest}, NetMinor: kept},
			{Name: "cancelled and deleted", Deliveries: []adaptertest.Delivery{cancelled, deleted}, NetMinor: nothing("21")},
		},
		Personal: personal,
	})
}

// personal stands in the body of fetchedByName.
var personal = []string{"zenobia@probekind.example", "Erfundener Weg 17", "127.0.0.1", "90001"}

// fetchedByName is an answer of core REST with all it tells of persons.
func fetchedByName(t testing.TB, nets map[string]int64) adaptertest.Delivery {
	t.Helper()
	body := bytes.ReplaceAll(fetched(t, "order-after-full-invoice.json"), []byte("j@example.com"), []byte("zenobia@probekind.example"))
	body = bytes.ReplaceAll(body, []byte(`"1 Main"`), []byte(`"Erfundener Weg 17"`))
	return adaptertest.Delivery{
		Name: "fetched", Topic: adapters.FetchedTopic, Body: body, Kind: order.Snapshot, PlatformOrderID: "2", NetMinor: nets,
	}
}

func arrivals() []adaptertest.Arrival {
	head := func(id string) map[string]string {
		return map[string]string{"Webhook-Id": id, "webhook-timestamp": "1795218509"}
	}
	longest := strings.Repeat("e", 128)
	return []adaptertest.Arrival{
		{Name: "genuine", Headers: head("evt_1.a-B"), Want: adapters.Envelope{Topic: plugin.Topic, PlatformDeliveryID: "evt_1.a-B"}},
		{Name: "longest id", Headers: head(longest), Want: adapters.Envelope{Topic: plugin.Topic, PlatformDeliveryID: longest}},
		{Name: "no id", Headers: head(""), Malformed: "webhook-id"},
		{Name: "long id", Headers: head(longest + "e"), Malformed: "webhook-id"},
		{Name: "blank in the id", Headers: head("a b"), Malformed: "webhook-id"},
		{Name: "blank around the id", Headers: head("a\n"), Malformed: "webhook-id"},
		{Name: "other letters", Headers: head("é"), Malformed: "webhook-id"},
	}
}
