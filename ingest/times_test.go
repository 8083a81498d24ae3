package ingest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rowlink/rowlink/schema"
)

func utc(text string) int64 {
	t, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		panic(err)
	}
	return t.UnixMicro()
}

func instant(text string) time.Time { return time.UnixMicro(utc(text)) }

func TestDerive_times(t *testing.T) {
	s := &schema.Schema{Tables: []*schema.Table{
		{Name: "orders", Key: []int{0}, Columns: cols("id int", "placed time", "closed time"), Time: &schema.RowTime{Column: 1, Via: -1, Until: 2}},
		{Name: "items", Key: []int{0}, Columns: cols("id int", "order int"), Links: []schema.Link{{Columns: []int{1}, To: 0, Ref: []int{0}}}, Time: &schema.RowTime{Column: -1, Via: 0, Until: -1}},
		{Name: "notes", Key: []int{0}, Columns: cols("id int", "item int"), Links: []schema.Link{{Columns: []int{1}, To: 1, Ref: []int{0}}}, Time: &schema.RowTime{Column: -1, Via: 0, Until: -1}},
		{Name: "refunds", Key: []int{0}, Columns: cols("id int", "order int"), Links: []schema.Link{{Columns: []int{1}, To: 0, Ref: []int{0}}}, Time: &schema.RowTime{Column: 2, Via: 0, Until: -1}},
		{Name: "shops", Columns: cols("id int")},
	}}
	a, b, c := "2024-01-01 10:00", "2024-02-01 10:00", "2024-03-01 00:00"
	snap := mustDerive(t, mustFinish(t, s,
		[][]any{{1, instant(a), instant(c)}, {2, instant(b), nil}, {3, nil, nil}},
		[][]any{{10, 2}, {11, 1}, {12, 3}, {13, nil}, {14, 99}},
		[][]any{{20, 11}, {21, 13}},
		[][]any{{30, 1}, {31, 2}},
		[][]any{{1}}), s)
	for i, want := range [][]int64{
		{utc(a), utc(b), Never},
		{utc(b), utc(a), Never, Never, Never},
		{utc(a), Never},
		{utc(c), Never},
		nil,
	} {
		tab := snap.Tables[i]
		if d := cmp.Diff(want, tab.Times); d != "" {
			t.Errorf("times of %s (-want +got):\n%s", tab.Def.Name, d)
		}
		missing := 0
		for _, v := range want {
			if v == Never {
				missing++
			}
		}
		if tab.NoTime != missing {
			t.Errorf("%s: %d rows without time, want %d", tab.Def.Name, tab.NoTime, missing)
		}
	}
	if d := cmp.Diff([]int64{utc(c), Never, Never}, snap.Tables[0].Until); d != "" {
		t.Errorf("until (-want +got):\n%s", d)
	}
	var rule TimeRule
	for _, tc := range []struct {
		row  int32
		at   string
		want bool
	}{{0, "2024-01-01 09:59", false}, {0, a, true}, {0, "2024-02-29 23:59", true}, {0, c, false}, {1, "2030-01-01 00:00", true}, {2, "2030-01-01 00:00", false}} {
		if got := snap.Tables[0].VisibleAt(rule, tc.row, utc(tc.at)); got != tc.want {
			t.Errorf("order %d at %s: visible %v, want %v", tc.row, tc.at, got, tc.want)
		}
	}
	if !snap.Tables[4].VisibleAt(rule, 0, -1<<62) {
		t.Error("a row of a table without time is not always visible")
	}
}

