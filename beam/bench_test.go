package beam

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/train"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/workspace"
)

// shop is a database of so many orders: 20 per user, 200 per item, drawn evenly, with an
// amount and a category. Orders come in the order of their keys.
func shop(b testing.TB, orders int) stored { return shopOf(b, orders, max(1, orders/20)) }

func shopOf(b testing.TB, orders, users int) stored {
	key := func(name string) *schema.Table {
		return &schema.Table{Name: name, Key: []int{0}, Columns: []schema.Column{{Name: "id", Kind: schema.Int, NotNull: true}, {Name: "kind", Kind: schema.Int}}}
	}
	facts := &schema.Table{Name: "orders", Key: []int{0}, Time: &schema.RowTime{Column: 3, Via: -1, Until: -1},
		Columns: []schema.Column{{Name: "id", Kind: schema.Int, NotNull: true}, {Name: "user_id", Kind: schema.Int, NotNull: true}, {Name: "item_id", Kind: schema.Int, NotNull: true},
			{Name: "at", Kind: schema.Time, NotNull: true}, {Name: "amount", Kind: schema.Float, NotNull: true}, {Name: "channel", Kind: schema.Int, NotNull: true}},
		Links: []schema.Link{{Name: "user", Columns: []int{1}, To: 0, Ref: []int{0}}, {Name: "item", Columns: []int{2}, To: 1, Ref: []int{0}}}}
	sc := &schema.Schema{Tables: []*schema.Table{key("users"), key("items"), facts}}
	build := ingest.NewBuilder(sc)
	items := max(1, orders/200)
	for t, n := range []int{users, items} {
		for i := range n {
			build.Tables[t].Columns[0].Int(int64(i))
			build.Tables[t].Columns[1].Int(int64(i % 7))
			build.Tables[t].EndRow()
		}
	}
	const start, day = int64(1_600_000_000_000_000), int64(86_400_000_000)
	x := uint64(1)
	draw := func(n int) int64 { // a linear congruential generator (Knuth, 1997)
		x = x*6364136223846793005 + 1442695040888963407
		return int64(x >> 33 % uint64(n))
	}
	for i := range orders {
		c := build.Tables[2].Columns
		c[0].Int(int64(i))
		c[1].Int(draw(users))
		c[2].Int(draw(items))
		c[3].Int(start + int64(float64(i)/float64(orders)*365*float64(day)))
		c[4].Float(float64(draw(10_000)) / 100)
		c[5].Int(draw(5))
		build.Tables[2].EndRow()
	}
	snap, err := build.Finish(sc, 0)
	if err == nil {
		schema.Infer(sc, snap.Stats())
		snap, err = snap.Derive(sc)
	}
	if err != nil {
		b.Fatal(err)
	}
	return store(b, snap)
}

// spend reads one link: no row is joined. tastes reads the item of each order too.
const (
	spend = `CREATE TASK spend AS PREDICT SUM(orders.amount, 0, 30, days) FOR EACH users.id
	  WITH (val_anchor = '2021-06-01', test_anchor = '2021-07-15', step = '30 days', eval_anchors = 1)`
	tastes = `CREATE TASK tastes AS PREDICT COUNT(orders.* WHERE item_id->kind = 3, 0, 30, days) FOR EACH users.id
	  WITH (val_anchor = '2021-06-01', test_anchor = '2021-07-15', step = '30 days', eval_anchors = 1)`
)

// BenchmarkLabels times the labels of all users in pieces beside one process, in one run.
func BenchmarkLabels(b *testing.B) {
	for _, orders := range []int{100_000, 1_000_000, 10_000_000} {
		s := shop(b, orders)
		for _, text := range []string{spend, tastes} {
			task := bind(b, s, text)
			b.Run(fmt.Sprintf("%s/orders=%d", task.Name, orders), func(b *testing.B) {
				for range b.N {
					start := time.Now()
					l, err := tasks.Label(b.Context(), s.Snapshot, task, 0)
					if err != nil {
						b.Fatal(err)
					}
					one := time.Since(start)
					start = time.Now()
					done, err := Labels(b.Context(), s.Snapshot, s.folder, task, Options{Out: filepath.Join(b.TempDir(), "out")})
					if err != nil {
						b.Fatal(err)
					}
					pieces := time.Since(start)
					if done.Rows != int64(len(l.Label)) {
						b.Fatalf("%d labels, want %d", done.Rows, len(l.Label))
					}
					report(b, orders, one, pieces, done)
				}
			})
		}
	}
}

