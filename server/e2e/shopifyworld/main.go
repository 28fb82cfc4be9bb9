// Command shopifyworld is a Shopify of its own for browser tests: shops, their merchants' clicks, signed webhooks and app
// proxy requests, told over HTTP by a test in another language. It runs until its standard input ends.
//
//	go run ./server/e2e/shopifyworld --app http://127.0.0.1:8080 --client-id ID --secret SECRET SHOP...
//
// It prints one line of JSON: the address for UPLINE_SHOPIFY_TEST_HOST, and where it takes orders.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"upline.dev/upline/adapters/shopify/shopifytest"
)

// answerTime bounds how long the app may take to answer what the world sends it.
const answerTime = 30 * time.Second

// maxBody bounds what the app may answer.
const maxBody = 8 << 20

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "shopifyworld:", err)
		os.Exit(1) //nolint:forbidigo // this is a main
	}
}

func run(args []string, until io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("shopifyworld", flag.ContinueOnError)
	app := flags.String("app", "", "address of the app, as http://127.0.0.1:8080")
	id := flags.String("client-id", "", "client id of the app")
	secret := flags.String("secret", "", "client secret of the app")
	if err := flags.Parse(args); err != nil {
		return err
	}
	w := &world{app: *app, shopify: shopifytest.New(shopifytest.Config{ClientID: *id, Secrets: []string{*secret}})}
	for _, domain := range flags.Args() {
		w.shopify.AddShop(&shopifytest.Shop{Domain: domain})
	}
	shops, err := serve(w.shopify)
	if err != nil {
		return err
	}
	control, err := serve(w.control())
	if err != nil {
		return err
	}
	if err := json.NewEncoder(out).Encode(map[string]string{"shopify": shops, "control": "http://" + control}); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, until)
	return err
}

// serve listens on a free port of this machine alone.
func serve(h http.Handler) (address string, err error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: answerTime}
	go func() { _ = server.Serve(listener) }() // ends with the process
	return listener.Addr().String(), nil
}

// world is Shopify and the app it talks to.
type world struct {
	shopify *shopifytest.Server
	app     string
}

// control takes a test's orders; each names its shop.
func (w *world) control() http.Handler {
	mux := http.NewServeMux()
	on := func(pattern string, f func(rw http.ResponseWriter, r *http.Request, shop *shopifytest.Shop) error) {
		mux.HandleFunc(pattern, func(rw http.ResponseWriter, r *http.Request) {
			shop := w.shopify.Shop(r.URL.Query().Get("shop"))
			if shop == nil {
				http.NotFound(rw, r)
				return
			}
			if err := f(rw, r, shop); err != nil {
				http.Error(rw, err.Error(), http.StatusBadGateway)
			}
		})
	}
	on("POST /install", func(_ http.ResponseWriter, _ *http.Request, shop *shopifytest.Shop) error { shop.Install(); return nil })
	on("POST /uninstall", func(_ http.ResponseWriter, _ *http.Request, shop *shopifytest.Shop) error {
		shop.Uninstall()
		return nil
	})
	on("GET /token", text(func(shop *shopifytest.Shop) string { return shop.Session() }))
	on("GET /document", text(func(shop *shopifytest.Shop) string { return shop.DocumentQuery() }))
	on("POST /webhook", w.webhook)
	on("GET /proxy", w.proxy)
	return mux
}

func text(of func(*shopifytest.Shop) string) func(http.ResponseWriter, *http.Request, *shopifytest.Shop) error {
	return func(rw http.ResponseWriter, _ *http.Request, shop *shopifytest.Shop) error {
		_, err := io.WriteString(rw, of(shop))
		return err
	}
}

// webhook signs the body and sends it to the app under ?topic=.
func (w *world) webhook(rw http.ResponseWriter, r *http.Request, shop *shopifytest.Shop) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return err
	}
	send, err := http.NewRequestWithContext(r.Context(), http.MethodPost, w.app+"/webhooks/shopify", bytes.NewReader(body))
	if err != nil {
		return err
	}
	send.Header = shop.WebhookHeader(r.URL.Query().Get("topic"), body)
	return relay(rw, send)
}

// proxy asks the app for what a visitor asked of /apps/upline + ?path=, signed as Shopify signs it.
func (w *world) proxy(rw http.ResponseWriter, r *http.Request, shop *shopifytest.Shop) error {
	query := url.Values{}
	for name, values := range r.URL.Query() {
		if name != "shop" && name != "path" {
			query[name] = values
		}
	}
	address := w.app + "/shopify/proxy" + r.URL.Query().Get("path") + "?" + shop.SignProxy(query)
	send, err := http.NewRequestWithContext(r.Context(), http.MethodGet, address, http.NoBody) //nolint:gosec // the test says where its app is
	if err != nil {
		return err
	}
	return relay(rw, send)
}

// relay gives the app's answer on.
func relay(rw http.ResponseWriter, send *http.Request) error {
	client := &http.Client{Timeout: answerTime, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(send) //nolint:gosec // as above
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	rw.Header().Set("Content-Type", answer.Header.Get("Content-Type"))
	rw.WriteHeader(answer.StatusCode)
	_, err = io.Copy(rw, io.LimitReader(answer.Body, maxBody))
	return err
}
