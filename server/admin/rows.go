package admin

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"upline.dev/upline/core/genealogy"
)

// RowError is what is wrong with one row, counted from 0 in the order given.
type RowError struct {
	Row    int
	Field  string
	Reason string // what is wrong, and what mends it
	Twin   *int   // an earlier row that says the same; nil: none
}

// Error names row and field, counting from 1 as people do.
func (e *RowError) Error() string {
	text := fmt.Sprintf("row %d, %s: %s", e.Row+1, e.Field, e.Reason)
	if e.Twin != nil {
		text += fmt.Sprintf(" (first in row %d)", *e.Twin+1)
	}
	return text
}

// RowErrors are all faults found, in the order of the rows; nothing was written.
type RowErrors []*RowError

// Error shows the first faults and says how many there are.
func (es RowErrors) Error() string {
	const most = 5
	shown := make([]string, 0, most)
	for _, e := range es[:min(len(es), most)] {
		shown = append(shown, e.Error())
	}
	text := strings.Join(shown, "; ")
	if more := len(es) - most; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

// maxRowErrors bounds what one answer lists: a file with more faults has one fault, in its format.
const maxRowErrors = 10_000

// rowFaults collects the faults of one row after the other.
type rowFaults struct {
	found RowErrors
	row   int
	zone  *time.Location // by whose clocks dates begin
}

func newRowFaults(zone *time.Location) *rowFaults { return &rowFaults{zone: zone} }

// at begins a row.
func (f *rowFaults) at(row int) *rowFaults {
	f.row = row
	return f
}

func (f *rowFaults) fault(field, format string, args ...any) {
	if len(f.found) < maxRowErrors {
		f.found = append(f.found, &RowError{Row: f.row, Field: field, Reason: fmt.Sprintf(format, args...)})
	}
}

func (f *rowFaults) err() error {
	if len(f.found) == 0 {
		return nil
	}
	return f.found
}

// once refuses a key that an earlier row has.
func (f *rowFaults) once(seen map[string]int, key, field, what string) {
	once(f, seen, key, field, what)
}

func once[K comparable](f *rowFaults, seen map[K]int, key K, field, what string) {
	first, twice := seen[key]
	if !twice {
		seen[key] = f.row
		return
	}
	f.fault(field, "%s is there twice", quote(what))
	if last := f.found[len(f.found)-1]; last.Row == f.row {
		last.Twin = &first
	}
}

// text refuses what could not be kept, or not be told apart on a screen.
func (f *rowFaults) text(field, value string, maxBytes int) {
	switch unprintable := func(r rune) bool { return !unicode.IsPrint(r) }; {
	case len(value) > maxBytes:
		f.fault(field, "longer than %d bytes", maxBytes)
	case !utf8.ValidString(value) || strings.ContainsRune(value, utf8.RuneError):
		f.fault(field, "has characters that are not UTF-8")
	case strings.ContainsFunc(value, unprintable):
		f.fault(field, "has characters that cannot be shown, such as a line break: remove them")
	}
}

// date reads a date, which begins by the company's clocks, or an instant; "" is the zero time.
func (f *rowFaults) date(field, text string) time.Time {
	at, err := ParseDateIn(text, f.zone)
	if err != nil {
		f.fault(field, "%s", err)
	}
	return at
}

// maxQuoted is how much of a wrong value an error repeats.
const maxQuoted = 60

// quote shows a wrong value, cut where it is long.
func quote(value string) string {
	if len(value) <= maxQuoted {
		return strconv.Quote(value)
	}
	return strconv.Quote(strings.ToValidUTF8(value[:maxQuoted], "")) + "..."
}

// rowsOfTree turns what only the whole tree shows into faults of the rows that bring it about: every row of a ring, the
// child of a parent who is not there. Faults that no row of this call brings about, and other errors, stay as they are.
func rowsOfTree(err error, rows map[string]int, people []Distributor) error {
	var taken *CodeTakenError
	if errors.As(err, &taken) {
		return rowsOfCode(err, taken, people)
	}
	var faults genealogy.Faults
	if !errors.As(err, &faults) {
		return err
	}
	var found RowErrors
	for _, fault := range faults {
		concerned := fault.People[:min(1, len(fault.People))]
		if fault.Kind == genealogy.Cycle {
			concerned = fault.People
		}
		for _, id := range concerned {
			if row, ok := rows[id]; ok && len(found) < maxRowErrors {
				found = append(found, &RowError{Row: row, Field: fieldOf(fault), Reason: sentenceOf(fault)})
			}
		}
	}
	if len(found) == 0 {
		return err
	}
	slices.SortStableFunc(found, func(a, b *RowError) int { return a.Row - b.Row })
	return found
}

func rowsOfCode(err error, taken *CodeTakenError, people []Distributor) error {
	for i := range people {
		if slices.ContainsFunc(people[i].Codes, func(code string) bool { return strings.EqualFold(code, taken.Code) }) {
			return RowErrors{{Row: i, Field: "codes", Reason: taken.Error()}}
		}
	}
	return err
}

// CodeTakenError says that a code cannot be given to somebody because it is somebody else's.
type CodeTakenError struct {
	Code  string
	Owner string // who has it now
}

// Error names the code, its owner and the mend.
func (e *CodeTakenError) Error() string {
	return fmt.Sprintf("code %s belongs to %s: choose another, or take it from %s in the same file", quote(e.Code), e.Owner, e.Owner)
}

func fieldOf(f *genealogy.Fault) string {
	switch f.Kind {
	case genealogy.Cycle, genealogy.Orphan:
		return "sponsor_id"
	default:
		return "distributor_id"
	}
}

// maxRingShown is how much of a ring one sentence names; each of its rows is named by a fault of its own.
const maxRingShown = 20

// sentenceOf says a fault of the tree to somebody who looks at a file.
func sentenceOf(f *genealogy.Fault) string {
	switch {
	case f.Kind == genealogy.Cycle:
		ring := f.People[:min(maxRingShown, len(f.People))]
		text := strings.Join(ring, " > ")
		if more := len(f.People) - len(ring); more > 0 {
			text += fmt.Sprintf(" > (%d more)", more)
		}
		return fmt.Sprintf("the sponsors form a ring: %s > %s; one of them has another sponsor, or stands at the top", text, f.People[0])
	case f.Kind == genealogy.Orphan && len(f.People) == 2:
		return fmt.Sprintf("sponsor %s: %s", f.People[1], f.Detail)
	default:
		return f.Detail
	}
}
