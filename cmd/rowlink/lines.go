package main

import (
	"cmp"
	"slices"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/gnn/predict"
)

// line is one line of a table of predictions: a prediction or, of a forecast, one of its
// timeframes.
type line struct {
	*predict.Prediction
	step  int // of a forecast: the number of the timeframe, from 1; else 0
	value any
	last  bool     // of its prediction
	share *float64 // probability of value, where it is not that of the prediction
}

// ranked cuts predictions into lines for people: with top above one, of a single class one
// line for each of the likeliest classes, the predicted one first.
func (p *predictions) ranked() []line {
	if p.top < 2 {
		return p.lines()
	}
	var out []line
	for i := range p.list {
		one := &p.list[i]
		class, single := one.Value.(string)
		if !single || one.Probabilities == nil {
			out = append(out, linesOf(one)...)
			continue
		}
		classes := slices.Clone(p.Classes)
		slices.SortStableFunc(classes, func(x, y string) int {
			if x == class || y == class {
				return map[bool]int{true: -1, false: 1}[x == class]
			}
			return cmp.Compare(one.Probabilities[y], one.Probabilities[x])
		})
		for n, c := range classes[:min(p.top, len(classes))] {
			share := one.Probabilities[c]
			out = append(out, line{Prediction: one, value: c, share: &share, last: n == min(p.top, len(classes))-1})
		}
	}
	return out
}

// lines cuts predictions into lines.
func (p *predictions) lines() []line {
	var out []line
	for i := range p.list {
		out = append(out, linesOf(&p.list[i])...)
	}
	return out
}

func linesOf(p *predict.Prediction) []line {
	series, ok := p.Value.([]float64)
	if !ok {
		return []line{{Prediction: p, value: p.Value, last: true}}
	}
	var out []line
	for i, v := range series {
		out = append(out, line{Prediction: p, step: i + 1, value: v, last: i == len(series)-1})
	}
	return out
}

// bounds are the intervals around the value of a prediction, or around those of a forecast, one
// per timeframe; nil where none is asked for.
func bounds(around rowlink.Around, p *predict.Prediction) (lower, upper []float64) {
	for _, one := range linesOf(p) {
		v, isValue := one.value.(float64)
		if around == nil || !isValue {
			return nil, nil
		}
		lo, hi := around(one.step, v)
		lower, upper = append(lower, lo), append(upper, hi)
	}
	return lower, upper
}
