package boost

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

// small is a stored model with a numeric and a categorical split.
const small = `{"version":1,"objective":"l2","base":[0.5],"features":[{"name":"a"},{"name":"b","categorical":true,"known":[0,3]}],
"trees":[{"feature":[0,1],"threshold":[1.5,0],"sets":[[0,2]],"missing_left":[1,0],"left":[1,-1],"right":[-3,-2],"gain":[3,1],"value":[1,2,3],"rows":[10,20,30]}]}`

func TestUnmarshalJSON(t *testing.T) {
	var m Model
	if err := json.Unmarshal([]byte(small), &m); err != nil {
		t.Fatal(err)
	}
	nan := math.NaN()
	for _, c := range []struct{ a, b, want float64 }{{1, 3, 1.5}, {nan, nan, 1.5}, {nan, 0, 2.5}, {2, 0, 3.5}, {1.5, 7, 1.5}} {
		if got := m.Predict([]float64{c.a, c.b}, 1)[0]; got != c.want {
			t.Errorf("prediction of %v, %v is %v, want %v", c.a, c.b, got, c.want)
		}
	}
	if m.Trees[0].Nodes[0].Rows != 60 || m.Trees[0].Nodes[1].Rows != 30 {
		t.Errorf("rows of the nodes: %+v", m.Trees[0].Nodes)
	}
}

func TestUnmarshalJSON_refuses(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{`"version":1`, `"version":2`, "version 2, want 1"},
		{`"base"`, `"bass":1,"base"`, `unknown field "bass"`},
		{`"l2"`, `"l3"`, "unknown objective"},
		{`[0.5]`, `[]`, "0 outputs"},
		{`[0.5]`, `[0.5,1]`, "2 outputs"},
		{`{"name":"a"}`, `{"name":"a","monotone":2}`, "monotone is 2"},
		{`"known":[0,3]`, `"known":[3,3]`, "known category 3"},
		{`"feature":[0,1]`, `"feature":[0,2]`, "feature 2 of 2"},
		{`"feature":[0,1]`, `"feature":[0]`, "differ in length"},
		{`"left":[1,-1]`, `"left":[0,-1]`, "child 0"},
		{`"left":[1,-1]`, `"left":[1,-2]`, "child -2"},
		{`"left":[1,-1]`, `"left":[1,-9]`, "child -9"},
		{`"sets":[[0,2]]`, `"sets":[[2,0]]`, "bin 0 in its set"},
		{`"sets":[[0,2]]`, `"sets":[[0,3]]`, "bin 3 in its set"},
		{`"sets":[[0,2]]`, `"sets":[]`, "set 0 of 0"},
		{`"missing_left":[1,0]`, `"missing_left":[2,0]`, "missing_left is 2"},
		{`"rows":[10,20,30]`, `"rows":[10,0,30]`, "leaf 1 has 0 rows"},
		{`"rows":[10,20,30]}]}`, `"rows":[10,20,30]}]} {}`, "after top-level value"},
	} {
		if !strings.Contains(small, c.from) {
			t.Fatalf("the model has no %q", c.from)
		}
		var m Model
		err := json.Unmarshal([]byte(strings.Replace(small, c.from, c.to, 1)), &m)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.to, err, c.want)
		}
	}
}

// FuzzUnmarshalJSON: what can be read predicts, explains and is stored to the same text.
func FuzzUnmarshalJSON(f *testing.F) {
	f.Add([]byte(small))
	d, opt := taskOf("softmax", 200, 1)
	opt.Rounds, opt.MaxLeaves = 2, 5
	f.Add([]byte(text(f, fit(f, d, opt))))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m Model
		if len(data) > 1<<16 || m.UnmarshalJSON(data) != nil || len(m.Features) > 100 {
			return
		}
		row := make([]float64, len(m.Features))
		if len(row) > 0 {
			row[0] = math.NaN()
		}
		if got := len(m.Predict(row, 1)); got != m.Outputs() {
			t.Fatalf("%d predictions, want %d", got, m.Outputs())
		}
		m.Explain(row)
		var again Model
		if err := again.UnmarshalJSON([]byte(text(t, &m))); err != nil {
			t.Fatal(err)
		}
		if text(t, &again) != text(t, &m) {
			t.Fatal("stored twice it differs")
		}
	})
}
