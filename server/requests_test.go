package server

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// generator makes requests of the OpenAPI document. Equal seeds make equal requests.
type generator struct {
	*rand.Rand
	d    document
	jobs []string // that have ended
}

func pick[T any](g *generator, list ...T) T { return list[g.IntN(len(list))] }

// Values that a request may hold: some of them mean something to the fake backend, which
// has no finite score for the key 500 and explains 501 wrongly; both are left out.
var (
	generatedTexts = []string{"entity", "anchor", "prediction", "probability", "order", "no", "id", "prod", "7", "", "\u0000", "ä\u2028", "' OR 1=1 --", "../..", "%00",
		strings.Repeat("x", 300), "2020-09-22T00:00:00Z", "0001-01-01T00:00:00Z", "PREDICT x", "SELECT pirce"}
	generatedNumbers = []string{"0", "1", "42", "57", "404", "409", "-1", "2.5", "1e3", "-0", "9007199254740993", "9223372036854775808", "1e-400", "1e400", "0.5", "100"}
)

// value makes a value that fits a schema, or nearly: bounds are often met, not always.
func (g *generator) value(schema map[string]any, depth int) any {
	if ref, ok := schema["$ref"].(string); ok {
		var inner map[string]any
		if json.Unmarshal(g.d.Components.Schemas[strings.TrimPrefix(ref, "#/components/schemas/")], &inner) == nil {
			return g.value(inner, depth)
		}
	}
	if options, ok := schema["anyOf"].([]any); ok {
		return g.value(pick(g, options...).(map[string]any), depth)
	}
	if values, ok := schema["enum"].([]any); ok {
		return pick(g, values...)
	}
	name, _ := schema["type"].(string)
	if types, ok := schema["type"].([]any); ok {
		name = pick(g, types...).(string)
	}
	switch name {
	case "string":
		if schema["format"] == "date-time" {
			return pick(g, "2020-09-22T00:00:00Z", "2020-01-01T00:00:00.5+14:00", "9999-12-31T23:59:59Z")
		}
		return pick(g, generatedTexts...)
	case "boolean":
		return g.IntN(2) == 0
	case "integer":
		return json.Number(pick(g, "1", "2", "5", "42", "9007199254740993"))
	case "number":
		if schema["exclusiveMaximum"] != nil {
			return json.Number(pick(g, "0.5", "0.9", "1e-9"))
		}
		return json.Number(pick(g, generatedNumbers...))
	case "array":
		out := []any{}
		for range 1 + g.IntN(3) {
			inner, _ := schema["items"].(map[string]any)
			out = append(out, g.value(inner, depth+1))
		}
		return out
	case "object":
		out := map[string]any{}
		properties, _ := schema["properties"].(map[string]any)
		required, _ := schema["required"].([]any)
		for _, p := range slices.Sorted(maps.Keys(properties)) {
			if slices.Contains(required, any(p)) || g.IntN(2) == 0 {
				out[p] = g.value(properties[p].(map[string]any), depth+1)
			}
		}
		return out
	case "null":
		return nil
	}
	return pick(g, any(true), any("x"), any(json.Number("42")), any([]any{}), any(map[string]any{}), nil)
}

// broken changes one place of a value: its kind, a field too few, a field too many.
func (g *generator) broken(v any) any {
	switch v := v.(type) {
	case map[string]any:
		names := slices.Sorted(maps.Keys(v))
		out := maps.Clone(v)
		switch n := g.IntN(6); {
		case n == 0 || len(names) == 0:
			out[pick(g, generatedTexts...)] = pick(g, any(nil), any("x"), any(json.Number("1e400")))
		case n == 1:
			delete(out, pick(g, names...))
		default:
			at := pick(g, names...)
			out[at] = g.broken(v[at])
		}
		return out
	case []any:
		out := slices.Clone(v)
		switch n := g.IntN(6); {
		case n == 0 || len(v) == 0:
			return append(out, pick(g, any(nil), any([]any{}), any(map[string]any{}), any(json.Number("-1"))))
		case n == 1:
			return []any{}
		default:
			at := g.IntN(len(out))
			out[at] = g.broken(out[at])
		}
		return out
	}
	return g.value(map[string]any{"type": pick(g, "string", "number", "boolean", "array", "object", "null", "")}, 0)
}

// text writes a body, at times not quite as JSON.
func (g *generator) text(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // the generator makes nothing else
	}
	text := string(data)
	at := g.IntN(len(text) + 1)
	switch g.IntN(12) {
	case 0:
		return text[:at]
	case 1:
		return text[:at] + pick(g, "\xff", "\x00", ",", "]", "NaN", "\\ud800", "//") + text[at:]
	case 2:
		return strings.Repeat("[", 70) + text + strings.Repeat("]", 70)
	case 3:
		return text + strings.Repeat(" ", 2000)
	case 4:
		return strings.Replace(text, "{", `{"id":"twice","id":"twice",`, 1)
	}
	return text
}

// generated is a request and whether its body is an example or a value of the schema.
type generated struct {
	method, url, media, body string
	fits                     bool
}

