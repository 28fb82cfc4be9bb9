package store

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"upline.dev/upline/server"
	"upline.dev/upline/server/query"
)

// The limits of a page.
const (
	defaultPage = 50
	maxPage     = 5000 // of an export; the API gives less at once
)

func pageLimit(p query.Page) int {
	switch {
	case p.Limit <= 0:
		return defaultPage
	case p.Limit > maxPage:
		return maxPage
	default:
		return p.Limit
	}
}

// cursor is where a page ended: the sort key of its last row. Rows are found by key and not by number, so a page does
// not move when others are written.
type cursor []string

func (c cursor) String() string {
	data, err := json.Marshal([]string(c))
	if err != nil {
		return "" // strings always encode
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

// readCursor reads a page's After; nil for the first page.
func readCursor(after string, parts int) (cursor, error) {
	if after == "" {
		return nil, nil
	}
	data, err := base64.RawURLEncoding.DecodeString(after)
	var c cursor
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err != nil || len(c) != parts {
		return nil, &server.Error{Code: server.Invalid, Field: "after", Message: "This cursor is not one that was given out."}
	}
	return c, nil
}

// number reads one part of a cursor.
func (c cursor) number(i int) (int64, error) {
	n, err := strconv.ParseInt(c[i], 10, 64)
	if err != nil {
		return 0, &server.Error{Code: server.Invalid, Field: "after", Message: "This cursor is not one that was given out."}
	}
	return n, nil
}

func digits(n int64) string { return strconv.FormatInt(n, 10) }

// conditions collects the WHERE of a list. Values go in as parameters only.
type conditions struct {
	clauses []string
	args    []any
}

// where begins with the program, which no list goes without.
func where(program, column string) *conditions {
	return (&conditions{}).and(column+" = ?", program)
}

// and adds a condition; each ? is the next value.
func (c *conditions) and(clause string, values ...any) *conditions {
	var b strings.Builder
	next := 0
	for _, r := range clause {
		if r != '?' {
			b.WriteRune(r)
			continue
		}
		c.args = append(c.args, values[next])
		next++
		fmt.Fprintf(&b, "$%d", len(c.args))
	}
	c.clauses = append(c.clauses, b.String())
	return c
}

// andIf adds an equality where there is a value.
func (c *conditions) andIf(column, value string) *conditions {
	if value != "" {
		c.and(column+" = ?", value)
	}
	return c
}

func (c *conditions) String() string { return " WHERE " + strings.Join(c.clauses, " AND ") }

// limited ends the statement one row after the page, which tells whether there is a next one.
func (c *conditions) limited(limit int) string { return c.upTo(limit + 1) }

// upTo ends the statement after so many rows.
func (c *conditions) upTo(rows int) string {
	c.args = append(c.args, rows)
	return fmt.Sprintf(" LIMIT $%d", len(c.args))
}

// clone is for statements that differ in some conditions.
func (c *conditions) clone() *conditions {
	return &conditions{clauses: slices.Clone(c.clauses), args: slices.Clone(c.args)}
}

// cut takes the extra row off and gives the cursor of the last row that stays.
func cut[T any](rows []T, limit int, key func(*T) cursor) ([]T, string) {
	if len(rows) <= limit {
		return rows, ""
	}
	rows = rows[:limit]
	return rows, key(&rows[limit-1]).String()
}
