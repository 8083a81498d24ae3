package encode

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// wide is a table with a column of every semantic type but id.
func wide() *ingest.Table {
	t := table(schema.SemNumerical, cases[schema.SemNumerical], 10)
	t.Columns, t.Def.Columns = nil, nil
	for _, sem := range SemTypes() {
		if sem == schema.SemID {
			continue // takes part by AddID only
		}
		c := cases[sem]
		t.Columns = append(t.Columns, c)
		t.Def.Columns = append(t.Def.Columns, schema.Column{Name: string(sem), Kind: c.Kind, Sem: sem})
	}
	return t
}

func TestFit_leavesOutKeysAndMasked(t *testing.T) {
	tab := wide()
	tab.Def.Key = []int{0}
	tab.Def.Links = []schema.Link{{Columns: []int{1}}}
	tab.Def.Columns[2].Sem = schema.SemIgnore
	enc, err := Fit(tab, ingest.TimeRule{}, 5*day, func(c int) bool { return c == 3 })
	if err != nil {
		t.Fatal(err)
	}
	if len(enc.Columns) != 1 || enc.Columns[0].Name != tab.Def.Columns[4].Name {
		t.Errorf("columns %v take part, want only %q", enc.Columns, tab.Def.Columns[4].Name)
	}
}

// The strict rule hides rows at exactly the cut.
func TestFit_asksTheTimeRule(t *testing.T) {
	tab := table(schema.SemNumerical, column(schema.Float, 1.0, 2.0, 3.0), 3)
	for strict, want := range map[bool]float64{false: 2, true: 1.5} {
		enc, err := Fit(tab, ingest.TimeRule{Strict: strict}, 3*day, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := enc.Columns[0].Encoder.(*Numerical).Center; got != want {
			t.Errorf("strict %v: center %v, want %v", strict, got, want)
		}
	}
	tab.Until = []int64{2 * day, ingest.Never, ingest.Never}
	enc, err := Fit(tab, ingest.TimeRule{}, 3*day, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := enc.Columns[0].Encoder.(*Numerical).Center; got != 2.5 {
		t.Errorf("with an ended row the center is %v, want 2.5", got)
	}
}

func TestFeatures_errors(t *testing.T) {
	enc, _ := features(t, wide(), 5*day)
	for want, change := range map[string]func(*ingest.Table){
		`no column "text"`:                 func(t *ingest.Table) { t.Def.Columns[t.Def.Column("text")].Name = "words" },
		`column "text" of table "t" is id`: func(t *ingest.Table) { t.Def.Columns[t.Def.Column("text")].Sem = schema.SemID },
		`is without row times`:             func(t *ingest.Table) { t.Times = nil },
	} {
		tab := wide()
		change(tab)
		if _, err := enc.Features(tensor.NewPool(1), tab); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func TestPick(t *testing.T) {
	_, f := features(t, wide(), 5*day)
	tape := tensor.NewTape(tensor.NewPool(2))
	rows := []int32{7, 2, 2, 0}
	for range 2 { // the second time in used memory
		tape.Reset()
		dense, codes, weights := f.Pick(tape, rows)
		got := &Features{Dense: dense, Codes: codes, Weights: weights}
		for i, r := range rows {
			if print(got, i) != print(f, int(r)) {
				t.Errorf("row %d is %s, want %s", r, print(got, i), print(f, int(r)))
			}
		}
	}
	if dense, codes, weights := f.Pick(tape, nil); dense.Rows != 0 || codes.Rows() != 0 || len(weights) != 0 {
		t.Errorf("no rows give %v %v %v", dense, codes, weights)
	}
}

// What a model file says about an encoder is not trusted.
func TestUnmarshalJSON_refuses(t *testing.T) {
	column := func(sem, state string) string {
		return `{"table":"t","timed":true,"columns":[{"name":"c","type":"` + sem + `","state":` + state + `}]}`
	}
	values := `["a"` + strings.Repeat(`,"b"`, maxCategories) + `]`
	for _, c := range []struct{ text, want string }{
		{column("numerical", `{"Center":0,"Scale":0}`), "scale above 0"},
		{column("numerical", `{"Center":0,"Scale":-1}`), "scale above 0"},
		{column("numerical", `null`), "scale above 0"},
		{column("numerical", `{"Center":0,"Scale":1,"Edges":[2,1]}`), "want more"},
		{column("numerical", `{"Center":0,"Scale":1,"Edges":[1,2,3,4,5,6,7,8,9,10]}`), "at most 9"},
		{column("numerical", `{"Center":0,"Scale":1,"Salce":1}`), "Salce"},
		{column("numerical", `{"Center":1e999,"Scale":1}`), "1e999"},
		{column("timestamp", `{"Center":0,"Scale":0}`), "scale above 0"},
		{column("categorical", `{"Values":["a","b","a"]}`), "occurs twice"},
		{column("categorical", `{"Values":`+values+`}`), "at most 64"},
		{column("text", `{"IDF":{"512":1}}`), "bucket 512"},
		{column("text", `{"IDF":{"-1":1}}`), "bucket -1"},
		{column("text", `{"IDF":{"1":0}}`), "at least 1"},
		{column("numericla", `{}`), "numerical"},
		{`{"table":"t","columms":[]}`, "columms"},
		{`[]`, "read encoders"},
	} {
		var e Table
		if err := json.Unmarshal([]byte(c.text), &e); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.90s: error %v, want one with %q", c.text, err, c.want)
		}
	}
}

// Whatever state is accepted encodes every value to finite features and codes within
// the table, and is stored as it was read.
func FuzzTable_UnmarshalJSON(f *testing.F) {
	tab := wide()
	enc, err := Fit(tab, ingest.TimeRule{}, 10*day, nil)
	if err != nil {
		f.Fatal(err)
	}
	seed, err := json.Marshal(enc)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(`{"table":"t","timed":true,"columns":[{"name":"c","type":"numerical","state":{"Center":1e300,"Scale":5e-324,"Log":true}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var e Table
		if json.Unmarshal(data, &e) != nil {
			return
		}
		tab := &ingest.Table{Rows: 10, Def: &schema.Table{Name: e.Name}}
		if e.Timed {
			tab.Times = make([]int64, 10)
		}
		named := map[string]bool{}
		for i, c := range e.Columns {
			if named[c.Name] { // a table has no two columns of a name
				return
			}
			named[c.Name] = true
			cells := extremes[i%len(extremes)]
			tab.Columns = append(tab.Columns, cells)
			tab.Def.Columns = append(tab.Def.Columns, schema.Column{Name: c.Name, Kind: cells.Kind, Sem: c.Sem})
		}
		g, err := e.Features(tensor.NewPool(1), tab)
		if err != nil {
			t.Fatal(err)
		}
		checkRange(t, &e, g)
		again, err := json.Marshal(&e)
		if err != nil {
			t.Fatal(err)
		}
		var back Table
		if err := json.Unmarshal(again, &back); err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		if twice, err := json.Marshal(&back); err != nil || string(twice) != string(again) {
			t.Fatalf("stored as %s, then as %s", again, twice)
		}
	})
}

// Words of few rows name the row; they must not become features.
func TestText_rareWordsAreLeftOut(t *testing.T) {
	values := make([]any, 20)
	for i := range values {
		values[i] = fmt.Sprintf("common name%d", i)
	}
	enc, f := features(t, table(schema.SemText, column(schema.Text, values...), 20), 100*day)
	if got := len(enc.Columns[0].Encoder.(*Text).IDF); got != 1 {
		t.Errorf("%d buckets have a weight, want the one of the common word", got)
	}
	if n := f.Codes.Edges(); n < 20 || f.Weights[0] != 1 {
		t.Errorf("%d codes with weight %v, want at least one per row, of length 1", n, f.Weights[0])
	}
}

// In-between sizes by hand: median 3, quartiles 2 and 4.
func TestNumerical_byHand(t *testing.T) {
	_, f := features(t, table(schema.SemNumerical, column(schema.Float, 1.0, 2.0, 3.0, 4.0, 5.0), 5), 100*day)
	for row, v := range []float64{1, 2, 3, 4, 5} {
		if want := (v - 3) / (2 / 1.349); math.Abs(float64(f.Dense.Row(row)[0])-want) > 1e-6 {
			t.Errorf("%v has z %v, want %v", v, f.Dense.Row(row)[0], want)
		}
	}
}
