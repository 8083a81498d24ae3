package tql

import (
	"strings"

	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// Question prints what a bound task asks, with every name resolved and no options: two
// texts that ask the same have the same question, however they are spelt.
func Question(task *tasks.Task, sc *schema.Schema) string {
	if task.Raw != nil {
		return task.Type + " by SQL: " + task.Hash
	}
	u := &unbinder{sc, task.Entity}
	var b strings.Builder
	b.WriteString(task.Type + ": PREDICT " + u.target(task) + " FOR EACH " + textOf(&Table{Parts: tableParts(sc, task.Entity)}))
	if task.Where != nil {
		b.WriteString(" WHERE " + u.expr(task.Where).String())
	}
	if task.Assuming != nil {
		b.WriteString(" ASSUMING " + u.expr(task.Assuming).String())
	}
	return b.String()
}

// Quote writes a name so that it reads back: in double quotes where it must be.
func Quote(name string) string { return (&Name{Text: name, Quoted: !plain(name)}).String() }
