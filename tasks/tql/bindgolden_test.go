package tql

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// mustBind binds a text that has no fault.
func mustBind(t testing.TB, text string, sc *schema.Schema) *tasks.Task {
	t.Helper()
	task, err := Bind(text, sc)
	if err != nil {
		t.Fatalf("%s", err.(Errors).Pretty())
	}
	return task
}

// binderCodes are the codes of the golden wrong queries whose code is ours and which
// only the schema shows to be wrong.
var binderCodes = map[string]string{"r26": "TK102", "r30": "TK170", "r31": "TK152", "r32": "TK142", "r33": "TK141"}

// alsoLater are the golden wrong queries with a part that is not supported yet beside
// the fault asked about.
var alsoLater = []string{"r14", "r25", "r29", "r32", "r36"}

func TestBind_goldenReject(t *testing.T) {
	schemas := goldenSchemas(t, "schema.sql")
	n := 0
	for _, g := range goldenBlocks(t, "reject.txt") {
		n++
		id := g["id"]
		_, err := Bind(g["query"], schemas[g["schema"]])
		errs, _ := err.(Errors)
		code := g["code"]
		if code == "any" {
			if code = binderCodes[id]; code == "" {
				code = syntaxRejects[id]
			}
		}
		if id == "r37" { // the file gives the place of one error and tells of the other in words
			code = "TK101"
			if len(errs) != 2 || errs[1].Code != "TK110" || errs[1].Text[errs[1].Pos:errs[1].End] != "dys" {
				t.Errorf("r37: %v, want TK101 and TK110 at dys", err)
			}
		}
		found := false
		for _, e := range errs {
			switch {
			case e.Code == code && checkPlace(e, g["at"]) == "":
				found = true
				if all := strings.ToLower(e.Message + e.Detail + e.Hint); !strings.Contains(all, strings.ToLower(g["hint"])) {
					t.Errorf("%s: no %q in %s", id, g["hint"], e.Pretty())
				}
			case e.Code == "TK179" && slices.Contains(alsoLater, id), id == "r37":
			default:
				t.Errorf("%s: beside %s: %s", id, code, e.Pretty())
			}
		}
		if !found {
			t.Errorf("%s: want %s at %s, have\n%s", id, code, g["at"], errs.Pretty())
		}
	}
	if n != 37 {
		t.Errorf("%d queries, want 37", n)
	}
}

func TestBind_goldenAccept(t *testing.T) {
	schemas := goldenSchemas(t, "schema.sql")
	bound, same, static := 0, 0, 0
	forms := map[string]*tasks.Task{}
	for _, g := range goldenBlocks(t, "pql_accept.txt") {
		id, sc := g["id"], schemas[g["schema"]]
		task, err := Bind(g["query"], sc)
		if err != nil {
			t.Errorf("%s: %s", id, err.(Errors).Pretty())
			continue
		}
		bound++
		forms[id] = task
		if of, ok := strings.CutSuffix(g["same_as"], " with one key"); ok { // the keys are no part of the task
			g["same_as"] = of
		}
		if g["same_as"] != "" {
			same++
			if d := cmp.Diff(forms[strings.Fields(g["same_as"])[0]], task, samePlan); d != "" {
				t.Errorf("%s differs from %s:\n%s", id, g["same_as"], d)
			}
			continue
		}
		if task.Static() {
			static++
			checkStatic(t, g, task, sc)
			continue
		}
		checkAccepted(t, g, task, sc)
	}
	if bound != 35 || same != 9 || static != 4 {
		t.Errorf("%d bound (%d respellings, %d static); want 35 (9, 4)", bound, same, static)
	}
}

// samePlan compares bound tasks but for what tells their spelling.
var samePlan = cmp.Options{
	cmpopts.IgnoreFields(tasks.Task{}, "Name", "Text", "Hash", "Warnings"),
	cmpopts.IgnoreFields(tasks.Aggregate{}, "Position"),
	cmpopts.EquateEmpty(),
	cmp.Comparer(func(a, b tasks.Options) bool { return fmt.Sprint(a) == fmt.Sprint(b) }),
}

var (
	goldenWindow = regexp.MustCompile(`\(a[^\]]*\]`)
	goldenEmpty  = regexp.MustCompile(`^([A-Z_]+)(?: and ([A-Z_]+))? -> (0|NULL)`)
)

func checkAccepted(t *testing.T, g map[string]string, task *tasks.Task, sc *schema.Schema) {
	t.Helper()
	id := g["id"]
	want, count, _ := strings.Cut(g["type"], " (")
	if task.Type != want || (count != "") != strings.Contains(Explain(task, sc), "because the target is a count") {
		t.Errorf("%s: type %s, want %s", id, task.Type, g["type"])
	}
	if have := sc.Tables[task.Entity].Name; have != g["entity"] {
		t.Errorf("%s: entity %s, want %s", id, have, g["entity"])
	}
	target, assumed, _ := strings.Cut(g["window"], "; assumption ")
	if task.Forecast != nil {
		target = checkSeries24(t, task, target)
	}
	if assumed == "the same" {
		assumed = target
	}
	checkWindows(t, id, task.Target, target)
	checkWindows(t, id, task.Assuming, assumed)

	m := goldenEmpty.FindStringSubmatch(strings.Replace(g["empty"], "empty set,", "LIST_DISTINCT -> NULL,", 1))
	eachAggregate(task.Target, func(a *tasks.Aggregate) {
		if fn := strings.ToUpper(a.Fn); fn != m[1] && fn != m[2] || a.Empty.Null != (m[3] == "NULL") || a.Empty.Num != 0 {
			t.Errorf("%s: %s over nothing gives %v, want %s", id, fn, a.Empty, g["empty"])
		}
	})
	kept := examplesOverNothing(t, task, sc)
	if drops := strings.Contains(g["empty"], " dropped"); !strings.Contains(g["empty"], "never dropped") && drops == (kept == 1) {
		t.Errorf("%s: %d examples over nothing, want %s", id, kept, g["empty"])
	}
}

