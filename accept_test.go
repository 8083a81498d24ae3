package rowlink_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rowlink/rowlink"
	_ "github.com/rowlink/rowlink/ingest/csvdir"
)

// Links that a database does not declare are proposed, used only when accepted, and then
// stand in the mapping file; a file that the user has edited is left alone.
func TestAcceptLinks(t *testing.T) {
	dir, workspace := t.TempDir(), filepath.Join(t.TempDir(), "ws")
	for name, text := range map[string]string{
		"customers.csv": "customer_id,name\n1,Ann\n2,Bob\n3,Cy\n",
		"schema.sql":    "CREATE TABLE customers (customer_id int PRIMARY KEY, name text); CREATE TABLE orders (order_id int PRIMARY KEY, customer_id int, placed_at date);",
		"orders.csv":    "order_id,customer_id,placed_at\n10,1,2024-01-01\n11,3,2024-01-02\n12,1,2024-01-03\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	open := func(accept bool) (*rowlink.Database, error) {
		return rowlink.Open(t.Context(), rowlink.Options{URL: "csv:" + dir, Workspace: workspace, AcceptLinks: accept})
	}
	links := func(d *rowlink.Database) int { return len(d.Snap.Schema.Tables[d.Snap.Schema.Table("orders")].Links) }
	d, err := open(false)
	if err != nil {
		t.Fatal(err)
	}
	before := links(d)
	open1 := len(d.Snap.Propose())
	d.Close()
	if d, err = open(true); err != nil {
		t.Fatal(err)
	}
	after := links(d)
	d.Close()
	if before != 0 || open1 == 0 || after != 1 {
		t.Fatalf("%d links before, %d proposals, %d links after; want 0, some, 1", before, open1, after)
	}
	if d, err = open(true); err != nil { // nothing is left to accept
		t.Fatal(err)
	}
	if n := links(d); n != 1 || len(d.Snap.Propose()) != 0 {
		t.Errorf("again: %d links, %d proposals; want 1 and none", n, len(d.Snap.Propose()))
	}
	d.Close()
	path := filepath.Join(workspace, "mapping.yaml")
	if err := os.WriteFile(path, []byte("version: 1\ntables:\n  orders:\n    links: none\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err = open(true); err == nil || !strings.Contains(err.Error(), "edited") {
		t.Errorf("error %v, want one that leaves the edited file alone", err)
	}
}
