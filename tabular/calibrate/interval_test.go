package calibrate_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/rowlink/rowlink/tabular/calibrate"
)

// values are n examples, per of an anchor, whose error has a width that grows with the
// predicted value where grows is set.
func values(from, n, per int, grows bool) calibrate.Answers {
	var a calibrate.Answers
	for i := from; i < from+n; i++ {
		p, width := 10*uniform(1, i), 2.0
		if grows {
			width = 0.1 + p
		}
		a.Truth = append(a.Truth, p+width*(2*uniform(2, i)-1))
		a.Predicted, a.Anchor = append(a.Predicted, p), append(a.Anchor, int64(i/per))
	}
	return a
}

func text(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestInterval(t *testing.T) {
	for _, grows := range []bool{false, true} {
		a := values(0, 1000, 20, grows)
		v := calibrate.NewInterval(a, nil)
		if err := v.Check(); err != nil {
			t.Fatal(err)
		}
		if (v.Spread != nil) != grows {
			t.Errorf("errors that grow with the value: %t, spread %+v", grows, v.Spread)
		}
		if v.Groups != 50 || v.ByExample {
			t.Errorf("%d groups, by example %t, want 50 anchors", v.Groups, v.ByExample)
		}
		fresh := values(1000, 4000, 20, grows)
		for _, level := range []float64{0.5, 0.8, 0.9} {
			inside, width := calibrate.Bands{v}.Coverage(level, fresh.Truth, fresh.Predicted)
			if inside < level-0.03 || inside > level+0.06 || !(width > 0) {
				t.Errorf("growing %t, level %g: holds %.3f, width %.3g", grows, level, inside, width)
			}
		}
		if grows {
			lo, hi := v.Around(0.9, 1)
			wlo, whi := v.Around(0.9, 9)
			if !(whi-wlo > 3*(hi-lo)) {
				t.Errorf("around 1 the width is %g, around 9 %g", hi-lo, whi-wlo)
			}
		}
		if again := calibrate.NewInterval(values(0, 1000, 20, grows), nil); text(t, again) != text(t, v) {
			t.Error("equal answers give another interval")
		}
	}
}

// An anchor with many examples weighs no more than one with few.
func TestInterval_anchors(t *testing.T) {
	var a calibrate.Answers
	add := func(anchor int64, n int, err float64) {
		for range n {
			a.Truth, a.Predicted, a.Anchor = append(a.Truth, err), append(a.Predicted, 0), append(a.Anchor, anchor)
		}
	}
	for anchor := range int64(11) {
		add(anchor, 2, 1)
	}
	add(11, 1000, 5) // one race with a thousand starters
	v := calibrate.NewInterval(a, nil)
	if _, hi := v.Around(0.8, 0); hi != 1 {
		t.Errorf("the 80 %% interval reaches %g, want 1: one anchor of twelve has errors of 5", hi)
	}
	if most := v.Most(); math.Abs(most-12.0/13) > 1e-9 {
		t.Errorf("twelve anchors promise up to %g, want 12/13", most)
	}
}

func TestInterval_few(t *testing.T) {
	if v := calibrate.NewInterval(values(0, 19, 2, false), nil); v != nil {
		t.Errorf("19 examples give %+v", v)
	}
	v := calibrate.NewInterval(values(0, 100, 50, false), nil)
	if !v.ByExample || v.Groups != 100 {
		t.Errorf("two anchors: %d groups, by example %t", v.Groups, v.ByExample)
	}
	same := calibrate.Answers{Truth: make([]float64, 60), Predicted: make([]float64, 60), Anchor: make([]int64, 60)}
	for i := range same.Anchor {
		same.Anchor[i] = int64(i)
	}
	v = calibrate.NewInterval(same, nil)
	if err := v.Check(); err != nil {
		t.Error(err)
	}
	if lo, hi := v.Around(0.9, 3); lo != 3 || hi != 3 {
		t.Errorf("without any error the interval is [%g, %g]", lo, hi)
	}
}

func TestInterval_floor(t *testing.T) {
	zero := 0.0
	v := calibrate.NewInterval(values(0, 1000, 20, false), &zero)
	if lo, hi := v.Around(0.9, 0.5); lo != 0 || !(hi > 2) {
		t.Errorf("[%g, %g], want it to begin at 0", lo, hi)
	}
	if lo, hi := v.Around(0.9, -50); lo != 0 || hi != 0 {
		t.Errorf("around a value below the floor: [%g, %g]", lo, hi)
	}
}

func TestInterval_file(t *testing.T) {
	v := calibrate.NewInterval(values(0, 1000, 20, true), nil)
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var back calibrate.Interval
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	lo, hi := v.Around(0.9, 4)
	if l, h := back.Around(0.9, 4); l != lo || h != hi {
		t.Errorf("[%g, %g] became [%g, %g]", lo, hi, l, h)
	}
	if json.Unmarshal([]byte(`{"groups": 3, "distance": [1], "share": [0.75], "skew": 1}`), &back) == nil {
		t.Error("an unknown field is accepted")
	}
	bad := math.NaN()
	for name, v := range map[string]calibrate.Interval{
		"nothing":   {Groups: 1},
		"no groups": {Distance: []float64{1}, Share: []float64{0.5}},
		"falling":   {Groups: 3, Distance: []float64{2, 1}, Share: []float64{0.25, 0.5}},
		"share":     {Groups: 3, Distance: []float64{1}, Share: []float64{1.5}},
		"floor":     {Groups: 3, Distance: []float64{1}, Share: []float64{0.5}, Floor: &bad},
		"spread":    {Groups: 3, Distance: []float64{1}, Share: []float64{0.5}, Spread: &calibrate.Spread{At: []float64{1}, Width: []float64{0}}},
	} {
		if v.Check() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
