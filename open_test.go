package rowlink_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/internal/shop"
)

// The workspace's mapping wins over what is inferred, and its snapshot is used until
// another database or a fresh one is asked for.
func TestOpen_workspace(t *testing.T) {
	path, folder := smallShop(t), t.TempDir()
	foresee(t, path, shop.ValAnchor)
	var notes []string
	o := rowlink.Options{URL: "sqlite:" + path, Workspace: folder, OnNote: func(format string, _ ...any) { notes = append(notes, format) }}
	first := open(t, o)
	if first.Reused || len(notes) != 1 {
		t.Errorf("reused %t, notes %q, want one about the mapping", first.Reused, notes)
	}
	mapping := filepath.Join(folder, "mapping.yaml")
	text, err := os.ReadFile(mapping)
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(string(text), "region: categorical", "region: ignore", 1)
	if edited == string(text) {
		t.Fatal("the mapping does not say what region is")
	}
	if err := os.WriteFile(mapping, []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
	sem := func(d *rowlink.Database) string {
		c := d.Snap.Schema.Tables[d.Snap.Schema.Table("customers")]
		return string(c.Columns[c.Column("region")].Sem)
	}
	again := open(t, rowlink.Options{Workspace: folder}) // the workspace knows its database
	if !again.Reused || again.Snap.ID != first.Snap.ID || again.Source != first.Source || sem(first) != "categorical" || sem(again) != "ignore" {
		t.Errorf("reused %t, %s of %s, region is %s", again.Reused, again.Snap.ID, again.Source, sem(again))
	}
	alter(t, path, shop.ValAnchor)
	if same := open(t, o); !same.Reused || same.Snap.ID != first.Snap.ID {
		t.Error("a database that changed gives another snapshot unasked")
	}
	o.Fresh = true
	if fresh := open(t, o); fresh.Reused || fresh.Snap.ID == first.Snap.ID || sem(fresh) != "ignore" {
		t.Errorf("reused %t, snapshot %s, region is %s, want a new snapshot under the old mapping", fresh.Reused, fresh.Snap.ID, sem(fresh))
	}
	o.Fresh = false
	_, other := writeShop(t, shop.Options{Customers: 20, Seed: 2})
	o.URL, notes = "sqlite:"+other, nil
	if d := open(t, o); d.Reused || !strings.Contains(strings.Join(notes, " "), "the workspace's snapshot is of") {
		t.Errorf("reused %t, notes %q for another database", d.Reused, notes)
	}
}

func TestOpen_errors(t *testing.T) {
	for _, c := range []struct {
		opt  rowlink.Options
		want string
	}{
		{rowlink.Options{}, "no database"}, {rowlink.Options{Workspace: t.TempDir()}, "no database"},
		{rowlink.Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "none.db")}, "no file"}, {rowlink.Options{URL: "oracle:x"}, "sqlite"},
	} {
		if d, err := rowlink.Open(t.Context(), c.opt); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("open %+v: error %v, want one with %q", c.opt, err, c.want)
			if err == nil {
				d.Close()
			}
		}
	}
}

// A password never shows, whatever is wrong with the URL around it.
func TestRedact(t *testing.T) {
	for url, want := range map[string]string{
		"sqlite:/data/shop.db":                                 "sqlite:/data/shop.db",
		"postgres://me@db.example/shop":                        "postgres://me@db.example/shop",
		"postgres://me:s3cret@db.example:5432/shop":            "postgres://me@db.example:5432/shop",
		"postgres://me@db.example/shop?password=s3cret":        "postgres://me@db.example/shop",
		"postgresql://db.example/shop?user=me&password=s3cret": "postgresql://db.example/shop",
		"postgres://me:s3cret%zz@db.example/shop":              "postgres://...",
		"postgres://me:s3cr et@db.example/shop":                "postgres://...",
		"postgres://me:s3cret@[::1/shop":                       "postgres://...",
	} {
		if got := rowlink.Redact(url, nil); got != want || strings.Contains(got, "s3cr") {
			t.Errorf("%q is named %q, want %q", url, got, want)
		}
	}
	if got := rowlink.Redact("postgres://me@db/shop", []string{"a", "b"}); got != "postgres://me@db/shop schema a, b" {
		t.Errorf("with schemas it is named %q", got)
	}
}

func TestDatabase_task(t *testing.T) {
	d := open(t, rowlink.Options{URL: "sqlite:" + smallShop(t)})
	task, err := d.Task(shop.Churn)
	if err != nil || task.Name != "churn" || task.Options.TestAnchor != shop.TestAnchor.UnixMicro() {
		t.Errorf("task %+v, error %v", task, err)
	}
	if _, err := d.Task(`PREDICT COUNT(ordres.*, 0, 30, days) = 0 FOR EACH customers`); err == nil || !strings.Contains(err.Error(), "ordres") {
		t.Errorf("error %v, want one of the table that does not exist", err)
	}
	if _, err := d.Fit(t.Context(), "PREDICT", rowlink.FitOptions{}); err == nil {
		t.Error("half a task can be fitted")
	}
}
