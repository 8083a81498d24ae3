package beam

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/ingest/parquet"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/workspace"
)

// opened is a stored snapshot as a database, without a workspace of its own.
func (s stored) opened(t testing.TB) *rowlink.Database {
	t.Helper()
	w, err := workspace.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return rowlink.Over(s.Snapshot, w, rowlink.Options{}, rowlink.Part{})
}

// featureLines are those of one machine.
func featureLines(t testing.TB, d *rowlink.Database, text string) []string {
	t.Helper()
	f, err := d.Features(t.Context(), text, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, all := f.Labels, make([]int, len(f.Labels.Label))
	for i := range all {
		all[i] = i
	}
	x, width := f.Of(all), len(f.Names)
	var out []string
	for i := range l.Label {
		var cells []string
		for _, v := range parquet.KeyCells(f.Entity, l.Entity[i]) {
			cells = append(cells, fmt.Sprint(v))
		}
		anchor := ingest.Column{Kind: schema.Time, Ints: l.Anchor}
		cells = append(cells, fmt.Sprint(anchor.Value(i)), l.Split[i].String(), fmt.Sprint(l.Label[i]))
		for _, v := range x[i*width : (i+1)*width] {
			if math.IsNaN(v) {
				cells = append(cells, fmt.Sprint(nil))
			} else {
				cells = append(cells, fmt.Sprint(v))
			}
		}
		out = append(out, strings.Join(cells, ","))
	}
	slices.Sort(out)
	return out
}

func checkFeatures(t *testing.T, s stored, text string, opt Options) {
	t.Helper()
	d := s.opened(t)
	want := featureLines(t, d, text)
	if !ranked(t, d, text) {
		t.Fatal("no feature is a rank, so the pass that ranks is not tested")
	}
	if _, err := Features(t.Context(), d, s.folder, text, opt); err != nil {
		t.Fatal(err)
	}
	got := lines(t, opt.Out)
	if len(want) > 0 && !slices.Equal(got, want) && len(got) == len(want) {
		f, err := d.Features(t.Context(), text, nil)
		if err != nil {
			t.Fatal(err)
		}
		tellDifference(t, f, got, want)
	}
	sameLines(t, got, want)
}

// ranked reports whether some feature compares rows of one time.
func ranked(t *testing.T, d *rowlink.Database, text string) bool {
	f, err := d.Features(t.Context(), text, nil)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(f.Names, func(n string) bool { return strings.Contains(n, "rank of") })
}

// tellDifference names the features that differ.
func tellDifference(t *testing.T, f *rowlink.Features, got, want []string) {
	n := map[string]int{}
	for i := range got {
		a, b := strings.Split(got[i], ","), strings.Split(want[i], ",")
		for j := range min(len(a), len(b)) {
			if a[j] != b[j] {
				if at := j - (len(a) - len(f.Names)); at >= 0 {
					n[fmt.Sprintf("%s: %s for %s", f.Names[at], a[j], b[j])]++
				}
			}
		}
	}
	for k, v := range n {
		if t.Logf("%d of %d: %s", v, len(got), k); len(n) > 40 && v < 3 {
			break
		}
	}
}

// Features of pieces are those of one machine, to the last bit.
func TestFeaturesEqualOneMachine(t *testing.T) {
	f1 := relF1(t)
	for _, text := range []string{
		fewFeatures,
		// rows below teams are ranked, and two links below
		`CREATE TASK points AS PREDICT SUM(results.points, 0, 365, days) FOR EACH constructors.constructorId
		  WITH (val_anchor = '2005-01-01', test_anchor = '2010-01-01', step = '365 days', eval_anchors = 2, train_anchors = 6, val_regime = 'frozen')`,
	} {
		t.Run("f1", func(t *testing.T) {
			checkFeatures(t, f1, text, Options{Shards: 3, Out: filepath.Join(t.TempDir(), "out"), Scratch: t.TempDir()})
		})
	}
	t.Run("journey", func(t *testing.T) {
		checkFeatures(t, journey(t), `CREATE TASK baskets AS PREDICT COUNT_DISTINCT(transactions.basket_id, 0, 14, days) FOR EACH households.household_id
		  WHERE COUNT(transactions.*, -30, 0, days) > 0
		  WITH (val_anchor = '2017-11-01', test_anchor = '2017-12-01', step = '14 days', eval_anchors = 1, train_anchors = 2)`, Options{Shards: 4, Out: filepath.Join(t.TempDir(), "out")})
	})
}