func (g *generator) request(method, path string, schema, example json.RawMessage, names []string) (out generated) {
	out = generated{method: strings.ToUpper(method), media: "application/json"}
	var query []string
	for _, name := range names {
		if g.IntN(6) == 0 {
			query = append(query, url.QueryEscape(name)+"="+url.QueryEscape(pick(g, "7", "prod", "99", "", "x y", "\x00", "true", "val")))
		}
	}
	if g.IntN(20) == 0 {
		query = append(query, "unasked=1")
	}
	param := func(known ...string) string {
		if g.IntN(4) == 0 {
			return url.PathEscape(pick(g, "nobody", "a/b", "\x00", "ü", "%", strings.Repeat("y", 500), "' --", "panic"))
		}
		return pick(g, known...)
	}
	tasks := []string{"churn", "churn", "value", "tier", "next", "fresh"}
	out.url = strings.NewReplacer("{id}", param(g.jobs...), "{alias}", param("prod", "candidate"), "{task}", param(tasks...), "{model}", param(tasks...), "{version}", param("7", "2", "1")).Replace(path)
	if path == "/v1/tasks/{task}/predict" && strings.Contains(out.url, "panic") {
		out.url = "/v1/tasks/nobody/predict" // the fake's own way to test recovery
	}
	if len(query) > 0 {
		out.url += "?" + strings.Join(query, "&")
	}
	if schema == nil {
		return out
	}
	from, sum := any(nil), map[string]any{}
	if json.Unmarshal(schema, &sum) != nil || json.Unmarshal(example, &from) != nil {
		panic("the document's schema or example is no JSON")
	}
	if g.IntN(2) == 0 {
		from = g.value(sum, 0)
	}
	for range g.IntN(3) {
		from = g.broken(from)
	}
	out.body = g.text(from)
	out.fits = len(faultsOf(g.d, schema, out.body)) == 0
	if g.IntN(15) == 0 {
		out.media, out.fits = pick(g, "", "text/plain", "application/json; charset=latin1", "application/xml"), false
	}
	return out
}

// faultsOf are the violations of a body but for those of single keys, which never fail a request.
func faultsOf(d document, schema json.RawMessage, body string) []string {
	return slices.DeleteFunc(violations(d, schema, []byte(body)), func(f string) bool {
		return strings.HasPrefix(f, "/entities/")
	})
}

// TestOperations_generated sends generated requests, whole and broken, to every operation
// of the document: the status is documented, no mistake of the server, and the body obeys
// its schema. A body that violates its schema is never answered, one of predict that fits
// always is.
func TestOperations_generated(t *testing.T) {
	s, log := newServer(t, &fake{}, func(o *Options) { o.Limits.Entities, o.Limits.BodyBytes = 5, 2000 })
	d, _ := readDocument(t, s)
	j, _, err := s.opt.Jobs.Submit("train", "churn", json.RawMessage("{}"), "")
	if err != nil {
		t.Fatal(err)
	}
	s.opt.Jobs.Cancel(j.ID) // its events end
	batch, _, err := s.opt.Jobs.Submit("batch", "churn", json.RawMessage("{}"), "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); s.opt.Jobs.Run(ctx) }()
	defer func() { stop(); <-ended }()
	eventually(t, "the batch is done", func() bool { j, _, _ := s.opt.Jobs.Job(batch.ID); return j.State.Final() })
	g := &generator{rand.New(rand.NewPCG(1, 2)), d, []string{j.ID, batch.ID}}
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for method, op := range d.Paths[path] {
			var schema, example json.RawMessage
			turns := 100
			if op.RequestBody != nil {
				content := op.RequestBody.Content["application/json"]
				schema, example, turns = content.Schema, content.Example, 1500
			}
			var names []string
			for _, p := range op.Parameters {
				if p.In == "query" {
					names = append(names, p.Name)
				}
			}
			count := map[int]int{}
			for range turns {
				ask := g.request(method, path, schema, example, names)
				r := httptest.NewRequest(ask.method, ask.url, strings.NewReader(ask.body))
				if ask.media != "" {
					r.Header.Set("Content-Type", ask.media)
				}
				w := httptest.NewRecorder()
				s.Handler().ServeHTTP(w, r)
				count[w.Code]++
				at := fmt.Sprintf("%s %s %q %s: %d %s", ask.method, ask.url, ask.media, clip(ask.body), w.Code, clip(w.Body.String()))
				media, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
				content, documented := op.Responses[fmt.Sprint(w.Code)].Content[media]
				switch {
				case w.Code >= 500 && w.Code != 501 && w.Code != 503 || !documented || w.Header().Get("X-Request-Id") == "":
					t.Errorf("%s with %q", at, media)
				case strings.HasSuffix(media, "json") && path != "/openapi.json":
					validate(t, d, content.Schema, w.Body.Bytes(), at)
				}
				if schema == nil {
					continue
				}
				if w.Code == 200 && !ask.fits && ask.media == "application/json" {
					t.Errorf("%s: the body violates the schema: %q", at, faultsOf(d, schema, ask.body))
				}
				if w.Code == 422 && ask.fits && path == "/v1/tasks/{task}/predict" && !strings.Contains(ask.url, "?") && !strings.Contains(ask.body, "0001-01") {
					t.Errorf("%s: the body fits the schema", at)
				}
			}
			if op.Responses["200"].Content != nil && count[200] == 0 || schema != nil && (count[400] == 0 || count[415] == 0 || count[422] == 0 || count[413] == 0) {
				t.Errorf("%s %s: statuses %v: the requests do not reach all", method, path, count)
			}
			t.Logf("%s %s: %v", method, path, count)
		}
	}
	if text := log.String(); strings.Contains(text, "level=ERROR") {
		t.Errorf("the log has faults:\n%s", text)
	}
}
