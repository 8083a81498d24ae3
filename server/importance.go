package server

import (
	"context"
	"net/http"
	"time"
)

// Measurer is a [Backend] that keeps what a version needs of the data.
type Measurer interface {
	// Importance returns what was measured last of a version, or [NotFound].
	Importance(ctx context.Context, task, version string) (*ImportanceAnswer, error)
}

// ImportanceAnswer says by how much a version's validation metric is worse when values, or the
// rows over a link, are those of other rows.
type ImportanceAnswer struct {
	Task     string           `json:"task"`
	Version  string           `json:"version"`
	Snapshot string           `json:"snapshot" doc:"the data on which it was measured"`
	Served   string           `json:"served" doc:"the predictor that answers"`
	Metric   string           `json:"metric"`
	Score    Number           `json:"score" doc:"of the metric, with everything as it is"`
	Examples int              `json:"examples" doc:"of validation"`
	Draws    int              `json:"draws" doc:"the loss is a mean over so many"`
	Items    []ImportanceItem `json:"items" nullable:"false" doc:"the most important first"`
}

// ImportanceItem is a column, a link, or a table with all its columns and links.
type ImportanceItem struct {
	Kind   string `json:"kind" enum:"column,link,table"`
	Table  string `json:"table"`
	Name   string `json:"name,omitempty" doc:"of the column or link"`
	Loss   Number `json:"loss" doc:"by which the metric is worse without; below 0 it is better"`
	Spread Number `json:"spread" doc:"standard deviation over the draws"`
}

type versionInput struct {
	Task    string `path:"task" doc:"name of the task"`
	Version string `path:"version" doc:"version number or alias"`
}

// importanceTime bounds the reading of what is stored.
const importanceTime = 5 * time.Second

func (a api) addImportance() {
	m, ok := a.s.opt.Backend.(Measurer)
	if !ok {
		return
	}
	add(a, ScopeRead, http.MethodGet, "/v1/models/{task}/versions/{version}/importance", "get-importance", "How much a version needs each column, link and table", func(ctx context.Context, in *versionInput) (*ImportanceAnswer, error) {
		ctx, cancel := within(ctx, importanceTime)
		defer cancel()
		return m.Importance(ctx, in.Task, in.Version)
	}, 404, 422)
}
