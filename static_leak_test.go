package rowlink_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/internal/shop"
	"github.com/rowlink/rowlink/tabular/baseline"
)

// ownTime is the time of some orders, in the test split of the tasks below.
var ownTime = midway

// sameMoment opens a shop twice in one workspace: as it is, with some orders at one moment,
// and with the cells of those and later orders changed that the task must not read: its
// target and a hidden foreign key. All rows after the moment have another future too.
func sameMoment(t *testing.T) (before, after *rowlink.Database) {
	t.Helper()
	path, folder := smallShop(t), t.TempDir()
	foresee(t, path, ownTime)
	execute(t, path, ownTime, `UPDATE orders SET ordered_at = ?1 WHERE order_id IN (SELECT order_id FROM orders WHERE ordered_at > datetime(?1, '-9 days') LIMIT 40)`)
	before = open(t, rowlink.Options{URL: "sqlite:" + path, Workspace: folder})
	alter(t, path, ownTime)
	execute(t, path, ownTime, `UPDATE orders SET store_id = 3 + order_id % 3, channel = CASE WHEN channel = 'web' THEN 'store' ELSE 'web' END, total = 5000 - total
		WHERE ordered_at >= ?1`)
	after = open(t, rowlink.Options{URL: "sqlite:" + path, Workspace: folder, Fresh: true})
	return before, after
}

// ordersAt lists the orders of a moment in both snapshots, and some later ones.
func ordersAt(t *testing.T, before, after *rowlink.Database) (was, is, later []int32) {
	t.Helper()
	n := before.Snap.Schema.Table("orders")
	a, b := before.Snap.Tables[n], after.Snap.Tables[n]
	for row, at := range a.Times {
		now, ok := b.Find(a.Key(int32(row)))
		switch {
		case at == ownTime.UnixMicro() && ok:
			was, is = append(was, int32(row)), append(is, now)
		case at > ownTime.UnixMicro() && ok && b.Times[now] == at && len(later) < 50:
			later = append(later, now)
		}
	}
	if len(was) < 10 || len(later) < 10 {
		t.Fatalf("%d orders at the moment and %d later, want more", len(was), len(later))
	}
	return was, is, later
}

func ownAnswers(t *testing.T, l *rowlink.Loaded, rows []int32) []string {
	t.Helper()
	got, err := l.PredictOwn(t.Context(), rows, 0)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]string, len(got))
	for i, p := range got {
		out[i] = fmt.Sprintf("order %s value %v", l.Snap.Tables[l.Task.Entity].KeyText(rows[i]), p.Value)
		for _, c := range l.Classes {
			out[i] += fmt.Sprintf(" %s %x", c, math.Float64bits(p.Probabilities[c]))
		}
		if v, ok := p.Value.(float64); ok {
			out[i] += fmt.Sprintf(" %x", math.Float64bits(v))
		}
	}
	return out
}

// TestLeak_static changes the target cell of examples, those of other rows of the same
// moment, a hidden foreign key, and everything later: what network, scan and baselines say
// of them does not change by a bit. What is said of later rows does, since it is history then.
func TestLeak_static(t *testing.T) {
	before, after := sameMoment(t)
	for name, target := range map[string]string{"total": "orders.total", "channel": "orders.channel", "dear": "orders.total > 60", "store": "orders.store_id"} {
		text := fmt.Sprintf(`CREATE TASK %s AS PREDICT %s FOR EACH orders AT ENTITY TIME WITH (val_anchor = '%s', test_anchor = '%s', mask = ('orders.store_id', 'orders.total', 'orders.channel'))`, name, target,
			ownTime.Add(-90*shop.Day).Format(time.DateOnly), ownTime.Add(-40*shop.Day).Format(time.DateOnly))
		for _, o := range []rowlink.FitOptions{{Train: quick()}, {Train: quickScan()}} {
			f, err := before.Fit(t.Context(), text, o)
			if err != nil {
				t.Fatal(err)
			}
			if at := f.Task.Options.TestAnchor; at >= ownTime.UnixMicro() {
				t.Fatalf("the test anchor %s lies behind the moment", time.UnixMicro(at).UTC())
			}
			if _, err := f.Save(before.Workspace); err != nil {
				t.Fatal(err)
			}
		}
		was, is, later := ordersAt(t, before, after)
		for i, predictor := range append(baseline.Names(), rowlink.GNN, rowlink.GNN) {
			version, what := "1", predictor
			if i > len(baseline.Names()) {
				version, what = "2", model.Scan
			}
			t.Run(name+"/"+what, func(t *testing.T) {
				load := func(d *rowlink.Database) *rowlink.Loaded {
					l, err := d.Load(t.Context(), name, version, predictor)
					if err != nil {
						t.Fatal(err)
					}
					return l
				}
				old, now := load(before), load(after)
				if want, got := ownAnswers(t, old, was), ownAnswers(t, now, is); !slices.Equal(want, got) {
					t.Errorf("cells that must not be read change what is said:\n%s", firstDifference(want, got))
				}
				n := before.Snap.Schema.Table("orders")
				var same []int32
				for _, row := range later {
					at, _ := before.Snap.Tables[n].Find(after.Snap.Tables[n].Key(row))
					same = append(same, at)
				}
				if what == "entity mean" && slices.Equal(ownAnswers(t, old, same), ownAnswers(t, now, later)) {
					t.Error("earlier targets change nothing, though they are history")
				}
			})
		}
	}
}
