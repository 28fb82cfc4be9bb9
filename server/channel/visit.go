package channel

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/money"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/query"
)

// VisitLife is how long a distributor may look at their page after coming from the shop, where one click opens it anew.
const VisitLife = 30 * time.Minute

// visitRow binds a sealed visit to its purpose.
var visitRow = []byte("distributor visit")

// Visit is a distributor who looks at what they earned. It may look at that, and do nothing else: it is no session of the
// merchant's screens, and no principal.
type Visit struct {
	Program     string    `json:"program"`
	Store       string    `json:"store"` // whose account page sent them
	Distributor string    `json:"distributor"`
	Until       time.Time `json:"until"`
}

// SealVisit is what the browser keeps of a visit. Nobody can read or make one without the key ring.
func (s *Service) SealVisit(v *Visit) (string, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	sealed, err := s.Admin.Sealer.Seal(plain, visitRow)
	if err != nil {
		return "", fmt.Errorf("seal a visit: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// OpenVisit reads what a browser brings; server.Unauthorized where it is no visit of ours, or is over.
func (s *Service) OpenVisit(text string) (Visit, error) {
	over := server.Errorf(server.Unauthorized, "Open this page from your account in the shop: the button there signs you in.")
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || text == "" {
		return Visit{}, over
	}
	plain, err := s.Admin.Sealer.Open(sealed, visitRow)
	if err != nil {
		return Visit{}, over
	}
	var v Visit
	if err := json.Unmarshal(plain, &v); err != nil || !s.now().Before(v.Until) {
		return Visit{}, over
	}
	return v, nil
}

// Own is what a distributor sees of themselves.
type Own struct {
	Me     meView
	Name   string
	Totals []totalView
	Earned []query.Commission // the newest first
	Next   string             // cursor of the next page; "" at the end
	Zone   *time.Location     // the company's, in which its months begin
}

// Own reads a distributor's figures; nil where the program has no such distributor.
func (s *Service) Own(ctx context.Context, st *admin.Store, distributorID string, p query.Page) (*Own, error) {
	d, err := s.Reader.Distributor(ctx, st.ProgramID, distributorID)
	if server.CodeOf(err) == server.NotFound && err != nil {
		return nil, nil //nolint:nilnil // nobody is a proper answer
	}
	if err != nil {
		return nil, err
	}
	return s.ownOf(ctx, st, &d, p)
}

func (s *Service) ownOf(ctx context.Context, st *admin.Store, d *query.Distributor, p query.Page) (*Own, error) {
	zone, err := s.Admin.Zone(ctx, st.ProgramID)
	if err != nil {
		return nil, err
	}
	own := &Own{Zone: zone, Me: meView{d.DistributorID, codeOf(d), d.Status, d.Rank, linkOf(st, codeOf(d))}, Name: d.Name, Totals: []totalView{}}
	now := s.now().In(zone)
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, zone)
	balances, err := s.Books.BalancesOf(ctx, st.ProgramID, d.DistributorID, month)
	if err != nil {
		return nil, err
	}
	for _, b := range balances {
		text := func(minor int64) string { return money.FormatMinor(minor, b.Currency) }
		own.Totals = append(own.Totals, totalView{
			string(b.Currency), text(b.PendingMinor), text(b.AvailableMinor), text(b.PaidMinor), text(b.ReversedMinor), text(b.SinceMinor),
		})
	}
	own.Earned, own.Next, err = s.Reader.Commissions(ctx, st.ProgramID, query.CommissionFilter{DistributorID: d.DistributorID}, p)
	return own, err
}

// OwnOrder is why a distributor has from one order what they have. Of anybody else's share it says nothing, and nothing of what
// the company has to mend.
type OwnOrder struct {
	Order    string
	Counts   bool // whether the order earns them anything as it is now
	Waiting  bool // a later state of the order is not settled yet
	Currency string
	Lines    []OwnLine
	Total    string
	Moves    []OwnMove // the newest first
	Zone     *time.Location
}

// OwnLine is a line of the order, as far as it pays this distributor.
type OwnLine struct {
	SKU   string
	Net   string
	Parts []OwnPart
}

// OwnPart is what one component pays on a line, and why.
type OwnPart struct {
	Component string
	Amount    string
	Level     int // 0: none
	Rates     []string
	Base      string
	Unit      string // of the base: a currency, or CV
	Limited   bool   // a limit of the plan took some of it away
}

// OwnMove is what was posted of the order for the distributor at one time.
type OwnMove struct {
	At       time.Time
	Amount   string
	Currency string
	Back     bool // it was taken back
}

// mostMoves bounds the moves that are shown.
const mostMoves = 50

// OwnOrder explains an order to a distributor. server.NotFound where they never had anything of it: others' orders are not
// theirs to look at.
func (s *Service) OwnOrder(ctx context.Context, program, distributorID, storeID, platformOrderID string) (*OwnOrder, error) {
	id := storeID + "/" + platformOrderID
	mine, _, err := s.Reader.Commissions(ctx, program, query.CommissionFilter{PlatformOrderID: platformOrderID, DistributorID: distributorID}, query.Page{Limit: mostEarned})
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(mine, func(c query.Commission) bool { return c.StoreID == storeID }) {
		return nil, server.Errorf(server.NotFound, "You have no earnings of this order.")
	}
	h, err := query.HistoryOf(ctx, s.Reader, program, id, query.PostingFilter{DistributorID: distributorID, Kind: "earning"}, query.Page{Limit: mostMoves})
	if err != nil {
		return nil, err
	}
	if len(h.Snapshots) == 0 {
		return nil, server.Errorf(server.NotFound, "This order has no calculation yet.")
	}
	zone, err := s.Admin.Zone(ctx, program)
	if err != nil {
		return nil, err
	}
	told, err := commission.Explain(h.Snapshots[0].JSON)
	if err != nil {
		return nil, fmt.Errorf("explain %s: %w", id, err)
	}
	own, err := ownOrder(&told, distributorID)
	if err != nil {
		return nil, fmt.Errorf("sum what %s has of %s: %w", distributorID, id, err)
	}
	own.Order, own.Waiting, own.Zone = platformOrderID, h.Order.Settlement == "parked", zone
	for i := range h.Postings {
		p := &h.Postings[i]
		own.Moves = append(own.Moves, OwnMove{p.PostedAt, p.Amount, p.Currency, p.AmountMinor < 0})
	}
	return own, nil
}

// ownOrder leaves of an explanation what concerns one person.
func ownOrder(told *commission.Explanation, distributorID string) (*OwnOrder, error) {
	own := &OwnOrder{Currency: string(told.Currency)}
	var total int64
	for i := range told.Lines {
		line := &told.Lines[i]
		view := OwnLine{SKU: line.PlatformSKU, Net: money.FormatMinor(line.Net.NetMinor, told.Currency)}
		for l := range line.Ladders {
			ladder := &line.Ladders[l]
			for r := range ladder.Rungs {
				rung := &ladder.Rungs[r]
				if rung.DistributorID != distributorID {
					continue
				}
				var err error
				if total, err = money.Add(total, rung.PaidMinor); err != nil {
					return nil, err
				}
				base, unit := baseOf(ladder, told.Currency)
				view.Parts = append(view.Parts, OwnPart{
					Component: ladder.ComponentID, Amount: money.FormatMinor(rung.PaidMinor, told.Currency),
					Level: rung.Level, Rates: ratesOf(rung, told.Currency), Base: base, Unit: unit, Limited: rung.PaidMinor != rung.AmountMinor,
				})
			}
		}
		if len(view.Parts) > 0 {
			own.Lines = append(own.Lines, view)
		}
	}
	own.Counts, own.Total = told.Why == "" && len(own.Lines) > 0, money.FormatMinor(total, told.Currency)
	return own, nil
}
