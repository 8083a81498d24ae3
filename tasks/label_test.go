package tasks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/ingest"
)

var background = context.Background()

// labels renders a label table as "key anchor split label" lines.
func labels(l *LabelTable) string {
	var b strings.Builder
	for i := range l.Entity {
		label := fmt.Sprint(l.Label[i])
		if l.Classes != nil {
			label = l.Classes[int(l.Label[i])]
		}
		fmt.Fprintln(&b, keyText(l.entity, l.Entity[i]), formatTime(l.Anchor[i]), l.Split[i], label)
	}
	return b.String()
}

// clinic has patients with a date of registration and visits; one visit has no time, one
// points to nobody.
func clinic(t testing.TB) (*world, *ingest.Snapshot) {
	w := newWorld(
		tableSpec{"patients", "*id int, sex text, @since time"},
		tableSpec{"visits", "*id int, patient int >patients, cost int, ward text, @at time"},
	)
	w.add("patients", "1", "f", "2023-01-01")
	w.add("patients", "2", "m", "2023-03-01")
	for i, v := range [][3]string{
		{"1", "5", "2023-01-10"}, {"1", "7", "2023-02-01"}, {"1", "", "2023-03-15"}, {"2", "3", "2023-03-01"},
		{"2", "4", "2023-03-31"}, {"1", "9", "2023-04-30"}, {"2", "1", "2023-06-01"}, {"2", "8", ""}, {"", "8", "2023-06-30"},
	} {
		w.add("visits", fmt.Sprint(i+1), v[0], v[1], []string{"a", "b"}[i/4%2], v[2])
	}
	return w, w.build(t)
}

func clinicTask(t testing.TB, w *world) *Task {
	task := w.future("patients", Regression, Span{Months: 1})
	task.Target = w.agg("sum", "visits", w.col("visits", "cost"), window(Span{}, Span{Months: 1}), w.up("visits", "patient"))
	task.Options.ValAnchor, task.Options.TestAnchor = instant(t, "2023-04-01"), instant(t, "2023-05-01")
	task.Options.DataUntil = instant(t, "2023-07-01")
	return task
}

func TestLabel_byHand(t *testing.T) {
	w, snap := clinic(t)
	task := clinicTask(t, w)
	l, err := Label(background, snap, task, 0)
	if err != nil {
		t.Fatal(err)
	}
	// 1 Feb: the visit at exactly the anchor is outside. 1 Mar: patient 2 exists from that
	// instant on, the NULL cost of patient 1 does not count. A window ends inside: 30 Apr.
	want := `1 2023-01-01 train 12
1 2023-02-01 train 0
1 2023-03-01 train 0
2 2023-03-01 train 4
1 2023-04-01 val 9
2 2023-04-01 val 0
1 2023-05-01 test 0
2 2023-05-01 test 1
`
	if have := labels(l); have != want {
		t.Errorf("have\n%swant\n%s", have, want)
	}
	r := l.Report
	if r.Pairs != 10 || r.NotVisible != 2 || r.NoTime != 1 || r.Dangling != 1 || r.EmptyLabel != 3 {
		t.Errorf("report %+v", r)
	}
}

func TestLabel_pastStrict(t *testing.T) {
	w, snap := clinic(t)
	task := clinicTask(t, w)
	task.Options.Rule.Strict = true
	task.Where = call("=", w.agg("count", "visits", nil, window(Span{Months: -1}, Span{}), w.up("visits", "patient")), lit(1))
	l, err := Label(background, snap, task, 0)
	if err != nil {
		t.Fatal(err)
	}
	// Strict: patient 2 is not yet visible at 1 Mar, and the visit of 1 Feb at the anchor
	// does not count in the history window of 1 Feb but does in that of 1 Mar.
	want := "1 2023-02-01 train 0\n1 2023-04-01 val 9\n2 2023-04-01 val 0\n1 2023-05-01 test 0\n"
	if have := labels(l); have != want {
		t.Errorf("have\n%swant\n%s", have, want)
	}
}

func TestLabel_entityTimeIgnore(t *testing.T) {
	w, snap := clinic(t)
	task := clinicTask(t, w)
	task.Options.IgnoreEntityTime = true
	l, err := Label(background, snap, task, 0)
	if err != nil {
		t.Fatal(err)
	}
	if l.Report.NotVisible != 0 || len(l.Entity) != 10 {
		t.Errorf("%d examples, %d not visible, want 10 and 0", len(l.Entity), l.Report.NotVisible)
	}
}

