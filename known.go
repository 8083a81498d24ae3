package rowlink

import (
	"slices"

	"github.com/rowlink/rowlink/tasks"
)

// Known turns the truth of an outcome, labels of a table of today, into positions among the
// classes of the training, drops examples of other classes, and returns how many.
func (l *Loaded) Known(labels *tasks.LabelTable, o *Outcome) (dropped int) {
	if labels.Classes == nil {
		return 0
	}
	kept, width := 0, len(l.Classes)
	for i, label := range o.Truth {
		class, ok := l.class(labels, label)
		if !ok {
			continue
		}
		o.Truth[kept], o.Anchor[kept] = class, o.Anchor[i]
		copy(o.Predicted[kept*width:(kept+1)*width], o.Predicted[i*width:(i+1)*width])
		kept++
	}
	dropped = len(o.Truth) - kept
	o.Truth, o.Anchor, o.Predicted = o.Truth[:kept], o.Anchor[:kept], o.Predicted[:kept*width]
	return dropped
}

// class is a label of today among the classes of the training; of a set, those of them.
func (l *Loaded) class(labels *tasks.LabelTable, label float64) (class float64, ok bool) {
	if labels.Classes == nil {
		return label, true
	}
	if l.Task.Type == tasks.Multilabel {
		class = tasks.Mask(tasks.LabelSet(label, labels.Classes), l.Classes)
		return class, class != 0
	}
	at := slices.Index(l.Classes, labels.Classes[int(label)])
	return float64(at), at >= 0
}
