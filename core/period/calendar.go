package period

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"upline.dev/upline/core/plan"
)

// Period is one span of a calendar, half open.
type Period struct {
	ID   string // "2026-03", "2026-W10", "2026-03-09", "2026-Q1"
	Kind string // plan.Daily, Weekly, Monthly or Quarterly
	From int64  // microseconds since 1970 UTC
	To   int64
}

// ErrCalendar is what every error of a Calendar is; the text names what was wrong and what to write.
var ErrCalendar = errors.New("period")

// Calendar cuts time into periods by the clocks of one place. A day begins at the first instant at which a clock there
// shows its date: at 1 o'clock where the clocks skip midnight, and once where they show the hour after midnight twice.
// So days have 23, 24 or 25 hours, and a day that the place skipped altogether (Apia had no 30 December 2011) does not
// exist. The periods of one kind follow each other without gap or overlap.
//
// Weeks are numbered like those of ISO 8601 whatever day they begin on: a week belongs to the year in which its fourth
// day lies, that is most of its days, and the first week is the one with 4 January. Beginning on Monday these are ISO
// weeks; beginning on Sunday they are the weeks of the American CDC (MMWR).
type Calendar struct {
	place *time.Location
	first time.Weekday
}

var weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// NewCalendar makes the calendar of a place; weekStarts is plan.Periods.WeekStarts, "" for Monday.
func NewCalendar(place *time.Location, weekStarts string) (Calendar, error) {
	if weekStarts == "" {
		weekStarts = "monday"
	}
	first := slices.Index(weekdays, weekStarts)
	if first < 0 {
		return Calendar{}, fmt.Errorf("%w: week_starts %q is no day of the week: write one of %s", ErrCalendar, weekStarts,
			strings.Join(weekdays, ", "))
	}
	if place == nil {
		return Calendar{}, fmt.Errorf("%w: time_zone is missing: write an IANA name, such as Europe/Berlin", ErrCalendar)
	}
	return Calendar{place, time.Weekday(first)}, nil
}

// Place is whose clocks they are.
func (c Calendar) Place() *time.Location { return c.place }

// At is the period of a kind in which an instant, in microseconds since 1970 UTC, lies.
func (c Calendar) At(kind string, at int64) (Period, error) {
	// Where clocks went back over midnight, the hour that a date is shown for the second time belongs to the day after.
	const mostBack = 2
	local := time.UnixMicro(at).In(c.place)
	day := date(local.Year(), local.Month(), local.Day())
	for range mostBack + 1 {
		first, next, err := c.days(kind, day)
		if err != nil {
			return Period{}, err
		}
		p := c.span(kind, first, next)
		if at >= p.From && at < p.To {
			return p, nil
		}
		day = next
		if at < p.From {
			day = first - 1
		}
	}
	return Period{}, fmt.Errorf("%w: no %s period of %s holds the instant %d", ErrCalendar, kind, c.place, at)
}

// Next is the period of the same kind that begins where p ends.
func (c Calendar) Next(p Period) (Period, error) { return c.At(p.Kind, p.To) }

// Previous is the period of the same kind that ends where p begins.
func (c Calendar) Previous(p Period) (Period, error) { return c.At(p.Kind, p.From-1) }

// Parse reads the id of a period: a day "2026-03-09", a week "2026-W10", a month "2026-03" or a quarter "2026-Q1".
func (c Calendar) Parse(id string) (Period, error) {
	kind, day, ok := c.read(id)
	if !ok {
		return Period{}, fmt.Errorf("%w: %q is no period: write a day 2026-03-09, a week 2026-W10, a month 2026-03 or a quarter 2026-Q1",
			ErrCalendar, shorten(id))
	}
	first, next, err := c.days(kind, day)
	if err != nil {
		return Period{}, err
	}
	p := c.span(kind, first, next)
	switch {
	case p.ID != id:
		return Period{}, fmt.Errorf("%w: there is no %q: after it comes %s", ErrCalendar, id, p.ID)
	case p.From >= p.To:
		return Period{}, fmt.Errorf("%w: %s had no %s: name the day before or after", ErrCalendar, c.place, id)
	}
	return p, nil
}

