package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rowlink/rowlink/server/oip"
)

// answer writes the parts of a request as tensors.
func (q *oipQuestions) answer(task *TaskInfo, req *oip.Request, parts []*predictAnswer) (*oip.Answer, error) {
	rows := make([]*predictionRow, len(q.entities))
	first := (*predictionFail)(nil)
	for _, p := range parts {
		for i := range p.Predictions {
			rows[p.Predictions[i].Index] = &p.Predictions[i]
			if p.Predictions[i].Anchor.IsZero() {
				p.Predictions[i].Anchor = p.Anchor
			}
		}
		for i := range p.Errors {
			if f := &p.Errors[i]; first == nil || f.Index < first.Index {
				first = f
			}
		}
		if p.Model != parts[0].Model {
			return nil, unavailable("swapped", "the version in service changed between two anchors of the request", time.Second)
		}
	}
	if first != nil {
		status := http.StatusUnprocessableEntity
		if first.Code == codeNotFinite {
			status = http.StatusInternalServerError
		}
		return nil, newProblem(status, fault{Code: first.Code, Detail: fmt.Sprintf("entity %d: %s: %s", first.Index, first.Code, first.Detail)})
	}
	a := &oip.Answer{Model: task.Name, Version: parts[0].Model.Version, ID: req.ID, Parameters: map[string]any{
		"data_until": parts[0].DataUntil.Format(time.RFC3339Nano), "regime": parts[0].Regime}}
	have := map[string]bool{}
	var names []string
	for _, o := range oipResults {
		r := o.make(task, rows, q)
		if r == nil {
			continue
		}
		r.Name, r.Binary = o.name, req.Binary
		have[o.name], names = true, append(names, o.name)
		if req.Outputs != nil {
			at := slices.IndexFunc(req.Outputs, func(x oip.Output) bool { return x.Name == o.name })
			if at < 0 {
				continue
			}
			r.Binary = req.Outputs[at].Binary
		}
		a.Outputs = append(a.Outputs, *r)
	}
	for _, o := range req.Outputs {
		if !have[o.Name] {
			return nil, oipWrong("unknown output %q, this request has %s", o.Name, strings.Join(names, ", "))
		}
	}
	return a, nil
}

// oipResult makes one output of the rows; nil where the task has none.
type oipResult struct {
	name string
	make func(task *TaskInfo, rows []*predictionRow, q *oipQuestions) *oip.Result
}

var oipResults = []oipResult{
	{"prediction", oipPrediction},
	{"probability", func(_ *TaskInfo, rows []*predictionRow, _ *oipQuestions) *oip.Result {
		return oipFloats(rows, func(r *predictionRow) *float64 { return r.Probability })
	}},
	{"probabilities", oipProbabilities},
	{"lower", func(_ *TaskInfo, rows []*predictionRow, _ *oipQuestions) *oip.Result {
		if steps := oipSteps(rows, func(r *predictionRow) []float64 { return r.LowerByStep }); steps != nil {
			return steps
		}
		return oipFloats(rows, func(r *predictionRow) *float64 { return r.Lower })
	}},
	{"upper", func(_ *TaskInfo, rows []*predictionRow, _ *oipQuestions) *oip.Result {
		if steps := oipSteps(rows, func(r *predictionRow) []float64 { return r.UpperByStep }); steps != nil {
			return steps
		}
		return oipFloats(rows, func(r *predictionRow) *float64 { return r.Upper })
	}},
	{"items", func(_ *TaskInfo, rows []*predictionRow, q *oipQuestions) *oip.Result {
		if rows[0].Items == nil {
			return nil
		}
		return oipTexts(rows, func(r *predictionRow) any {
			items := *r.Items
			if q.topK > 0 {
				items = items[:min(q.topK, len(items))]
			}
			return items
		})
	}},
	{"explanation", func(_ *TaskInfo, rows []*predictionRow, q *oipQuestions) *oip.Result {
		if q.explain == 0 {
			return nil
		}
		return oipTexts(rows, func(r *predictionRow) any { return r.Explanation })
	}},
	{"eligible", func(_ *TaskInfo, rows []*predictionRow, _ *oipQuestions) *oip.Result {
		out := make([]bool, len(rows))
		for i, r := range rows {
			out[i] = r.Eligible
		}
		return &oip.Result{Datatype: "BOOL", Shape: []int64{int64(len(rows))}, Data: out}
	}},
	{"anchor", func(_ *TaskInfo, rows []*predictionRow, _ *oipQuestions) *oip.Result {
		out := make([]string, len(rows))
		for i, r := range rows {
			out[i] = r.Anchor.Format(time.RFC3339Nano)
		}
		return &oip.Result{Datatype: "BYTES", Shape: []int64{int64(len(rows))}, Data: out}
	}},
}

