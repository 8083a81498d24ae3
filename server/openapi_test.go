package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// document is what the test reads of an OpenAPI document.
type document struct {
	OpenAPI string
	Info    struct{ Title, Version string }
	Paths   map[string]map[string]struct {
		OperationID string
		Summary     string
		Parameters  []struct {
			Name, In string
			Required bool
		}
		RequestBody *struct {
			Content map[string]struct{ Schema, Example json.RawMessage }
		}
		Responses map[string]struct {
			Description string
			Content     map[string]struct{ Schema json.RawMessage }
		}
	}
	Components struct{ Schemas map[string]json.RawMessage }
}

func readDocument(t *testing.T, s *Server) (document, string) {
	t.Helper()
	text := get(s, "/openapi.json").Body.String()
	var d document
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	return d, text
}

var (
	refPattern  = regexp.MustCompile(`"\$ref":\s*"([^"]*)"`)
	pathParam   = regexp.MustCompile(`\{(\w+)\}`)
	httpMethods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}
)

// TestOpenAPI_valid holds the document to the rules of OpenAPI 3.1 that a generator of
// clients trips over.
func TestOpenAPI_valid(t *testing.T) {
	s, _ := newServer(t, &fake{}, nil)
	d, text := readDocument(t, s)
	if !strings.HasPrefix(d.OpenAPI, "3.1.") || d.Info.Title == "" || d.Info.Version != "test" {
		t.Errorf("openapi %q, info %+v", d.OpenAPI, d.Info)
	}
	used := map[string]bool{}
	for _, ref := range refPattern.FindAllStringSubmatch(text, -1) {
		name, ok := strings.CutPrefix(ref[1], "#/components/schemas/")
		if _, known := d.Components.Schemas[name]; !ok || !known {
			t.Errorf("reference %q leads nowhere", ref[1])
		}
		used[name] = true
	}
	for name := range d.Components.Schemas {
		if !used[name] {
			t.Errorf("schema %q is not used", name)
		}
	}
	ids := map[string]string{}
	for path, ops := range d.Paths {
		for method, op := range ops {
			at := method + " " + path
			if !slices.Contains(httpMethods, method) || !strings.HasPrefix(path, "/") {
				t.Errorf("%s is no operation", at)
			}
			if op.OperationID == "" || ids[op.OperationID] != "" || op.Summary == "" {
				t.Errorf("%s: operation id %q, also at %q; summary %q", at, op.OperationID, ids[op.OperationID], op.Summary)
			}
			ids[op.OperationID] = at
			if len(op.Responses) == 0 {
				t.Errorf("%s has no response", at)
			}
			for code, r := range op.Responses {
				if r.Description == "" || len(r.Content) == 0 || len(code) != 3 {
					t.Errorf("%s response %q: description %q, %d media types", at, code, r.Description, len(r.Content))
				}
			}
			for _, m := range pathParam.FindAllStringSubmatch(path, -1) {
				found := false
				for _, p := range op.Parameters {
					found = found || p.In == "path" && p.Name == m[1] && p.Required
				}
				if !found {
					t.Errorf("%s does not declare its parameter %q", at, m[1])
				}
			}
		}
	}
}

