package rowlink

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/gnn/train"
)

// checkpoint gives a training a place in the workspace for its state after each epoch,
// named by everything that decides the training's bits. With Resume set, a training that
// was interrupted goes on from there and ends with the same bits; [Fitted.Save] removes it.
func (d *Database) checkpoint(f *Fitted, o *train.Options) error {
	if d.Workspace == nil || o.Checkpoint != "" {
		return nil
	}
	run := *o
	run.Threads, run.TimeLimit, run.Resume, run.OnEpoch, run.OnStep = 0, 0, false, nil, nil
	begun := ""
	if f.pre != nil {
		begun = f.pre.WeightsHash()
	}
	f.run = fmt.Sprintf("%016x", tensor.HashString(fmt.Sprintf("%s %s %s %s %+v%s%s", f.Task.Hash, f.Report.LabelHash, d.Snap.ID, tensor.KernelName(), run, begun, strings.Join(f.drawn, ""))))
	dir, err := d.Workspace.CheckpointDir(f.Task.Name, f.run)
	if err != nil {
		return err
	}
	o.Checkpoint = filepath.Join(dir, "state")
	return nil
}
