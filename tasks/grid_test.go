package tasks

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rowlink/rowlink/ingest"
)

// shop is a world of customers and their orders, one order a day from first to last.
func shop(t testing.TB, first, last string) (*world, *ingest.Snapshot, *Task) {
	t.Helper()
	w := newWorld(tableSpec{"customers", "*id int, age int"}, tableSpec{"orders", "*id int, customer int >customers, price float, kind text, @at time"})
	w.add("customers", "1", "20")
	w.add("customers", "2", "")
	for at := instant(t, first); at <= instant(t, last); at += microsPerDay {
		n := len(w.rows[1])
		w.add("orders", fmt.Sprint(n), fmt.Sprint(1+n%2), fmt.Sprint(n%5), []string{"a", "b", "c"}[n%3], cellOf(at))
	}
	snap := w.build(t)
	task := w.future("customers", Regression, days(30))
	task.Target = w.agg("sum", "orders", w.col("orders", "price"), window(Span{}, days(30)), w.up("orders", "customer"))
	return w, snap, task
}

func TestResolve_defaults(t *testing.T) {
	_, snap, task := shop(t, "2023-01-01", "2023-12-31")
	task.Options.EvalAnchors = 2
	if err := Resolve(task, snap); err != nil {
		t.Fatal(err)
	}
	o := task.Options
	for _, check := range []struct {
		name       string
		have, want int64
	}{
		{"data_from", o.DataFrom, instant(t, "2023-01-01")},
		{"data_until", o.DataUntil, instant(t, "2023-12-31")},
		{"test_anchor", o.TestAnchor, instant(t, "2023-11-01")}, // + 30 + 30 days = 31 Dec
		{"val_anchor", o.ValAnchor, instant(t, "2023-09-02")},   // - 30 - 30 days
	} {
		if check.have != check.want {
			t.Errorf("%s is %s, want %s", check.name, formatTime(check.have), formatTime(check.want))
		}
	}
	if o.Step != days(30) || o.Zone != time.UTC {
		t.Errorf("step %s zone %v, want 30 days UTC", o.Step, o.Zone)
	}
	g, err := task.Grid()
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Anchors[Train]) != 8 || len(g.Anchors[Val]) != 2 || len(g.Anchors[Test]) != 2 {
		t.Errorf("anchors %d %d %d, want 8 2 2", len(g.Anchors[Train]), len(g.Anchors[Val]), len(g.Anchors[Test]))
	}
	before := task.Options
	if err := Resolve(task, snap); err != nil || fmt.Sprint(task.Options) != fmt.Sprint(before) {
		t.Error("a second call changes the options")
	}
}

func TestResolve_snapshotMoment(t *testing.T) {
	_, snap, task := shop(t, "2023-01-01", "2023-12-31")
	snap.Taken = instant(t, "2023-07-01") // later rows are plans, not facts (R10)
	if err := Resolve(task, snap); err != nil {
		t.Fatal(err)
	}
	if task.Options.DataUntil != snap.Taken || task.Options.TestAnchor != instant(t, "2023-06-01") {
		t.Errorf("data_until %s test_anchor %s", formatTime(task.Options.DataUntil), formatTime(task.Options.TestAnchor))
	}
}

func TestResolve_hours(t *testing.T) {
	_, snap, task := shop(t, "2023-01-01", "2023-01-10")
	task.Horizon = Span{Micros: 6 * microsPerHour}
	if err := Resolve(task, snap); err != nil {
		t.Fatal(err)
	}
	if want := instant(t, "2023-01-09 18:00:00"); task.Options.TestAnchor != want {
		t.Errorf("test_anchor %s, want %s", formatTime(task.Options.TestAnchor), formatTime(want))
	}
}

