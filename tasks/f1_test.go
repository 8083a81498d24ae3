package tasks

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/testdata"
)

// f1World keeps the tables of rel-f1 for all tests; nobody changes them.
var f1World struct {
	once sync.Once
	w    *world
	snap *ingest.Snapshot
}

func relF1(t testing.TB) (*world, *ingest.Snapshot) {
	t.Helper()
	testdata.Path(t, "data", "f1")
	f1World.once.Do(func() { f1World.w, f1World.snap = readF1(t) })
	return f1World.w, f1World.snap
}

// readF1 builds the nine tables of rel-f1 as relf1.sql does.
func readF1(t testing.TB) (*world, *ingest.Snapshot) {
	t.Helper()
	dir := testdata.Path(t, "data", "f1")
	w := newWorld(
		tableSpec{"circuits", "*circuitId int, name text, country text, lat float"},
		tableSpec{"constructors", "*constructorId int, name text"},
		tableSpec{"drivers", "*driverId int, code text, dob time, nationality text"},
		tableSpec{"races", "*raceId int, year int, circuitId int >circuits, name text, @date time"},
		tableSpec{"results", "*resultId int, raceId int >races, driverId int >drivers, constructorId int >constructors, grid int, position int, positionOrder int, points float, laps int, statusId int, @date time"},
		tableSpec{"standings", "*driverStandingsId int, raceId int >races, driverId int >drivers, points float, position int, wins int, @date time"},
		tableSpec{"constructor_results", "*constructorResultsId int, raceId int >races, constructorId int >constructors, points float, @date time"},
		tableSpec{"constructor_standings", "*constructorStandingsId int, raceId int >races, constructorId int >constructors, points float, position int, wins int, @date time"},
		tableSpec{"qualifying", "*qualifyId int, raceId int >races, driverId int >drivers, constructorId int >constructors, number int, position int, @date time"},
	)
	files := map[string]string{"standings": "driver_standings"}
	date := map[string]string{}
	header, races := readCSV(t, dir+"/races.csv")
	for _, r := range races {
		clock := r[header["time"]]
		if clock == "" {
			clock = "00:00:00"
		}
		date[r[header["raceId"]]] = r[header["date"]] + " " + clock
	}
	for i, def := range w.snap.Schema.Tables {
		file := def.Name
		if f, ok := files[file]; ok {
			file = f
		}
		header, rows := readCSV(t, dir+"/"+file+".csv")
		for _, r := range rows {
			cells := make([]string, len(def.Columns))
			for c, col := range def.Columns {
				if at, ok := header[col.Name]; ok {
					cells[c] = r[at]
				}
			}
			if def.Time != nil {
				at := date[r[header["raceId"]]]
				if def.Name != "races" && at >= "2023-07-31" {
					continue
				}
				if def.Name == "qualifying" {
					at = time.UnixMicro(instant(t, at) - microsPerDay).UTC().Format("2006-01-02 15:04:05")
				}
				cells[def.Time.Column] = at
			}
			if def.Name == "drivers" {
				if id, _ := strconv.Atoi(cells[0]); id > 858 {
					continue
				}
			}
			w.rows[i] = append(w.rows[i], cells)
		}
	}
	return w, w.build(t)
}

// f1Task returns one of the tasks of section 3.2 of the task language.
func f1Task(t testing.TB, w *world, name string) *Task {
	task := w.task("drivers")
	task.Name = strings.ReplaceAll(name, "-", "_")
	month := window(Span{}, days(30))
	results, qualifying := w.up("results", "driverId"), w.up("qualifying", "driverId")
	switch name {
	case "driver-position":
		task.Type, task.Horizon = Regression, days(60)
		task.Target = w.agg("avg", "results", w.col("results", "positionOrder"), window(Span{}, days(60)), results)
		task.Options.Regime = Frozen
	case "driver-dnf":
		task.Type, task.Horizon = Binary, days(30)
		dnf := w.agg("count", "results", nil, month, results)
		dnf.Filter = call("<>", w.col("results", "statusId"), lit(1))
		task.Target = call(">", dnf, lit(0))
		task.Assuming = call(">", w.agg("count", "results", nil, month, results), lit(0))
	case "driver-top3":
		task.Type, task.Horizon = Binary, days(30)
		task.Target = call("<=", w.agg("min", "qualifying", w.col("qualifying", "position"), month, qualifying), lit(3))
	default:
		t.Fatalf("no task %s", name)
	}
	task.Options.Step, task.Options.EvalAnchors = task.Horizon, 40
	task.Options.ValAnchor, task.Options.TestAnchor = instant(t, "2005-01-01"), instant(t, "2010-01-01")
	return task
}

// golden reads a label file into "anchor key" -> label.
func goldenLabels(t testing.TB, keys int, elem ...string) map[string]string {
	t.Helper()
	_, rows := readCSV(t, testdata.Path(t, append([]string{"golden", "labels"}, elem...)...))
	out := map[string]string{}
	for _, r := range rows {
		out[r[0]+" "+strings.Join(r[1:1+keys], " ")] = r[len(r)-1]
	}
	return out
}