// TestOpenAPI_everyOperation calls what the document lists: the status is documented, no
// 404 or 500, and the body obeys the schema.
func TestOpenAPI_everyOperation(t *testing.T) {
	s, _ := newServer(t, &fake{}, nil)
	d, _ := readDocument(t, s)
	j, _, err := s.opt.Jobs.Submit("train", "churn", json.RawMessage("{}"), "")
	if err != nil {
		t.Fatal(err)
	}
	s.opt.Jobs.Cancel(j.ID) // its events end
	want := []string{"/", "/healthz", "/metrics", "/openapi.json", "/readyz", "/v1/batches", "/v1/jobs", "/v1/jobs/{id}", "/v1/jobs/{id}/events", "/v1/jobs/{id}/result",
		"/v1/limits", "/v1/models", "/v1/models/{task}", "/v1/models/{task}/aliases/{alias}", "/v1/models/{task}/aliases/{alias}/rollback", "/v1/models/{task}/versions/{version}/importance", "/v1/query", "/v1/tasks", "/v1/tasks/{task}", "/v1/tasks/{task}/drift", "/v1/tasks/{task}/labels",
		"/v1/tasks/{task}/predict", "/v1/tasks/{task}/train", "/v2", "/v2/", "/v2/health/live", "/v2/health/ready", "/v2/models", "/v2/models/{model}",
		"/v2/models/{model}/infer", "/v2/models/{model}/ready", "/v2/models/{model}/versions/{version}", "/v2/models/{model}/versions/{version}/infer",
		"/v2/models/{model}/versions/{version}/ready", "/v2/repository/index", "/v2/repository/models/{model}/load", "/v2/repository/models/{model}/unload"}
	var have []string
	for path := range d.Paths {
		have = append(have, path)
	}
	slices.Sort(have)
	if !slices.Equal(have, want) {
		t.Errorf("paths %q, want %q", have, want)
	}
	for path, ops := range d.Paths {
		for method, op := range ops {
			bodies := []string{""}
			if op.RequestBody != nil {
				content := op.RequestBody.Content["application/json"]
				validate(t, d, content.Schema, content.Example, "the example of "+path)
				bodies = []string{string(content.Example), `{"entities":[null,[],57,404,500],"explain":{"top":2}}`, `{"entities":[],"x":1}`, `{`}
			}
			for _, body := range bodies {
				for _, task := range []string{"churn", "value"} {
					url := strings.NewReplacer("{id}", j.ID, "{alias}", "prod", "{task}", task, "{model}", task, "{version}", map[string]string{"churn": "7", "value": "2"}[task]).Replace(path)
					r := httptest.NewRequest(strings.ToUpper(method), url, strings.NewReader(body))
					r.Header.Set("Content-Type", "application/json")
					w := httptest.NewRecorder()
					s.Handler().ServeHTTP(w, r)
					at := fmt.Sprintf("%s %s %s: %d", method, url, body, w.Code)
					if w.Code == 404 || w.Code >= 500 && w.Code != 501 {
						t.Errorf("%s", at)
					}
					media, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
					content, ok := op.Responses[fmt.Sprint(w.Code)].Content[media]
					if !ok {
						t.Errorf("%s with %q is not documented", at, media)
						continue
					}
					if strings.HasSuffix(media, "json") && path != "/openapi.json" {
						validate(t, d, content.Schema, w.Body.Bytes(), at)
					}
				}
			}
		}
	}
}

// validate holds a JSON value to a schema of the document. It knows the keywords that the
// document uses and fails on any other.
func validate(t *testing.T, d document, schema json.RawMessage, body []byte, at string) {
	t.Helper()
	for _, fault := range violations(d, schema, body) {
		t.Errorf("%s: %s", at, fault)
	}
}

