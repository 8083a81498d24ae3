package beam

import (
	"context"

	"github.com/rowlink/rowlink/ingest/parquet"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// labelsWork computes the labels of the entities of a piece.
var labelsWork = work{fields: labelFields, run: runLabels}

func labelFields(j *job) []parquet.Field {
	label := schema.Text
	if j.task.Numeric() {
		label = schema.Float
	}
	return []parquet.Field{{Name: "anchor", Kind: schema.Time}, {Name: "label", Kind: label}, {Name: "split", Kind: schema.Text}}
}

func runLabels(ctx context.Context, p *pieceOf, emit func([]any) error) error {
	part, err := tasks.LabelPart(ctx, p.snap, p.task, 1, p.owns)
	if err != nil {
		return err
	}
	for _, c := range part.SeenClasses(p.task) {
		p.seen(c)
	}
	for i, row := range part.Entity {
		cells := append(parquet.KeyCells(p.entities(), row), part.Anchor[i], labelCell(p.task, part, i), part.Split[i].String())
		if err := emit(cells); err != nil {
			return err
		}
	}
	return nil
}

// labelCell is a label as the files hold it before the classes of all pieces are known.
func labelCell(task *tasks.Task, part *tasks.Part, i int) any {
	if task.Numeric() {
		return part.Label[i]
	}
	return part.Text[i]
}
