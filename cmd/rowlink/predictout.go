package main

import (
	"encoding/json"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/ingest/parquet"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/workspace"
)

// predictionFormats are the files that predictions are written to, by the end of their name.
var predictionFormats = map[string]func(*predictions, io.Writer) error{
	".csv": (*predictions).csv, ".parquet": (*predictions).parquet, ".arrow": (*predictions).arrow, ".ndjson": (*predictions).ndjson,
}

// checkPredictionsOut refuses a file that cannot be written in the end.
func checkPredictionsOut(path string) error {
	if predictionFormats[filepath.Ext(path)] == nil {
		return usage("", "--out %s: want a name that ends in .csv, .parquet, .arrow or .ndjson", path)
	}
	return checkOutFolder(path)
}

// write writes the predictions to a file, whole or not at all.
func (p *predictions) write(path string) error {
	format := predictionFormats[filepath.Ext(path)]
	return workspace.WriteStream(path, func(w io.Writer) error { return format(p, w) })
}

// ndjson writes one object per line, as in the list of --json.
func (p *predictions) ndjson(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false) // edge types hold arrows
	for i := range p.list {
		one := p.one(&p.list[i])
		one.Anchor = instantJSON(p.list[i].Anchor)
		if err := enc.Encode(one); err != nil {
			return err
		}
	}
	return nil
}

func (p *predictions) parquet(w io.Writer) error {
	out, err := parquet.NewRows(w, p.fields())
	if err != nil {
		return err
	}
	return p.fill(out)
}

func (p *predictions) arrow(w io.Writer) error { return p.fill(parquet.NewStream(w, p.fields())) }

// fields are the columns of the CSV file with their types.
func (p *predictions) fields() []parquet.Field {
	fields := parquet.KeyFields(p.entity.Def)
	add := func(name string, kind schema.Kind) { fields = append(fields, parquet.Field{Name: name, Kind: kind}) }
	add("anchor", schema.Time)
	if p.Task.Forecast != nil {
		add("step", schema.Int)
	}
	add("prediction", p.valueKind())
	if p.around != nil {
		add("lower", schema.Float)
		add("upper", schema.Float)
	}
	if p.Task.Type == tasks.Binary {
		add("probability", schema.Float)
	}
	if p.classes() {
		for _, c := range p.Classes {
			add("probability_"+c, schema.Float)
		}
	}
	add("eligible", schema.Bool)
	return fields
}

// classes reports whether each class has a probability of its own.
func (p *predictions) classes() bool {
	return slices.Contains([]string{tasks.Multiclass, tasks.Multilabel}, p.Task.Type)
}

// fill writes the rows, and ends the file.
func (p *predictions) fill(out *parquet.Rows) error {
	for _, one := range p.lines() {
		if err := out.Add(p.cells(one)); err != nil {
			return err
		}
	}
	return out.Close()
}

// cells are the values of a line, in the order of [predictions.fields].
func (p *predictions) cells(one line) []any {
	row := parquet.KeyCells(p.entity, one.Row)
	value := one.value
	if set, ok := value.([]string); ok {
		value = strings.Join(set, "|")
	}
	row = append(row, one.Anchor)
	if one.step > 0 {
		row = append(row, int64(one.step))
	}
	row = append(row, value)
	if lower, upper, ok := p.interval(one); ok {
		row = append(row, lower, upper)
	}
	if one.Probability != nil {
		row = append(row, *one.Probability)
	}
	if p.classes() {
		for _, c := range p.Classes {
			row = append(row, one.Probabilities[c])
		}
	}
	return append(row, one.Eligible)
}

// valueKind is the type of a predicted value.
func (p *predictions) valueKind() schema.Kind {
	switch p.Task.Type {
	case tasks.Binary:
		return schema.Bool
	case tasks.Regression, tasks.Forecasting:
		return schema.Float
	}
	return schema.Text
}
