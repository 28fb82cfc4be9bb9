package store

import (
	"context"
	"database/sql"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/server/pipeline"
)

// dialect is everything in which the two databases differ. Statements are otherwise one text for both.
type dialect interface {
	name() string
	// open connects: the handle that writes, and one that only reads (perhaps the same).
	open(ctx context.Context, c Config) (writer, reader *sqlx.DB, err error)
	// newRows collects rows for b; fixed are the values of its fixed columns, in their order.
	newRows(b *bulk, fixed ...any) rows
	// run executes b with the rows and gives the number of rows written.
	run(ctx context.Context, tx *sqlx.Tx, b *bulk, r rows) (int64, error)
	// together executes steps none of which reads what another writes, in one exchange with the database where it can, and
	// gives the number of rows each of those that count has written.
	together(ctx context.Context, tx *sqlx.Tx, steps ...step) ([]int64, error)
	// query selects into a slice with a text that many transactions run; reading says that tx is one of the reading handle.
	query(ctx context.Context, tx *sqlx.Tx, reading bool, into any, text string, args ...any) error
	// queryAlone is query without a transaction around it, for a text that finds rows by keys.
	queryAlone(ctx context.Context, reader *sqlx.DB, into any, text string, args ...any) error
	// in is the right side of "column IN", with the list as parameter n; list makes its value.
	in(n string) string
	// among is a condition that finds rows by an index on column, with the list as parameter n, also where the planner
	// knows nothing of the tables yet and would go through all that a join gives.
	among(column, n string) string
	list(values []string) any
	// byKeys writes what follows FROM to find a program's rows of a table by columns that are among its key's, and by a
	// condition (beginning with AND) if there is one. The program is parameter 1; the lists, of the same length, one value of
	// each making a key, are the parameters from first on. No key comes twice. It is found by the key's index also where the
	// planner knows nothing.
	byKeys(table, condition string, first int, columns ...string) string
	// postingsOf writes what follows FROM to find the postings p of settlements s, which the statement has found before. The program
	// is parameter 1, and those named first and last are the first and the last batch of the settlements, outside of which no partition
	// is looked at. Each is found by its key also where the planner knows nothing.
	postingsOf(first, last string) string
	// deliveriesByID writes what follows FROM to find deliveries i and their states s by their ids, the list as parameter n. Each is
	// found by its key also where the planner knows nothing, or thinks little of an index that waits to be cleaned.
	deliveriesByID(n string) string
	// bodyOf is the sealed body of a delivery i of the inbox as SQL, NULL where it is forgotten; bodiesAre is where such bodies are.
	bodyOf() string
	bodiesAre() []bodyPlace
	// scope binds the transaction to one program; "" is none.
	scope(ctx context.Context, tx *sqlx.Tx, program string) error
	// settlesApart: there is one writer, so that settling reads and decides before it asks for it.
	settlesApart() bool
	// ahead is what is known of the ends of chains; nil where settling asks for them.
	ahead() *ahead
	// openOrders binds the transaction to the program, makes it wait for others that hold one of the sources, and then reads what
	// there is. The sources, each once, are locked in sorted order. reading says that tx is one of the reading handle. Where tx is nil,
	// which only a dialect with ahead knows, nothing is locked.
	openOrders(ctx context.Context, tx *sqlx.Tx, reading bool, program string, sources []string, about pipeline.Subject) (opening, error)
	// lockPeople makes the transaction the only one that may make somebody the first owner.
	lockPeople(ctx context.Context, tx *sqlx.Tx) error
	// extendChain makes the transaction the only one that may seal a batch of the program, and then gives the chain's end; with sold
	// also the next number of changes of sales.
	extendChain(ctx context.Context, tx *sqlx.Tx, program string, sold bool) (chainEnd, error)
	// togetherAndExtend is together and then extendChain, in one exchange where it can be.
	togetherAndExtend(ctx context.Context, tx *sqlx.Tx, program string, sold bool, steps ...step) ([]int64, chainEnd, error)
	// forUpdate, forShare and skipLocked are the locking clauses, "" where one writer makes them needless.
	forUpdate() string
	forShare() string
	skipLocked() string
	// again reports whether the transaction failed only because of another one and may be run again.
	again(err error) bool
	// violated names the constraint that err violates, "" for another error.
	violated(err error) string
	// unavailable reports that the database cannot be reached or written at all.
	unavailable(err error) bool
	// full reports that the disk of the database is full.
	full(err error) bool
	migrationsDir() string
	// turn waits until a transaction may begin to write; whoever got a turn passes it on when all is over.
	turn(ctx context.Context) (pass func(), err error)
	// ended is called after a writing transaction, outside of it.
	ended(ctx context.Context) error
	// close ends what works beside the connections, before they are closed.
	close() error
}

// readOnly are the options of a reading transaction: all of its statements see one moment. SQLite has no other kind.
var readOnly = &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}

// maxParameters bounds one statement; SQLite takes 32,766, PostgreSQL 65,535, and lib/pq loses a connection above it.
const maxParameters = 30_000
