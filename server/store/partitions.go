package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/server"
)

// A partition of the ledger is made for about so many bytes, without indexes: some three million postings, whose indexes are in memory
// where they are written. The least number of batches keeps partitions few where a batch is large.
const (
	partitionBytes        = 512 << 20
	leastPartitionBatches = 10_000
)

// ExtendLedger makes the next partition of the ledger where the last one is in use, and gives its name; "" where nothing has to be done, as
// ever on SQLite, whose ledger is one table. The ledger goes on without it: what no partition is for has a place of its own, where there is
// much in the long run. It fails where others keep the ledger busy, and may be tried again at any time, by several at once too.
func (s *Store) ExtendLedger(ctx context.Context) (made string, err error) {
	return s.extendLedger(ctx, partitionBytes, leastPartitionBatches)
}

func (s *Store) extendLedger(ctx context.Context, bytes, leastBatches int64) (made string, err error) {
	defer server.Wrap(&err, "make the next partition of the ledger")
	if s.Dialect() != "postgres" {
		return "", nil
	}
	err = s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error {
		return tx.GetContext(ctx, &made, `SELECT coalesce(upline_extend_ledger($1, $2), '')`, bytes, leastBatches)
	})
	return made, err
}

// KeepLedger extends the ledger now and again, until ctx ends, and tells of each partition and each failure.
func (s *Store) KeepLedger(ctx context.Context, every time.Duration, told func(made string, err error)) {
	for ctx.Err() == nil {
		if made, err := s.ExtendLedger(ctx); ctx.Err() == nil && (made != "" || err != nil) {
			told(made, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(every):
		}
	}
}
