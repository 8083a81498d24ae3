package train_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/train"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
	_ "github.com/rowlink/rowlink/ingest/sqlite"
	"github.com/rowlink/rowlink/internal/shop"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// smallShop is the snapshot of a shop of 60 customers.
var smallShop = sync.OnceValue(func() *ingest.Snapshot {
	return snapshotOf(shop.Generate(shop.Options{Customers: 60, Products: 40, Suppliers: 8, Seed: 1}))
})

// snapshotOf takes the snapshot of a shop.
func snapshotOf(db *shop.Database) *ingest.Snapshot {
	folder, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	ctx, path := context.Background(), filepath.Join(folder, "shop.db")
	if err := db.WriteSQLite(ctx, path); err != nil {
		log.Fatal(err)
	}
	src, err := ingest.Open(ctx, "sqlite:"+path, ingest.OpenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer src.Close()
	snap, err := ingest.Take(ctx, src, ingest.TakeOptions{})
	if err != nil {
		log.Fatal(err)
	}
	inferred := snap.Schema.Clone()
	schema.Infer(inferred, snap.Stats())
	if snap, err = snap.Derive(inferred); err != nil {
		log.Fatal(err)
	}
	return snap
}

// data labels and links a task of the small shop.
func data(text string) train.Data {
	snap, ctx := smallShop(), context.Background()
	task, err := tql.Bind(text, snap.Schema)
	if err != nil {
		log.Fatal(err)
	}
	if err := tasks.Resolve(task, snap); err != nil {
		log.Fatal(err)
	}
	labels, err := tasks.Label(ctx, snap, task, 0)
	if err != nil {
		log.Fatal(err)
	}
	return train.Data{Graph: linked(snap, task), Labels: labels}
}

func linked(snap *ingest.Snapshot, task *tasks.Task) *graph.Graph {
	g, err := model.Graph(context.Background(), snap, task, true)
	if err != nil {
		log.Fatal(err)
	}
	return g
}

// small is a training of a second: two hops, eight channels, four epochs.
func small() train.Options {
	return train.Options{Model: model.Config{Width: 8, FanOut: []int{6, 3}}, Epochs: 4, Batch: 64, Seed: 7, Threads: 1}
}

func fit(t *testing.T, d train.Data, o train.Options) *train.Result {
	t.Helper()
	r, err := train.Fit(t.Context(), d, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// figures are what must be equal in two runs of one training: all but the seconds.
func figures(r *train.Result) string {
	epochs := slices.Clone(r.Epochs)
	for i := range epochs {
		epochs[i].Seconds = 0
	}
	return fmt.Sprint(epochs, " best ", r.Best.Number, " ", r.Metric, " weights ", r.Model.WeightsHash())
}