func TestResolve_zone(t *testing.T) {
	_, snap, task := shop(t, "2023-01-01", "2023-12-31")
	task.Options.Zone = zone(t, "Europe/Berlin")
	task.Horizon = Span{Months: 1}
	if err := Resolve(task, snap); err != nil {
		t.Fatal(err)
	}
	// The data ends on 31 Dec 01:00 in Berlin, so 30 Nov 00:00 is the latest complete midnight.
	if want := read(t, "2023-11-30 00:00:00+01:00"); task.Options.TestAnchor != want {
		t.Errorf("test_anchor %s, want %s", formatTime(task.Options.TestAnchor), formatTime(want))
	}
}

func TestGrid_errors(t *testing.T) {
	for _, test := range []struct {
		name string
		set  func(o *Options, task *Task)
		code string
		says string
	}{
		{"too close", func(o *Options, _ *Task) {
			o.ValAnchor, o.TestAnchor = instant(t, "2023-06-01"), instant(t, "2023-06-15")
		}, "TK135", "at most 2023-05-16"},
		{"order", func(o *Options, _ *Task) {
			o.ValAnchor, o.TestAnchor = instant(t, "2023-06-01"), instant(t, "2023-03-01")
		}, "TK135", "out of order"},
		{"test incomplete", func(o *Options, _ *Task) {
			o.ValAnchor, o.TestAnchor = instant(t, "2023-06-01"), instant(t, "2023-12-15")
		}, "TK134", "last possible anchor is 2023-12-01"},
		{"window longer than the data", func(_ *Options, task *Task) { task.Horizon = days(400) }, "TK134", "no anchor has 1 complete"},
		{"too little history", func(o *Options, _ *Task) {
			o.ValAnchor, o.TestAnchor = instant(t, "2023-03-02"), instant(t, "2023-05-01")
		}, "TK133", "2 training anchors between 2023-01-01 and val_anchor 2023-03-02, want at least 3; 30 more days"},
		{"step", func(o *Options, _ *Task) { o.Step = days(-1) }, "TK194", "step is -1 day"},
	} {
		_, snap, task := shop(t, "2023-01-01", "2023-12-31")
		test.set(&task.Options, task)
		err := Resolve(task, snap)
		if err == nil {
			_, err = task.Grid()
		}
		var have *Error
		if !errors.As(err, &have) || have.Code != test.code || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %s: ... %s", test.name, err, test.code, test.says)
		}
	}
}

func TestGrid_splitsDoNotOverlap(t *testing.T) {
	_, snap, task := shop(t, "2023-01-01", "2023-12-31")
	o := &task.Options
	o.Step, o.EvalAnchors, o.TrainAnchors = days(7), 20, 5
	o.ValAnchor, o.TestAnchor = instant(t, "2023-06-01"), instant(t, "2023-08-01")
	if err := Resolve(task, snap); err != nil {
		t.Fatal(err)
	}
	g, err := task.Grid()
	if err != nil {
		t.Fatal(err)
	}
	ends := [3]int64{o.ValAnchor, o.TestAnchor, o.DataUntil}
	for s, anchors := range g.Anchors {
		for i, a := range anchors {
			if o.Closed(a, task.Horizon) > ends[s] || i > 0 && anchors[i-1] >= a {
				t.Errorf("%s anchor %s is out of place", Split(s), formatTime(a))
			}
		}
	}
	// Train: 4 anchors within 30 days of val_anchor are left out, then 5 are kept. Val: 1
	// Jun + 7k days + 30 days <= 1 Aug for k = 0..4. Test: 1 Aug + 7k + 30 <= 31 Dec for
	// k = 0..17.
	if have := [3]int{len(g.Anchors[0]), len(g.Anchors[1]), len(g.Anchors[2])}; have != [3]int{5, 5, 18} {
		t.Errorf("anchors %v, want 5 5 18", have)
	}
	if g.Overlap != 4+15 || g.Incomplete != 2 {
		t.Errorf("overlap %d incomplete %d, want 19 and 2", g.Overlap, g.Incomplete)
	}
}
