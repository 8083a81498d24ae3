package beam

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/ingest/parquet"
	"github.com/rowlink/rowlink/workspace"
)

// sampleWork keeps the piece as a snapshot, and tells who is in it.
var sampleWork = work{fields: func(*job) []parquet.Field { return nil }, run: runSample}

// sampledFolder is where the snapshot of a sample lies, in the folder of the result.
const sampledFolder = "snapshot"

func runSample(_ context.Context, p *pieceOf, emit func([]any) error) error {
	dir := filepath.Join(p.Out, sampledFolder)
	if err := os.RemoveAll(dir); err != nil { // of a try that did not end
		return err
	}
	p.snap.Taken = p.Draw.Taken
	if err := p.snap.Save(dir); err != nil {
		return err
	}
	for row := range int32(p.entities().Rows) {
		if err := emit(parquet.KeyCells(p.entities(), row)); err != nil {
			return err
		}
	}
	return nil
}

// Sample draws entities of a task by a hash of their key and puts them into another workspace,
// with all rows that their labels read and all within draw.Hops links, as a snapshot to train
// on. Other entities are left out, with what they alone are linked to: a sample would hold a
// part of their rows, and labels of that part. Below rows that are no entities, draw.Cap rows
// of each foreign key are kept.
func Sample(ctx context.Context, d *rowlink.Database, folder, text string, draw Draw, into *workspace.Workspace, opt Options) (*Done, error) {
	task, err := d.Task(text)
	if err != nil {
		return nil, err
	}
	opt.Shards = 1
	spec, err := newSpec("sample", d.Snap, folder, task, opt)
	if err != nil {
		return nil, err
	}
	draw.Taken = d.Snap.Taken
	spec.Draw = &draw
	spec.Plan.AddLabels(spec.Schema, task)
	spec.Plan.AddSample(spec.Schema, draw.Hops)
	done, err := spec.run(ctx, d.Snap, opt)
	if err != nil {
		return nil, err
	}
	if err := rowlink.Adopt(into, filepath.Join(spec.Out, sampledFolder), d.Source); err != nil {
		return nil, fmt.Errorf("store the sample: %w", err)
	}
	return done, nil
}
