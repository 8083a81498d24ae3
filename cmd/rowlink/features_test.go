package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// The CSV and the Parquet file hold the same keys, labels and features.
func TestFeatures_files(t *testing.T) {
	inShop(t)
	rowlinkOK(t, "features churn.sql --db sqlite:shop.db --split val --out val.csv")
	if err := os.Mkdir("files", 0o755); err != nil {
		t.Fatal(err)
	}
	rowlinkOK(t, "features churn.sql --split val --out files/val.parquet")
	f, err := os.Open("val.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	src, err := ingest.Open(t.Context(), "parquet:files", ingest.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	snap, err := ingest.Take(t.Context(), src, ingest.TakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	table := snap.Tables[0]
	if table.Rows != len(lines)-1 || len(table.Columns) != len(lines[0]) || table.Rows < 100 || len(table.Columns) < 100 {
		t.Fatalf("%d rows of %d columns in Parquet, %d of %d in CSV", table.Rows, len(table.Columns), len(lines)-1, len(lines[0]))
	}
	byKey := map[string][]string{}
	for _, line := range lines[1:] {
		byKey[line[0]+" "+line[1]] = line
	}
	for c, name := range lines[0] {
		if table.Def.Columns[c].Name != name {
			t.Fatalf("column %d is %q in Parquet, %q in CSV", c, table.Def.Columns[c].Name, name)
		}
		if table.Columns[c].Kind != schema.Float {
			continue
		}
		for r := range table.Rows { // in the order of a key that was found
			key := fmt.Sprint(table.Columns[0].Ints[r], " ", time.UnixMicro(table.Columns[1].Ints[r]).UTC().Format(time.DateTime))
			cell := byKey[key][c]
			if table.Columns[c].Null(r) != (cell == "") {
				t.Fatalf("%s, row %d: %q in CSV, NULL in Parquet: %t", name, r, cell, cell != "")
			}
			if cell == "" {
				continue
			}
			if v, err := strconv.ParseFloat(cell, 64); err != nil || v != table.Columns[c].Floats[r] {
				t.Fatalf("%s, row %d: %q in CSV, %v in Parquet", name, r, cell, table.Columns[c].Floats[r])
			}
		}
	}
}
