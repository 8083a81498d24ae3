package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// curves are losses per epoch of both sides, in places.
type curves struct {
	ours, peer lossDetail
}

// lossDetail is the part of an epoch figure's detail that both sides have.
type lossDetail struct {
	Loss       []float64 `json:"loss"`
	Val        []float64 `json:"val"`
	Parameters int       `json:"parameters"`
	Sampler    string    `json:"sampler"`
	Network    string    `json:"network"`
}

func (s *store) curves() curves {
	read := func(who string) (d lossDetail) {
		for _, f := range s.find("curve", key{who, "", epochName, 2}) {
			_ = json.Unmarshal(f.Detail, &d) // a detail of another form holds no losses
		}
		return d
	}
	return curves{read(ours), read(peer)}
}

func (c curves) epochs() int { return min(len(c.ours.Loss), len(c.peer.Loss)) }

// noise is the tolerance between the two curves. It is a choice: how far trainings that
// differ in their seed alone lie apart was not measured.
const noise = 0.1

// gap is how much higher our training loss lies, as a share, on average over the epochs
// behind the first, which depends on the scale in which the target is predicted. Below 0
// ours is lower.
func (c curves) gap() float64 {
	n := c.epochs()
	if n < 2 {
		return 0
	}
	sum := 0.0
	for i := 1; i < n; i++ {
		sum += (c.ours.Loss[i] - c.peer.Loss[i]) / c.peer.Loss[i]
	}
	return sum / float64(n-1)
}

func (c curves) row() row {
	r := row{name: "curve", what: "how much higher our training loss (MAE in places) lies, mean of epochs 2 and later", target: "within " + percent(noise), state: notMeasured}
	if n := c.epochs(); n >= 2 {
		r.ours, r.peer = fmt.Sprintf("%.3f in epoch %d", c.ours.Loss[n-1], n), fmt.Sprintf("%.3f", c.peer.Loss[n-1])
		r.ratio, r.state = percent(c.gap()), "**not met**"
		if math.Abs(c.gap()) <= noise {
			r.state = "met"
		}
	}
	return r
}

// draw writes the curves as SVG.
func (c curves) draw(path string) error {
	p := plot.New()
	p.Title.Text = "rel-f1 driver-position, reference setting"
	p.X.Label.Text, p.Y.Label.Text = "epoch", "mean absolute error, places"
	p.Legend.Top = true
	p.Add(plotter.NewGrid())
	for _, l := range []struct {
		name   string
		values []float64
		color  color.RGBA
		dashes []vg.Length
	}{
		{"training, rowlink", c.ours.Loss, color.RGBA{B: 190, G: 90, A: 255}, nil},
		{"training, reference", c.peer.Loss, color.RGBA{R: 200, G: 80, A: 255}, nil},
		{"validation, rowlink", c.ours.Val, color.RGBA{B: 190, G: 90, A: 255}, []vg.Length{vg.Points(4), vg.Points(3)}},
		{"validation, reference", c.peer.Val, color.RGBA{R: 200, G: 80, A: 255}, []vg.Length{vg.Points(4), vg.Points(3)}},
	} {
		if len(l.values) == 0 {
			continue
		}
		points := make(plotter.XYs, len(l.values))
		for i, v := range l.values {
			points[i] = plotter.XY{X: float64(i + 1), Y: v}
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return fmt.Errorf("draw %s: %w", l.name, err)
		}
		line.LineStyle = draw.LineStyle{Color: l.color, Width: vg.Points(1.5), Dashes: l.dashes}
		p.Add(line)
		p.Legend.Add(l.name, line)
	}
	canvas := vgsvg.New(6*vg.Inch, 3.5*vg.Inch)
	p.Draw(draw.New(canvas))
	var buf bytes.Buffer
	if _, err := canvas.WriteTo(&buf); err != nil {
		return fmt.Errorf("draw the loss curves: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, buf.Bytes(), 0o644)
}
