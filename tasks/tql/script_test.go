package tql

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the expected parts of testdata scripts")

// runScripts runs each case of the scripts in a folder of testdata: input, a line
// ----, expected output; cases end with a line ====.
func runScripts(t *testing.T, folder string, run func(input string) string) {
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts in testdata/%s (%v)", folder, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			for c := range strings.SplitSeq(strings.TrimSuffix(string(data), "====\n"), "====\n") {
				input, want, _ := strings.Cut(c, "----\n")
				got := run(strings.TrimSuffix(input, "\n")) + "\n"
				out.WriteString(input + "----\n" + got + "====\n")
				if got != want && !*update {
					t.Errorf("%s\ngot:\n%swant:\n%s", input, got, want)
				}
			}
			if *update {
				if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestScript_syntax prints what was understood, or the messages.
func TestScript_syntax(t *testing.T) {
	runScripts(t, "syntax", func(input string) string {
		s, err := Parse(input)
		if err != nil {
			return err.(Errors).Pretty()
		}
		var lines []string
		for _, st := range s.Statements {
			lines = append(lines, st.String())
		}
		for _, n := range s.Notices {
			lines = append(lines, n.Pretty())
		}
		return strings.Join(lines, "\n")
	})
}

// TestScript_canonical prints the different normal forms among the statements.
func TestScript_canonical(t *testing.T) {
	runScripts(t, "canonical", func(input string) string {
		s, err := Parse(input)
		if err != nil {
			return err.(Errors).Pretty()
		}
		var lines []string
		seen := map[string]bool{}
		for _, st := range s.Statements {
			c := Canonical(st)
			if !seen[c] {
				seen[c] = true
				lines = append(lines, c)
			}
		}
		return strings.Join(lines, "\n")
	})
}

// TestScript_bind prints how the task was understood, or the messages.
func TestScript_bind(t *testing.T) {
	sc := ddlSchema(t)
	runScripts(t, "bind", func(input string) string {
		task, err := Bind(input, sc)
		if err != nil {
			return err.(Errors).Pretty()
		}
		return strings.TrimSuffix(Explain(task, sc), "\n")
	})
}

// TestScript_lower prints the SQL with the anchors as parameters.
func TestScript_lower(t *testing.T) {
	sc := ddlSchema(t)
	runScripts(t, "lower", func(input string) string {
		sql, err := SQL(mustBind(t, input, sc), sc, nil)
		if err != nil {
			return err.Error()
		}
		return sql
	})
}
