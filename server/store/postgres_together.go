package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"
)

// together makes the steps the parts of one statement. To send one and to wait for its end costs both sides more than the
// rows of a small batch, and a settlement has a dozen.
func (p *postgres) together(ctx context.Context, tx *sqlx.Tx, steps ...step) ([]int64, error) {
	written := make([]int64, len(steps))
	full, places, err := withRows(steps)
	if err != nil {
		return nil, err
	}
	switch len(full) {
	case 0:
		return written, nil
	case 1:
		n, err := p.run(ctx, tx, full[0].statement, full[0].rows)
		written[places[0]] = n
		return written, err
	}
	var args []any
	for _, s := range full {
		args = append(args, s.rows.(*unnested).args()...)
	}
	text, names := p.joined(full)
	var counts []struct {
		Part int   `db:"part"`
		Rows int64 `db:"written"`
	}
	if err := p.query(ctx, tx, false, &counts, text, args...); err != nil {
		return nil, fmt.Errorf("%s: %w", names, err)
	}
	for _, c := range counts {
		written[places[c.Part]] = c.Rows
	}
	return written, nil
}

// withRows gives the steps that have rows, and their places among all.
func withRows(steps []step) (full []step, places []int, err error) {
	for i, s := range steps {
		u := s.rows.(*unnested)
		if err := u.complete(); err != nil {
			return nil, nil, err
		}
		if u.len() > 0 {
			full, places = append(full, s), append(places, i)
		}
	}
	return full, places, nil
}

func namesOf(steps []step) string {
	list := make([]string, len(steps))
	for i, s := range steps {
		list[i] = s.statement.name
	}
	return strings.Join(list, ", ")
}

// joined writes "WITH part0 AS (…), part1 AS (…) SELECT …" over the steps, which tells the rows of those that count.
func (p *postgres) joined(steps []step) (text, names string) {
	names = namesOf(steps)
	if text, ok := p.texts.Load(names); ok { // whether a statement counts is the same wherever it is used
		return text.(string), names
	}
	var parts, counts []string
	parameters := 0
	for i, s := range steps {
		var part string
		part, parameters = unnestText(s.statement, parameters)
		if s.counts {
			part += " RETURNING 1"
			counts = append(counts, fmt.Sprintf("SELECT %d AS part, count(*) AS written FROM part%d", i, i))
		}
		parts = append(parts, fmt.Sprintf("part%d AS (%s)", i, part))
	}
	if counts == nil {
		counts = []string{"SELECT 0 AS part, 0::bigint AS written WHERE false"}
	}
	text = "WITH " + strings.Join(parts, ", ") + " " + strings.Join(counts, " UNION ALL ")
	p.texts.Store(names, text)
	return text, names
}