func TestLabel_frozenDropsLaterEntities(t *testing.T) {
	w, _ := clinic(t)
	w.add("patients", "3", "f", "2023-05-15")
	snap := w.build(t)
	task := clinicTask(t, w)
	task.Options.EvalAnchors, task.Options.Regime = 2, Frozen
	l, err := Label(background, snap, task, 0)
	if err != nil {
		t.Fatal(err)
	}
	if l.Report.FrozenOut != 1 || l.Report.Examples[Test] != 4 {
		t.Errorf("%d dropped by the frozen cut, %d test examples, want 1 and 4", l.Report.FrozenOut, l.Report.Examples[Test])
	}
	if last := len(l.Entity) - 1; l.Cut(last) != task.Options.TestAnchor || l.Anchor[last] == l.Cut(last) {
		t.Error("the frozen cut is not test_anchor")
	}
	if !strings.Contains(strings.Join(l.Report.Warnings, "\n"), "TK225: 1 pairs") {
		t.Errorf("no TK225 in %q", l.Report.Warnings)
	}
}

func TestLabel_onEmptySkip(t *testing.T) {
	w, snap := clinic(t)
	task := clinicTask(t, w)
	task.Target.(*Aggregate).Skip = true
	l, err := Label(background, snap, task, 0)
	if err != nil {
		t.Fatal(err)
	}
	if l.Report.Skipped != 4 || len(l.Entity) != 4 { // also where the only cost is NULL
		t.Errorf("%d skipped, %d examples, want 4 and 4", l.Report.Skipped, len(l.Entity))
	}
}