// compareLabels compares some examples with a golden table; averages within 1e-9.
func compareLabels(t *testing.T, l *LabelTable, examples []int, want map[string]string, tolerance float64) {
	t.Helper()
	if len(examples) != len(want) {
		t.Errorf("%d examples, want %d", len(examples), len(want))
	}
	wrong := 0
	for _, i := range examples {
		key := time.UnixMicro(l.Anchor[i]).UTC().Format("2006-01-02 15:04:05") + " " + strings.ReplaceAll(keyText(l.entity, l.Entity[i]), "\x1f", " ")
		text, ok := want[key]
		have := fmt.Sprint(l.Label[i])
		if l.Classes != nil {
			have = l.Classes[int(l.Label[i])]
		}
		x, _ := strconv.ParseFloat(text, 64)
		y, _ := strconv.ParseFloat(have, 64)
		if !ok || math.Abs(x-y) > tolerance*math.Max(1, math.Abs(x)) {
			if wrong++; wrong < 5 {
				t.Errorf("%s: label %s, want %q", key, have, text)
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d labels differ", wrong, len(examples))
	}
}

func TestLabel_relF1(t *testing.T) {
	w, snap := relF1(t)
	for _, test := range []struct {
		name    string
		rows    [3]int // figures of golden/README.md
		anchors [3]int
	}{
		{"driver-position", [3]int{7453, 499, 760}, [3]int{332, 30, 40}},
		{"driver-dnf", [3]int{11411, 566, 702}, [3]int{665, 40, 40}},
		{"driver-top3", [3]int{1353, 588, 726}, [3]int{665, 40, 40}},
	} {
		t.Run(test.name, func(t *testing.T) {
			task := f1Task(t, w, test.name)
			start := time.Now()
			l, err := Label(context.Background(), snap, task, 2)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("labelled in %v", time.Since(start))
			if l.Report.Examples != test.rows || l.Report.Anchors != test.anchors {
				t.Errorf("examples %v anchors %v, want %v %v", l.Report.Examples, l.Report.Anchors, test.rows, test.anchors)
			}
			for _, s := range []Split{Train, Val, Test} {
				want := goldenLabels(t, 1, "rel-f1", fmt.Sprintf("%s.%s.csv", test.name, s))
				compareLabels(t, l, l.Rows(s), want, 1e-9)
			}
			one, err := Label(context.Background(), snap, task, 1)
			if err != nil {
				t.Fatal(err)
			}
			if one.Hash() != l.Hash() {
				t.Error("hash differs between one thread and two")
			}
		})
	}
}

// TestLabel_activeInThePast checks the second figures of golden/README.md: the
// population that RelBench's condition was meant to give.
func TestLabel_activeInThePast(t *testing.T) {
	w, snap := relF1(t)
	for name, want := range map[string][3]int{
		"driver-position": {6498, 466, 718},
		"driver-dnf":      {10389, 539, 676},
		"driver-top3":     {1245, 561, 700},
	} {
		task := f1Task(t, w, name)
		table := "results"
		if name == "driver-top3" {
			table = "qualifying"
		}
		active := w.agg("count", table, nil, window(Span{Months: -12}, Span{}), w.up(table, "driverId"))
		task.Where = call(">", active, lit(0))
		l, err := Label(context.Background(), snap, task, 0)
		if err != nil {
			t.Fatal(err)
		}
		if l.Report.Examples != want {
			t.Errorf("%s: %v examples, want %v", name, l.Report.Examples, want)
		}
	}
}

// TestLabel_autocompletion has each row of a table predict one of its own cells.
func TestLabel_autocompletion(t *testing.T) {
	w, snap := relF1(t)
	for name, test := range map[string]struct {
		table string
		rows  [3]int // figures of golden/README.md
	}{
		"results-position":    {"results", [3]int{9009, 1400, 4798}},
		"qualifying-position": {"qualifying", [3]int{2228, 1854, 5733}},
	} {
		task := w.future(test.table, Regression, Span{})
		task.Target = w.col(test.table, "position")
		task.Options.ValAnchor, task.Options.TestAnchor = instant(t, "2005-01-01"), instant(t, "2010-01-01")
		l, err := Label(context.Background(), snap, task, 0)
		if err != nil {
			t.Fatal(err)
		}
		if l.Report.Examples != test.rows {
			t.Errorf("%s: %v examples, want %v", name, l.Report.Examples, test.rows)
		}
		for _, s := range []Split{Train, Val, Test} {
			compareLabels(t, l, l.Rows(s), goldenLabels(t, 1, "rel-f1", fmt.Sprintf("%s.%s.csv", name, s)), 0)
		}
	}
}

func TestReportText_relF1(t *testing.T) {
	w, snap := relF1(t)
	task := f1Task(t, w, "driver-dnf")
	l, err := Label(context.Background(), snap, task, 0)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := l.Report.Text(&b, task); err != nil {
		t.Fatal(err)
	}
	// The figures are those of section 5 of the task language.
	want := `task driver_dnf: binary_classification, entity drivers (857 rows), window (anchor, anchor + 30 days], regime rolling
anchors    train 665 (1950-05-20 .. 2004-12-02, every 30 days)  val 40 (2005-01-01 .. 2008-03-16)  test 40 (2010-01-01 .. 2013-03-16)
with rows  train 420   val 26   test 29
examples   train 11 411   val 566   test 702        positive 88.0 % / 77.9 % / 70.5 %
dropped    625 786 of 638 465 pairs: ASSUMING not true; 0 NULL labels; 0 rows without time; 0 anchors incomplete
WARNING    TK211: anchors left out: 0 incomplete, 0 overlapping the next split, 270 without examples
WARNING    TK217: share of positives falls from 88.0 % (train) to 70.5 % (test)
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}
