package baseline

import "github.com/rowlink/rowlink/tasks"

// apart reports whether each output is a target by itself: a class of a multilabel task, a
// timeframe of a forecast. It then has boosted models of its own.
func (d *Data) apart() bool {
	return d.Task.Type == tasks.Multilabel || d.Task.Forecast != nil
}

// target gives the labels of one output out of those of examples.
func (d *Data) target(labels []float64, output int) []float64 {
	if k := d.Task.Frames(); k > 1 {
		out := make([]float64, len(labels)/k)
		for i := range out {
			out[i] = labels[i*k+output]
		}
		return out
	}
	if d.Task.Type != tasks.Multilabel {
		return labels
	}
	is := make([]float64, len(labels))
	for i, y := range labels {
		if tasks.Holds(y, output) {
			is[i] = 1
		}
	}
	return is
}

// isClass tells of examples whether they are of a class, or hold it.
func (d *Data) isClass(labels []float64, class int) []float64 {
	if d.Task.Type == tasks.Multilabel {
		return d.target(labels, class)
	}
	is := make([]float64, len(labels))
	for i, y := range labels {
		if int(y) == class {
			is[i] = 1
		}
	}
	return is
}

// level is one label per example: of a forecast the mean over its timeframes.
func (d *Data) level(labels []float64) []float64 {
	k := d.Task.Frames()
	if k == 1 {
		return labels
	}
	out := make([]float64, len(labels)/k)
	for i, y := range labels {
		out[i/k] += y / float64(k)
	}
	return out
}

// width is the number of labels per example.
func (e Examples) width() int { return len(e.Label) / max(1, len(e.Queries)) }