// checkSeries24 compares the timeframes of query 24 with the golden rule and returns the
// window of the first.
func checkSeries24(t *testing.T, task *tasks.Task, golden string) string {
	t.Helper()
	if golden != "step i: (a+7(i-1) days, a+7i days], i = 1..8" || task.Frames() != 8 {
		t.Fatalf("%d timeframes, the golden text has %s", task.Frames(), golden)
	}
	for i, a := range task.Targets() {
		if w := (tasks.Window{Start: tasks.Span{Days: 7 * i}, End: tasks.Span{Days: 7 * (i + 1)}}); a.Window != w {
			t.Errorf("timeframe %d is %+v, want %+v", i+1, a.Window, w)
		}
	}
	return "(a, a+7 days]"
}

// checkWindows compares the windows of an expression with those of a golden text.
func checkWindows(t *testing.T, id string, e tasks.Expr, golden string) {
	t.Helper()
	var have []string
	eachAggregate(e, func(a *tasks.Aggregate) {
		w := strings.ReplaceAll(windowText(a.Window), "anchor", "a")
		have = append(have, strings.ReplaceAll(strings.ReplaceAll(w, " + ", "+"), " - ", "-"))
	})
	slices.Sort(have)
	want := goldenWindow.FindAllString(strings.ReplaceAll(golden, "calendar ", ""), -1)
	slices.Sort(want)
	if have = slices.Compact(have); !slices.Equal(have, want) {
		t.Errorf("%s: windows %v, want %v", id, have, want)
	}
}

// examplesOverNothing labels one entity row in an otherwise empty database.
func examplesOverNothing(t *testing.T, task *tasks.Task, sc *schema.Schema) int {
	t.Helper()
	b := ingest.NewBuilder(sc)
	row := b.Tables[task.Entity]
	for c := range row.Columns {
		switch sc.Tables[task.Entity].Columns[c].Kind {
		case schema.Int, schema.Time:
			row.Columns[c].Int(1)
		case schema.Float:
			row.Columns[c].Float(1)
		case schema.Text:
			row.Columns[c].Text([]byte("x"))
		}
	}
	row.EndRow()
	snap := finish(t, b, sc)
	bare := *task
	bare.Where, bare.Assuming = nil, nil
	const year2000 = 946684800e6
	bare.Options.DataFrom, bare.Options.DataUntil = 1, 2*year2000
	bare.Options.ValAnchor, bare.Options.TestAnchor = year2000, year2000+100*86400e6
	labels, err := tasks.LabelAt(t.Context(), snap, &bare, []int64{year2000})
	if err != nil {
		t.Fatal(err)
	}
	return len(labels.Label)
}

func finish(t testing.TB, b *ingest.Builder, sc *schema.Schema) *ingest.Snapshot {
	t.Helper()
	snap, err := b.Finish(sc, 1)
	if err != nil {
		t.Fatal(err)
	}
	if snap, err = snap.Derive(sc); err != nil {
		t.Fatal(err)
	}
	return snap
}

func TestBind_relbenchTasks(t *testing.T) {
	schemas := goldenSchemas(t, "relbench_schema.sql")
	bound := 0
	for _, g := range goldenBlocks(t, "relbench_tasks.txt") {
		id, sc := g["task"], schemas[g["schema"]]
		task, err := Bind(g["query"], sc)
		if err != nil {
			t.Errorf("%s: %s", id, err.(Errors).Pretty())
			continue
		}
		bound++
		if task.Type != g["type"] {
			t.Errorf("%s: type %s, want %s", id, task.Type, g["type"])
		}
		if o := task.Options; o.ValAnchor == 0 || o.TestAnchor <= o.ValAnchor || o.Step != task.Horizon {
			t.Errorf("%s: options %+v", id, o)
		}
	}
	if bound != 30 {
		t.Errorf("%d bound, want all 30", bound)
	}
}

// checkStatic compares a target without a window with a golden text: its type, the cells
// that are hidden, and where its examples stand in time.
func checkStatic(t *testing.T, g map[string]string, task *tasks.Task, sc *schema.Schema) {
	t.Helper()
	if task.Type != g["type"] || sc.Tables[task.Entity].Name != g["entity"] {
		t.Errorf("%s: %s of %s, want %s of %s", g["id"], task.Type, sc.Tables[task.Entity].Name, g["type"], g["entity"])
	}
	if len(task.Options.Mask) == 0 {
		t.Errorf("%s: nothing is hidden", g["id"])
	}
	for _, m := range task.Options.Mask {
		if name := sc.Tables[m.Table].Name + "." + sc.Tables[m.Table].Columns[m.Column].Name; !strings.Contains(g["query"], name) {
			t.Errorf("%s: %s is hidden, which the target does not read", g["id"], name)
		}
	}
	if timed := strings.Contains(g["window"], "anchor = "); timed != (sc.Tables[task.Entity].Time != nil) || timed == slices.ContainsFunc(task.Warnings, func(w string) bool { return strings.HasPrefix(w, "TK207") }) {
		t.Errorf("%s: %s, want %s", g["id"], task.Warnings, g["window"])
	}
}
