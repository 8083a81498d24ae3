// Package chart owns the pictures of the pages: lines, bars and bins as SVG, written in Go,
// with their figures beside them as a table. Colours are CSS classes (c0, c1, ...), so that a
// page can be dark; equal data give equal text.
package chart

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// Point is a place in the data.
type Point struct{ X, Y float64 }

// Series is one line. A point whose Y is NaN breaks it.
type Series struct {
	Name   string
	Points []Point
	Dashed bool // of a reference rather than of data
	Dots   bool // a mark at each point
}

// Axis says how values are written.
type Axis struct {
	Label string
	From  *float64                       // nil = from the data
	To    *float64                       // nil = from the data
	Text  func(v float64) string         // nil = shortest
	Ticks func(lo, hi float64) []float64 // nil = round numbers
}

// Figure is a picture.
type Figure struct {
	Title string // says what is seen
	X, Y  Axis
	Lines []Series
	Bars  bool // the first series is drawn as bars
}

// Size of the drawing in units of its own; it scales to the page.
const (
	width, height                 = 560, 280
	left, right, top, bottom      = 56, 14, 28, 44
	plotWidth, plotHeight         = width - left - right, height - top - bottom
	tickLength, fontSize, wantedX = 4, 11, 6
)

// span is the range of an axis.
type span struct{ lo, hi float64 }

func (s span) at(v float64) float64 { return (v - s.lo) / (s.hi - s.lo) }

// spans find the ranges of the data.
func (f *Figure) spans() (x, y span) {
	x, y = span{math.Inf(1), math.Inf(-1)}, span{math.Inf(1), math.Inf(-1)}
	for _, s := range f.Lines {
		for _, p := range s.Points {
			if !math.IsNaN(p.Y) {
				x.lo, x.hi = math.Min(x.lo, p.X), math.Max(x.hi, p.X)
				y.lo, y.hi = math.Min(y.lo, p.Y), math.Max(y.hi, p.Y)
			}
		}
	}
	if n := len(f.Lines); f.Bars && n > 0 && len(f.Lines[0].Points) > 0 { // half a bar on both sides
		half := (x.hi - x.lo) / math.Max(1, float64(len(f.Lines[0].Points)-1)) / 2
		x = span{x.lo - half, x.hi + half}
	}
	if y.hi > y.lo { // lines keep clear of the frame
		const air = 0.06
		y = span{y.lo - (y.hi-y.lo)*air, y.hi + (y.hi-y.lo)*air}
	}
	return x.bounded(f.X), y.bounded(f.Y)
}

// bounded applies what an axis demands, and gives an empty range some width.
func (s span) bounded(a Axis) span {
	if s.lo > s.hi {
		s = span{0, 1}
	}
	if a.From != nil {
		s.lo = *a.From
	}
	if a.To != nil {
		s.hi = *a.To
	}
	if !(s.hi > s.lo) {
		pad := math.Max(math.Abs(s.lo)*0.1, 0.5)
		s = span{s.lo - pad, s.lo + pad}
	}
	return s
}

// Ticks are round numbers between lo and hi: 1, 2 or 5 times a power of ten apart.
func Ticks(lo, hi float64) []float64 {
	raw := (hi - lo) / wantedX
	if !(raw > 0) || math.IsInf(raw, 0) {
		return nil
	}
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	step := power * 10
	for _, m := range []float64{1, 2, 5} {
		if m*power >= raw {
			step = m * power
			break
		}
	}
	var out []float64
	for i := math.Ceil(lo/step - 1e-9); i*step <= hi+step*1e-9; i++ {
		out = append(out, i*step+0) // no negative zero
	}
	return out
}

