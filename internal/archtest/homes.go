package archtest

import (
	"slices"
	"strings"
)

// homes are the third-party modules of this repository. Whoever needs one elsewhere
// asks its home package, so that a library can be replaced in one place.
var homes = []Home{
	{"github.com/jackc/pgx/v5", []string{"ingest/postgres", "sink", "jobs/durable", "internal/pgtest", "internal/pgtest/throwpg", "internal/shop", "bench/labels", "bench/read"}, "Postgres"},
	{"github.com/riverqueue/river", []string{"jobs/durable"}, "the queue of several processes, in Postgres"},
	{"github.com/apache/arrow-go/v18", []string{"ingest", "ingest/parquet"}, "snapshot files and Parquet"},
	{"modernc.org/sqlite", []string{"ingest/sqlite", "internal/shop", "bench/relf1"}, "SQLite files"},
	{"gonum.org/v1/gonum", []string{"graph", "tabular/baseline", "gnn/conv/gorgonia", "bench/peers", "tabular/blend"}, "schema graph; linear algebra of the baselines; BLAS behind gorgonia; spread of loss curves and of scores"},
	{"gonum.org/v1/plot", []string{"bench/peers", "bench/scale"}, "pictures of loss curves and of scaling; programs of their own, so that the main binary stays small"},
	{"gorgonia.org/gorgonia", []string{"gnn/conv/gorgonia"}, "layers written as expression graphs"},
	{"gorgonia.org/tensor", []string{"gnn/conv/gorgonia"}, "values of gorgonia"},
	{"github.com/chewxy/hm", []string{"gnn/conv/gorgonia"}, "types of gorgonia's operators"},
	{"go4.org/unsafe/assume-no-moving-gc", []string{"gnn/conv/gorgonia"}, "the version that gorgonia needs to start"},
	{"github.com/apache/beam/sdks/v2", []string{"beam"}, "pipelines on Flink, Spark and Prism; a program of its own, so that the main binary stays small"},
	{"github.com/spf13/cobra", []string{"cmd/rowlink", "cmd/rowlink-beam"}, "subcommands and flags"},
	{"github.com/spf13/pflag", []string{"cmd/rowlink"}, "cobra's flags"},
	{"github.com/peterh/liner", []string{"cmd/rowlink"}, "the shell's line editing"},
	{"github.com/mattn/go-isatty", []string{"cmd/rowlink"}, "progress on terminals only"},
	{"github.com/danielgtaylor/huma/v2", []string{"server"}, "REST and OpenAPI"},
	{"github.com/prometheus/client_golang", []string{"server"}, "metrics"},
	{"go.opentelemetry.io/otel", []string{"server/tracing"}, "spans over OTLP"},
	{"golang.org/x/time", []string{"server"}, "rate of a client"},
	{"go.yaml.in/yaml/v3", []string{"schema", "ingest/parquet"}, "the mapping file and the manifest of RelBench"},
	{"github.com/mmcloughlin/avo", []string{"gnn/tensor/internal/kernel/gen", "gnn/tensor/internal/kernel/emulate"}, "generates the kernels' assembly, and describes it to the emulator of the tests"},
	{"github.com/tsenart/vegeta/v12", []string{"bench/load"}, "load that does not wait for answers; a program of its own"},
	{"golang.org/x/sync", []string{"*"}, "errgroup"},
	{"golang.org/x/sys", []string{"*"}, "CPU features and memory maps"},
	{"k8s.io/api", nil, "the types that the Kubernetes manifest is decoded into"},
	{"sigs.k8s.io/yaml", nil, "strict decoding of the manifest"},
	{"go.opentelemetry.io/proto/otlp", nil, "what a collector gets, in tests"},
	{"google.golang.org/protobuf", nil, "what a collector gets, in tests"},
	{"github.com/google/go-cmp", nil, "differences in tests"},
	{"go.uber.org/goleak", nil, "goroutine leaks in tests"},
	{"pgregory.net/rapid", nil, "property tests"},
}

// checkHomes holds third-party imports outside of tests to their home packages, and
// every direct requirement of go.mod to an entry in the table.
func checkHomes(t *tree, r Rules) []Finding {
	var out []Finding
	for _, p := range t.packages {
		for _, f := range p.files {
			if f.test {
				continue
			}
			for i, imp := range f.imports {
				if _, ok := r.local(imp); ok || !thirdParty(imp) {
					continue
				}
				if text := r.homeFault(p.dir, imp); text != "" {
					out = append(out, finding(f.at(f.syntax.Imports[i].Pos()), "%s", text))
				}
			}
		}
	}
	for _, mod := range directRequirements(t.goMod) {
		if _, ok := r.home(mod); !ok {
			out = append(out, finding("go.mod", "module %s has no home; write {%q, []string{...}, \"what for\"} in internal/archtest/homes.go and say in docs/decisions.md why it is needed", mod, mod))
		}
	}
	return out
}

func (r Rules) homeFault(dir, imp string) string {
	h, ok := r.home(imp)
	switch {
	case !ok:
		return "import of " + imp + " has no home; write an entry in internal/archtest/homes.go, or do without the module"
	case slices.Contains(h.Packages, "*") || slices.Contains(h.Packages, dir):
		return ""
	case len(h.Packages) == 0:
		return imp + " is for tests only (" + h.Why + "); move the import into a _test.go file"
	}
	return dir + " imports " + imp + ", whose home is " + strings.Join(h.Packages, ", ") +
		" (" + h.Why + "); call the home package instead"
}

// home returns the entry whose module contains the import path.
func (r Rules) home(imp string) (Home, bool) {
	for _, h := range r.Homes {
		if imp == h.Module || strings.HasPrefix(imp, h.Module+"/") {
			return h, true
		}
	}
	return Home{}, false
}

// thirdParty reports whether an import path is outside the standard library, whose
// first elements have no dot.
func thirdParty(imp string) bool {
	first, _, _ := strings.Cut(imp, "/")
	return strings.Contains(first, ".")
}

// directRequirements returns the module paths of go.mod's require lines that are
// not marked indirect.
func directRequirements(goMod string) []string {
	var out []string
	block := ""
	for line := range strings.Lines(goMod) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
		case fields[0] == ")":
			block = ""
		case len(fields) == 2 && fields[1] == "(":
			block = fields[0]
		case strings.HasSuffix(strings.TrimSpace(line), "// indirect"):
		case block == "require":
			out = append(out, fields[0])
		case block == "" && fields[0] == "require" && len(fields) > 1:
			out = append(out, fields[1])
		}
	}
	return out
}
