package pipeline

import (
	"context"

	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
)

// Preview is what settling an order once more would do.
type Preview struct {
	Outcome  Outcome
	Reason   *Reason          // Parked
	Postings []ledger.Posting // what would be posted: the difference to what is there
	Snapshot []byte           // the calculation; nil where nothing would be posted
	Revision int64            // after it
}

// Preview settles an order by everything known now and writes nothing. An order whose facts have not changed gives no
// postings. One that was never told is server.NotFound.
func (p *Pipeline) Preview(ctx context.Context, program string, source order.Source) (Preview, error) {
	info, err := p.storeInfo(ctx, source.StoreID, true)
	if err != nil {
		return Preview{}, err
	}
	b := newBatch(program, []*item{{
		key: "preview " + source.String(), program: program, released: &source, store: info, sources: []order.Source{source},
	}})
	var out Preview
	err = p.deps.Store.InTx(ctx, program, b.subject(), func(books Books) error {
		f, err := readFacts(ctx, books, b, p.deps.Clock().UTC())
		if err != nil {
			return err
		}
		settled, err := f.settleAll(books.Sources(), b)
		if err != nil {
			return err
		}
		if len(settled) != 1 || settled[0].Order == nil && settled[0].Reason == nil {
			return server.Errorf(server.NotFound, "There is no order %s.", source)
		}
		s := &settled[0]
		out = Preview{Outcome: s.Outcome, Reason: s.Reason, Postings: s.Postings, Snapshot: s.Snapshot, Revision: s.Revision}
		return nil
	})
	return out, err
}