func TestDerive_timesInACircle(t *testing.T) {
	s := &schema.Schema{Tables: []*schema.Table{{Name: "t", Key: []int{0}, Columns: cols("id int", "t int"),
		Links: []schema.Link{{Columns: []int{1}, To: 0, Ref: []int{0}}}, Time: &schema.RowTime{Column: -1, Via: 0, Until: -1}}}}
	_, err := mustFinish(t, s, [][]any{{1, 1}}).Derive(s)
	want := `the time of table "t" is inherited in a circle (give one of the tables a time column of its own in the mapping)`
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// Berlin is one hour ahead of UTC in winter and two in summer.
func TestDerive_zone(t *testing.T) {
	for _, tc := range []struct{ dbType, zone, local, want string }{
		{"timestamp without time zone", "Europe/Berlin", "2024-01-15 12:00", "2024-01-15 11:00"},
		{"timestamp(3) without time zone", "Europe/Berlin", "2024-07-15 12:00", "2024-07-15 10:00"},
		{"date", "Europe/Berlin", "2024-07-15 00:00", "2024-07-14 22:00"},
		{"timestamp with time zone", "Europe/Berlin", "2024-07-15 12:00", "2024-07-15 12:00"},
		{"timestamp without time zone", "UTC", "2024-07-15 12:00", "2024-07-15 12:00"},
		{"timestamp without time zone", "", "2024-07-15 12:00", "2024-07-15 12:00"},
		{"timestamp without time zone", "Europe/Berlin", "1850-01-01 00:00", "1849-12-31 23:06"}, // local mean time, 53:28 ahead
	} {
		s := &schema.Schema{Tables: []*schema.Table{{Name: "t", Columns: cols("at time"), Time: &schema.RowTime{Column: 0, Via: -1, Until: 0, Zone: tc.zone}}}}
		s.Tables[0].Columns[0].DBType = tc.dbType
		d := mustDerive(t, mustFinish(t, s, [][]any{{instant(tc.local)}}), s)
		if got := time.UnixMicro(d.Tables[0].Times[0]).UTC().Format("2006-01-02 15:04"); got != tc.want || d.Tables[0].Until[0] != d.Tables[0].Times[0] {
			t.Errorf("%s %s in %q is %s, want %s", tc.dbType, tc.local, tc.zone, got, tc.want)
		}
	}
}

// With DAY END a date counts from the last microsecond of its day on, also on days of 23
// and 25 hours and for rows that inherit the date; other types are not touched.
func TestDerive_dayEnd(t *testing.T) {
	for _, tc := range []struct{ dbType, zone, local, want string }{
		{"date", "", "2024-07-15 00:00", "2024-07-15 23:59:59.999999"},
		{"date", "Europe/Berlin", "2024-03-31 00:00", "2024-03-31 21:59:59.999999"},
		{"date", "Europe/Berlin", "2024-10-27 00:00", "2024-10-27 22:59:59.999999"},
		{"timestamp without time zone", "", "2024-07-15 12:00", "2024-07-15 12:00:00"},
	} {
		s := &schema.Schema{Tables: []*schema.Table{
			{Name: "t", Columns: cols("at time", "id int"), Key: []int{1}, Time: &schema.RowTime{Column: 0, Via: -1, Until: 0, Zone: tc.zone, DayEnd: true}},
			{Name: "c", Columns: cols("t int"), Links: []schema.Link{{Columns: []int{0}, To: 0, Ref: []int{1}}}, Time: &schema.RowTime{Column: 0, Via: 0, Until: -1, Zone: tc.zone, DayEnd: true}},
		}}
		s.Tables[0].Columns[0].DBType = tc.dbType
		d := mustDerive(t, mustFinish(t, s, [][]any{{instant(tc.local), 1}}, [][]any{{1}}), s)
		at := d.Tables[0].Times[0]
		if got := time.UnixMicro(at).UTC().Format("2006-01-02 15:04:05.999999"); got != tc.want || d.Tables[0].Until[0] != at || d.Tables[1].Times[0] != at {
			t.Errorf("%s %s in %q is %s, until %d, inherited %d, want %s", tc.dbType, tc.local, tc.zone, got, d.Tables[0].Until[0], d.Tables[1].Times[0], tc.want)
		}
		if v := (TimeRule{}); d.Tables[0].VisibleAt(v, 0, at-1) || v.Visible(at, at-1) {
			t.Errorf("%s %s is visible before it is known", tc.dbType, tc.local)
		}
	}
}

// A clock that skips an hour, or shows it twice, is read as PostgreSQL reads it.
func TestLocalTime(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for local, want := range map[string]string{"2024-03-31 02:30": "2024-03-31 01:30", "2024-10-27 02:30": "2024-10-27 01:30", "2024-10-27 03:00": "2024-10-27 02:00"} {
		if got := time.UnixMicro(LocalTime(berlin, instant(local).UnixMicro())).UTC().Format("2006-01-02 15:04"); got != want {
			t.Errorf("%s in Berlin is %s, want %s", local, got, want)
		}
	}
}
