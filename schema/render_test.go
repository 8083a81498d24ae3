package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

func TestRenderScript(t *testing.T) {
	formats := map[string]func(s *Schema, b *bytes.Buffer) error{
		"mermaid": func(s *Schema, b *bytes.Buffer) error { return s.Mermaid(b) },
		"dot":     func(s *Schema, b *bytes.Buffer) error { return s.DOT(b) },
		"text":    func(s *Schema, b *bytes.Buffer) error { return s.Describe(b) },
		"json": func(s *Schema, b *bytes.Buffer) error {
			e := json.NewEncoder(b)
			e.SetIndent("", " ")
			e.SetEscapeHTML(false)
			return e.Encode(s.View())
		},
	}
	runScript(t, filepath.Join("testdata", "render.txt"), func(t *testing.T, input string) string {
		format, tables, _ := strings.Cut(input, "\n")
		s, stats := parseTables(t, tables)
		Infer(s, stats)
		s.Skipped = []Skipped{{"public.v", "view"}}
		s.Tables[len(s.Tables)-1].Ignore = strings.Contains(format, "ignored")
		var b bytes.Buffer
		if err := formats[strings.Fields(format)[0]](s, &b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	})
}

// Names from a foreign database must reach neither the terminal nor a diagram as
// commands.
func TestRender_hostileNames(t *testing.T) {
	name := "a\x1b[31m\"\\\u202e\nx"
	s := &Schema{Tables: []*Table{{Name: name, Estimate: -1, Key: []int{0}, KeyReason: name,
		Columns: []Column{{Name: name, Kind: Int, DBType: name, Sem: SemNumerical, Reason: name}},
		Links:   []Link{{Name: name, Columns: []int{0}, To: 0, Ref: []int{0}, Reason: name}}}},
		Skipped: []Skipped{{name, name}}}
	for what, write := range map[string]func(*bytes.Buffer) error{
		"text":    func(b *bytes.Buffer) error { return s.Describe(b) },
		"mermaid": func(b *bytes.Buffer) error { return s.Mermaid(b) },
		"dot":     func(b *bytes.Buffer) error { return s.DOT(b) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"\x1b", "\nx"} {
			if strings.Contains(b.String(), bad) {
				t.Errorf("%s: output contains %q:\n%q", what, bad, b.String())
			}
		}
		if what == "text" && strings.Contains(b.String(), "\u202e") {
			t.Errorf("text: output contains a bidirectional mark")
		}
	}
}

type brokenWriter struct{}

var errBroken = errors.New("broken pipe")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestRender_writeError(t *testing.T) {
	s := shop(t)
	for what, err := range map[string]error{"text": s.Describe(brokenWriter{}), "mermaid": s.Mermaid(brokenWriter{}), "dot": s.DOT(brokenWriter{}),
		"mapping": WriteMapping(brokenWriter{}, s, MappingInfo{})} {
		if !errors.Is(err, errBroken) {
			t.Errorf("%s: error is %v, want %v", what, err, errBroken)
		}
	}
}
