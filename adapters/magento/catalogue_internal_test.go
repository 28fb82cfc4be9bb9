package magento

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/adapters"
)

// catalogueShop answers the module's articles and coupons: 250 articles, and codes that are known or refused by their first letter.
func catalogueShop(t *testing.T) (*Reader, *[]string) {
	t.Helper()
	shop, client := newShop(t, "http")
	var percents []string
	shop.fault = func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case strings.HasSuffix(r.URL.Path, "/rest/V1/upline/articles"):
			var after, limit int
			_, _ = fmt.Sscan(r.URL.Query().Get("afterId")+" "+r.URL.Query().Get("limit"), &after, &limit)
			rows := []map[string]any{}
			for id := after + 1; id <= min(after+limit, 250); id++ {
				rows = append(rows, map[string]any{
					"id": id, "sku": fmt.Sprintf("TEA-%d", id), "name": "Tea", "type": "simple", "price": "29.9000", "quantity": "7.5", "counted": id%2 == 0,
				})
			}
			_ = json.NewEncoder(w).Encode(rows)
		case strings.HasSuffix(r.URL.Path, "/rest/V1/upline/coupons"):
			var told struct {
				Coupons []coupon `json:"coupons"`
				Percent string   `json:"percent"`
			}
			_ = json.NewDecoder(r.Body).Decode(&told)
			percents = append(percents, told.Percent)
			report := codeReport{Faults: []string{}}
			for _, c := range told.Coupons {
				switch {
				case !c.Active:
					t.Errorf("%s is told as ended", c.Code)
				case c.Code[0] == 'K':
					report.Known++
				case c.Code[0] == 'F':
					report.Faults = append(report.Faults, c.Code+": Coupon with the same code already exists: choose another")
				default:
					report.Added++
				}
			}
			_ = json.NewEncoder(w).Encode(report)
		default:
			return false
		}
		return true
	}
	return &Reader{Client: client}, &percents
}

func TestArticles(t *testing.T) {
	t.Parallel()
	reader, _ := catalogueShop(t)
	var got []adapters.Article
	if err := reader.Articles(t.Context(), func(a adapters.Article) error { got = append(got, a); return nil }); err != nil {
		t.Fatal(err)
	}
	want := adapters.Article{PlatformSKU: "TEA-250", Name: "Tea", Category: "simple", Price: "29.9000", Available: 7, Counted: true}
	if len(got) != 250 || got[249] != want {
		t.Errorf("%d articles, the last %+v, want %+v", len(got), got[len(got)-1], want)
	}
	stop := errors.New("enough")
	if err := reader.Articles(t.Context(), func(adapters.Article) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v, want the error of yield", err)
	}
}

// TestArticlesThatDoNotAscend: a shop that answers the same page for ever is not asked for ever.
func TestArticlesThatDoNotAscend(t *testing.T) {
	t.Parallel()
	shop, client := newShop(t, "http")
	shop.fault = func(w http.ResponseWriter, _ *http.Request) bool {
		_ = json.NewEncoder(w).Encode(slices.Repeat([]map[string]any{{"id": 1, "sku": "TEA"}}, articlesSize))
		return true
	}
	err := (&Reader{Client: client}).Articles(t.Context(), func(adapters.Article) error { return nil })
	if _, ok := errors.AsType[*Failed](err); !ok {
		t.Errorf("%v, want a fault of the answer", err)
	}
}

func TestAddCodes(t *testing.T) {
	t.Parallel()
	reader, percents := catalogueShop(t)
	codes := []string{"KNOWN", "FAULTY"}
	for i := range 248 {
		codes = append(codes, fmt.Sprintf("ANNA%d", i))
	}
	var steps []int
	report, err := reader.AddCodes(context.Background(), adapters.CodeTerms{PercentHundredths: 1250}, codes, func(done int) { steps = append(steps, done) })
	if err != nil {
		t.Fatal(err)
	}
	want := adapters.CodeReport{Added: 248, Known: 1, Faults: []adapters.CodeFault{{Code: "FAULTY", Reason: "Coupon with the same code already exists: choose another"}}}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(steps, []int{100, 200, 250}) || !slices.Equal(*percents, []string{"12.50", "12.50", "12.50"}) {
		t.Errorf("steps %v at %v percent", steps, *percents)
	}
}
