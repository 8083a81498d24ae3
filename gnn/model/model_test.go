package model

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

func TestConfig_validateListsAllFaults(t *testing.T) {
	c := Config{Width: -1, Dropout: math.NaN(), FanOut: []int{4, -1}, HalfLives: []float64{0}, Strategy: "newest"}
	err := c.validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"width is -1", "outputs is 0", "dropout is NaN", "hop 2 is -1", "0 days", `"newest"`, "latest"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q lacks %q", err, want)
		}
	}
	for _, horizon := range []float64{0, 7} { // a static target has no horizon
		c := Config{Outputs: 1}.Complete(horizon)
		if err := c.validate(); err != nil {
			t.Errorf("the defaults at a horizon of %g days: %v", horizon, err)
		}
	}
}

func TestConfig_validateSampling(t *testing.T) {
	for _, c := range []struct {
		name   string
		config Config
		want   string // part of the error; "" = none
	}{
		{"recency gets a half-life", Config{Strategy: "recency"}, ""},
		{"fan-outs by edge", Config{FanOut: []int{4, 2}, FanOutByEdge: map[string][]int{"results.driver": {0, 9}}, Window: 10}, ""},
		{"hops differ", Config{FanOut: []int{4, 2}, FanOutByEdge: map[string][]int{"results.driver": {3}}}, `fan_out_by_edge of "results.driver" has 1 hops, want 2`},
		{"negative fan-out", Config{FanOut: []int{4}, FanOutByEdge: map[string][]int{"results.driver": {-1}}}, `fan_out_by_edge of "results.driver" is -1 in hop 1`},
		{"negative window", Config{Window: -1}, "window is -1 days"},
		{"window that is no number", Config{Window: math.NaN()}, "window is NaN days"},
		{"half-life without end", Config{Strategy: "recency", HalfLife: math.Inf(1)}, "half_life is +Inf days"},
		{"half-life below a microsecond", Config{Strategy: "recency", HalfLife: 1e-12}, "half_life is 1e-12 days"},
	} {
		c.config.Outputs = 1
		err := c.config.Complete(7).validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// What was given stays, and the caller's slices are not written to.
func TestConfig_Complete(t *testing.T) {
	lives := make([]float64, 1, 8)
	lives[0] = 3
	c := Config{HalfLives: lives, Width: 7, Layer: "x", Outputs: 1}.Complete(10)
	if c.HalfLives[0] != 3 || len(c.HalfLives) != 1 || c.Width != 7 || c.Layer != "x" {
		t.Errorf("Complete changed what was given: %+v", c)
	}
	_ = c.validate()
	if lives[:2][1] != 0 {
		t.Error("validate wrote behind the caller's half-lives")
	}
}

func TestNew_errors(t *testing.T) {
	g := mustGraph(t, world(1, 1))
	enc := make([]*encode.Table, len(g.Snap.Tables))
	for i, tab := range g.Snap.Tables {
		var err error
		if enc[i], err = encode.Fit(tab, ingest.TimeRule{}, 40*day, nil); err != nil {
			t.Fatal(err)
		}
	}
	good := Config{Outputs: 1, Width: 4}.Complete(5)
	if _, err := New(good, g, drivers, enc, 1); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(c *Config, enc []*encode.Table) []*encode.Table{
		"width is 0":     func(c *Config, e []*encode.Table) []*encode.Table { c.Width = 0; return e },
		"sage":           func(c *Config, e []*encode.Table) []*encode.Table { c.Layer = "sgae"; return e },
		"decay":          func(c *Config, e []*encode.Table) []*encode.Table { c.Aggregate = "deacy"; return e },
		`"races"`:        func(c *Config, e []*encode.Table) []*encode.Table { e[races] = nil; return e },
		"fit together":   func(c *Config, e []*encode.Table) []*encode.Table { return e[:2] },
		`type "drivers"`: func(c *Config, e []*encode.Table) []*encode.Table { e[drivers] = e[races]; return e },
	} {
		c := good
		changed := change(&c, slices.Clone(enc))
		if _, err := New(c, g, drivers, changed, 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// A table that no hop reaches costs no parameter, whether an encoder is given or not.
func TestNew_leavesOutWhatIsNotReached(t *testing.T) {
	specs := world(1, 1)
	specs = append(specs, spec{name: "weather", cols: []colSpec{keys(3)}})
	g := mustGraph(t, specs)
	m := mustNew(t, Config{Outputs: 1, Width: 4, FanOut: []int{2}}, g, 40*day)
	for _, p := range m.Params.All() {
		if strings.Contains(p.Name, "weather") {
			t.Errorf("parameter %s", p.Name)
		}
	}
	weather, err := encode.Fit(g.Snap.Tables[len(specs)-1], ingest.TimeRule{}, 40*day, nil)
	if err != nil {
		t.Fatal(err)
	}
	enc := append(append([]*encode.Table(nil), m.Encoder[:len(specs)-1]...), weather)
	if m, err = New(m.Config, g, drivers, enc, 1); err != nil {
		t.Fatal(err)
	}
	if m.Encoder[len(specs)-1] != nil {
		t.Error("the encoder of a table that is not reached is kept")
	}
}

// Names of tables and columns must not make two parameters of one name.
func TestNew_namesThatLookLikeParameters(t *testing.T) {
	twin := spec{name: "a", cols: []colSpec{keys(2)}, links: []linkSpec{{"x", 0, []int32{0, 1}}}}
	up := spec{name: "a.up", cols: []colSpec{keys(2)}, links: []linkSpec{{"x", 0, []int32{0, 1}}, {"x", 0, []int32{1, 1}}}}
	norm := spec{name: `a".norm`, cols: []colSpec{keys(2)}, links: []linkSpec{{"x", 0, []int32{0, 1}}}}
	g := mustGraph(t, []spec{{name: "root", cols: []colSpec{keys(2)}}, twin, up, norm})
	enc := make([]*encode.Table, 4)
	for i, tab := range g.Snap.Tables {
		var err error
		if enc[i], err = encode.Fit(tab, ingest.TimeRule{}, 0, nil); err != nil {
			t.Fatal(err)
		}
	}
	m, err := New(Config{Outputs: 1, Width: 2}.Complete(1), g, 0, enc, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read(written(t, m)); err != nil {
		t.Error(err)
	}
}

func TestBind_errors(t *testing.T) {
	m := mustNew(t, Config{Outputs: 1, Width: 4}, mustGraph(t, world(1, 1)), 40*day)
	for _, c := range []struct {
		want   string
		change func(specs []spec) []spec
	}{
		{`no table "target history"`, func(s []spec) []spec { return s[:history] }},
		{`has a table "more"`, func(s []spec) []spec { return append(s, spec{name: "more", cols: []colSpec{keys(1)}}) }},
		{`"tracks"`, func(s []spec) []spec { s[races].name = "tracks"; return s }},
		{`lacks the link`, func(s []spec) []spec { s[history].links = nil; return s }},
		{`has a link`, func(s []spec) []spec {
			s[history].links = append(s[history].links, linkSpec{"race", races, make([]int32, s[history].rows())})
			return s
		}},
		{`when the model was trained`, func(s []spec) []spec { s[results].links[1].name = "opponent"; return s }},
		{`no column "points"`, func(s []spec) []spec { s[results].column("points").name = "score"; return s }},
		{`is ignore, but the model was trained with numerical`, func(s []spec) []spec { s[results].column("points").sem = schema.SemIgnore; return s }},
		{`without row times`, func(s []spec) []spec { s[races].time = ""; return s }},
	} {
		if _, err := m.Bind(mustGraph(t, c.change(world(1, 1))), tensor.NewPool(1)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
	more := world(1, 1) // another state of the database, with a new column, is what models are for
	more[races].cols = append(more[races].cols, colSpec{"laps", schema.Int, schema.SemNumerical, more[races].cols[0].values})
	if _, err := m.Bind(mustGraph(t, more), tensor.NewPool(1)); err != nil {
		t.Error(err)
	}
}

func TestReach(t *testing.T) {
	g := mustGraph(t, world(1, 1))
	for hops, want := range []string{"drivers", "teams drivers results contracts target history", "teams drivers races results contracts target history"} {
		var got []string
		for i, ok := range Reach(EdgeTypes(g), len(g.Snap.Tables), drivers, hops) {
			if ok {
				got = append(got, g.Snap.Tables[i].Def.Name)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%d hops reach %v, want %s", hops, got, want)
		}
	}
}

func TestModel_String(t *testing.T) {
	m := mustNew(t, Config{Outputs: 1, Width: 4, Aggregate: "mean"}, mustGraph(t, world(1, 1)), 40*day)
	if s := m.String(); !strings.HasPrefix(s, "sage(mean, 4 -> 4) + sage(mean, 4 -> 4), fan-out [32 16] latest, ") {
		t.Errorf("String() is %q", s)
	}
}
