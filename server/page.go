package server

import (
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// addPages registers the pages for people. The document of the API names the first only.
func (a api) addPages(pages []Page) {
	if len(pages) == 0 {
		a.addPlain("/", "page", "Where the API is described", "text/plain", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = io.WriteString(w, "rowlink answers here; GET /openapi.json describes the API\n")
		}))
		return
	}
	a.OpenAPI().AddOperation(&huma.Operation{Method: http.MethodGet, Path: "/", OperationID: "page", Summary: "Tasks, models, predictions and jobs as pages", Responses: map[string]*huma.Response{
		"200": {Description: "OK", Content: map[string]*huma.MediaType{"text/html": {Schema: &huma.Schema{Type: huma.TypeString}}}}}})
	for _, p := range pages {
		a.s.scopes["GET "+p.Pattern] = p.Scope
		a.s.mux.HandleFunc("GET "+p.Pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := p.Serve(w, r); err != nil {
				info := infoOf(r.Context())
				info.reason = "internal"
				a.s.log.ErrorContext(r.Context(), "page failed", "request_id", info.id, "path", info.path, "error", err)
			}
		})
	}
}
