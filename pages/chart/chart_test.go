package chart_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/pages/chart"
)

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		want   string
	}{
		{0, 1, "[0 0.2 0.4 0.6 0.8 1]"}, {0, 100, "[0 20 40 60 80 100]"}, {-3, 7, "[-2 0 2 4 6]"}, {0.51, 0.52, "[0.51 0.512 0.514 0.516 0.518 0.52]"},
		{5, 5, "[]"}, {0, math.Inf(1), "[]"}, {1e9, 3e9, "[1e+09 1.5e+09 2e+09 2.5e+09 3e+09]"},
	} {
		var got []float64
		for _, v := range chart.Ticks(c.lo, c.hi) {
			got = append(got, math.Round(v*1e6)/1e6)
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("from %v to %v: %v, want %v", c.lo, c.hi, got, c.want)
		}
	}
}

// Whatever the data, the text is well-formed, names nothing that could run, and holds no
// number that is none.
func TestFigure_odd(t *testing.T) {
	nan := math.NaN()
	hostile := `"><script>alert(1)</script>`
	for _, points := range [][]chart.Point{nil, {{0, 0}}, {{1, nan}}, {{0, nan}, {1, 2}, {2, nan}, {3, 4}}, {{0, 1e300}, {1, -1e300}}, {{5, 3}, {5, 3}}} {
		for _, bars := range []bool{false, true} {
			f := chart.Figure{Title: hostile, X: chart.Axis{Label: hostile}, Y: chart.Axis{Label: "y"}, Bars: bars,
				Lines: []chart.Series{{Name: hostile, Points: points, Dots: true}, {Name: "b", Points: points, Dashed: true}}}
			text := string(f.HTML())
			d := xml.NewDecoder(strings.NewReader(text))
			for {
				_, err := d.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatalf("%v: %v\n%s", points, err, text)
				}
			}
			if strings.Contains(text, "<script") || strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
				t.Errorf("%v: %s", points, text)
			}
		}
	}
}

func TestFigure_places(t *testing.T) {
	zero, one := 0.0, 1.0
	f := chart.Figure{Title: "diagonal", X: chart.Axis{From: &zero, To: &one}, Y: chart.Axis{From: &zero, To: &one}, Lines: []chart.Series{{Points: []chart.Point{{0, 0}, {1, 1}}}}}
	text := string(f.HTML())
	if !strings.Contains(text, `d="M56.0 236.0L546.0 28.0"`) {
		t.Errorf("the diagonal does not run from corner to corner:\n%s", text)
	}
	if again := string(f.HTML()); again != text {
		t.Error("equal data give other text")
	}
}

func ExampleFigure_HTML() {
	f := chart.Figure{Title: "orders by day", X: chart.Axis{Label: "day"}, Y: chart.Axis{Label: "orders"}, Bars: true,
		Lines: []chart.Series{{Name: "orders", Points: []chart.Point{{1, 3}, {2, 5}}}}}
	lines := strings.Split(string(f.HTML()), "\n")
	fmt.Println(slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, `<rect class="bar f0"`) }))
	// Output: true
}

// Neighbouring marks of an axis differ, however close they are.
func TestFigure_marks(t *testing.T) {
	f := chart.Figure{Lines: []chart.Series{{Points: []chart.Point{{X: 0, Y: 0.8131}, {X: 1, Y: 0.8146}}}}}
	text := string(f.HTML())
	for _, want := range []string{">0.8135<", ">0.8140<", ">0.8145<"} {
		if !strings.Contains(text, want) {
			t.Errorf("no mark %s:\n%s", want, text)
		}
	}
}
