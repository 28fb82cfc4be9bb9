package store

import (
	"fmt"
	"strings"
)

// columnType is what a column of a bulk statement carries.
type columnType uint8

const (
	textColumn columnType = iota
	intColumn
	bytesColumn // nil is NULL
)

// column is one column of a bulk statement.
type column struct {
	name  string
	typed columnType
	fixed bool // one value for all rows, given once
	// literal is the value of all rows of all statements, as SQL; "" where values are given.
	literal string
}

// bulk is one statement that takes many rows. With an empty before it is an INSERT into table; otherwise the rows are
// a common table expression named given, and before is the statement that reads it.
//
// Each dialect has one way of handing rows over (unnest, or multi-row VALUES); nothing else about a statement differs.
type bulk struct {
	name    string // for errors, and the key of prepared texts
	table   string
	columns []column
	before  string // statement that reads "given"; "" for a plain insert
	after   string // ON CONFLICT, RETURNING
}

// text makes the statement around a source of rows.
func (b *bulk) text(source string) string {
	names := make([]string, len(b.columns))
	for i, c := range b.columns {
		names[i] = c.name
	}
	list := strings.Join(names, ", ")
	if b.before != "" {
		return "WITH given (" + list + ") AS (" + source + ") " + b.before + " " + b.after
	}
	return "INSERT INTO " + b.table + " (" + list + ") " + source + " " + b.after
}

// rows collects values for a bulk statement, row by row, in the order of its columns without the fixed and the literal ones.
type rows interface {
	text(value string)
	int(value int64)
	bytes(value []byte)
	len() int
}

// step is one bulk statement with its rows; counts: how many it wrote is wanted.
type step struct {
	statement *bulk
	rows      rows
	counts    bool
}

// counter checks that values are given in whole rows of the right types. A mistake here is a programmer's, and would
// write one column's values into another, so it stops the batch.
type counter struct {
	statement *bulk
	varying   []columnType
	next      int
	rows      int
}

func newCounter(b *bulk) counter {
	c := counter{statement: b}
	for _, column := range b.columns {
		if !column.fixed && column.literal == "" {
			c.varying = append(c.varying, column.typed)
		}
	}
	return c
}

// take moves to the next column and gives its position.
func (c *counter) take(typed columnType) int {
	at := c.next
	if c.varying[at] != typed {
		panic(fmt.Sprintf("store: statement %s: column %d is given a value of another type", c.statement.name, at))
	}
	if c.next++; c.next == len(c.varying) {
		c.next = 0
		c.rows++
	}
	return at
}

func (c *counter) len() int { return c.rows }

// complete reports a row that was begun and not ended.
func (c *counter) complete() error {
	if c.next != 0 {
		return fmt.Errorf("statement %s: the last row has %d of %d columns", c.statement.name, c.next, len(c.varying))
	}
	return nil
}

// Shorthands for lists of columns.
func texts(names ...string) []column { return columnsOf(textColumn, false, names) }
func ints(names ...string) []column  { return columnsOf(intColumn, false, names) }
func blobs(names ...string) []column { return columnsOf(bytesColumn, false, names) }

func fixedText(name string) []column { return columnsOf(textColumn, true, []string{name}) }
func fixedInt(name string) []column  { return columnsOf(intColumn, true, []string{name}) }

// literals are columns whose values are written into the statement: nothing is bound, sent or read for them. value is SQL.
func literals(value string, names ...string) []column {
	list := columnsOf(textColumn, false, names)
	for i := range list {
		list[i].literal = value
	}
	return list
}

func columnsOf(typed columnType, fixed bool, names []string) []column {
	list := make([]column, len(names))
	for i, name := range names {
		list[i] = column{name: name, typed: typed, fixed: fixed}
	}
	return list
}

func columns(lists ...[]column) []column {
	var all []column
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}
