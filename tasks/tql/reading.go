package tql

import (
	"fmt"
	"strings"
)

// reading says the task in words, for people who want to know how it was understood.
func (b *binder) reading() string {
	q := b.query
	out := fmt.Sprintf("for each row of %s, %s: %s", b.entity.Name, kindOfTask[b.task.Type], q.Target)
	out += "\n  it reads " + strings.Join(b.said, "; ")
	if q.Where != nil {
		out += "\n  asked only where " + q.Where.String()
	}
	if q.Assuming != nil {
		out += "\n  labels only where " + q.Assuming.String() + " came true"
	}
	return out
}

var kindOfTask = map[string]string{
	"binary_classification":     "whether it will be that",
	"regression":                "how much",
	"multiclass_classification": "which value of",
}
