package archtest

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

func TestRepository(t *testing.T) {
	found, err := Check(os.DirFS("../.."), Repository())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
}

func TestRepository_tableIsSane(t *testing.T) {
	r := Repository()
	seen := map[string]bool{}
	for _, e := range r.Ranks {
		if seen[e.Package] {
			t.Errorf("package %q has two ranks", e.Package)
		}
		seen[e.Package] = true
	}
	for _, h := range r.Homes {
		for _, p := range h.Packages {
			if _, ok := r.rank(p); p != "*" && !ok {
				t.Errorf("home %q of %s has no rank", p, h.Module)
			}
		}
		if h.Why == "" {
			t.Errorf("module %s does not say what it is for", h.Module)
		}
	}
	for pair, why := range r.Pairs {
		if why == "" {
			t.Errorf("exception %v has no reason", pair)
		}
	}
}

// sound is a tree without a broken rule: m/low (0), m/mid (1), m/top (2), m/probe (support, 0).
func sound() fstest.MapFS {
	return fstest.MapFS{
		"go.mod":             source("module m\n\nrequire (\n\texample.org/db v1.0.0\n\texample.org/cmp v1.0.0\n\texample.org/far v1.0.0 // indirect\n)\n"),
		"low/low.go":         source("// Package low owns low things.\npackage low\n\nfunc init() {\n\tplugins.Add(\"x\", 1)\n\tfor _, p := range more {\n\t\tRegister(p.name, p)\n\t}\n}\n"),
		"low/more.go":        source("// a file comment\n\npackage low\n\nimport \"fmt\"\n"),
		"mid/mid.go":         source("// Package mid owns mid things.\npackage mid\n\nimport (\n\t\"m/low\"\n\t\"example.org/db/sql\"\n)\n"),
		"mid/mid_test.go":    source("package mid\n\nimport (\n\t\"m/probe\"\n\t\"m/peer\"\n\t\"example.org/cmp\"\n)\n"),
		"mid/out_test.go":    source("package mid_test\n\nimport \"m/top\"\n"),
		"peer/peer.go":       source("// Package peer stands beside mid.\npackage peer\n"),
		"top/top.go":         source("// Package top owns top things.\npackage top\n\nimport \"m/mid\"\n"),
		"top/gen.go":         source("//go:build ignore\n\npackage main\n\nimport \"example.org/anything\"\n"),
		"probe/probe.go":     source("// Package probe is for tests.\npackage probe\n"),
		"top/testdata/x.go":  source("package broken\n\nimport \"example.org/nowhere\"\n"),
		"nested/go.mod":      source("module other\n"),
		"nested/main.go":     source("package main\n\nimport \"example.org/nowhere\"\n"),
		"bin/notes/plan.txt": source("no Go here"),
	}
}

func source(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }

func rules() Rules {
	return Rules{
		Module:  "m",
		Ranks:   []Rank{{"low", 0}, {"mid", 1}, {"peer", 1}, {"top", 2}, {"probe", 0}, {"deep/*", 3}},
		Homes:   []Home{{"example.org/db", []string{"mid"}, "databases"}, {"example.org/cmp", nil, "differences"}},
		Support: []string{"probe"},
	}
}

func TestCheck_soundTreeHasNoFindings(t *testing.T) {
	found, err := Check(sound(), rules())
	if err != nil || len(found) != 0 {
		t.Fatalf("findings %v, error %v; want none", found, err)
	}
}

