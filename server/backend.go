package server

import (
	"context"
	"encoding/json"
	"math"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Backend is what the server needs of rowlink. Its methods are called concurrently and
// should end soon after their context does. Errors of the types [NotFound], [Invalid]
// and [Unavailable] are shown to the client; any other is logged, and the client sees a
// fixed sentence.
type Backend interface {
	// Tasks returns the stored tasks in the order to show.
	Tasks(ctx context.Context) ([]TaskInfo, error)
	// Models returns the stored versions of all tasks in the order to show.
	Models(ctx context.Context) ([]ModelInfo, error)
	// Predict scores entities of one task with one version.
	Predict(ctx context.Context, req PredictRequest) (*PredictAnswer, error)
}

// TaskInfo describes a task.
type TaskInfo struct {
	Name        string            `json:"name"`
	Type        string            `json:"type" doc:"binary_classification, regression, forecasting, multiclass_classification, multilabel_classification, link_prediction"`
	Entity      string            `json:"entity" doc:"table whose rows are predicted"`
	Key         []string          `json:"key" nullable:"false" doc:"key columns of that table"`
	KeyTypes    []string          `json:"key_types" nullable:"false" doc:"of each key column: bool, int, float, text or time"`
	ExampleKeys []json.RawMessage `json:"example_keys,omitempty" nullable:"false" doc:"keys to try"`
	Text        string            `json:"text" doc:"the statement"`
	Reading     string            `json:"reading,omitempty" doc:"the statement in words"`
	Metric      string            `json:"metric,omitempty" doc:"what validation maximises or minimises"`
	Warnings    []string          `json:"warnings,omitempty" nullable:"false"`
	Serving     string            `json:"serving,omitempty" doc:"version that answers by default; absent without a model"`
}

// ModelInfo describes one stored version.
type ModelInfo struct {
	Task      string    `json:"task"`
	Version   string    `json:"version"`
	Aliases   []string  `json:"aliases" nullable:"false" doc:"names that point at this version"`
	Model     string    `json:"model" doc:"what kind of model it is"`
	Created   time.Time `json:"created"`
	Snapshot  string    `json:"snapshot,omitempty" doc:"id of the data it learnt from"`
	DataUntil time.Time `json:"data_until,omitzero" doc:"latest row time of the data it answers from"`
	Regime    string    `json:"regime,omitempty" doc:"evaluation regime of the test scores"`
	Serving   bool      `json:"serving" doc:"it is loaded and answers"`
	Metrics   Scores    `json:"metrics" doc:"by split, then by metric"`
	// Baselines holds the scores of each baseline by its name: a model is never shown alone.
	Baselines map[string]Scores `json:"baselines,omitempty" doc:"by baseline, then by split, then by metric"`
}

// Scores holds metric values by split, then by metric.
type Scores map[string]map[string]Number

// Number is a float64 that becomes null in JSON when it is not finite.
type Number float64

// MarshalJSON writes the number, or null for NaN and infinities.
func (n Number) MarshalJSON() ([]byte, error) {
	if !finite(float64(n)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// Schema describes the number in the OpenAPI document.
func (Number) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeNumber, Format: "double", Nullable: true}
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// PredictRequest asks for predictions.
type PredictRequest struct {
	Task    string
	Version string // a version number; empty = Alias decides
	Alias   string // empty, with an empty Version = the version in service
	// Entities holds the keys as JSON: a number, text or boolean, or an array of those for
	// a composite key. Numbers are as the client wrote them, so 64-bit integers are exact.
	// It may be empty when every key of the request was unreadable.
	Entities   []json.RawMessage
	Anchor     time.Time // microsecond resolution; zero = the default anchor of the data
	ExplainTop int       // explanation items wanted per entity; 0 = no explanation
	// Interval is the share of values that Lower and Upper are to hold; 0 = no interval. A
	// version without intervals answers [Invalid].
	Interval float64
}

// PredictAnswer holds exactly one Prediction or RowError for each entity of the request.
type PredictAnswer struct {
	Type        string    // task type
	Version     string    // the version that answered, whole
	Alias       string    // by which it was found; may be empty
	Anchor      time.Time // zero = each prediction has its own
	DataUntil   time.Time // how fresh the data is
	Regime      string    // always rolling in service
	Predictions []Prediction
	Errors      []RowError
}

// Prediction is the answer for one entity.
type Prediction struct {
	Index int // position in PredictRequest.Entities
	// Value is a bool, string, int, int64 or finite float64, for a multilabel task []string, for a
	// forecast []float64, one per timeframe,
	// for a ranking the key of the first item as JSON. A value, score or probability that is not finite makes the row an
	// error, it is never sent.
	Value         any
	Lower, Upper  []float64          // of the interval that was asked for, as many as values; nil = none was
	Probability   *float64           // of the positive class; nil = not a probability task
	Probabilities map[string]float64 // by class; nil = not a multiclass task
	Items         []RankedItem       // best first; nil = not a ranking
	Anchor        time.Time          // where PredictAnswer has none: the moment of the entity itself
	Eligible      bool               // the task's WHERE holds at the anchor
	Reason        string             // why not eligible
	Explanation   *Explanation
}

// RankedItem is one row of a ranking.
type RankedItem struct {
	Rank  int             `json:"rank" minimum:"1"`
	Item  json.RawMessage `json:"item" doc:"key of the row: a key, or an array with one value per key column"`
	Score float64         `json:"score" doc:"orders the items of this list; it says nothing beyond it"`
}

// Explanation says what moved a prediction: linked rows, and features of them. Items may
// overlap (all orders, one of them, and how many there were), so their effects do not add up.
type Explanation struct {
	Method string            `json:"method" doc:"how effects were found: occlusion of rows, attribution to features (Shapley values of trees, terms of linear models), both, or none"`
	Score  float64           `json:"score" doc:"the number explained: the value, or the probability of the positive or predicted class; without an item it is score minus effect"`
	Note   string            `json:"note,omitempty" doc:"why there is none"`
	Items  []ExplanationItem `json:"items" nullable:"false" doc:"largest effect first"`
}

// ExplanationItem is the effect of some rows of one table, or of a feature of them.
type ExplanationItem struct {
	Table  string    `json:"table"`
	Rows   int       `json:"rows,omitempty" doc:"absent of a feature"`
	Path   string    `json:"path,omitempty" doc:"links from the entity to the table; absent of a feature"`
	Column string    `json:"column,omitempty" doc:"of a feature: what it tells, in words"`
	Value  *float64  `json:"value,omitempty" doc:"of a feature, where it has one"`
	Key    string    `json:"key,omitempty" doc:"of a single row"`
	Time   time.Time `json:"time,omitzero" doc:"of a single row"`
	Effect float64   `json:"effect" doc:"change of the score that the item brings"`
}

func (e *Explanation) finite() bool {
	ok := finite(e.Score)
	for _, item := range e.Items {
		ok = ok && finite(item.Effect) && (item.Value == nil || finite(*item.Value))
	}
	return ok
}

// Codes of a row that cannot be predicted.
const (
	CodeKeyType    = "TK400" // the key cannot be read as its type
	CodeUnknownKey = "TK404" // no row has the key
	CodeNotYet     = "TK409" // the row is not yet visible at the anchor
	codeNotFinite  = "TK500" // the model gave no finite number: a fault of the model
)

// RowError says why one entity has no prediction. The others are not affected.
type RowError struct {
	Index  int    // position in PredictRequest.Entities
	Code   string // CodeKeyType, CodeUnknownKey or CodeNotYet
	Detail string
}

// NotFound answers 404: there is no such task, version or alias.
type NotFound struct{ Detail, Hint string }

func (e NotFound) Error() string { return e.Detail }

// Invalid answers 422: the request is well formed and cannot be meant. Several can be
// joined with [errors.Join].
type Invalid struct {
	Code    string // such as TK192
	Detail  string // what was found and what was wanted
	Hint    string // what to write instead; may be empty
	Pointer string // JSON pointer into the body (RFC 6901); may be empty
	// Line and Column, from 1, are of the text that Pointer names; 0 = of none.
	Line, Column int
	Length       int // of what is wrong, in characters; 0 = unknown
}

func (e Invalid) Error() string { return e.Detail }

// Conflict answers 409: what is there already stands against it.
type Conflict struct{ Code, Detail, Hint string }

func (e Conflict) Error() string { return e.Detail }

// Unavailable answers 503: the same request may succeed later.
type Unavailable struct {
	Detail     string
	RetryAfter time.Duration // 0 means 1 s
}

func (e Unavailable) Error() string { return e.Detail }
