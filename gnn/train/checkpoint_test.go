package train_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/gnn/train"
	"github.com/rowlink/rowlink/internal/shop"
	"github.com/rowlink/rowlink/tasks"
)

// TestFit_resume stops a run after each epoch, and within one, and demands that the
// resumed run equals the undisturbed one, also with another number of threads.
func TestFit_resume(t *testing.T) {
	float32Files(t)
	d, o := data(shop.Churn), small()
	want := figures(fit(t, d, o))
	for stop := range o.Epochs + 1 {
		o := o
		o.Checkpoint = filepath.Join(t.TempDir(), "run")
		ctx, cancel := context.WithCancel(t.Context())
		steps, last := 0, o
		last.OnEpoch = func(e train.Epoch) {
			if e.Number == stop {
				cancel()
			}
		}
		last.OnStep = func(int, int, int) {
			if steps++; stop == 0 && steps == 12 { // somewhere in the second epoch
				cancel()
			}
		}
		if _, err := train.Fit(ctx, d, last); stop < o.Epochs && !errors.Is(err, context.Canceled) {
			t.Fatalf("stopped after epoch %d: error %v", stop, err)
		}
		cancel()
		o.Resume, o.Threads = true, 2
		ran := 0
		o.OnEpoch = func(train.Epoch) { ran++ }
		if got := figures(fit(t, d, o)); got != want {
			t.Errorf("stopped after epoch %d and resumed:\n%s\nundisturbed:\n%s", stop, got, want)
		}
		if left := o.Epochs - max(1, stop); ran != left {
			t.Errorf("stopped after epoch %d: the resumed run made %d epochs, want %d", stop, ran, left)
		}
	}
}

// The time limit ends a run after an epoch, from which another one goes on.
func TestFit_timeLimit(t *testing.T) {
	float32Files(t)
	d, o := data(shop.Spend), small()
	want := fit(t, d, o)
	o.Checkpoint, o.Resume, o.TimeLimit = filepath.Join(t.TempDir(), "run"), true, time.Nanosecond
	for epoch := 1; epoch < o.Epochs; epoch++ {
		if r := fit(t, d, o); len(r.Epochs) != epoch || !r.Interrupted {
			t.Fatalf("%d epochs, interrupted %t, want %d and true", len(r.Epochs), r.Interrupted, epoch)
		}
	}
	if got := fit(t, d, o); figures(got) != figures(want) {
		t.Errorf("in parts\n%s\nin one go\n%s", figures(got), figures(want))
	}
	if want.Interrupted {
		t.Error("a run without limit was interrupted")
	}
}

// A checkpoint of a run that would give other weights is refused.
func TestFit_checkpointOfAnotherRun(t *testing.T) {
	o := small()
	o.Epochs, o.Checkpoint = 1, filepath.Join(t.TempDir(), "run")
	fit(t, data(shop.Churn), o)
	o.Resume = true
	for name, change := range map[string]func(*train.Data, *train.Options){
		"seed":      func(_ *train.Data, o *train.Options) { o.Seed++ },
		"rate":      func(_ *train.Data, o *train.Options) { o.Rate = 0.01 },
		"epochs":    func(_ *train.Data, o *train.Options) { o.Epochs++ }, // the rate follows their number
		"batch":     func(_ *train.Data, o *train.Options) { o.Batch++ },
		"decay":     func(_ *train.Data, o *train.Options) { o.Decay = 0.5 },
		"clip":      func(_ *train.Data, o *train.Options) { o.Clip = 1 },
		"refit":     func(_ *train.Data, o *train.Options) { o.Refit = 1 },
		"schedule":  func(_ *train.Data, o *train.Options) { o.Schedule = "constant" },
		"dropout":   func(_ *train.Data, o *train.Options) { o.Dropout = 0.5 },
		"width":     func(_ *train.Data, o *train.Options) { o.Model.Width = 9 },
		"fan-out":   func(_ *train.Data, o *train.Options) { o.Model.FanOut = []int{6, 2} },
		"aggregate": func(_ *train.Data, o *train.Options) { o.Model.Aggregate = "mean" },
		"shuffle":   func(_ *train.Data, o *train.Options) { o.Shuffle = true },
		"stale":     func(_ *train.Data, o *train.Options) { o.Stale = true },
		"history":   func(_ *train.Data, o *train.Options) { o.NoHistory = true },
		"labels":    func(d *train.Data, _ *train.Options) { d.Labels.Label[0] = 1 - d.Labels.Label[0] },
		"task":      func(d *train.Data, _ *train.Options) { *d = data(shop.Spend) },
		"regime":    func(d *train.Data, _ *train.Options) { d.Labels.Task.Options.ValRegime = tasks.Frozen },
		"rule":      func(d *train.Data, _ *train.Options) { d.Labels.Task.Options.Rule.Strict = true },
		"mask": func(d *train.Data, _ *train.Options) {
			d.Labels.Task.Options.Mask = []tasks.ColumnRef{{Table: 0, Column: 2}}
		},
	} {
		d, o := data(shop.Churn), o
		change(&d, &o)
		if _, err := train.Fit(t.Context(), d, o); err == nil || !strings.Contains(err.Error(), "belongs to another run") {
			t.Errorf("other %s: error %v, want that the checkpoint belongs to another run", name, err)
		}
	}
	o.Threads = 4 // no part of what a run is
	fit(t, data(shop.Churn), o)
}