// read gives a kind and a day in the period that the id means; whether there is such a period, its own id tells.
func (c Calendar) read(id string) (kind string, day int, ok bool) {
	year, rest, _ := strings.Cut(id, "-")
	y, ok := digits(year, 4)
	if !ok || y < firstYear {
		return "", 0, false
	}
	if week, found := strings.CutPrefix(rest, "W"); found {
		w, ok := digits(week, 2)
		return plan.Weekly, c.weekStart(date(y, time.January, 4)) + 7*(w-1), ok && w >= 1
	}
	if quarter, found := strings.CutPrefix(rest, "Q"); found {
		q, ok := digits(quarter, 1)
		return plan.Quarterly, date(y, time.Month(3*q-2), 1), ok && q >= 1 && q <= 4
	}
	month, of, daily := strings.Cut(rest, "-")
	m, ok := digits(month, 2)
	if ok = ok && m >= 1 && m <= 12; !ok || !daily {
		return plan.Monthly, date(y, time.Month(m), 1), ok
	}
	d, ok := digits(of, 2)
	return plan.Daily, date(y, time.Month(m), d), ok && d >= 1 && d <= 31
}

// The years that have periods: those written with four digits, and a year of room for time zones on both sides.
const (
	firstYear = 2
	lastYear  = 9998
)

// days gives the first day of the period in which day lies, and of the next; days count from 1970.
func (c Calendar) days(kind string, day int) (first, next int, err error) {
	if day < date(firstYear, time.January, 1) || day > date(lastYear, time.December, 31) {
		return 0, 0, fmt.Errorf("%w: the date is outside the years %d to %d", ErrCalendar, firstYear, lastYear)
	}
	at := civil(day)
	year, month := at.Year(), at.Month()
	switch kind {
	case plan.Daily:
		return day, day + 1, nil
	case plan.Weekly:
		first = c.weekStart(day)
		return first, first + 7, nil
	case plan.Monthly:
		return date(year, month, 1), date(year, month+1, 1), nil
	case plan.Quarterly:
		month -= (month - 1) % 3
		return date(year, month, 1), date(year, month+3, 1), nil
	default:
		return 0, 0, fmt.Errorf("%w: %q is no kind of period: write daily, weekly, monthly or quarterly", ErrCalendar, kind)
	}
}

// span is the period from one day to before another.
func (c Calendar) span(kind string, first, next int) Period {
	p := Period{Kind: kind, From: c.begin(first), To: c.begin(next)}
	at := civil(first)
	switch kind {
	case plan.Daily:
		p.ID = at.Format("2006-01-02")
	case plan.Weekly:
		year := civil(first + 3).Year()
		p.ID = fmt.Sprintf("%04d-W%02d", year, (first-c.weekStart(date(year, time.January, 4)))/7+1)
	case plan.Monthly:
		p.ID = at.Format("2006-01")
	default:
		p.ID = fmt.Sprintf("%04d-Q%d", at.Year(), (at.Month()+2)/3)
	}
	return p
}

// weekStart is the first day of the week in which day lies.
func (c Calendar) weekStart(day int) int {
	return day - (int(civil(day).Weekday())-int(c.first)+7)%7
}

// begin is the first instant at which a clock shows a date or a later one, in microseconds. It goes through the spans
// of constant offset: time.Date leaves open what it gives for a midnight that is skipped or comes twice.
func (c Calendar) begin(day int) int64 {
	const daySeconds = 86_400
	midnight := int64(day) * daySeconds
	at := midnight - daySeconds // Offsets are less than a day.
	for {
		seen := time.Unix(at, 0).In(c.place)
		_, offset := seen.Zone()
		_, end := seen.ZoneBounds()
		begin := max(at, midnight-int64(offset))
		// Go gives the last day of some leap years a span whose end is over already; the offset is right.
		if end.IsZero() || begin < end.Unix() || end.Unix() <= at {
			return begin * 1_000_000
		}
		at = end.Unix()
	}
}

// date counts days from 1970; month and day may be past their ends.
func date(year int, month time.Month, day int) int {
	const daySeconds = 86_400
	return int(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / daySeconds)
}

func civil(day int) time.Time { return time.Unix(int64(day)*86_400, 0).UTC() }

// digits reads a number of exactly so many decimal digits.
func digits(text string, count int) (int, bool) {
	if len(text) != count || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	value, err := strconv.Atoi(text)
	return value, err == nil
}

// shorten keeps a foreign text short enough for a message.
func shorten(text string) string {
	const most = 64
	return text[:min(most, len(text))]
}
