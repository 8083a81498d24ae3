package main

import (
	"encoding/json"
	"io"
	"path/filepath"

	"github.com/rowlink/rowlink/ingest/parquet"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/workspace"
)

// labelFormats are how a label table is written, by name; a file's name ends in it.
var labelFormats = map[string]func(labelOutput, io.Writer) error{
	"csv": labelOutput.csv, "parquet": labelOutput.parquet, "arrow": labelOutput.arrow, "ndjson": labelOutput.ndjson,
	"json": func(t labelOutput, w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return enc.Encode(t.json())
	},
}

// checkLabelsOut refuses a file that cannot be written in the end.
func checkLabelsOut(path string) error {
	if ext := filepath.Ext(path); ext == "" || labelFormats[ext[1:]] == nil {
		return usage("", "--out %s: want a name that ends in .csv, .parquet, .arrow, .ndjson or .json", path)
	}
	return checkOutFolder(path)
}

// write writes the labels to a file, whole or not at all.
func (t labelOutput) write(path string) error {
	format := labelFormats[filepath.Ext(path)[1:]]
	return workspace.WriteStream(path, func(w io.Writer) error { return format(t, w) })
}

// ndjson writes one example per line, as in the list of --json.
func (t labelOutput) ndjson(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for i := range t.Label {
		if t.keep(i) {
			if err := enc.Encode(t.example(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t labelOutput) parquet(w io.Writer) error {
	out, err := parquet.NewRows(w, t.fields())
	if err != nil {
		return err
	}
	return t.fill(out)
}

func (t labelOutput) arrow(w io.Writer) error { return t.fill(parquet.NewStream(w, t.fields())) }

// numeric reports whether labels are numbers.
func (t labelOutput) numeric() bool {
	return t.Task.Type == tasks.Binary || t.Task.Type == tasks.Regression
}

// fields are the columns of the CSV file with their types: numbers as numbers, classes,
// lists and keys that are no numbers as text.
func (t labelOutput) fields() []parquet.Field {
	fields := parquet.KeyFields(t.entity.Def)
	label := schema.Text
	if t.numeric() {
		label = schema.Float
	}
	return append(fields, parquet.Field{Name: "anchor", Kind: schema.Time}, parquet.Field{Name: "label", Kind: label}, parquet.Field{Name: "split", Kind: schema.Text})
}

func (t labelOutput) fill(out *parquet.Rows) error {
	for i := range t.Label {
		if !t.keep(i) {
			continue
		}
		row := parquet.KeyCells(t.entity, t.Entity[i])
		var y any = t.Text(i)
		if t.numeric() {
			y = t.Label[i]
		}
		if err := out.Add(append(row, t.Anchor[i], y, t.Split[i].String())); err != nil {
			return err
		}
	}
	return out.Close()
}
