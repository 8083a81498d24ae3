package rowlink

import (
	"fmt"
	"os"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/scan"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/workspace"
)

// Over is a database that is in memory already, such as a piece of a larger one, beside the
// workspace that holds its tasks and versions. Closing it closes the snapshot.
func Over(snap *ingest.Snapshot, w *workspace.Workspace, opt Options) *Database {
	if opt.OnNote == nil {
		opt.OnNote = func(string, ...any) {}
	}
	return &Database{Snap: snap, Workspace: w, opt: opt, base: snap}
}

// near are the baselines that read nothing but an entity's own past labels.
var near = []string{"constant", "entity mean", "decayed entity mean"}

// Hops is how many links from an entity the rows lie that the answer of what is served
// follows from; ok is false where it may follow from any row: trees compare with all rows
// of the same time, the layer scan reads states of whole tables, and tables whose rows have
// vectors of their own know them by number.
func (l *Loaded) Hops() (hops int, ok bool, err error) {
	for _, name := range near {
		if l.Served == name {
			return 0, true, nil
		}
	}
	if l.Served != GNN {
		return 0, false, nil
	}
	for i := range max(1, l.Report.Ensemble) {
		data, err := os.ReadFile(l.Version.Path(modelFile(i)))
		if err != nil {
			return 0, false, fmt.Errorf("read model: %w", err)
		}
		_, meta, err := model.ReadSafetensors(data)
		if err != nil {
			return 0, false, err
		}
		if scan.Is(meta) {
			return 0, false, nil
		}
		m, err := model.Read(data)
		if err != nil {
			return 0, false, err
		}
		if len(m.Config.IDs) > 0 {
			return 0, false, nil
		}
		hops = max(hops, len(m.Config.FanOut))
	}
	return hops, true, nil
}
