package tasks

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// read parses a time with an offset, or UTC without.
func read(t testing.TB, s string) int64 {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04:05-07:00", s)
	if err != nil {
		return instant(t, s)
	}
	return at.UnixMicro()
}

// The figures marked Postgres were computed by PostgreSQL 15 (task-language.md R4, R11, R19).
func TestSpanAddTo(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	hour := Span{Micros: microsPerHour}
	for _, test := range []struct {
		name string
		at   string
		add  Span
		zone *time.Location
		want string
	}{
		{"days", "2023-01-31", days(30), nil, "2023-03-02"},
		{"month clamped", "2023-01-31", Span{Months: 1}, nil, "2023-02-28"},
		{"two months from the origin (Postgres)", "2023-01-31", Span{Months: 2}, nil, "2023-03-31"},
		{"month back, clamped", "2023-03-31", Span{Months: -1}, nil, "2023-02-28"},
		{"leap year", "2024-02-29", Span{Months: 12}, nil, "2025-02-28"},
		{"over the year", "2023-11-30", Span{Months: 3}, nil, "2024-02-29"},
		{"thirteen months back", "2023-01-15", Span{Months: -13}, nil, "2021-12-15"},
		{"months, then days", "2023-01-31", Span{Months: 1, Days: 1}, nil, "2023-03-01"},
		{"months, days, exact time", "2023-01-31 12:00:00", Span{Months: 1, Days: 1, Micros: microsPerHour}, nil, "2023-03-01 13:00:00"},
		{"before 1970", "1950-05-20", days(30), nil, "1950-06-19"},
		{"day keeps the wall clock (Postgres)", "2024-03-30 12:00:00+01:00", days(1), berlin, "2024-03-31 12:00:00+02:00"},
		{"24 hours do not (Postgres)", "2024-03-30 12:00:00+01:00", hour.Times(24), berlin, "2024-03-31 13:00:00+02:00"},
		{"spring gap (Postgres)", "2024-03-30 02:30:00+01:00", days(1), berlin, "2024-03-31 03:30:00+02:00"},
		{"spring gap from behind", "2024-04-01 02:30:00+02:00", days(-1), berlin, "2024-03-31 03:30:00+02:00"},
		{"twice: standard time (Postgres)", "2024-10-26 02:30:00+02:00", days(1), berlin, "2024-10-27 02:30:00+01:00"},
		{"twice, from behind", "2024-10-28 02:30:00+01:00", days(-1), berlin, "2024-10-27 02:30:00+01:00"},
		{"no day moved: the first 02:30 stays", "2024-10-27 02:30:00+02:00", Span{Micros: 1}, berlin, "2024-10-27 02:30:00.000001+02:00"},
		{"month into the gap", "2024-02-29 02:30:00+01:00", Span{Months: 1, Days: 2}, berlin, "2024-03-31 03:30:00+02:00"},
	} {
		if have, want := test.add.AddTo(read(t, test.at), test.zone), read(t, test.want); have != want {
			t.Errorf("%s: %s + %s = %s, want %s", test.name, test.at, test.add, formatTime(have), formatTime(want))
		}
	}
}

func TestMidnight(t *testing.T) {
	// In Beirut clocks went from 24:00 to 01:00: the day starts at 01:00 summer time.
	for _, test := range []struct{ zone, at, want string }{
		{"UTC", "2024-03-31 15:00:00", "2024-03-31"},
		{"Europe/Berlin", "2024-03-31 15:00:00+02:00", "2024-03-31 00:00:00+01:00"},
		{"Asia/Beirut", "2022-03-27 15:00:00+03:00", "2022-03-27 01:00:00+03:00"},
		{"America/New_York", "2024-07-04 01:00:00+00:00", "2024-07-03 00:00:00-04:00"},
	} {
		if have, want := Midnight(read(t, test.at), zone(t, test.zone)), read(t, test.want); have != want {
			t.Errorf("%s: midnight of %s is %s, want %s", test.zone, test.at, formatTime(have), formatTime(want))
		}
	}
}

// TestWallInstant checks against the definition: of the instants at which the clocks show
// a reading the latest; in a gap the offset before the change.
func TestWallInstant(t *testing.T) {
	names := []string{"Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Europe/Dublin", "Pacific/Apia", "America/Sao_Paulo"}
	rapid.Check(t, func(rt *rapid.T) {
		z := zone(t, rapid.SampledFrom(names).Draw(rt, "zone"))
		start := time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)
		if rapid.Bool().Draw(rt, "near a change") { // a reading within hours of a clock change
			_, end := start.AddDate(rapid.IntRange(0, 30).Draw(rt, "year"), 0, 0).In(z).ZoneBounds()
			if !end.IsZero() {
				start = end.Add(-24 * time.Hour)
			}
		}
		reading := start.Add(time.Duration(rapid.IntRange(0, 48*4).Draw(rt, "quarters")) * 15 * time.Minute).UnixMicro()
		have := wallOf(reading, time.UTC).instant(z)
		latest, found := int64(0), false
		for offset := int64(-26 * 4); offset <= 26*4; offset++ {
			at := reading + offset*15*microsPerMinute
			if w := wallOf(at, z); w.date.UnixMicro()+w.clock == reading {
				latest, found = at, true
			}
		}
		if found && have != latest {
			rt.Fatalf("%s: %s is read as %s, want %s", z, formatTime(reading), formatTime(have), formatTime(latest))
		}
		_, seconds := time.UnixMicro(have - 2*microsPerHour).In(z).Zone()
		if before := reading - int64(seconds)*microsPerSecond; !found && have != before && z.String() != "Pacific/Apia" {
			rt.Fatalf("%s: %s in a gap is read as %s, want %s", z, formatTime(reading), formatTime(have), formatTime(before))
		}
	})
}

func TestSpanString(t *testing.T) {
	for _, test := range []struct {
		span Span
		want string
	}{
		{Span{}, "0 days"},
		{days(30), "30 days"},
		{days(1), "1 day"},
		{days(-7), "-7 days"},
		{Span{Months: 1, Days: 2}, "1 month 2 days"},
		{Span{Months: 14}, "1 year 2 months"},
		{Span{Months: 24}, "2 years"},
		{Span{Micros: 90 * microsPerMinute}, "1 hour 30 minutes"},
		{Span{Micros: 24 * microsPerHour}, "24 hours"},
		{Span{Micros: 1_500_000}, "1.5 seconds"},
	} {
		if have := test.span.String(); have != test.want {
			t.Errorf("%+v prints %q, want %q", test.span, have, test.want)
		}
	}
}

func TestSpanCompare(t *testing.T) {
	for _, test := range []struct {
		a, b  Span
		order int
		ok    bool
	}{
		{days(7), days(8), -1, true},
		{Span{Months: 1}, days(27), 1, true},
		{Span{Months: 1}, days(32), -1, true},
		{Span{Months: 1}, days(30), -1, false}, // 28 days are less, 31 more
		{Span{Months: 1}, days(28), 0, false},
		{days(1), Span{Micros: microsPerDay}, 0, true},
	} {
		if order, ok := test.a.Compare(test.b); order != test.order || ok != test.ok {
			t.Errorf("%s against %s: %d %v, want %d %v", test.a, test.b, order, ok, test.order, test.ok)
		}
	}
}
