package model

import (
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// setTable holds multilabel labels: as they are in its column label, which features pass
// over, and one column of 0 and 1 for each class.
func setTable(l *tasks.LabelTable) *ingest.Table {
	t := &ingest.Table{
		Def: &schema.Table{
			Name:    HistoryName,
			Columns: []schema.Column{{Name: "label", Kind: schema.Float, Sem: schema.SemIgnore, Reason: "a set, told by the columns beside it"}},
			Time:    &schema.RowTime{Column: -1, Via: -1, Until: -1, Reason: "anchor + horizon: the window has closed"},
		},
		Rows:    len(l.Label),
		Columns: []ingest.Column{{Kind: schema.Float, Floats: l.Label}},
		Times:   make([]int64, len(l.Label)),
	}
	for c, class := range l.Classes {
		is := make([]float64, len(l.Label))
		for i, y := range l.Label {
			if tasks.Holds(y, c) {
				is[i] = 1
			}
		}
		t.Def.Columns = append(t.Def.Columns, schema.Column{Name: "label " + class, Kind: schema.Float, Sem: schema.SemNumerical, Reason: "whether the task's own target held the class"})
		t.Columns = append(t.Columns, ingest.Column{Kind: schema.Float, Floats: is})
	}
	return t
}
