package admin

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"upline.dev/upline/core/order"
	"upline.dev/upline/core/period"
)

// ParseDateIn reads 2026-01-31, which begins by the clocks of a company as its periods do, or an instant as RFC 3339. "" is
// the zero time. Other spellings are not guessed, since 01/02/2026 is two different days; the error says what to write.
func ParseDateIn(text string, zone *time.Location) (time.Time, error) {
	at, err := ParseDate(text)
	if err != nil || len(text) != len(time.DateOnly) {
		return at, err
	}
	calendar, err := period.NewCalendar(zone, "")
	if err != nil {
		return at, err
	}
	day, err := calendar.Parse(text)
	return time.UnixMicro(day.From).UTC(), err
}

// ParseDate is ParseDateIn where no company's clocks count, but those of UTC.
func ParseDate(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339Nano} {
		at, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if at = at.UTC(); !order.Plausible(at) {
			return time.Time{}, fmt.Errorf("%s: the year is not between %d and %d", quote(text), order.FirstYear, order.LastYear)
		}
		return at, nil
	}
	return time.Time{}, errors.New(quote(text) + ": " + dateMend(text))
}

var (
	dotted     = regexp.MustCompile(`^(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})$`)
	slashed    = regexp.MustCompile(`^(\d{1,2})[/-](\d{1,2})[/-](\d{4})$`)
	zoneless   = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2})(:\d{2})?$`)
	daysNumber = regexp.MustCompile(`^\d{5}(\.\d+)?$`)
)

// dateMend says how to write what was meant, where that is certain.
func dateMend(text string) string {
	const general = "write 2026-01-31, or 2026-01-31T10:00:00Z"
	if m := dotted.FindStringSubmatch(text); m != nil {
		if iso, ok := isoDate(m[3], m[2], m[1]); ok {
			return "write " + iso
		}
	}
	if m := slashed.FindStringSubmatch(text); m != nil {
		american, isAmerican := isoDate(m[3], m[1], m[2])
		european, isEuropean := isoDate(m[3], m[2], m[1])
		switch {
		case isAmerican && isEuropean && american != european:
			return "this may be " + american + " or " + european + "; write the one that is meant"
		case isAmerican:
			return "write " + american
		case isEuropean:
			return "write " + european
		}
	}
	if m := zoneless.FindStringSubmatch(text); m != nil {
		return "the zone is missing: write " + m[1] + "T" + m[2] + ":00Z for UTC, or +01:00 instead of Z"
	}
	if daysNumber.MatchString(text) {
		return "this is a spreadsheet's count of days: give the column the format YYYY-MM-DD and save again"
	}
	return general
}

// isoDate writes a date that exists.
func isoDate(year, month, day string) (string, bool) {
	numbers := [3]int{}
	for i, part := range [3]string{year, month, day} {
		numbers[i], _ = strconv.Atoi(part) // the patterns let digits through only
	}
	iso := fmt.Sprintf("%04d-%02d-%02d", numbers[0], numbers[1], numbers[2])
	_, err := time.Parse(time.DateOnly, iso)
	return iso, err == nil
}