func TestCheck_plantedFaults(t *testing.T) {
	tests := []struct {
		name, path, src string
		want            string // the one finding must start with this
		hint            string // and contain this
	}{
		{"import of a higher rank", "mid/a.go", "package mid\n\nimport \"m/top\"\n",
			"mid/a.go:3: mid (rank 1) imports top (rank 2)", "only lower ranks"},
		{"import of the same rank", "mid/a.go", "package mid\n\nimport \"m/peer\"\n",
			"mid/a.go:3: mid (rank 1) imports peer (rank 1)", "only lower ranks"},
		{"test inside imports a higher rank", "mid/a_test.go", "package mid\n\nimport \"m/top\"\n",
			"mid/a_test.go:3: mid (rank 1) imports top (rank 2)", "only lower ranks"},
		{"code imports test support", "mid/a.go", "package mid\n\nimport \"m/probe\"\n",
			"mid/a.go:3: mid imports probe", "_test.go"},
		{"package without rank", "fresh/a.go", "// Package fresh is new.\npackage fresh\n",
			"fresh: package has no rank", `write {"fresh", N}`},
		{"pattern is one level deep", "deep/a/b/c.go", "// Package b is deep.\npackage b\n",
			"deep/a/b: package has no rank", "ranks.go"},
		{"third-party module outside its home", "top/a.go", "package top\n\nimport \"example.org/db\"\n",
			"top/a.go:3: top imports example.org/db, whose home is mid", "call the home package"},
		{"third-party module without home", "top/a.go", "package top\n\nimport \"example.org/new/x\"\n",
			"top/a.go:3: import of example.org/new/x has no home", "homes.go"},
		{"test module in code", "top/a.go", "package top\n\nimport \"example.org/cmp\"\n",
			"top/a.go:3: example.org/cmp is for tests only", "_test.go"},
		{"two package comments", "low/a.go", "// Package low again.\npackage low\n",
			"low: package comments in a.go, low.go", "keep one"},
		{"no package comment", "peer/peer.go", "package peer\n",
			"peer: no package comment", "what the package owns"},
		{"init that registers and works", "low/a.go", "package low\n\nfunc init() {\n\tplugins.Add(\"a\", 1)\n\tload()\n}\n",
			"low/a.go:3: init does more", "constructor"},
		{"init with a loop that works", "low/a.go", "package low\n\nfunc init() {\n\tfor range 2 {\n\t\tx := load()\n\t\tplugins.Add(x.name, x)\n\t}\n}\n",
			"low/a.go:3: init does more", "constructor"},
		{"empty init", "low/a.go", "package low\n\nfunc init() {}\n",
			"low/a.go:3: init does more", "constructor"},
		{"init that computes", "low/a.go", "package low\n\nfunc init() { table = build() }\n",
			"low/a.go:3: init does more", "constructor"},
		{"init that calls something else", "low/a.go", "package low\n\nfunc init() { os.Exit(1) }\n",
			"low/a.go:3: init does more", "constructor"},
		{"vague file", "low/string_utils.go", "package low\n",
			`low/string_utils.go: a file named "utils"`, "noun"},
		{"vague test file", "low/helpers_test.go", "package low\n",
			`low/helpers_test.go: a file named "helpers"`, "noun"},
		{"vague package", "deep/common/a.go", "// Package common is vague.\npackage common\n",
			`deep/common: package "common"`, "noun"},
		{"replace", "go.mod", "module m\n\nreplace example.org/db => ../db\n",
			"go.mod: replace example.org/db", "go.work"},
		{"replace block", "go.mod", "module m\n\nreplace (\n\texample.org/db => ../db\n)\n",
			"go.mod: replace (", "go.work"},
		{"requirement without home", "go.mod", "module m\n\nrequire example.org/new v1.0.0\n",
			"go.mod: module example.org/new has no home", "homes.go"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fsys := sound()
			fsys[tt.path] = source(tt.src)
			found, err := Check(fsys, rules())
			if err != nil {
				t.Fatal(err)
			}
			if len(found) != 1 {
				t.Fatalf("findings %v, want one", found)
			}
			got := found[0].String()
			if !strings.HasPrefix(got, tt.want) || !strings.Contains(got, tt.hint) {
				t.Errorf("finding %q\nwant prefix %q and %q", got, tt.want, tt.hint)
			}
		})
	}
}

func TestCheck_exceptionNeedsItsPair(t *testing.T) {
	fsys := sound()
	fsys["mid/a.go"] = source("package mid\n\nimport \"m/peer\"\n")
	r := rules()
	r.Pairs = map[[2]string]string{{"mid", "peer"}: "peer is generated from mid"}
	if found, err := Check(fsys, r); err != nil || len(found) != 0 {
		t.Fatalf("findings %v, error %v; want none", found, err)
	}
	r.Pairs = map[[2]string]string{{"peer", "mid"}: "the other way round"}
	if found, _ := Check(fsys, r); len(found) != 1 {
		t.Fatalf("findings %v, want one", found)
	}
}

func TestCheck_syntaxErrorIsAnError(t *testing.T) {
	fsys := sound()
	fsys["mid/a.go"] = source("package mid\n\nfunc {\n")
	if _, err := Check(fsys, rules()); err == nil || !strings.Contains(err.Error(), "mid/a.go:3") {
		t.Fatalf("error %v, want one at mid/a.go:3", err)
	}
}
