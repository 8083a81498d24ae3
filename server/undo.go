package server

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// Undoer is a [Backend] that takes back what a [Keeper] did.
type Undoer interface {
	// DropTask removes a task; one with versions only with cascade, else it is a [Conflict].
	DropTask(ctx context.Context, task string, cascade bool) (*DroppedTask, error)
	// Rollback lets an alias name again what it named before, once that is loaded, checked
	// and tried.
	Rollback(ctx context.Context, task, alias string) (*AliasMove, error)
}

// DroppedTask says what went.
type DroppedTask struct {
	Task   string `json:"task"`
	Models int    `json:"models" doc:"versions that went with it"`
}

type dropInput struct {
	Task string `path:"task" doc:"name of the task"`
	rawRequest
}

// rollbackBody is the body of a rollback: an object without fields, so that no form of a
// page can send it.
type rollbackBody struct{}

// addUndo registers the paths that take something back.
func (a api) addUndo() {
	u, ok := a.s.opt.Backend.(Undoer)
	if !ok {
		return
	}
	add(a, ScopeTrain, http.MethodDelete, "/v1/tasks/{task}", "drop-task", "Drop a task, with cascade its versions too", func(ctx context.Context, in *dropInput) (*DroppedTask, error) {
		text, cascade := in.r.URL.Query().Get("cascade"), false
		if text != "" {
			var err error
			if cascade, err = strconv.ParseBool(text); err != nil {
				return nil, newProblem(http.StatusUnprocessableEntity, fault{Code: "wrong_value", Detail: fmt.Sprintf("cascade is %q, want true or false", clip(text))})
			}
		}
		return u.DropTask(ctx, in.Task, cascade)
	}, 404, 409, 422)
	drop := a.OpenAPI().Paths["/v1/tasks/{task}"].Delete
	drop.Parameters = append(drop.Parameters, &huma.Param{Name: "cascade", In: "query", Description: "its versions too", Schema: &huma.Schema{Type: huma.TypeBoolean}})

	const path = "/v1/models/{task}/aliases/{alias}/rollback"
	add(a, ScopeAdmin, http.MethodPost, path, "rollback", "Let an alias name again what it named before", func(ctx context.Context, in *aliasInput) (*AliasMove, error) {
		if err := a.s.readStrict(in.rawRequest, &rollbackBody{}, "{}"); err != nil {
			return nil, err
		}
		return u.Rollback(ctx, in.Task, in.Alias)
	}, 400, 404, 408, 409, 413, 415, 422)
	a.describeBody(path, rollbackBody{}, map[string]any{})
}