// BenchmarkFeatures times the features of one split of all users beside one process.
func BenchmarkFeatures(b *testing.B) {
	for _, orders := range []int{100_000, 1_000_000} {
		s := shop(b, orders)
		const text = `CREATE TASK spend AS PREDICT SUM(orders.amount, 0, 30, days) FOR EACH users.id
		  WITH (val_anchor = '2021-06-01', test_anchor = '2021-07-15', step = '30 days', eval_anchors = 1, train_anchors = 1)`
		b.Run(fmt.Sprintf("orders=%d", orders), func(b *testing.B) {
			for range b.N {
				d := rowlink.Over(s.Snapshot, nil, rowlink.Options{}, rowlink.Part{})
				start := time.Now()
				f, err := d.Features(b.Context(), text, nil)
				if err != nil {
					b.Fatal(err)
				}
				planned := time.Since(start)
				all := make([]int, len(f.Labels.Label))
				for i := range all {
					all[i] = i
				}
				f.Of(all)
				one := time.Since(start)
				start = time.Now()
				done, err := Features(b.Context(), rowlink.Over(s.Snapshot, nil, rowlink.Options{}, rowlink.Part{}), s.folder, text, Options{Out: filepath.Join(b.TempDir(), "out")})
				if err != nil {
					b.Fatal(err)
				}
				report(b, orders, one, time.Since(start), done)
				b.ReportMetric(planned.Seconds(), "s-planning")
				b.ReportMetric(float64(len(f.Names)), "features")
			}
		})
	}
}

// BenchmarkScore times trees that answer for all users beside one process.
func BenchmarkScore(b *testing.B) {
	for _, orders := range []int{100_000, 1_000_000} {
		s := shop(b, orders)
		w, err := workspace.Open(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		d := rowlink.Over(s.Snapshot, w, rowlink.Options{}, rowlink.Part{})
		f, err := d.Fit(b.Context(), `CREATE TASK spend AS PREDICT SUM(orders.amount, 0, 30, days) FOR EACH users.id
		  WITH (val_anchor = '2021-06-01', test_anchor = '2021-07-15', step = '30 days', eval_anchors = 1, train_anchors = 1)`,
			rowlink.FitOptions{ValBlocks: 1, EvalExamples: 2000, Train: train.Options{Model: model.Config{Width: 8, FanOut: []int{6, 4}}, Epochs: 1, Steps: 10, Seed: 3}})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := f.Save(w); err != nil {
			b.Fatal(err)
		}
		for _, name := range []string{trees, rowlink.GNN} {
			b.Run(fmt.Sprintf("%s/orders=%d", name, orders), func(b *testing.B) {
				for range b.N {
					start := time.Now()
					l, err := d.Load(b.Context(), "spend", "1", name)
					if err != nil {
						b.Fatal(err)
					}
					all, err := l.All(b.Context(), l.DataUntil)
					if err == nil {
						_, err = l.Predict(b.Context(), all, l.DataUntil, 0)
					}
					if err != nil {
						b.Fatal(err)
					}
					one := time.Since(start)
					start = time.Now()
					done, err := Score(b.Context(), d, s.folder, "spend", Asked{Version: "1", Model: name}, Options{Out: filepath.Join(b.TempDir(), "out")})
					if err != nil {
						b.Fatal(err)
					}
					report(b, orders, one, time.Since(start), done)
				}
			})
		}
	}
}

func report(b *testing.B, orders int, one, pieces time.Duration, done *Done) {
	b.ReportMetric(one.Seconds(), "s-one")
	b.ReportMetric(pieces.Seconds(), "s-pieces")
	b.ReportMetric(pieces.Seconds()/one.Seconds(), "times")
	b.ReportMetric(float64(orders)/pieces.Seconds(), "orders/s")
	b.ReportMetric(float64(done.Rows)/pieces.Seconds(), "answers/s")
	b.ReportMetric(float64(done.Shuffled)/float64(orders), "shuffledB/order")
}
