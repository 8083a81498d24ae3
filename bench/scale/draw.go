package main

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// palette tells eight lines apart, also for most who see colours otherwise (Okabe, Ito, 2008).
var palette = []color.Color{
	color.RGBA{0, 114, 178, 255}, color.RGBA{213, 94, 0, 255}, color.RGBA{0, 158, 115, 255}, color.RGBA{204, 121, 167, 255},
	color.RGBA{230, 159, 0, 255}, color.RGBA{86, 180, 233, 255}, color.RGBA{60, 60, 60, 255}, color.RGBA{150, 150, 150, 255},
}

// drawChart plots processor seconds of every stage over links, both logarithmic, with a
// line of slope 1 for comparison. Of several results of one size the first counts. A file name that ends in .png gives pixels.
func drawChart(results []Result, path string) error {
	p := plot.New()
	p.Title.Text = "Cost of each stage as the database grows"
	p.Title.TextStyle.Font.Size = 13
	p.X.Label.Text, p.Y.Label.Text = "links", "processor seconds"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = decades{}, decades{}
	p.Add(plotter.NewGrid())
	p.Legend.Top, p.Legend.Left, p.Legend.Padding = true, true, vg.Points(1.5)
	p.Legend.TextStyle.Font.Size = 9
	var low, high, most float64 // links; seconds
	for i, s := range stages(results) {
		var points plotter.XYs
		for k, r := range results {
			again := k > 0 && results[k-1].Links == r.Links
			if !again && i < len(r.Stages) && r.Stages[i].CPU > 0 {
				points = append(points, plotter.XY{X: float64(r.Links), Y: r.Stages[i].CPU})
				most = max(most, r.Stages[i].CPU)
			}
		}
		if len(points) == 0 {
			continue
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return err
		}
		line.Color, line.Width = palette[i%len(palette)], vg.Points(1.6)
		dots.Color, dots.Shape, dots.Radius = line.Color, draw.CircleGlyph{}, vg.Points(2.5)
		p.Add(line, dots)
		p.Legend.Add(s.Name, line, dots)
		low, high = points[0].X, max(high, points[len(points)-1].X)
	}
	if err := guide(p, low, high); err != nil {
		return err
	}
	p.X.Max, p.Y.Max = high*1.3, most*12 // room for the last label and for the legend
	return p.Save(7*vg.Inch, 5*vg.Inch, path)
}

// decades marks powers of ten, written as such.
type decades struct{}

func (decades) Ticks(low, high float64) []plot.Tick {
	ticks := plot.LogTicks{Prec: -1}.Ticks(low, high)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = fmt.Sprintf("1e%d", int(math.Round(math.Log10(ticks[i].Value))))
		}
	}
	return ticks
}

// guideStart is where the line of slope 1 begins, in seconds: below the data.
const guideStart = 0.004

// guide draws what a cost in proportion to the links would look like.
func guide(p *plot.Plot, low, high float64) error {
	if high <= low {
		return nil
	}
	line, err := plotter.NewLine(plotter.XYs{{X: low, Y: guideStart}, {X: high, Y: guideStart * high / low}})
	if err != nil {
		return err
	}
	line.Color, line.Width = color.Gray{120}, vg.Points(1)
	line.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
	p.Add(line)
	p.Legend.Add("slope 1: linear", line)
	return nil
}