// Number writes a value with the digits that it needs.
func Number(v float64) string {
	switch size := math.Abs(v); {
	case math.IsNaN(v):
		return "–"
	case size >= 1e6 || size > 0 && size < 1e-3:
		return strconv.FormatFloat(v, 'g', 3, 64)
	case size >= 1000:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(math.Round(v*1000)/1000, 'f', -1, 64)
}

func (a Axis) text(v float64) string {
	if a.Text != nil {
		return a.Text(v)
	}
	return Number(v)
}

// marks writes what stands beside ticks: with as many digits as tell neighbours apart.
func (a Axis) marks(ticks []float64) []string {
	out := make([]string, len(ticks))
	for i, v := range ticks {
		out[i] = a.text(v)
	}
	if a.Text != nil || len(ticks) < 2 {
		return out
	}
	const most = 9
	if digits := int(math.Ceil(-math.Log10(ticks[1]-ticks[0]) - 1e-9)); digits > 3 && digits <= most { // Number writes three
		for i, v := range ticks {
			out[i] = strconv.FormatFloat(v, 'f', digits, 64)
		}
	}
	return out
}

func (a Axis) ticks(s span) []float64 {
	if a.Ticks != nil {
		return a.Ticks(s.lo, s.hi)
	}
	return Ticks(s.lo, s.hi)
}

// drawing is an SVG that is being written.
type drawing struct {
	strings.Builder
	x, y span
}

func (d *drawing) add(format string, args ...any) { fmt.Fprintf(d, format+"\n", args...) }

func (d *drawing) px(v float64) float64 { return left + plotWidth*d.x.at(v) }
func (d *drawing) py(v float64) float64 { return top + plotHeight*(1-d.y.at(v)) }

// HTML draws the figure with its legend, and its figures as a table that opens.
func (f *Figure) HTML() template.HTML {
	d := &drawing{}
	d.x, d.y = f.spans()
	d.add(`<figure class="chart"><figcaption>%s</figcaption>`, html.EscapeString(f.Title))
	f.legend(d)
	d.add(`<svg viewBox="0 0 %d %d" role="img" aria-label="%s">`, width, height, html.EscapeString(f.Title))
	f.axes(d)
	for i, s := range f.Lines {
		if f.Bars && i == 0 {
			f.bars(d, s)
			continue
		}
		d.line(i, s)
	}
	d.add(`</svg>`)
	f.table(d)
	d.add(`</figure>`)
	return template.HTML(d.String()) // every text in it was escaped
}

func (f *Figure) legend(d *drawing) {
	if len(f.Lines) < 2 {
		return
	}
	d.add(`<p class="legend">`)
	for i, s := range f.Lines {
		d.add(`<span class="key k%d">%s</span>`, i, html.EscapeString(s.Name))
	}
	d.add(`</p>`)
}

func (f *Figure) axes(d *drawing) {
	y := f.Y.ticks(d.y)
	marks := f.Y.marks(y)
	for i, v := range y {
		d.add(`<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>`, left, width-right, d.py(v), d.py(v))
		d.add(`<text class="tick" x="%d" y="%.1f" text-anchor="end">%s</text>`, left-tickLength-2, d.py(v)+fontSize*0.35, html.EscapeString(marks[i]))
	}
	x := f.X.ticks(d.x)
	marks = f.X.marks(x)
	for i, v := range x {
		anchor, x, text, class := "middle", d.px(v), marks[i], "tick"
		if i%2 == 1 {
			class = "tick odd" // left out on a phone, where letters are larger
		}
		if half := float64(len(text)) * fontSize * 0.3; x+half > width { // does not run over the edge
			anchor, x = "end", width
		}
		d.add(`<text class="%s" x="%.1f" y="%d" text-anchor="%s">%s</text>`, class, x, height-bottom+16, anchor, html.EscapeString(text))
	}
	d.add(`<line class="axis" x1="%d" x2="%d" y1="%d" y2="%d"/>`, left, width-right, height-bottom, height-bottom)
	d.add(`<text class="label" x="%d" y="%d" text-anchor="end">%s</text>`, width-right, height-8, html.EscapeString(f.X.Label))
	d.add(`<text class="label" x="4" y="%d">%s</text>`, fontSize+1, html.EscapeString(f.Y.Label))
}

func (d *drawing) line(i int, s Series) {
	var path strings.Builder
	pen := "M"
	for _, p := range s.Points {
		if math.IsNaN(p.Y) {
			pen = "M"
			continue
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", pen, d.px(p.X), d.py(p.Y))
		pen = "L"
	}
	dash := ""
	if s.Dashed {
		dash = ` stroke-dasharray="4 4"`
	}
	d.add(`<path class="line s%d" d="%s"%s/>`, i, path.String(), dash)
	if !s.Dots {
		return
	}
	for _, p := range s.Points {
		if !math.IsNaN(p.Y) {
			d.add(`<circle class="dot f%d" cx="%.1f" cy="%.1f" r="3"/>`, i, d.px(p.X), d.py(p.Y))
		}
	}
}

func (f *Figure) bars(d *drawing, s Series) {
	w := plotWidth / math.Max(1, float64(len(s.Points))) * 0.8
	for _, p := range s.Points {
		if math.IsNaN(p.Y) {
			continue
		}
		y, base := d.py(p.Y), d.py(math.Max(d.y.lo, 0))
		d.add(`<rect class="bar f0" x="%.1f" y="%.1f" width="%.1f" height="%.1f"><title>%s: %s</title></rect>`, d.px(p.X)-w/2, math.Min(y, base), w, math.Abs(base-y),
			html.EscapeString(f.X.text(p.X)), html.EscapeString(f.Y.text(p.Y)))
	}
}

// mostRows bounds the table beside a picture.
const mostRows = 120

// table writes the figures, one row per X of the first series, for those who do not see the
// picture.
func (f *Figure) table(d *drawing) {
	if len(f.Lines) == 0 {
		return
	}
	d.add(`<details class="figures"><summary>figures</summary><div class="wide"><table><thead><tr><th scope="col">%s</th>`, html.EscapeString(f.X.Label))
	for _, s := range f.Lines {
		name := s.Name
		if name == "" {
			name = f.Y.Label
		}
		d.add(`<th scope="col" class="n">%s</th>`, html.EscapeString(name))
	}
	d.add(`</tr></thead><tbody>`)
	for i, p := range f.Lines[0].Points[:min(mostRows, len(f.Lines[0].Points))] {
		d.add(`<tr><td>%s</td>`, html.EscapeString(f.X.text(p.X)))
		for _, s := range f.Lines {
			cell := "–"
			if i < len(s.Points) && s.Points[i].X == p.X {
				cell = f.Y.text(s.Points[i].Y)
			}
			d.add(`<td class="n">%s</td>`, html.EscapeString(cell))
		}
		d.add(`</tr>`)
	}
	d.add(`</tbody></table></div></details>`)
}
