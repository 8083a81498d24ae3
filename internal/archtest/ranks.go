package archtest

import (
	"path"
	"slices"
	"strings"
)

// Repository returns the rules of this repository.
func Repository() Rules {
	return Rules{
		Module: "github.com/rowlink/rowlink",
		Ranks: []Rank{
			{"internal/registry", 0}, {"internal/testdata", 0}, {"internal/mapped", 0},
			{"schema", 1}, {"gnn/tensor", 1}, {"gnn/tensor/internal/*", 1}, {"gnn/tensor/internal/kernel/*", 1}, {"internal/pgtest", 1},
			{"ingest", 2}, {"gnn/nn", 2}, {"ingest/postgres/pgoutput", 2},
			{"ingest/*", 3}, {"graph", 3}, {"tasks", 3}, {"internal/sourcetest", 3},
			{"tasks/tql", 4}, {"internal/labeltest", 4}, {"graph/sample", 4}, {"gnn/tower", 4}, {"internal/shop", 4}, {"tasks/rawsql", 5},
			{"tabular/boost", 5}, {"gnn/encode", 5}, {"gnn/conv", 5},
			{"gnn/model", 6}, {"internal/convtest", 6}, {"tabular/asof", 6}, {"gnn/conv/gorgonia", 6},
			{"gnn/scan", 7}, {"tabular/baseline", 7}, {"tabular/blend", 7}, {"tabular/calibrate", 7}, {"tabular/recommend", 7},
			{"gnn/train", 8}, {"gnn/predict", 8}, {"workspace", 8}, {"jobs", 9}, {"jobs/durable", 9}, {"sink", 9}, {"server", 10}, {"pages", 11}, {"pages/chart", 0}, {"server/oip", 0}, {"server/tracing", 0}, {"internal/phase", 0}, {"bench/relf1", 8},
			{"beam/piece", 9}, {"beam", 10},
			{".", 9}, {"bench", 9}, {"bench/quality", 10}, {"statement", 10}, {"bench/layertable", 11},
			// Programs and what checks the whole tree: nothing imports them.
			{"cmd/*", 12}, {"bench/peers", 10}, {"bench/scale", 10}, {"bench/transfer", 11}, {"bench/read", 10}, {"bench/labels", 10}, {"bench/load", 0}, {"bench/cluster", 0},
			{"internal/archtest", 10}, {"internal/pgtest/throwpg", 10}, {"internal/shop/shopseed", 10},
		},
		Support: []string{"gnn/tensor/internal/kernel/emulate", "internal/testdata", "internal/pgtest", "internal/pgtest/throwpg", "internal/sourcetest", "internal/labeltest", "internal/convtest", "internal/archtest"},
		Pairs: map[[2]string]string{
			{"gnn/tensor", "gnn/tensor/internal/kernel"}: "the kernels are an inner room of gnn/tensor; nobody else can import them",
		},
		Homes: homes,
	}
}

// rank returns the rank of a package and whether the table has it.
func (r Rules) rank(dir string) (int, bool) {
	pattern := -1
	for i, e := range r.Ranks {
		switch {
		case e.Package == dir:
			return e.Rank, true
		case path.Base(e.Package) == "*" && path.Dir(e.Package) == path.Dir(dir) && dir != ".":
			pattern = i
		}
	}
	if pattern < 0 {
		return 0, false
	}
	return r.Ranks[pattern].Rank, true
}

// local returns the folder of an import path of this module.
func (r Rules) local(importPath string) (dir string, ok bool) {
	if importPath == r.Module {
		return ".", true
	}
	return strings.CutPrefix(importPath, r.Module+"/")
}

// checkRanks holds every package to imports of strictly lower rank. Tests inside
// the package may also import their own rank; tests of package x_test may import
// anything, because they add nothing to what x depends on.
func checkRanks(t *tree, r Rules) []Finding {
	var out []Finding
	for _, p := range t.packages {
		own, ok := r.rank(p.dir)
		if !ok {
			out = append(out, finding(p.dir, "package has no rank; write {%q, N} in internal/archtest/ranks.go, where N is one more than the highest rank it imports, and a row in DESIGN.md", p.dir))
			continue
		}
		for _, f := range p.files {
			if f.outside {
				continue
			}
			for i, imp := range f.imports {
				if dir, ok := r.local(imp); ok && dir != p.dir {
					where := f.at(f.syntax.Imports[i].Pos())
					out = append(out, r.importFinding(where, f.test, p.dir, own, dir)...)
				}
			}
		}
	}
	return out
}

func (r Rules) importFinding(where string, test bool, from string, own int, to string) []Finding {
	if slices.Contains(r.Support, to) && (test || slices.Contains(r.Support, from)) {
		return nil
	}
	if slices.Contains(r.Support, to) {
		return []Finding{finding(where, "%s imports %s, which is for tests only; move the import into a _test.go file", from, to)}
	}
	other, ok := r.rank(to)
	if !ok || other < own || test && other == own || r.Pairs[[2]string{from, to}] != "" {
		return nil // a package without rank is a finding of its own
	}
	return []Finding{finding(where, "%s (rank %d) imports %s (rank %d); a package imports only lower ranks: declare the small interface that it needs itself, or move the shared type down", from, own, to, other)}
}
