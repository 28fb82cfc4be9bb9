package period_test

import (
	"errors"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

func calendar(t testing.TB, place, weekStarts string) period.Calendar {
	t.Helper()
	location, err := time.LoadLocation(place)
	if err != nil {
		t.Fatal(err)
	}
	c, err := period.NewCalendar(location, weekStarts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func micros(t testing.TB, text string) int64 {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UnixMicro()
}

func TestPeriods(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, place, week, at, kind, id, from, to string }{
		{"a month", "UTC", "", "2026-03-31T23:59:59.999999Z", plan.Monthly, "2026-03", "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"},
		{"the next month", "UTC", "", "2026-04-01T00:00:00Z", plan.Monthly, "2026-04", "2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z"},
		{"a month with summer time", "Europe/Berlin", "", "2026-03-15T12:00:00Z", plan.Monthly, "2026-03", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"},
		{"a day of 23 hours", "Europe/Berlin", "", "2026-03-29T12:00:00Z", plan.Daily, "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},
		{"a day of 25 hours", "America/New_York", "", "2026-11-01T12:00:00Z", plan.Daily, "2026-11-01", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"},
		{"a quarter", "Asia/Tokyo", "", "2025-12-31T15:00:00Z", plan.Quarterly, "2026-Q1", "2025-12-31T15:00:00Z", "2026-03-31T15:00:00Z"},
		{"an ISO week", "UTC", "monday", "2026-03-05T00:00:00Z", plan.Weekly, "2026-W10", "2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z"},
		{"an ISO week of the year before", "UTC", "monday", "2027-01-03T00:00:00Z", plan.Weekly, "2026-W53", "2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z"},
		{"an ISO week of the year after", "UTC", "monday", "2024-12-30T00:00:00Z", plan.Weekly, "2025-W01", "2024-12-30T00:00:00Z", "2025-01-06T00:00:00Z"},
		{"an MMWR week", "UTC", "sunday", "2026-01-04T00:00:00Z", plan.Weekly, "2026-W01", "2026-01-04T00:00:00Z", "2026-01-11T00:00:00Z"},
		{"the last MMWR week of 2025", "UTC", "sunday", "2026-01-03T00:00:00Z", plan.Weekly, "2025-W53", "2025-12-28T00:00:00Z", "2026-01-04T00:00:00Z"},
		{"a week from saturday", "UTC", "saturday", "2026-01-02T00:00:00Z", plan.Weekly, "2025-W52", "2025-12-27T00:00:00Z", "2026-01-03T00:00:00Z"},
		{"midnight is skipped", "America/Sao_Paulo", "", "2018-11-04T12:00:00Z", plan.Daily, "2018-11-04", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"},
		{"the hour before midnight comes twice", "America/Sao_Paulo", "", "2018-02-18T02:30:00Z", plan.Daily, "2018-02-17", "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z"},
		{"the hour after midnight comes twice", "America/Havana", "", "2025-11-02T04:30:00Z", plan.Daily, "2025-11-02", "2025-11-02T04:00:00Z", "2025-11-03T05:00:00Z"},
		{"the clock goes back over midnight", "America/St_Johns", "", "2006-10-29T03:00:00Z", plan.Daily, "2006-10-29", "2006-10-29T02:30:00Z", "2006-10-30T03:30:00Z"},
		{"the day before a skipped day", "Pacific/Apia", "", "2011-12-30T09:59:59Z", plan.Daily, "2011-12-29", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"},
		{"the day after a skipped day", "Pacific/Apia", "", "2011-12-30T10:00:00Z", plan.Daily, "2011-12-31", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"},
		{"before 1970", "UTC", "", "1969-12-31T23:59:59.999999Z", plan.Monthly, "1969-12", "1969-12-01T00:00:00Z", "1970-01-01T00:00:00Z"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := calendar(t, test.place, test.week)
			want := period.Period{ID: test.id, Kind: test.kind, From: micros(t, test.from), To: micros(t, test.to)}
			got, err := c.At(test.kind, micros(t, test.at))
			if err != nil || got != want {
				t.Errorf("At: %+v, %v; want %+v", got, err, want)
			}
			if got, err = c.Parse(test.id); err != nil || got != want {
				t.Errorf("Parse: %+v, %v; want %+v", got, err, want)
			}
		})
	}
}

func TestNoPeriods(t *testing.T) {
	t.Parallel()
	c := calendar(t, "Pacific/Apia", "")
	for _, id := range []string{
		"", "2026", "2026-", "2026-13", "2026-00", "2026-3", "26-03", "2026-Q0", "2026-Q5", "2026-Q", "2026-W00", "2026-W54", "2025-W53",
		"2026-W1", "2026-02-29", "2026-04-31", "2026-01-32", "2026-01-00", "2026-01-01-01", "2026-01-1", "+026-01", "0000-01",
		"9999-01", "2026-W10 ", "2026-q1", "2011-12-30", "２026-03",
	} {
		if p, err := c.Parse(id); !errors.Is(err, period.ErrCalendar) {
			t.Errorf("Parse(%q) = %+v, %v; want ErrCalendar", id, p, err)
		}
	}
	for _, at := range []int64{-1 << 63, 1<<63 - 1} {
		if p, err := c.At(plan.Monthly, at); !errors.Is(err, period.ErrCalendar) {
			t.Errorf("At(%d) = %+v, %v; want ErrCalendar", at, p, err)
		}
	}
	if _, err := c.At("yearly", 0); !errors.Is(err, period.ErrCalendar) || !strings.Contains(err.Error(), "yearly") {
		t.Errorf("a kind that does not exist: %v", err)
	}
	if _, err := period.NewCalendar(time.UTC, "mon"); !errors.Is(err, period.ErrCalendar) {
		t.Errorf("a day that does not exist: %v", err)
	}
	if _, err := period.NewCalendar(nil, "monday"); !errors.Is(err, period.ErrCalendar) {
		t.Errorf("no place: %v", err)
	}
}

// Places whose clocks did something unusual, beside a few plain ones.
var places = []string{
	"UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "America/Havana", "America/St_Johns", "Pacific/Apia",
	"Pacific/Kwajalein", "Asia/Kathmandu", "Australia/Lord_Howe", "Asia/Beirut", "Africa/Cairo", "America/Asuncion",
	"Asia/Amman", "Asia/Tehran", "Atlantic/Azores", "America/Scoresbysund", "Africa/Casablanca", "Asia/Gaza",
	"Antarctica/Troll", "Asia/Manila", "America/Anchorage", "Europe/Dublin", "Pacific/Enderbury", "America/Godthab",
}

var kinds = []string{plan.Daily, plan.Weekly, plan.Monthly, plan.Quarterly}

// TestPeriodsTileTime checks that every instant lies in one period, and that neighbours touch.
func TestPeriodsTileTime(t *testing.T) {
	t.Parallel()
	days := []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
	rapid.Check(t, func(t *rapid.T) {
		location, err := time.LoadLocation(rapid.SampledFrom(places).Draw(t, "place"))
		if err != nil {
			t.Fatal(err)
		}
		c, err := period.NewCalendar(location, rapid.SampledFrom(days).Draw(t, "week starts"))
		if err != nil {
			t.Fatal(err)
		}
		kind := rapid.SampledFrom(kinds).Draw(t, "kind")
		at := rapid.Int64Range(-4_000_000_000_000_000, 4_000_000_000_000_000).Draw(t, "at")
		p, err := c.At(kind, at)
		if err != nil || at < p.From || at >= p.To {
			t.Fatalf("%+v, %v does not hold %d", p, err, at)
		}
		for range 20 {
			next, err := c.Next(p)
			if err != nil || next.From != p.To || next.To <= next.From || next.ID <= p.ID {
				t.Fatalf("after %+v comes %+v, %v", p, next, err)
			}
			if back, err := c.Previous(next); err != nil || back != p {
				t.Fatalf("before %+v comes %+v, %v; want %+v", next, back, err, p)
			}
			if read, err := c.Parse(next.ID); err != nil || read != next {
				t.Fatalf("%s reads as %+v, %v; want %+v", next.ID, read, err, next)
			}
			p = next
		}
	})
}

// TestEveryDayOfEveryPlace goes through the days around all changes of the clocks from 1890 to 2050.
func TestEveryDayOfEveryPlace(t *testing.T) {
	t.Parallel()
	for _, place := range places {
		c := calendar(t, place, "")
		p, err := c.Parse("1890-01-01")
		for err == nil && p.ID < "2050-01-01" {
			var next period.Period
			next, err = c.Next(p)
			const hour = 3_600_000_000
			if hours := (p.To - p.From) / hour; next.From != p.To || hours < 22 || hours > 49 {
				t.Fatalf("%s: %+v has %d hours, then comes %+v", place, p, hours, next)
			}
			p = next
		}
		if err != nil {
			t.Fatalf("%s: after %+v: %v", place, p, err)
		}
	}
}

// TestWeeksAreISOWeeks compares with the standard library.
func TestWeeksAreISOWeeks(t *testing.T) {
	t.Parallel()
	c := calendar(t, "UTC", "monday")
	rapid.Check(t, func(t *rapid.T) {
		day := rapid.Int64Range(-50_000, 100_000).Draw(t, "day")
		p, err := c.At(plan.Weekly, day*86_400_000_000)
		year, week := time.Unix(day*86_400, 0).UTC().ISOWeek()
		want := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Format("2006") + "-W" + string(rune('0'+week/10)) + string(rune('0'+week%10))
		if err != nil || p.ID != want {
			t.Fatalf("%s, %v; want %s", p.ID, err, want)
		}
	})
}

func FuzzParsePeriod(f *testing.F) {
	for _, id := range []string{"2026-03", "2026-W10", "2026-Q1", "2026-03-09", "0001-01-01", "9999-Q4", "2011-12-30"} {
		f.Add(id)
	}
	c := calendar(f, "Pacific/Apia", "sunday")
	f.Fuzz(func(t *testing.T, id string) {
		p, err := c.Parse(id)
		if err != nil {
			if !errors.Is(err, period.ErrCalendar) {
				t.Errorf("%q: %v", id, err)
			}
			return
		}
		if again, err := c.At(p.Kind, p.From); err != nil || again != p || p.ID != id {
			t.Errorf("%q is %+v, and at its start %+v, %v", id, p, again, err)
		}
	})
}
