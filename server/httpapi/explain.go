package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/server/query"
)

// explanation is why an order paid what it paid: every calculation, newest first, and what was posted.
type explanation struct {
	Order        query.Order   `json:"order"`
	Text         string        `json:"text"` // the newest calculation, told for people
	Calculations []calculation `json:"calculations"`
	// Names are what the people named in the calculations are called; ids stay ids in the ledger itself.
	Names    map[string]string `json:"names"`
	Postings []query.Posting   `json:"postings"`
	// PostingsNextCursor continues at GET /api/v1/ledger?order_id=…&after=…; "" where all are here.
	PostingsNextCursor string `json:"postings_next_cursor"`
	// PaysFrom: see query.History.
	PaysFrom *time.Time `json:"pays_from,omitempty"`
	nothing  string
}

// calculation is one stored snapshot. Ladder is absent and Fault says why where it cannot be recomputed.
type calculation struct {
	query.Snapshot
	CalcSnapshot json.RawMessage `json:"calc_snapshot_json"`
	Ladder       *ladderView     `json:"ladder,omitempty"`
	Fault        string          `json:"fault,omitempty"`
}

// explainOrder answers in JSON, or as a text to read where text/plain is asked for.
func (s *Server) explainOrder(c *gin.Context) {
	c.Writer.Header().Add("Vary", "Accept")
	orderID, err := orderIDOf(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	e, err := s.explain(c.Request.Context(), programOf(c), orderID)
	if err != nil {
		s.fail(c, err)
		return
	}
	if c.NegotiateFormat(gin.MIMEJSON, gin.MIMEPlain) == gin.MIMEPlain {
		c.Data(http.StatusOK, "text/plain; charset=utf-8", []byte(e.Text))
		return
	}
	c.JSON(http.StatusOK, e)
}

func (s *Server) explain(ctx context.Context, program, orderID string) (explanation, error) {
	h, err := query.HistoryOf(ctx, s.Reader, program, orderID, query.PostingFilter{}, query.Page{Limit: maxLimit})
	if err != nil {
		return explanation{}, err
	}
	e := explanation{
		Order: h.Order, Calculations: make([]calculation, 0, len(h.Snapshots)), Names: map[string]string{},
		Postings: h.Postings, PostingsNextCursor: h.Next, PaysFrom: h.PaysFrom, nothing: h.Nothing(),
	}
	if e.Postings == nil {
		e.Postings = []query.Posting{}
	}
	var newest *commission.Explanation
	for i, snap := range h.Snapshots {
		calc := calculation{Snapshot: snap, CalcSnapshot: snap.JSON}
		told, err := commission.Explain(snap.JSON)
		if err != nil {
			calc.Fault = "this calculation cannot be recomputed: " + err.Error()
		} else {
			calc.Ladder = ladderOf(&told)
			s.addNames(ctx, program, calc.Ladder, e.Names)
			if i == 0 {
				newest = &told
			}
		}
		e.Calculations = append(e.Calculations, calc)
	}
	e.Text = e.tell(newest)
	return e, nil
}

// addNames looks up whom a calculation speaks of. A person whose name is gone, or cannot be read, keeps the id.
func (s *Server) addNames(ctx context.Context, program string, l *ladderView, names map[string]string) {
	for _, id := range l.people() {
		if _, known := names[id]; known {
			continue
		}
		d, err := s.Reader.Distributor(ctx, program, id)
		if err == nil && d.Name != "" {
			names[id] = d.Name
		}
	}
}

// tell is the whole order as a text: where it stands, then the newest calculation.
func (e *explanation) tell(newest *commission.Explanation) string {
	var b strings.Builder
	o := &e.Order
	name := o.OrderID
	if o.Name != "" {
		name += " (" + o.Name + ")"
	}
	fmt.Fprintf(&b, "Order %s, %s, placed %s: %s\n", name, o.Status, o.OrderTS.UTC().Format(time.RFC3339), o.Settlement)
	if text := o.WaitsFor(); text != "" {
		b.WriteString(text + "\n")
	}
	switch {
	case newest != nil:
		b.WriteString(newest.Text(e.nameOf))
	case len(e.Calculations) > 0:
		b.WriteString(e.Calculations[0].Fault + "\n")
	default:
		b.WriteString(e.nothing + "\n")
	}
	return b.String()
}

func (e *explanation) nameOf(id string) string {
	if name := e.Names[id]; name != "" {
		return name + " (" + id + ")"
	}
	return id
}