func violations(d document, schema json.RawMessage, body []byte) []string {
	var s, v any
	if err := json.Unmarshal(schema, &s); err != nil {
		return []string{"schema: " + err.Error()}
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil || !json.Valid(body) {
		return []string{"no JSON"}
	}
	return check(d, s.(map[string]any), floats(v), "")
}

// floats turns the numbers of a value into float64, too large ones into infinities.
func floats(v any) any {
	switch v := v.(type) {
	case json.Number:
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = floats(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = floats(v[name])
		}
	}
	return v
}

func check(d document, schema map[string]any, v any, at string) (faults []string) {
	bad := func(format string, args ...any) {
		faults = append(faults, at+": "+fmt.Sprintf(format, args...))
	}
	object, _ := v.(map[string]any)
	array, _ := v.([]any)
	number, isNumber := v.(float64)
	for keyword, want := range schema {
		switch keyword {
		case "description", "examples", "default":
		case "format":
			if text, ok := v.(string); ok && want == "date-time" && new(time.Time).UnmarshalText([]byte(text)) != nil {
				bad("%q is no instant", text)
			}
		case "$ref":
			var inner any
			if json.Unmarshal(d.Components.Schemas[strings.TrimPrefix(want.(string), "#/components/schemas/")], &inner) != nil {
				bad("unknown reference %v", want)
				continue
			}
			faults = append(faults, check(d, inner.(map[string]any), v, at)...)
		case "type":
			types, several := want.([]any)
			if !several {
				types = []any{want}
			}
			if !slices.ContainsFunc(types, func(name any) bool { return hasType(v, name.(string)) }) {
				bad("%v is no %v", v, want)
			}
		case "properties":
			for name, inner := range want.(map[string]any) {
				if value, ok := object[name]; ok {
					faults = append(faults, check(d, inner.(map[string]any), value, at+"/"+name)...)
				}
			}
		case "required":
			for _, name := range want.([]any) {
				if _, ok := object[name.(string)]; object != nil && !ok {
					bad("%v is missing", name)
				}
			}
		case "additionalProperties":
			known, _ := schema["properties"].(map[string]any)
			for name, value := range object {
				if _, ok := known[name]; ok {
					continue
				}
				if inner, ok := want.(map[string]any); ok {
					faults = append(faults, check(d, inner, value, at+"/"+name)...)
				} else if want == false {
					bad("%q is not known", name)
				}
			}
		case "items":
			for i, value := range array {
				faults = append(faults, check(d, want.(map[string]any), value, fmt.Sprint(at, "/", i))...)
			}
		case "minLength":
			if text, ok := v.(string); ok && utf8.RuneCountInString(text) < int(want.(float64)) {
				bad("%q is too short", text)
			}
		case "minItems":
			if array != nil && len(array) < int(want.(float64)) {
				bad("%d items", len(array))
			}
		case "maxItems":
			if array != nil && len(array) > int(want.(float64)) {
				bad("%d items", len(array))
			}
		case "exclusiveMinimum":
			if isNumber && number <= want.(float64) {
				bad("%v is not above %v", v, want)
			}
		case "exclusiveMaximum":
			if isNumber && number >= want.(float64) {
				bad("%v is not below %v", v, want)
			}
		case "enum":
			if !slices.Contains(want.([]any), v) {
				bad("%v is none of %v", v, want)
			}
		case "minimum":
			if isNumber && number < want.(float64) {
				bad("%v is below %v", v, want)
			}
		case "maximum":
			if isNumber && number > want.(float64) {
				bad("%v is above %v", v, want)
			}
		case "anyOf":
			if !slices.ContainsFunc(want.([]any), func(s any) bool { return len(check(d, s.(map[string]any), v, at)) == 0 }) {
				bad("%v fits nothing of %v", v, want)
			}
		default:
			bad("the test does not know the keyword %q", keyword)
		}
	}
	return faults
}

func hasType(v any, name string) bool {
	switch v := v.(type) {
	case nil:
		return name == "null"
	case bool:
		return name == "boolean"
	case string:
		return name == "string"
	case float64:
		return name == "number" || name == "integer" && v == math.Trunc(v)
	case []any:
		return name == "array"
	}
	return name == "object"
}

// TestOpenAPI_validatorBites makes sure that the check above can fail.
func TestOpenAPI_validatorBites(t *testing.T) {
	s, _ := newServer(t, &fake{}, nil)
	d, _ := readDocument(t, s)
	for _, c := range []struct{ schema, body string }{
		{"PredictAnswer", `{}`}, {"PredictAnswer", `[]`}, {"ModelRef", `{"version":1}`}, {"ModelRef", `{"version":"1","x":1}`},
		{"PredictRequest", `{"entities":[]}`}, {"PredictRequest", `{"entities":[null]}`}, {"PredictRequest", `{"entities":[[]]}`},
		{"PredictRequest", `{"entities":[1],"outputs":["odds"]}`}, {"PredictRequest", `{"entities":[1],"explain":{"top":0}}`},
		{"PredictRequest", `{"entities":[1],"anchor":"yesterday"}`}, {"PredictRequest", `{"entities":[1],"interval":1}`}, {"QueryRequest", `{"query":""}`},
	} {
		if len(violations(d, json.RawMessage(`{"$ref":"#/components/schemas/`+c.schema+`"}`), []byte(c.body))) == 0 {
			t.Errorf("%s is a valid %s", c.body, c.schema)
		}
	}
}
