package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/tasks"
)

// likelihood is the probability beside a prediction: of the positive class, or of the
// predicted one. ok is false where the task has none.
func likelihood(p *predict.Prediction) (v float64, ok bool) {
	switch {
	case p.Probability != nil:
		return *p.Probability, true
	case p.Probabilities != nil:
		class, one := p.Value.(string)
		return p.Probabilities[class], one
	}
	return 0, false
}

// text prints the predictions as a table, the reasons of each below it.
func (p *predictions) text(w io.Writer) error {
	if len(p.list) == 0 {
		return nil
	}
	entity := strings.Join(p.entity.Def.Names(p.entity.Def.Key), ",")
	withProbability := !tasks.Quantity(p.Task.Type) && p.Task.Type != tasks.Multilabel
	header := entity + "\tanchor\tprediction\tprobability\teligible"
	if !withProbability {
		header = entity + "\tanchor\tprediction\teligible"
	}
	if p.around != nil {
		header = strings.Replace(header, "prediction", "prediction\tlower\tupper", 1)
	}
	if p.Task.Forecast != nil {
		header = strings.Replace(header, "prediction", "step\tprediction", 1)
	}
	rows, lines := []string{header}, p.ranked()
	for _, one := range lines {
		row := fmt.Sprintf("%s\t%s", p.entity.KeyText(one.Row), instant(one.Anchor))
		if one.step > 0 {
			row += fmt.Sprintf("\t%d", one.step)
		}
		row += "\t" + valueText(one.value)
		if lower, upper, ok := p.interval(one); ok {
			row += fmt.Sprintf("\t%s\t%s", valueText(lower), valueText(upper))
		}
		if v, ok := likelihood(one.Prediction); one.share != nil {
			row += fmt.Sprintf("\t%.4f", *one.share)
		} else if ok {
			row += fmt.Sprintf("\t%.4f", v)
		}
		rows = append(rows, fmt.Sprintf("%s\t%t", row, one.Eligible))
	}
	var aligned bytes.Buffer
	if err := table(&aligned, rows...); err != nil {
		return err
	}
	i := -1 // the header comes first
	for line := range strings.Lines(aligned.String()) {
		if _, err := io.WriteString(w, line); err != nil {
			return err
		}
		if i >= 0 && lines[i].last {
			for _, r := range lines[i].Reasons {
				fmt.Fprintln(w, "    "+reasonLine(r))
			}
			if p.explained && len(lines[i].Reasons) == 0 {
				fmt.Fprintln(w, "    no linked row is visible at the anchor")
			}
		}
		i++
	}
	return nil
}

// interval is the interval around the value of a line; ok is false where none is asked for.
func (p *predictions) interval(l line) (lower, upper float64, ok bool) {
	v, isValue := l.value.(float64)
	if p.around == nil || !isValue {
		return 0, 0, false
	}
	lower, upper = p.around(l.step, v)
	return lower, upper, true
}

// valueText prints a predicted value for people.
func valueText(v any) string {
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'g', 6, 64)
	}
	if set, ok := v.([]string); ok {
		return strings.Join(set, "|")
	}
	return fmt.Sprint(v)
}

// reasonLine says which rows, or which feature of them, moved a prediction, from where, and
// how far.
func reasonLine(r predict.Reason) string {
	if r.Column != "" {
		value := "none"
		if r.Value != nil {
			value = strconv.FormatFloat(*r.Value, 'g', 4, 64)
		}
		return fmt.Sprintf("%s = %s: %+.4f", r.Column, value, r.Effect)
	}
	out := r.Table
	if r.Key != "" {
		out += " " + r.Key
	}
	if r.Time != 0 {
		out += " of " + instant(r.Time)
	}
	out += " via " + edgeName(r.Path)
	if r.Rows != 1 {
		out += fmt.Sprintf(", %d rows", r.Rows)
	}
	return fmt.Sprintf("%s: %+.4f", out, r.Effect)
}

// edgeName takes the edge type out of "orders -f2p_customer_id-> customers".
func edgeName(path string) string {
	_, name, ok := strings.Cut(path, " -")
	if name, _, end := strings.Cut(name, "-> "); ok && end {
		return name
	}
	return path
}