func TestLabel_multiclass(t *testing.T) {
	w, snap := clinic(t)
	task := clinicTask(t, w)
	task.Type = Multiclass
	task.Target = w.agg("last", "visits", w.col("visits", "ward"), window(Span{}, Span{Months: 1}), w.up("visits", "patient"))
	w.snap.Tables[1].Columns[3].Bytes[5] = 'c' // the ward of visit 6, in the validation window
	l, err := Label(background, snap, task, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := "1 2023-01-01 train a\n1 2023-03-01 train a\n2 2023-03-01 train b\n2 2023-05-01 test b\n"
	if have := labels(l); have != want || l.Report.UnseenClass != 1 {
		t.Errorf("%d of a class unseen, have\n%swant\n%s", l.Report.UnseenClass, have, want)
	}
}

func TestSortClasses(t *testing.T) {
	numbers := []string{"10", "9", "-1"}
	sortClasses(numbers)
	words := []string{"b", "10", "9", "ä"}
	sortClasses(words)
	if fmt.Sprint(numbers, words) != "[-1 9 10] [10 9 b ä]" {
		t.Error(numbers, words)
	}
}

func TestLabel_static(t *testing.T) {
	w, snap := clinic(t)
	task := w.future("visits", Regression, Span{})
	task.Target = w.col("visits", "cost")
	task.Options.ValAnchor, task.Options.TestAnchor = instant(t, "2023-03-01"), instant(t, "2023-04-30")
	l, err := Label(background, snap, task, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := "1 2023-01-10 train 5\n2 2023-02-01 train 7\n4 2023-03-01 train 3\n5 2023-03-31 val 4\n6 2023-04-30 val 9\n7 2023-06-01 test 1\n9 2023-06-30 test 8\n"
	if have := labels(l); have != want {
		t.Errorf("have\n%swant\n%s", have, want)
	}
	task.Options.Regime = Frozen
	var e *Error
	if _, err := Label(background, snap, task, 0); !errors.As(err, &e) || e.Code != "TK194" {
		t.Errorf("frozen static target: %v, want TK194", err)
	}
}

func TestLabel_staticWithoutTime(t *testing.T) {
	w := newWorld(tableSpec{"cities", "*id int, size int"})
	for i := range 1000 {
		w.add("cities", fmt.Sprint(i), fmt.Sprint(i%7))
	}
	snap := w.build(t)
	task := w.future("cities", Regression, Span{})
	task.Target = w.col("cities", "size")
	l, err := Label(background, snap, task, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := l.Report.Examples
	if n[Train] < 750 || n[Train] > 850 || n[Val] < 70 || n[Test] < 70 {
		t.Errorf("random split %v, want about 800 100 100", n)
	}
	if !strings.Contains(strings.Join(l.Report.Warnings, "\n"), "TK207") {
		t.Errorf("no TK207 in %q", l.Report.Warnings)
	}
	var b strings.Builder
	if err := l.Report.Text(&b, task); err != nil || !strings.Contains(b.String(), "\nsplits     80 / 10 / 10 % at random by key\n") {
		t.Errorf("%v %s", err, b.String())
	}
	again := *task
	again.Options.Seed = 7
	other, err := Label(background, snap, &again, 0)
	if err != nil {
		t.Fatal(err)
	}
	if other.Hash() == l.Hash() {
		t.Error("another seed gives the same split")
	}
}

func TestHistory(t *testing.T) {
	w, snap := clinic(t)
	task := clinicTask(t, w)
	h, err := History(background, snap, task, ingest.Never-1)
	if err != nil {
		t.Fatal(err)
	}
	l, err := Label(background, snap, task, 0)
	if err != nil {
		t.Fatal(err)
	}
	// The latest visit is of 30 June: the window of 1 May closed by then, that of 1 June did not.
	if have, want := labels(h), labels(l); have != want {
		t.Errorf("have\n%swant\n%s", have, want)
	}
	until := instant(t, "2023-04-01")
	if h, err = History(background, snap, task, until); err != nil {
		t.Fatal(err)
	}
	for i, a := range h.Anchor {
		if task.Options.Closed(a, task.Horizon) > until {
			t.Errorf("example %d at %s is not closed by %s", i, formatTime(a), formatTime(until))
		}
	}
	if len(h.Entity) != 4 {
		t.Errorf("%d rows closed by %s, want 4", len(h.Entity), formatTime(until))
	}
}

func TestEligible(t *testing.T) {
	w, snap := clinic(t)
	task := clinicTask(t, w)
	task.Where = call(">", w.agg("count", "visits", nil, Window{OpenStart: true}, w.up("visits", "patient")), lit(1))
	for _, test := range []struct{ at, want string }{
		{"2023-01-31", "[false false]"},
		{"2023-02-01", "[true false]"}, // the visit at exactly the anchor counts
		{"2023-03-31", "[true true]"},
	} {
		have, err := Eligible(t.Context(), snap, task, []int32{0, 1}, instant(t, test.at))
		if err != nil || fmt.Sprint(have) != test.want {
			t.Errorf("%s: %v %v, want %s", test.at, have, err, test.want)
		}
	}
}

func TestRowValues(t *testing.T) {
	w, snap := clinic(t)
	task := clinicTask(t, w)
	rows, ok := RowValues(snap, task)
	if !ok || rows.Name != "visits.cost" || fmt.Sprint(rows.Value) != "[5 7 NaN 3 4 9 1 NaN NaN]" {
		t.Errorf("%v %s %v", ok, rows.Name, rows.Value)
	}
	count := w.agg("count", "visits", nil, window(Span{}, Span{Months: 1}), w.up("visits", "patient"))
	count.Filter = call(">", w.col("visits", "cost"), lit(4))
	task.Target = call(">", count, lit(0))
	if rows, ok = RowValues(snap, task); !ok || fmt.Sprint(rows.Value) != "[1 1 0 0 0 1 0 NaN NaN]" {
		t.Errorf("%v %v", ok, rows.Value)
	}
	count.Filter = nil
	if _, ok = RowValues(snap, task); ok {
		t.Error("rows that are all alike have values")
	}
}

func TestExactIntegers(t *testing.T) {
	w := newWorld(tableSpec{"e", "*id int"}, tableSpec{"f", "*id int, e int >e, n int, @at time"})
	w.add("e", "0")
	for i, n := range []string{"9007199254740993", "9007199254740992", "9223372036854775807", "-9223372036854775807"} {
		w.add("f", fmt.Sprint(i), "0", n, "2023-01-02")
	}
	snap := w.build(t)
	for fn, want := range map[string]string{
		"count_distinct": "4",
		"sum":            "1.8014398509481984e+16", // 18014398509481985 in full
		"max":            "9223372036854775807",
		"first":          "9007199254740993",
	} {
		task := w.future("e", Regression, days(2))
		task.Target = w.agg(fn, "f", w.col("f", "n"), window(Span{}, days(2)), w.up("f", "e"))
		x, err := NewExecutor(snap, task, 1)
		if err != nil {
			t.Fatal(err)
		}
		x.prepare(x.aggregates)
		f := x.newFrame()
		x.moveTo(f, instant(t, "2023-01-01"))
		if have := x.target(f).String(); have != want {
			t.Errorf("%s is %s, want %s", fn, have, want)
		}
	}
}

func TestNewExecutor_errors(t *testing.T) {
	w, snap := clinic(t)
	patient := w.up("visits", "patient")
	for _, test := range []struct {
		target Expr
		want   string
	}{
		{w.agg("avg", "visits", w.col("visits", "ward"), window(Span{}, days(1)), patient), "TK150: avg of a value that is no number"},
		{w.agg("sum", "visits", nil, window(Span{}, days(1)), patient), "TK151: sum of *"},
		{w.agg("percentile", "visits", w.col("visits", "ward"), window(Span{}, days(1)), patient), `unknown aggregate "percentile"`},
		{w.agg("count", "visits", nil, window(Span{}, days(1))), `path ends at table "visits", want the entity table "patients"`},
		{w.agg("count", "patients", nil, window(Span{}, days(1)), patient), `step 1 of the path starts at table "visits", want "patients"`},
		{w.col("visits", "cost"), "neither the entity table nor the aggregated one"},
	} {
		task := w.future("patients", Regression, days(1))
		task.Target = test.target
		if _, err := NewExecutor(snap, task, 0); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v, want %s", err, test.want)
		}
	}
}

func TestLabel_cancelled(t *testing.T) {
	w, snap := clinic(t)
	ctx, cancel := context.WithCancel(background)
	cancel()
	if _, err := Label(ctx, snap, clinicTask(t, w), 0); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want canceled", err)
	}
}

func TestReport_warnings(t *testing.T) {
	_, snap, task := shop(t, "2023-01-01", "2023-12-31")
	target := task.Target.(*Aggregate)
	target.Filter = call(">", &ColumnExpr{Table: 1, Column: 2}, lit(100))
	task.Type, task.Target = Binary, call(">", target, lit(0))
	l, err := Label(background, snap, task, 0)
	if err != nil {
		t.Fatal(err)
	}
	have := strings.Join(l.Report.Warnings, "\n")
	if !strings.Contains(have, "TK206: all 2 test labels are of one class") {
		t.Errorf("no TK206 in\n%s", have)
	}
	var e *Error
	if _, err := FitScaling(l); !errors.As(err, &e) || e.Code != "TK176" {
		t.Errorf("%v, want TK176", err)
	}
}

func TestReport_emptyWindows(t *testing.T) {
	w, _, _ := shop(t, "2023-01-01", "2023-12-31")
	for i := range 10 {
		w.add("customers", fmt.Sprint(10+i), "")
	}
	snap := w.build(t)
	task := w.future("customers", Regression, days(30))
	sum := w.agg("sum", "orders", w.col("orders", "price"), window(Span{}, days(30)), w.up("orders", "customer"))
	task.Target = sum
	warnings := func() string {
		l, err := Label(background, snap, task, 0)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(l.Report.Warnings, "\n")
	}
	if have := warnings(); !strings.Contains(have, "TK205: 83.3 %") {
		t.Errorf("no TK205 in\n%s", have)
	}
	sum.OnEmpty = true
	if have := warnings(); strings.Contains(have, "TK205") {
		t.Errorf("TK205 although ON EMPTY was written:\n%s", have)
	}
	task.Target = w.agg("avg", "orders", w.col("orders", "price"), window(Span{}, days(30)), w.up("orders", "customer"))
	if have := warnings(); !strings.Contains(have, "TK224: 83.3 %") {
		t.Errorf("no TK224 in\n%s", have)
	}
}

// BenchmarkLabel labels 20,000 entities at 100 anchors over 400,000 rows.
func BenchmarkLabel(b *testing.B) {
	w := newWorld(tableSpec{"e", "*id int"}, tableSpec{"f", "*id int, e int >e, x float, @at time"})
	for i := range 20_000 {
		w.add("e", fmt.Sprint(i))
	}
	start := instant(b, "2020-01-01")
	for i := range 400_000 {
		at := start + int64(mix(uint64(i))%(1200*24))*microsPerHour
		w.add("f", fmt.Sprint(i), fmt.Sprint(mix(uint64(i)*3)%20_000), "1.5", cellOf(at))
	}
	snap := w.build(b)
	pairs := 0
	for b.Loop() {
		task := w.future("e", Regression, days(10))
		task.Target = w.agg("sum", "f", w.col("f", "x"), window(Span{}, days(10)), w.up("f", "e"))
		task.Where = call(">", w.agg("count", "f", nil, window(days(-60), Span{}), w.up("f", "e")), lit(0))
		l, err := Label(background, snap, task, 0)
		if err != nil {
			b.Fatal(err)
		}
		pairs += l.Report.Pairs
	}
	b.ReportMetric(float64(pairs)/b.Elapsed().Seconds(), "pairs/s")
}
