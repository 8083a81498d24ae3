package rowlink_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/internal/shop"
	"github.com/rowlink/rowlink/workspace"
)

// A version says where it comes from, whatever its kind; a manifest without a part of that
// is told apart. The version of a job is found by the job, and gets into service.
func TestProvenance(t *testing.T) {
	d := open(t, rowlink.Options{URL: "sqlite:" + smallShop(t), Workspace: t.TempDir(), Threads: 1})
	f, err := d.Fit(t.Context(), shop.Channel, rowlink.FitOptions{Train: quick(), Job: "job-7"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Save(d.Workspace); err != nil {
		t.Fatal(err)
	}
	v, err := d.Workspace.Model("channel", "")
	if err != nil {
		t.Fatal(err)
	}
	if missing, err := rowlink.MissingProvenance(v); err != nil || len(missing) > 0 {
		t.Errorf("missing %q, %v", missing, err)
	}
	p, err := rowlink.ProvenanceOf(v)
	if err != nil || p.Text != f.Task.Text || p.LabelHash != f.Labels.Hash() || p.Job != "job-7" || p.Settings.Epochs != quick().Epochs || p.Seed != quick().Seed {
		t.Errorf("provenance %+v, %v", p, err)
	}
	var info map[string]any
	if err := json.Unmarshal(v.Info, &info); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want string
		drop func(m *workspace.Model, info, from map[string]any)
	}{
		{"task hash", func(m *workspace.Model, _, _ map[string]any) { m.TaskHash = "" }},
		{"snapshot", func(m *workspace.Model, _, _ map[string]any) { m.Snapshot = "" }},
		{"kernel path", func(m *workspace.Model, _, _ map[string]any) { m.Kernels = "" }},
		{"task text", func(_ *workspace.Model, _, from map[string]any) { delete(from, "text") }},
		{"label hash", func(_ *workspace.Model, _, from map[string]any) { delete(from, "label_hash") }},
		{"settings", func(_ *workspace.Model, _, from map[string]any) { delete(from, "settings") }},
		{"program", func(_ *workspace.Model, _, from map[string]any) { delete(from, "program") }},
		{"source", func(_ *workspace.Model, _, from map[string]any) { delete(from, "source") }},
		{"metric", func(_ *workspace.Model, info, _ map[string]any) { delete(info, "metric") }},
		{"baselines", func(_ *workspace.Model, info, _ map[string]any) { delete(info, "rows") }},
		{"task text", func(_ *workspace.Model, info, _ map[string]any) { delete(info, "provenance") }},
	} {
		m := *v
		var info map[string]any
		if err := json.Unmarshal(v.Info, &info); err != nil {
			t.Fatal(err)
		}
		c.drop(&m, info, info["provenance"].(map[string]any))
		if m.Info, err = json.Marshal(info); err != nil {
			t.Fatal(err)
		}
		if missing, err := rowlink.MissingProvenance(&m); err != nil || !slices.Contains(missing, c.want) {
			t.Errorf("without %s: missing %q, %v", c.want, missing, err)
		}
	}
	for job, want := range map[string]bool{"job-7": true, "job-8": false, "": false} {
		if v, err := rowlink.VersionOfJob(d.Workspace, "channel", job); err != nil || (v != nil) != want {
			t.Errorf("version of job %q: %v, %v", job, v, err)
		}
	}
}
