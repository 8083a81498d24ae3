package tql

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/internal/testdata"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// ownTask is a task of golden/labels/own.
type ownTask struct {
	ID, File, Dataset, Type, Query string
	Anchors                        []string
	Rows                           int
}

// ownTimes are the time columns that those tasks take.
var ownTimes = map[string][]string{
	"stats_partial":         {"users.creation_date", "posts.creation_date", "badges.date"},
	"stackexchange_quantum": {"users.creation_date", "posts.creation_date", "comments.creation_date", "votes.creation_date", "badges.date"},
	"completejourney":       {"transactions.transaction_timestamp", "coupon_redemptions.redemption_date"},
	"movielens_small":       {"ratings.rated_at"},
	"lahman":                {"Batting.seasonEnd", "Teams.seasonEnd"},
}

// ownLarge take long to load.
var ownLarge = map[string]bool{"completejourney": true, "lahman": true}

// equalSums are households that the file of journey_sales_up leaves out: two sums of
// theirs are equal in exact arithmetic, and the order of summation would decide.
var equalSums = []string{"913", "1239", "1943", "2174", "2238", "2288", "2483"}

// ownAnswered counts the tasks per data set that are not static.
var ownAnswered = map[string]int{"stats_partial": 4, "stackexchange_quantum": 6, "movielens_small": 1, "completejourney": 7, "lahman": 2}

// TestSQL_ownLabels binds the tasks over real databases and compares the lowered SQL
// with the reference labels, which hand-written SQL gave, and with the executor in
// memory.
func TestSQL_ownLabels(t *testing.T) {
	data, err := os.ReadFile(testdata.Path(t, "golden", "labels", "own", "tasks.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []ownTask
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	for dataset, times := range ownTimes {
		t.Run(dataset, func(t *testing.T) {
			if testing.Short() && ownLarge[dataset] {
				t.Skip("large data set")
			}
			url := pgtest.LoadDataset(t, dataset)
			sc, snap := ownSchema(t, url, times, !ownLarge[dataset])
			conn := connect(t, url)
			n := 0
			for _, o := range all {
				if o.Dataset == dataset && o.Anchors[0] != "ENTITY TIME" {
					n++
					t.Run(o.ID, func(t *testing.T) { checkOwn(t, o, conn, sc, snap) })
				}
			}
			if n != ownAnswered[dataset] {
				t.Errorf("%d tasks, want %d", n, ownAnswered[dataset])
			}
		})
	}
}

// ownSchema reads the schema with exactly the given times, and on demand the data.
func ownSchema(t *testing.T, url string, times []string, rows bool) (*schema.Schema, *ingest.Snapshot) {
	t.Helper()
	src, err := ingest.Open(t.Context(), url, ingest.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	sc, err := src.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range times {
		table, column, _ := strings.Cut(name, ".")
		def := sc.Tables[sc.Table(table)]
		def.Time = &schema.RowTime{Column: def.Column(column), Via: -1, Until: -1}
	}
	if !rows {
		return sc, nil
	}
	snap, err := ingest.Take(t.Context(), src, ingest.TakeOptions{Schema: sc})
	if err != nil {
		t.Fatal(err)
	}
	return snap.Schema, snap
}

func checkOwn(t *testing.T, o ownTask, conn *pgx.Conn, sc *schema.Schema, snap *ingest.Snapshot) {
	if o.ID == "quantum_last_badge_class" { // its class is a category
		sc = sc.Clone()
		badges := sc.Tables[sc.Table("badges")]
		badges.Columns[badges.Column("class")].Sem = schema.SemCategorical
	}
	task := mustBind(t, o.Query, sc)
	if want, _, _ := strings.Cut(o.Type, " "); task.Type != want {
		t.Errorf("type %s, want %s", task.Type, want)
	}
	grid := &tasks.Grid{}
	for _, a := range o.Anchors {
		at, err := time.Parse(time.DateTime, a)
		if err != nil {
			t.Fatal(err)
		}
		grid.Anchors[tasks.Test] = append(grid.Anchors[tasks.Test], at.UnixMicro())
	}
	sql, err := SQL(task, sc, grid)
	if err != nil {
		t.Fatal(err)
	}
	have := query(t, conn, sql)
	if o.ID == "journey_sales_up" { // see the definition in tasks.json
		have = slices.DeleteFunc(have, func(r row) bool { return slices.Contains(equalSums, r.entity) })
	}
	if msg := sameRows(unsplit(have), ownLabels(t, o)); msg != "" {
		t.Errorf("SQL against the reference: %s\n%s", msg, sql)
	}
	if len(have) != o.Rows {
		t.Errorf("%d rows, want %d", len(have), o.Rows)
	}
	if snap == nil {
		return
	}
	if snap, err = snap.Derive(sc); err != nil {
		t.Fatal(err)
	}
	task.Options.DataFrom, task.Options.DataUntil = 1, grid.Anchors[tasks.Test][len(o.Anchors)-1]+1e15
	task.Options.ValAnchor, task.Options.TestAnchor = 1, 2
	labels, err := tasks.LabelAt(t.Context(), snap, task, grid.Anchors[tasks.Test])
	if err != nil {
		t.Fatal(err)
	}
	if msg := sameRows(have, labelRows(labels, snap.Tables[task.Entity])); msg != "" {
		t.Errorf("SQL against memory: %s\n%s", msg, sql)
	}
}

// unsplit leaves out the split, which the reference files do not have.
func unsplit(rows []row) []row {
	out := make([]row, 0, len(rows))
	for _, r := range rows {
		r.split = ""
		out = append(out, r)
	}
	return out
}

// ownLabels reads a reference file: anchor, key columns, label.
func ownLabels(t *testing.T, o ownTask) []row {
	t.Helper()
	f, err := os.Open(testdata.Path(t, "golden", "labels", o.File))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []row
	for _, r := range records[1:] {
		at, err := time.Parse(time.DateTime, r[0])
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, row{entity: strings.Join(r[1:len(r)-1], ","), anchor: at.UnixMicro(), label: r[len(r)-1]})
	}
	return out
}
