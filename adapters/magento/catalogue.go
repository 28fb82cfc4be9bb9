package magento

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/wire"
)

// How many articles or codes one call holds. A code is a coupon that Magento saves by itself.
const (
	articlesSize = 100
	codesSize    = 100
)

var (
	_ adapters.Catalogue = (*Reader)(nil)
	_ adapters.Coder     = (*Reader)(nil)
)

// Articles hands out what the shop sells, by ascending id, with what can be sold of it.
func (r *Reader) Articles(ctx context.Context, yield func(adapters.Article) error) error {
	var after wire.ID
	for {
		var page []struct {
			ID       wire.ID     `json:"id"`
			SKU      string      `json:"sku"`
			Name     string      `json:"name"`
			Type     string      `json:"type"`
			Price    wire.Amount `json:"price"`
			Quantity wire.Amount `json:"quantity"`
			Counted  bool        `json:"counted"`
		}
		query := []pair{{"afterId", strconv.FormatInt(int64(after), 10)}, {"limit", strconv.Itoa(articlesSize)}}
		if _, err := r.Client.get(ctx, "rest/V1/upline/articles", query, &page); err != nil {
			return fmt.Errorf("read articles after %s: %w", after, err)
		}
		for _, in := range page {
			if in.ID <= after {
				return fmt.Errorf("read articles after %s: %w", after, &Failed{Status: http.StatusOK, Message: "the articles do not ascend by id"})
			}
			after = in.ID
			article := adapters.Article{
				PlatformSKU: sku(in.SKU, in.ID), Name: in.Name, Category: in.Type, Price: string(in.Price),
				Available: wholeUnits(in.Quantity), Counted: in.Counted,
			}
			if err := yield(article); err != nil {
				return err
			}
		}
		if len(page) < articlesSize {
			return nil
		}
	}
}

// wholeUnits is a quantity without its fraction; what is oversold, or no quantity, is none to sell.
func wholeUnits(text wire.Amount) int64 {
	value, err := parseFine(text, true)
	if err != nil || value < 0 {
		return 0
	}
	return int64(value / fineOne)
}

// coupon is a code as the module takes it.
type coupon struct {
	Code   string `json:"code"`
	Active bool   `json:"active"`
	// DistributorID is empty: whose a code is, is known here.
	DistributorID string `json:"distributor_id"`
}

// AddCodes makes a coupon of each code, all of one cart price rule, which the merchant may change. terms.Title is not used: the rule
// has the module's own name. The discount is that of the rule, where there is one already.
func (r *Reader) AddCodes(ctx context.Context, terms adapters.CodeTerms, codes []string, told func(done int)) (adapters.CodeReport, error) {
	var all adapters.CodeReport
	percent := fmt.Sprintf("%d.%02d", terms.PercentHundredths/100, terms.PercentHundredths%100)
	for done := 0; done < len(codes); {
		some := codes[done:min(done+codesSize, len(codes))]
		report, err := r.addCodes(ctx, percent, some)
		if err != nil {
			return all, fmt.Errorf("add codes after %d: %w", done, err)
		}
		all.Added, all.Known = all.Added+report.Added, all.Known+report.Known
		for _, fault := range report.Faults {
			code, reason, _ := strings.Cut(fault, ": ")
			all.Faults = append(all.Faults, adapters.CodeFault{Code: code, Reason: reason})
		}
		done += len(some)
		told(done)
	}
	return all, nil
}

// codeReport is the module's answer.
type codeReport struct {
	Added  int      `json:"added"`
	Known  int      `json:"known"`
	Faults []string `json:"faults"` // "code: reason"
}

func (r *Reader) addCodes(ctx context.Context, percent string, codes []string) (report codeReport, err error) {
	coupons := make([]coupon, len(codes))
	for i, code := range codes {
		coupons[i] = coupon{Code: code, Active: true}
	}
	body, err := json.Marshal(map[string]any{"coupons": coupons, "percent": percent}, json.Deterministic(true))
	if err != nil {
		return report, err
	}
	_, err = r.Client.call(ctx, asking{method: http.MethodPost, path: "rest/V1/upline/coupons", body: body}, &report)
	return report, err
}