// oipPrediction is of the values' own type; a set of classes and the first item of a
// ranking are JSON.
func oipPrediction(_ *TaskInfo, rows []*predictionRow, _ *oipQuestions) *oip.Result {
	shape := []int64{int64(len(rows))}
	switch rows[0].Prediction.(type) {
	case bool:
		return &oip.Result{Datatype: "BOOL", Shape: shape, Data: oipEach[bool](rows)}
	case float64:
		return &oip.Result{Datatype: "FP64", Shape: shape, Data: oipEach[float64](rows)}
	case int64:
		return &oip.Result{Datatype: "INT64", Shape: shape, Data: oipEach[int64](rows)}
	case string:
		return &oip.Result{Datatype: "BYTES", Shape: shape, Data: oipEach[string](rows)}
	case []float64:
		return oipSteps(rows, func(r *predictionRow) []float64 { return r.Prediction.([]float64) })
	}
	return oipTexts(rows, func(r *predictionRow) any { return r.Prediction })
}

func oipEach[T any](rows []*predictionRow) []T {
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i], _ = r.Prediction.(T)
	}
	return out
}

// oipSteps is a tensor of entities x timeframes; nil where a row has none.
func oipSteps(rows []*predictionRow, values func(*predictionRow) []float64) *oip.Result {
	var out []float64
	for _, r := range rows {
		v := values(r)
		if v == nil {
			return nil
		}
		out = append(out, v...)
	}
	return &oip.Result{Datatype: "FP64", Shape: []int64{int64(len(rows)), int64(len(out) / len(rows))}, Data: out}
}

func oipFloats(rows []*predictionRow, value func(*predictionRow) *float64) *oip.Result {
	out := make([]float64, len(rows))
	for i, r := range rows {
		v := value(r)
		if v == nil {
			return nil
		}
		out[i] = *v
	}
	return &oip.Result{Datatype: "FP64", Shape: []int64{int64(len(rows))}, Data: out}
}

// oipTexts writes what has no tensor as JSON texts.
func oipTexts(rows []*predictionRow, value func(*predictionRow) any) *oip.Result {
	out := make([]string, len(rows))
	for i, r := range rows {
		text, err := json.Marshal(value(r))
		if err != nil {
			return nil
		}
		out[i] = string(text)
	}
	return &oip.Result{Datatype: "BYTES", Shape: []int64{int64(len(rows))}, Data: out}
}

// oipProbabilities is entities x classes; the parameter classes names the columns as JSON.
func oipProbabilities(_ *TaskInfo, rows []*predictionRow, _ *oipQuestions) *oip.Result {
	if rows[0].Probabilities == nil {
		return nil
	}
	classes := slices.Sorted(maps.Keys(rows[0].Probabilities))
	out := make([]float64, 0, len(rows)*len(classes))
	for _, r := range rows {
		for _, c := range classes {
			out = append(out, r.Probabilities[c])
		}
	}
	names, err := json.Marshal(classes)
	if err != nil {
		return nil
	}
	return &oip.Result{Datatype: "FP64", Shape: []int64{int64(len(rows)), int64(len(classes))}, Data: out, Parameters: map[string]any{"classes": string(names)}}
}

// oipInputs describes the inputs of a task.
func oipInputs(task *TaskInfo) []oip.TensorMetadata {
	var out []oip.TensorMetadata
	for i, name := range task.Key {
		if len(task.Key) == 1 {
			name = "entity"
		}
		datatype := "BYTES"
		if i < len(task.KeyTypes) {
			datatype = map[string]string{"int": "INT64", "float": "FP64", "bool": "BOOL"}[task.KeyTypes[i]]
		}
		if datatype == "" {
			datatype = "BYTES"
		}
		out = append(out, oip.TensorMetadata{Name: name, Datatype: datatype, Shape: []int64{-1}})
	}
	return append(out, oip.TensorMetadata{Name: "anchor", Datatype: "BYTES", Shape: []int64{-1}})
}

// oipOutputs describes what a task answers unless a request asks for more.
func oipOutputs(task *TaskInfo) []oip.TensorMetadata {
	line := []int64{-1}
	out := []oip.TensorMetadata{{Name: "prediction", Datatype: "BYTES", Shape: line}}
	switch task.Type {
	case "binary_classification":
		out[0].Datatype = "BOOL"
		out = append(out, oip.TensorMetadata{Name: "probability", Datatype: "FP64", Shape: line})
	case "multiclass_classification", "multilabel_classification":
		out = append(out, oip.TensorMetadata{Name: "probabilities", Datatype: "FP64", Shape: []int64{-1, -1}})
	case "link_prediction":
		out = append(out, oip.TensorMetadata{Name: "items", Datatype: "BYTES", Shape: line})
	case "forecasting":
		out[0].Datatype, out[0].Shape = "FP64", []int64{-1, -1}
	default:
		out[0].Datatype = "FP64"
	}
	return append(out, oip.TensorMetadata{Name: "eligible", Datatype: "BOOL", Shape: line}, oip.TensorMetadata{Name: "anchor", Datatype: "BYTES", Shape: line})
}
