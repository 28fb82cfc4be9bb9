package woocommerce_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/adaptertest"
	"upline.dev/upline/adapters/plugin"
	"upline.dev/upline/adapters/woocommerce"
	"upline.dev/upline/core/order"
)

// sign is what WooCommerce does.
func sign(body, secret []byte) map[string]string {
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return map[string]string{"X-WC-Webhook-Signature": base64.StdEncoding.EncodeToString(mac.Sum(nil))}
}

// signPlugin is what the plugin does.
func signPlugin(body, secret []byte) map[string]string {
	return map[string]string{
		"Webhook-Id": "evt_1", "Webhook-Timestamp": "1767225600", "Webhook-Signature": adapters.SignStandard("evt_1", "1767225600", body, secret),
	}
}

var personal = []string{"Anna", "M\\u00fcller", "anna@example.test", "1 Main St", "+1 555 0100", "Los Angeles"}

func TestConformanceOfWebhooks(t *testing.T) {
	t.Parallel()
	all := expectations(t)
	c := adaptertest.Cases{
		Store: store("USD"), Sign: sign, Arrivals: webhookArrivals(), Unrounded: true, Personal: personal,
		Ignored: []string{"product.updated", "customer.created", "coupon.deleted", "action.woocommerce_order_refunded", "action.woocommerce_refund_created"},
	}
	var story []adaptertest.Delivery // one order from its making to a partial refund
	for _, r := range recordings(t) {
		if !strings.HasPrefix(r.topic, "order.") || strings.HasPrefix(r.folder, "wc-10.5.2/30") {
			continue
		}
		d := webhookCase(t, all, r)
		c.Deliveries = append(c.Deliveries, d)
		if strings.HasPrefix(r.folder, "wc-10.9.1/0") && d.PlatformOrderID == "20" {
			story = append(story, d)
		}
		if strings.HasSuffix(r.folder, "07-created-paid-in-one") && strings.HasPrefix(r.folder, "wc-10.9.1") {
			c.Spots = []adaptertest.Spot{{Delivery: d, Amount: `"subtotal":"199.00"`, ID: `"id":24`}}
		}
		if r.folder == "wc-10.9.1/04-refund-partial-line" {
			f := genuine(t, all, r, order.Snapshot, all[r.folder].NetLeft)
			f.Name, f.Topic, f.Body = "fetched", adapters.FetchedTopic, asFetched(t, r)
			c.Deliveries = append(c.Deliveries, f)
			c.Converging = []adaptertest.Converging{{Name: "to a refunded line", Deliveries: append(story, f), NetMinor: f.NetMinor}}
		}
	}
	adaptertest.Run(t, woocommerce.New(), c)
}

// webhookCase is what one recorded delivery alone comes to.
func webhookCase(t *testing.T, all map[string]expectation, r recording) adaptertest.Delivery {
	t.Helper()
	switch status := all[r.folder].Status; {
	case strings.HasSuffix(r.folder, "04-refund-partial-line"):
		return genuine(t, all, r, order.Hint, "0")
	case status == "processing", status == "completed", status == "refunded":
		return genuine(t, all, r, order.Snapshot, all[r.folder].NetLeft)
	}
	return genuine(t, all, r, order.Snapshot, "0")
}

func webhookArrivals() []adaptertest.Arrival {
	genuine := map[string]string{"x-wc-webhook-topic": "order.updated", "X-WC-Webhook-Delivery-ID": "same", "X-WC-Webhook-Source": "https://elsewhere.example/"}
	with := func(topic string) map[string]string { return map[string]string{"X-WC-Webhook-Topic": topic} }
	return []adaptertest.Arrival{
		{Name: "genuine", Headers: genuine, Body: []byte("{}"), Want: adapters.Envelope{Topic: "order.updated"}},
		{Name: "deleted", Headers: with("order.deleted"), Body: []byte(`{"id":36}`), Want: adapters.Envelope{Topic: "order.deleted"}},
		{Name: "no topic", Headers: with(""), Body: []byte("{}"), Malformed: "X-WC-Webhook-Topic"},
		{Name: "line feed in the topic", Headers: with("order.updated\nx"), Body: []byte("{}"), Malformed: "X-WC-Webhook-Topic"},
		{Name: "a topic of ours", Headers: with(plugin.Topic), Body: []byte("{}"), Malformed: "X-WC-Webhook-Topic"},
		{Name: "the topic of fetched orders", Headers: with(adapters.FetchedTopic), Body: []byte("{}"), Malformed: "X-WC-Webhook-Topic"},
		{Name: "long topic", Headers: with(strings.Repeat("t", 256)), Body: []byte("{}"), Malformed: "X-WC-Webhook-Topic"},
	}
}

func TestConformanceOfPlugin(t *testing.T) {
	t.Parallel()
	c := adaptertest.Cases{
		Store: store("USD"), Sign: signPlugin, Arrivals: pluginArrivals(), Ignored: []string{"order.paid"}, Unrounded: true,
		Converging: []adaptertest.Converging{{
			Name: "a refund made and deleted, the trash and back", Deliveries: pluginDeliveries(t), NetMinor: map[string]int64{"1": 5980},
		}},
		Deliveries: pluginDeliveries(t),
		Without: map[adaptertest.Group]string{
			adaptertest.Exactness: "amounts are read by the same code as those of webhooks",
			adaptertest.Hostility: "bodies are read by the same code as those of webhooks; TestSnapshotFaults has the plugin's own members",
			adaptertest.Privacy:   "a plugin's body holds no personal data; that of webhooks is checked",
		},
	}
	adaptertest.Run(t, woocommerce.New(), c)
}

func pluginArrivals() []adaptertest.Arrival {
	head := func(id string) map[string]string {
		return map[string]string{"webhook-id": id, "Webhook-Timestamp": "1767225600", "Webhook-Signature": "v1,x", "X-WC-Webhook-Topic": "order.updated"}
	}
	body := []byte(`{"type":"order.snapshot","site":"HTTPS://Shop.Example.com/de/"}`)
	return []adaptertest.Arrival{
		{Name: "genuine", Headers: head("evt_1"), Body: body, Want: adapters.Envelope{StoreDomain: "shop.example.com/de", Topic: plugin.Topic, PlatformDeliveryID: "evt_1"}},
		{Name: "no JSON", Headers: head("evt_1"), Body: []byte("x"), Want: adapters.Envelope{Topic: plugin.Topic, PlatformDeliveryID: "evt_1"}},
		{Name: "no id", Headers: head(""), Body: body, Malformed: "webhook-id"},
		{Name: "an id that begins a body", Headers: head("{"), Body: body, Malformed: "webhook-id"},
		{Name: "a long id", Headers: head(strings.Repeat("e", 129)), Body: body, Malformed: "webhook-id"},
	}
}