// csv prints key columns, anchor, of a forecast the step, prediction, interval, probabilities, eligible.
func (p *predictions) csv(w io.Writer) error {
	out := csv.NewWriter(w)
	header := append(p.entity.Def.Names(p.entity.Def.Key), "anchor")
	if p.Task.Forecast != nil {
		header = append(header, "step")
	}
	header = append(header, "prediction")
	if p.around != nil {
		header = append(header, "lower", "upper")
	}
	switch p.Task.Type {
	case tasks.Binary:
		header = append(header, "probability")
	case tasks.Multiclass, tasks.Multilabel:
		for _, c := range p.Classes {
			header = append(header, "probability_"+c)
		}
	}
	if err := out.Write(append(header, "eligible")); err != nil {
		return err
	}
	for _, one := range p.lines() {
		row := keyCells(p.entity, one.Row)
		row = append(row, time.UnixMicro(one.Anchor).UTC().Format(time.DateTime))
		if one.step > 0 {
			row = append(row, strconv.Itoa(one.step))
		}
		row = append(row, exactText(one.value))
		if lower, upper, ok := p.interval(one); ok {
			row = append(row, exactText(lower), exactText(upper))
		}
		if one.Probability != nil {
			row = append(row, exactText(*one.Probability))
		}
		if one.Probabilities != nil {
			for _, c := range p.Classes {
				row = append(row, exactText(one.Probabilities[c]))
			}
		}
		if err := out.Write(append(row, strconv.FormatBool(one.Eligible))); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// exactText prints a value so that it reads back the same.
func exactText(v any) string {
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return valueText(v)
}

// predictDocument is what predict prints with --json. With --out the predictions are in
// the file.
type predictDocument struct {
	Task        string          `json:"task"`
	Type        string          `json:"type"`
	Entity      string          `json:"entity_table"`
	Key         []string        `json:"key"`
	Version     int             `json:"version,omitempty"`
	Alias       string          `json:"alias,omitempty"`
	Served      string          `json:"served"`
	Snapshot    string          `json:"snapshot"`
	Anchor      string          `json:"anchor"` // the end of the data where each row has its own
	DataUntil   string          `json:"data_until"`
	Regime      string          `json:"regime"`
	Warnings    []string        `json:"warnings,omitempty"`
	Fitted      *fittedJSON     `json:"fitted,omitempty"` // of query: what was fitted and how it did
	Out         string          `json:"out,omitempty"`
	Answered    int             `json:"answered"`
	Predictions []predictedJSON `json:"predictions"`
	Errors      []*keyFault     `json:"errors"`
}

type predictedJSON struct {
	Entity        any                `json:"entity"`
	Anchor        string             `json:"anchor,omitempty"` // where rows are asked about at their own times
	Prediction    any                `json:"prediction"`
	Lower         *float64           `json:"lower,omitempty"`
	Upper         *float64           `json:"upper,omitempty"`
	LowerByStep   []float64          `json:"lower_by_step,omitempty"` // of a forecast
	UpperByStep   []float64          `json:"upper_by_step,omitempty"`
	Probability   *float64           `json:"probability,omitempty"`
	Probabilities map[string]float64 `json:"probabilities,omitempty"`
	Eligible      bool               `json:"eligible"`
	Explanation   []reasonJSON       `json:"explanation,omitempty"`
}

type reasonJSON struct {
	Table  string   `json:"table"`
	Path   string   `json:"path,omitempty"`
	Rows   int      `json:"rows,omitempty"`
	Key    string   `json:"key,omitempty"`
	Time   string   `json:"time,omitempty"`
	Column string   `json:"column,omitempty"`
	Value  *float64 `json:"value,omitempty"`
	Effect float64  `json:"effect"`
}

// document collects what is printed with --json; out names the file that holds the
// predictions, if any.
func (p *predictions) document(out string) any {
	def := p.entity.Def
	d := predictDocument{Task: p.from.task, Type: p.Task.Type, Entity: def.Name, Key: def.Names(def.Key), Version: p.from.version,
		Alias: p.from.alias, Served: p.from.served, Snapshot: p.Snap.ID, Anchor: instantJSON(p.anchor), DataUntil: instantJSON(p.DataUntil), Regime: tasks.Rolling.String(),
		Warnings: p.warnings, Fitted: p.fitted, Out: out, Answered: len(p.list), Predictions: []predictedJSON{}, Errors: append([]*keyFault{}, p.faults...)}
	for i := range p.list {
		if out != "" {
			break
		}
		d.Predictions = append(d.Predictions, p.one(&p.list[i]))
	}
	return d
}

func (p *predictions) one(q *predict.Prediction) predictedJSON {
	j := predictedJSON{Entity: keyJSON(p.entity, q.Row), Prediction: q.Value, Probability: q.Probability, Probabilities: q.Probabilities, Eligible: q.Eligible}
	if p.own {
		j.Anchor = instantJSON(q.Anchor)
	}
	switch lower, upper := bounds(p.around, q); {
	case p.Task.Forecast != nil:
		j.LowerByStep, j.UpperByStep = lower, upper
	case lower != nil:
		j.Lower, j.Upper = &lower[0], &upper[0]
	}
	for _, r := range q.Reasons {
		one := reasonJSON{Table: r.Table, Path: r.Path, Rows: r.Rows, Key: r.Key, Column: r.Column, Value: r.Value, Effect: r.Effect}
		if r.Time != 0 {
			one.Time = instantJSON(r.Time)
		}
		j.Explanation = append(j.Explanation, one)
	}
	return j
}

// instantJSON prints microseconds UTC.
func instantJSON(micros int64) string { return time.UnixMicro(micros).UTC().Format(time.RFC3339Nano) }
