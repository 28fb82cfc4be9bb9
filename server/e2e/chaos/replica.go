package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// call asks the screens' API of a process.
func (w *world) call(ctx context.Context, p *process, method, path, body, position string) (header http.Header, text string, err error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+p.address+path, strings.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	request.Header.Set("Authorization", "Bearer "+w.apiKey)
	if position != "" {
		request.Header.Set("Upline-Position", position)
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %d %s", method, path, answer.StatusCode, all)
	}
	return answer.Header, string(all), err
}

// laggingReplica holds the standby back while a merchant writes through one process and reads through both.
func laggingReplica(ctx context.Context, w *world) error {
	standby, err := sql.Open("postgres", "postgres://postgres@"+w.standby.address+"/postgres?sslmode=disable")
	if err != nil {
		return err
	}
	defer standby.Close() //nolint:errcheck // it was only asked
	web := w.role("web")
	readFrom := func(p *process) bool {
		answer, _, err := w.call(ctx, p, http.MethodGet, "/api/v1/stores", "", "")
		return err == nil && answer.Get("Upline-Read-Lag") != ""
	}
	if err := await(ctx, "both to read from the replica", time.Minute, func() bool { return readFrom(web[0]) && readFrom(web[1]) }); err != nil {
		return err
	}
	if _, err := standby.ExecContext(ctx, `SELECT pg_wal_replay_pause()`); err != nil {
		return err
	}
	err = errors.Join(rest(ctx, time.Second), w.writeAndRead(ctx, web))
	_, resumed := standby.ExecContext(ctx, `SELECT pg_wal_replay_resume()`)
	return errors.Join(err, resumed)
}

// writeAndRead maps SKUs and expects to see each at once, wherever it looks.
func (w *world) writeAndRead(ctx context.Context, web []*process) error {
	for n := range 10 {
		sku := fmt.Sprintf("SKU-%d-%d", w.orders.Load(), n)
		body := fmt.Sprintf(`{"data":[{"platform":"shopify","platform_sku":%q,"commission_class":"a"}]}`, sku)
		wrote, _, err := w.call(ctx, web[n%2], http.MethodPost, "/api/v1/mappings", body, "")
		if err != nil {
			return err
		}
		position := wrote.Get("Upline-Position")
		if position == "" {
			return errors.New("a write was answered without a position")
		}
		for i, p := range []*process{web[n%2], web[(n+1)%2]} {
			carried := position
			if i == 0 {
				carried = "" // the process itself remembers
			}
			read, text, err := w.call(ctx, p, http.MethodGet, "/api/v1/mappings?limit=200&search="+sku, "", carried)
			if err != nil {
				return err
			}
			if !strings.Contains(text, sku) {
				return fmt.Errorf("%s does not show %s just after it was written (lag %q)", p.name, sku, read.Get("Upline-Read-Lag"))
			}
		}
	}
	read, _, err := w.call(ctx, web[0], http.MethodGet, "/api/v1/stores", "", "")
	if err == nil && (read.Get("Upline-Read-Lag") == "" || read.Get("Upline-Read-Lag") == "0ms") {
		err = fmt.Errorf("the replica stands still, and its lag is shown as %q", read.Get("Upline-Read-Lag"))
	}
	return err
}
