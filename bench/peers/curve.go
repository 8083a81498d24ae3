package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"

	"gonum.org/v1/gonum/stat"
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

// lossDetail is the part of an epoch figure's detail that both sides have. Losses and
// validation errors are listed per training, each with a seed of its own, and per epoch.
type lossDetail struct {
	Losses     [][]float64 `json:"losses"`
	Vals       [][]float64 `json:"vals"`
	Parameters int         `json:"parameters"`
	Sampler    string      `json:"sampler"`
	Network    string      `json:"network"`
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

// perEpoch returns, for every epoch that all trainings have, the mean over the trainings
// and their standard deviation (n - 1; 0 for a single training).
func perEpoch(trainings [][]float64) (mean, deviation []float64) {
	for e := 0; len(trainings) > 0; e++ {
		var v []float64
		for _, t := range trainings {
			if e >= len(t) {
				return mean, deviation
			}
			v = append(v, t[e])
		}
		m, sd := stat.MeanStdDev(v, nil)
		if len(v) == 1 {
			sd = 0
		}
		mean, deviation = append(mean, m), append(deviation, sd)
	}
	return nil, nil
}

func (c curves) epochs() int {
	a, _ := perEpoch(c.ours.Losses)
	b, _ := perEpoch(c.peer.Losses)
	return min(len(a), len(b))
}

// gap is how much higher our training loss lies, as a share, on average over the epochs
// behind the first, which depends on the scale in which the target is predicted. Below 0
// ours is lower. Noise is by how much, as a share, two trainings, one of each side, would
// differ by their seeds alone in one case out of twenty: twice the standard deviation of
// their difference, pooled over the same epochs.
func (c curves) gap() (gap, noise float64) {
	a, sa := perEpoch(c.ours.Losses)
	b, sb := perEpoch(c.peer.Losses)
	n := min(len(a), len(b))
	if n < 2 {
		return 0, 0
	}
	variance := 0.0
	for i := 1; i < n; i++ {
		gap += (a[i] - b[i]) / b[i]
		variance += (sa[i]*sa[i] + sb[i]*sb[i]) / (b[i] * b[i])
	}
	k := float64(n - 1)
	return gap / k, 2 * math.Sqrt(variance/k)
}

func (c curves) row() row {
	r := row{name: "curve", what: "how much higher our training loss (MAE in places) lies, mean of epochs 2 and later and of the seeds", target: "within noise", state: notMeasured}
	n := c.epochs()
	if n < 2 {
		return r
	}
	a, _ := perEpoch(c.ours.Losses)
	b, _ := perEpoch(c.peer.Losses)
	gap, noise := c.gap()
	r.ours, r.peer = fmt.Sprintf("%.3f in epoch %d", a[n-1], n), fmt.Sprintf("%.3f", b[n-1])
	r.ratio, r.target, r.state = percent(gap), fmt.Sprintf("within noise: %s (two standard deviations between seeds)", percent(noise)), "**not met**"
	switch {
	case noise == 0:
		r.target, r.state = "within noise", notMeasured // one seed tells none
	case math.Abs(gap) <= noise:
		r.state = "met"
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
		values [][]float64
		color  color.RGBA
		dashes []vg.Length
	}{
		{"training, rowlink", c.ours.Losses, color.RGBA{B: 190, G: 90, A: 255}, nil},
		{"training, reference", c.peer.Losses, color.RGBA{R: 200, G: 80, A: 255}, nil},
		{"validation, rowlink", c.ours.Vals, color.RGBA{B: 190, G: 90, A: 255}, []vg.Length{vg.Points(4), vg.Points(3)}},
		{"validation, reference", c.peer.Vals, color.RGBA{R: 200, G: 80, A: 255}, []vg.Length{vg.Points(4), vg.Points(3)}},
	} {
		mean, _ := perEpoch(l.values)
		if len(mean) == 0 {
			continue
		}
		points := make(plotter.XYs, len(mean))
		for i, v := range mean {
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
