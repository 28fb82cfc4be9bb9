// Command magentoworld is a Magento store of its own for browser tests: a test in another language pastes into it what a screen
// shows, and it shakes hands as Magento does. It runs until its standard input ends.
//
//	go run ./server/e2e/magentoworld
//
// It prints one line of JSON: the shop's address, and where it takes orders.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"upline.dev/upline/adapters/magento/magentotest"
)

// answerTime bounds how long a request may take to tell its header.
const answerTime = 30 * time.Second

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "magentoworld:", err)
		os.Exit(1) //nolint:forbidigo // this is a main
	}
}

func run(until io.Reader, out io.Writer) error {
	shop := magentotest.New(magentotest.V247)
	defer shop.Serve()()
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	control := &http.Server{Handler: controls(shop), ReadHeaderTimeout: answerTime}
	go func() { _ = control.Serve(listener) }() // ends with the process
	err = json.NewEncoder(out).Encode(map[string]string{"shop": "http://" + shop.Site(), "control": "http://" + listener.Addr().String()})
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, until)
	return err
}

// controls are what the merchant does in Magento, and what its module knows then.
func controls(shop *magentotest.Shop) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /connect", func(w http.ResponseWriter, r *http.Request) {
		status, err := shop.Begin(r.Context(), r.FormValue("server"), r.FormValue("code"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.WriteHeader(status)
	})
	mux.HandleFunc("GET /told", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(shop.Told()) }) //nolint:gosec // the test signs with the secret
	return mux
}
