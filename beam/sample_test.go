package beam

import (
	"path/filepath"
	"testing"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/beam/piece"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/workspace"
)

// The labels of drawn entities are those that they have in the whole database, and nobody else
// is there; a larger share holds the smaller one.
func TestSampleHoldsItsEntitiesWhole(t *testing.T) {
	s := relF1(t)
	d := s.opened(t)
	const text = `CREATE TASK dnf AS PREDICT COUNT(results.* WHERE results.statusId <> 1, 0, 30, days) > 0 FOR EACH drivers.driverId
	  ASSUMING COUNT(results.*, 0, 30, days) > 0
	  WITH (val_anchor = '2005-01-01', test_anchor = '2010-01-01', step = '60 days', eval_anchors = 4, train_anchors = 12)`
	whole := labelsOf(t, s.opened(t), text)
	held := 0
	for _, share := range []float64{0.2, 0.5} {
		w, err := workspace.Open(filepath.Join(t.TempDir(), "small"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Sample(t.Context(), d, s.folder, text, Draw{Share: share, Seed: 5, Hops: 2, Cap: 50}, w, Options{Out: filepath.Join(t.TempDir(), "out")}); err != nil {
			t.Fatal(err)
		}
		small, err := rowlink.Open(t.Context(), rowlink.Options{Workspace: w.Dir()})
		if err != nil {
			t.Fatal(err)
		}
		defer small.Close()
		got := labelsOf(t, small, text)
		rows := 0
		for key, label := range whole {
			if _, ok := got[key]; ok {
				if rows++; got[key] != label {
					t.Fatalf("share %g: the label of %v is %v, want %v", share, key, got[key], label)
				}
			}
		}
		if rows != len(got) || rows <= held || rows == len(whole) {
			t.Errorf("share %g: %d labels, of which %d are in the whole of %d; the smaller share had %d", share, len(got), rows, len(whole), held)
		}
		held = rows
		entity := small.Snap.Tables[small.Snap.Schema.Table("drivers")]
		for row := range entity.Rows {
			h, _ := piece.Hash(entity.Columns, entity.Def.Key, row)
			if piece.Draw(5, h) >= share {
				t.Fatalf("share %g: driver %v was not drawn", share, entity.Key(int32(row)))
			}
		}
	}
}

type example struct {
	driver, anchor int64
}

func labelsOf(t *testing.T, d *rowlink.Database, text string) map[example]float64 {
	t.Helper()
	task, err := d.Task(text)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tasks.Label(t.Context(), d.Snap, task, 0)
	if err != nil {
		t.Fatal(err)
	}
	out := map[example]float64{}
	for i := range l.Label {
		out[example{d.Snap.Tables[task.Entity].Key(l.Entity[i])[0].(int64), l.Anchor[i]}] = l.Label[i]
	}
	return out
}
