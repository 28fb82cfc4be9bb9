package adminapi

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Limits of a bulk operation.
const (
	bulkPollFirst = time.Second
	bulkPollLast  = 20 * time.Second
	bulkRoomWait  = 10 * time.Minute // for another app's or run's operations to end
	bulkAdoptFor  = time.Hour        // an operation of the same query that began later than this ago is taken up again
	MaxBulkBytes  = 16 << 30         // of a result; it lies on disk, not in memory
)

// bulkOrders is the query of a bulk operation over orders; SEARCH is replaced.
//
//go:embed documents/bulk_orders.graphql
var bulkOrders string

// Window is Shopify's search for what changed in [from, to). It compares whole seconds, so from is rounded down and to up.
func Window(from, to time.Time) string {
	if cut := to.Truncate(time.Second); cut.Before(to) {
		to = cut.Add(time.Second)
	}
	return fmt.Sprintf("updated_at:>='%s' updated_at:<'%s'", from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339))
}

// BulkOrders lets Shopify write down all orders changed in [from, to) and hands them out, in bounded memory; what does not
// fit lies below folder. told is given the operation's state whenever it was asked for.
func (c *Client) BulkOrders(ctx context.Context, from, to time.Time, folder string, told func(state string), yield func(*BulkOrder) error) error {
	operation, err := c.runBulk(ctx, strings.Replace(bulkOrders, `"SEARCH"`, `"`+Window(from, to)+`"`, 1), told)
	if err != nil || operation.Url == nil {
		return err
	}
	objects, err := strconv.Atoi(operation.ObjectCount)
	if err != nil {
		objects = maxParts * partObjects // any number of parts will do
	}
	for attempt := 1; ; attempt++ {
		err := c.sortBulk(ctx, *operation.Url, folder, objects, yield)
		var e *Error
		if !errors.As(err, &e) || e.Operation != "Download" || e.Kind != Unavailable || attempt == downloads {
			return err
		}
		if err := c.sleep(ctx, backoff(attempt)); err != nil {
			return fmt.Errorf("download a bulk result of %s: %w", c.shop, err)
		}
	}
}

// downloads is how often a result is asked for before it is given up. Nothing was handed out before it is whole.
const downloads = 3

func (c *Client) sortBulk(ctx context.Context, address, folder string, objects int, yield func(*BulkOrder) error) error {
	s, err := newSorter(folder, objects)
	if err != nil {
		return err
	}
	err = c.download(ctx, address, s)
	if err == nil {
		err = s.each(yield)
	}
	if s.failed != nil {
		err = s.failed
	}
	return errors.Join(err, s.Close())
}

// runBulk runs an operation to its end. One of the same query that an earlier process began within the hour is taken up
// again. Where it found nothing, it has no URL.
func (c *Client) runBulk(ctx context.Context, query string, told func(state string)) (*Bulk, error) {
	operation, err := c.adoptBulk(ctx, query)
	if err == nil && operation == nil {
		operation, err = c.startBulk(ctx, query)
	}
	if err != nil {
		return nil, err
	}
	rung, stop := c.bell.listen(operation.Id)
	defer stop()
	for wait := bulkPollFirst; ; wait = min(2*wait, bulkPollLast) {
		told(string(operation.Status))
		switch operation.Status {
		case BulkOperationStatusCompleted:
			return operation, nil
		case BulkOperationStatusCreated, BulkOperationStatusRunning:
		default:
			return nil, &Error{
				Kind: BulkFailed, Operation: "BulkOrders", Shop: c.shop,
				Detail: howEnded(string(operation.Status), string(operation.ErrorCode)),
			}
		}
		if err := c.sleepUntil(ctx, wait, rung); err != nil {
			return nil, fmt.Errorf("wait for a bulk operation of %s: %w", c.shop, err)
		}
		answer, err := BulkState(ctx, c, operation.Id)
		if err != nil {
			return nil, err
		}
		if answer.BulkOperation == nil {
			return nil, &Error{Kind: BulkFailed, Operation: "BulkOrders", Shop: c.shop, Detail: "the operation is gone"}
		}
		operation = answer.BulkOperation
	}
}

func howEnded(status, code string) string {
	text := "it ended as " + strings.ToLower(status)
	if code != "" {
		text += " with " + code
	}
	return told(text)
}

// adoptBulk finds an operation of the very same query that is under way or just done; nil where there is none.
func (c *Client) adoptBulk(ctx context.Context, query string) (*Bulk, error) {
	recent, err := RecentBulks(ctx, c)
	if err != nil {
		return nil, err
	}
	for i := range recent.BulkOperations.Nodes {
		known := &recent.BulkOperations.Nodes[i]
		usable := known.Status == BulkOperationStatusCreated || known.Status == BulkOperationStatusRunning || known.Status == BulkOperationStatusCompleted
		if usable && known.Query == query && c.clock().Sub(known.CreatedAt) < bulkAdoptFor {
			return &known.Bulk, nil
		}
	}
	return nil, nil
}

// startBulk begins an operation; where as many run as may, it waits for room.
func (c *Client) startBulk(ctx context.Context, query string) (*Bulk, error) {
	end := c.clock().Add(bulkRoomWait)
	for {
		answer, err := StartBulk(ctx, c, query)
		if err != nil {
			return nil, err
		}
		refusals := make([]FieldError, len(answer.BulkOperationRunQuery.UserErrors))
		full := false
		for i, e := range answer.BulkOperationRunQuery.UserErrors {
			refusals[i] = FieldError{Field: e.Field, Message: e.Message, Code: string(e.Code)}
			full = full || e.Code == BulkOperationUserErrorCodeLimitReached || e.Code == BulkOperationUserErrorCodeOperationInProgress
		}
		if err := c.userErrors("StartBulk", refusals); err != nil {
			if !full || !c.clock().Before(end) {
				return nil, err
			}
			if err := c.sleep(ctx, bulkPollLast); err != nil {
				return nil, fmt.Errorf("wait for room for a bulk operation of %s: %w", c.shop, err)
			}
			continue
		}
		if answer.BulkOperationRunQuery.BulkOperation == nil {
			return nil, &Error{Kind: Garbage, Operation: "StartBulk", Shop: c.shop, Detail: "neither an operation nor a reason"}
		}
		return answer.BulkOperationRunQuery.BulkOperation, nil
	}
}

// download writes a bulk operation's result to w. The address is Shopify's storage, on another host than the shop's, so the
// token does not go there.
func (c *Client) download(ctx context.Context, address string, w io.Writer) error {
	fail := func(kind Kind, status int, detail string) error {
		return &Error{Kind: kind, Operation: "Download", Shop: c.shop, Status: status, Detail: detail}
	}
	parsed, err := url.Parse(address)
	if err != nil || parsed.Scheme != "https" || parsed.Host == "" || parsed.User != nil {
		return fail(Garbage, 0, "the result's address is not one of the web")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return fail(Unavailable, 0, "the storage host does not answer")
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fail(Unavailable, answer.StatusCode, "the result cannot be read; it is kept for seven days")
	}
	written, err := io.Copy(w, io.LimitReader(answer.Body, MaxBulkBytes+1))
	switch {
	case errors.Is(err, ctx.Err()) && err != nil:
		return fmt.Errorf("download a bulk result of %s: %w", c.shop, err)
	case err != nil:
		return fail(Unavailable, 0, "the download broke off")
	case written > MaxBulkBytes:
		return fail(TooLarge, 0, fmt.Sprintf("more than %d bytes", int64(MaxBulkBytes)))
	}
	return nil
}
