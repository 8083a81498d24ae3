package main

import (
	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/gnn/predict"
)

// line is one line of a table of predictions: a prediction or, of a forecast, one of its
// timeframes.
type line struct {
	*predict.Prediction
	step  int // of a forecast: the number of the timeframe, from 1; else 0
	value any
	last  bool // of its prediction
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
		return []line{{p, 0, p.Value, true}}
	}
	var out []line
	for i, v := range series {
		out = append(out, line{p, i + 1, v, i == len(series)-1})
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