// What stands in the file may have been cut short or overwritten: the error names the
// file's kind, and nothing panics.
func TestFit_brokenCheckpoint(t *testing.T) {
	d, o := data(shop.Churn), small()
	o.Epochs, o.Checkpoint = 1, filepath.Join(t.TempDir(), "run")
	fit(t, d, o)
	whole, err := os.ReadFile(o.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	mats, meta, err := model.ReadSafetensors(whole)
	if err != nil {
		t.Fatal(err)
	}
	written := func(mats []model.NamedMat, meta map[string]string) []byte {
		var buf bytes.Buffer
		if err := model.WriteSafetensors(&buf, mats, meta); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	header := bytes.Clone(whole)
	header[20] ^= 0xff
	files := map[string][]byte{
		"empty": nil, "text": []byte("epoch 3 of 20"), "half": whole[:len(whole)/2], "7 bytes": whole[:7],
		"a byte short": whole[:len(whole)-1], "a byte more": append(bytes.Clone(whole), 0), "header": header,
		"no state": written(mats, nil), "state cut": written(mats, map[string]string{"rowlink checkpoint": meta["rowlink checkpoint"][:40]}),
		"tensor missing": written(mats[1:], meta), "model": modelFile(t, fit(t, d, o)),
	}
	o.Resume = true
	for name, data := range files {
		if err := os.WriteFile(o.Checkpoint, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := train.Fit(t.Context(), d, o); err == nil || !strings.Contains(err.Error(), "checkpoint") {
			t.Errorf("%s: error %v, want one of the checkpoint", name, err)
		}
	}
	if err := os.WriteFile(o.Checkpoint, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	fit(t, d, o) // the whole one is still good
}

func modelFile(t *testing.T, r *train.Result) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := r.Model.Write(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestFit_checkpointPaths(t *testing.T) {
	d, o := data(shop.Churn), small()
	o.Epochs, o.Resume = 1, true
	o.Checkpoint = filepath.Join(t.TempDir(), "run") // nothing there yet: a new run
	fit(t, d, o)
	o.Checkpoint = filepath.Join(t.TempDir(), "no", "such", "folder")
	if _, err := train.Fit(t.Context(), d, o); err == nil || !strings.Contains(err.Error(), "write checkpoint") {
		t.Errorf("error %v, want one of writing the checkpoint", err)
	}
	if left, err := filepath.Glob(filepath.Dir(o.Checkpoint) + "/*"); err != nil || len(left) != 0 {
		t.Errorf("files %v, error %v", left, err)
	}
}

// float32Files skips a test that needs equal bits after a checkpoint where the engine is
// built in double precision: checkpoints hold float32.
func float32Files(t *testing.T) {
	t.Helper()
	if unsafe.Sizeof(tensor.Real(0)) != 4 {
		t.Skip("checkpoints hold float32, the engine is built with -tags real64")
	}
}
