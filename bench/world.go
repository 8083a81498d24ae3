package bench

import (
	"context"
	"sync"

	"github.com/rowlink/rowlink/bench/relf1"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/tasks"
)

// world is rel-f1 with the labels of driver-position, read once per process.
type world struct {
	graph  *graph.Graph // without target history, as the reference pipeline has none
	labels *tasks.LabelTable
}

var loadWorld = sync.OnceValues(func() (*world, error) {
	ctx := context.Background()
	folder, err := relf1.Folder()
	if err != nil {
		return nil, err
	}
	snap, err := relf1.Snapshot(ctx, folder)
	if err != nil {
		return nil, err
	}
	w := &world{}
	if w.labels, err = relf1.Labels(ctx, snap, 0); err != nil {
		return nil, err
	}
	w.graph, err = model.Graph(ctx, snap, w.labels.Task, false)
	return w, err
})

// reference is the network of the reference pipeline: a row encoder of four residual
// blocks and two GraphSAGE layers with sums, 128 channels, 128 neighbours of each kind
// and then 64, drawn uniformly.
func reference() model.Config {
	return model.Config{Layer: "sage", Aggregate: "sum", Width: channels, Blocks: 4, FanOut: []int{128, 64}, Strategy: "uniform"}
}

// queries are all examples of the label table as they would be scored.
func (w *world) queries() []model.Query {
	l := w.labels
	out := make([]model.Query, len(l.Entity))
	for i := range out {
		out[i] = model.Query{Row: l.Entity[i], Cut: l.Cut(i), Anchor: l.Anchor[i]}
	}
	return out
}
