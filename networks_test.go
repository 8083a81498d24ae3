package rowlink_test

import (
	"strings"
	"testing"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/internal/shop"
	"github.com/rowlink/rowlink/tasks"
)

// Networks of the layer scan stand beside the others: scored, refitted, stored and read
// back as a predictor of their own; without any, none can be served.
func TestFit_scan(t *testing.T) {
	d := open(t, rowlink.Options{URL: "sqlite:" + smallShop(t), Workspace: t.TempDir()})
	opt := rowlink.FitOptions{Train: quick(), Scan: 2, Model: rowlink.Scan, Refit: true}
	f, err := d.Fit(t.Context(), shop.Channel, opt)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Scans) != 2 || len(f.Report.Members) != 2 || f.Report.Served != rowlink.Scan || f.Report.Refit == nil {
		t.Fatalf("%d networks of the layer scan, %d scored alone, %q served, refit %v", len(f.Scans), len(f.Report.Members), f.Report.Served, f.Report.Refit)
	}
	if _, err := f.Save(d.Workspace); err != nil {
		t.Fatal(err)
	}
	l, err := d.Load(t.Context(), f.Task.Name, "", "")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := l.ScorerOf(t.Context(), rowlink.Scan)
	if err != nil {
		t.Fatal(err)
	}
	got, err := rowlink.Evaluate(t.Context(), plain, f.Labels, l.Scaling, tasks.Test)
	if err != nil {
		t.Fatal(err)
	}
	if m := f.Report.Metric; got[m] != f.Report.Refit.Test[m] {
		t.Errorf("read back it has %s %v, the report says %v", m, got[m], f.Report.Refit.Test[m])
	}
	opt.Scan = 0
	if _, err := d.Fit(t.Context(), shop.Channel, opt); err == nil || !strings.Contains(err.Error(), "--scan 1") {
		t.Errorf("serving what is not trained gives %v", err)
	}
}
