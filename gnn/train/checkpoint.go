package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/tensor"
)

// progress is the part of a checkpoint that is no tensor.
type progress struct {
	Options string  `json:"options"` // what must be equal for a resumed run to be the same run
	Epochs  []Epoch `json:"epochs"`
	Best    Epoch   `json:"best"`
	Step    int     `json:"step"`
}

// identify names everything that decides the run's bits.
func (r *run) identify() string {
	o, t := r.opt, &r.task.Options
	begun := ""
	if r.Pretrained != nil {
		begun = " pretrained=" + r.Pretrained.WeightsHash()
	}
	return fmt.Sprintf("%s %s %s %s model=%+v epochs=%d patience=%d batch=%d steps=%d rate=%g schedule=%s decay=%g clip=%g seed=%d stale=%t shuffle=%t history=%t refit=%d recent=%d average=%g",
		r.task.Hash, r.result.Model.About().LabelHash, r.Graph.Snap.ID, r.result.Model.About().Kernel, r.result.Model.Options(), o.Epochs, o.Patience, o.Batch,
		o.Steps, o.Rate, o.Schedule, o.Decay, o.Clip, o.Seed, o.Stale, o.Shuffle, !o.NoHistory, o.Refit, o.Recent, o.Average) +
		fmt.Sprintf(" val_regime=%s rule=%+v mask=%v val_anchor=%d data_from=%d step=%s", t.ValRegime, t.Rule, t.Mask, t.ValAnchor, t.DataFrom, t.Step) + begun
}

// save writes parameters, best parameters and optimiser state after an epoch.
func (r *run) save() error {
	if r.opt.Checkpoint == "" {
		return nil
	}
	var mats []model.NamedMat
	for i, p := range r.params.All() {
		mats = append(mats, model.NamedMat{Name: "value." + p.Name, Mat: p.Value}, model.NamedMat{Name: "best." + p.Name, Mat: r.best[i]})
	}
	for _, s := range append(r.adam.State(), r.average.State()...) {
		mats = append(mats, model.NamedMat{Name: s.Name, Mat: s.Value})
	}
	head, err := json.Marshal(progress{r.identity, r.result.Epochs, r.result.Best, r.step})
	if err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	var buf bytes.Buffer
	if err := model.WriteSafetensors(&buf, mats, map[string]string{"rowlink checkpoint": string(head)}); err != nil {
		return err
	}
	return writeAtomic(r.opt.Checkpoint, buf.Bytes())
}

// writeAtomic leaves either the old file or the new one, whole, on disk, also where another
// process that is about to end writes the same file.
func writeAtomic(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	tmp := f.Name()
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		os.Remove(tmp)
		return fmt.Errorf("write checkpoint: %w", err)
	}
	return nil
}

// resume reads the checkpoint, if there is one and it belongs to this run.
func (r *run) resume() error {
	if !r.opt.Resume || r.opt.Checkpoint == "" {
		return nil
	}
	data, err := os.ReadFile(r.opt.Checkpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read checkpoint: %w", err)
	}
	mats, meta, err := model.ReadSafetensors(data)
	if err != nil {
		return fmt.Errorf("read checkpoint: %w", err)
	}
	var p progress
	if err := json.Unmarshal([]byte(meta["rowlink checkpoint"]), &p); err != nil {
		return fmt.Errorf("read checkpoint %s: %w", r.opt.Checkpoint, err)
	}
	if p.Options != r.identity {
		return fmt.Errorf("checkpoint %s belongs to another run (other data, task, options or kernel path); delete it to start anew", r.opt.Checkpoint)
	}
	byName := map[string]tensor.Mat{}
	for _, m := range mats {
		byName[m.Name] = m.Mat
	}
	r.keep()
	state := r.adam.State()
	var into []model.NamedMat
	for i, prm := range r.params.All() {
		into = append(into, model.NamedMat{Name: "value." + prm.Name, Mat: prm.Value}, model.NamedMat{Name: "best." + prm.Name, Mat: r.best[i]})
	}
	for _, s := range append(r.average.State(), state...) {
		into = append(into, model.NamedMat{Name: s.Name, Mat: s.Value})
	}
	for _, m := range into {
		from, ok := byName[m.Name]
		if !ok || from.Rows != m.Mat.Rows || from.Cols != m.Mat.Cols {
			return fmt.Errorf("checkpoint %s has no tensor %q of %dx%d; delete it to start anew", r.opt.Checkpoint, m.Name, m.Mat.Rows, m.Mat.Cols)
		}
		copy(m.Mat.Data, from.Data)
	}
	if err := r.adam.Load(state); err != nil {
		return fmt.Errorf("checkpoint %s: %w", r.opt.Checkpoint, err)
	}
	r.result.Epochs, r.result.Best, r.step = p.Epochs, p.Best, p.Step
	return nil
}
