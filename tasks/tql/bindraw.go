package tql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// rawTypes are the task types that SQL can give labels for.
var rawTypes = []string{tasks.Binary, tasks.Regression, tasks.Multiclass}

// raw binds a task in SQL: everything but the bodies, which only a database understands.
func (b *binder) raw(c *Create) {
	r := c.Raw
	b.task.Entity = noEntity
	if r.Entity != nil {
		b.bindEntity(&Entity{Loc: r.Entity.Loc, Parts: r.Entity.Parts})
	}
	b.options(c.Options)
	if r.To != nil {
		b.rawRanking(r)
	}
	switch {
	case r.To != nil && (c.Type == nil || strings.EqualFold(c.Type.Text, tasks.LinkPrediction)):
	case r.To != nil:
		b.fault(c.Type.Range(), "TK175", "TO ... RANK is of type %s, not %s", tasks.LinkPrediction, c.Type.Text).Hint = "write TYPE " + tasks.LinkPrediction
	case c.Type == nil:
		b.fault(c.Name.Range(), "TK187", "a task in SQL needs its TYPE").Hint = "write CREATE TASK " + c.Name.String() + " TYPE " + strings.Join(rawTypes, ", or TYPE ") + " FOR EACH ..."
	case strings.EqualFold(c.Type.Text, tasks.LinkPrediction):
		b.fault(c.Type.Range(), "TK187", "a ranking in SQL needs the table that is ranked").Hint = "write FOR EACH " + r.Entity.String() + " TO table RANK TOP 10 HORIZON ..."
	default:
		b.task.Type = strings.ToLower(c.Type.Text)
		if !slices.Contains(rawTypes, b.task.Type) {
			err := b.fault(c.Type.Range(), "TK175", "there is no task type %q", c.Type.Text)
			err.Hint = "types are " + strings.Join(rawTypes, ", ")
			if near, ok := Nearest(c.Type.Text, rawTypes); ok {
				err.Hint = "did you mean " + near + "? " + sentence(err.Hint)
			}
		}
	}
	if r.Horizon != nil {
		b.task.Horizon = tasks.Span(r.Horizon.Interval)
	}
	begin := len(b.text) - len(strings.TrimLeft(b.text, " \n\t\r")) // the task's text is trimmed
	out := &tasks.Raw{}
	for _, body := range []struct {
		from  *Body
		to    *string
		at    *int
		names []string
	}{{r.Entities, &out.Entities, &out.EntitiesAt, []string{"anchor", "horizon", "anchor_end"}},
		{r.Label, &out.Label, &out.LabelAt, []string{"anchor", "horizon", "anchor_end"}}, {r.SQL, &out.SQL, &out.SQLAt, nil}} {
		if body.from == nil {
			continue
		}
		*body.to, *body.at = body.from.Text, body.from.Inner.Pos-begin
		b.parameters(body.from, body.names)
		out.Tables = append(out.Tables, b.mentioned(body.from.Text)...)
	}
	slices.Sort(out.Tables)
	out.Tables = slices.Compact(out.Tables)
	b.task.Raw = out
	if len(b.errs) == 0 {
		b.assertRanking(c.Options)
		b.assertDates(c.Options)
	}
}

// rawRanking binds TO table RANK TOP k.
func (b *binder) rawRanking(r *Raw) {
	table, ok := b.tableNamed(r.To.Parts)
	if !ok {
		return
	}
	t := b.sc.Tables[table]
	if len(t.Key) != 1 {
		b.fault(r.To.Range(), "TK172", "table %q has no key of one column, so its rows cannot be ranked", t.Name).Hint = "name a table with a key of one column"
		return
	}
	b.task.Type = tasks.LinkPrediction
	k := b.ranked()
	k.Items, k.Column = table, t.Key[0]
	if r.Top != nil {
		k.Top = int(r.Top.N)
	}
}

// parameters checks the names after colons.
func (b *binder) parameters(body *Body, names []string) {
	for _, t := range SQLTokens(body.Text) {
		if t.Kind != SQLParameter || slices.Contains(names, t.Text) {
			continue
		}
		at := Loc{body.Inner.Pos + t.Pos, body.Inner.Pos + t.End}
		err := b.fault(at, "TK185", "there is no parameter :%s here", t.Text)
		err.Hint = "parameters are :" + strings.Join(names, ", :")
		if names == nil {
			err.Hint = "one body has no parameters: the relation grid has the columns anchor and horizon"
		} else if near, ok := Nearest(t.Text, names); ok {
			err.Hint = "did you mean :" + near + "? " + err.Hint
		}
	}
}

// mentioned lists the tables whose names occur in a body.
func (b *binder) mentioned(text string) []int {
	names := map[string]bool{}
	for _, t := range SQLTokens(text) {
		switch t.Kind {
		case SQLWord:
			names[strings.ToLower(t.Text)] = true
		case SQLQuoted:
			names[t.Text] = true
		}
	}
	var out []int
	for i, t := range b.sc.Tables {
		if !t.Ignore && (names[t.Name] || names[strings.ToLower(t.Name)]) {
			out = append(out, i)
		}
	}
	return out
}

// rawReading says a task in SQL as far as it can be said.
func rawReading(task *tasks.Task, sc *schema.Schema) string {
	what := map[string]string{tasks.LinkPrediction: "which rows its label will name", tasks.Binary: "whether its label will be true", tasks.Regression: "its label", tasks.Multiclass: "its label, one of the values seen in training"}[task.Type]
	out := fmt.Sprintf("For each %s row, predict %s, as the task's SQL finds it %s after the anchor.", sc.Tables[task.Entity].Name, what, task.Horizon)
	if task.Raw.Entities != "" {
		out += " For training, a row of " + sc.Tables[task.Entity].Name + " is eligible only if the ENTITIES body names it; a prediction does not check that."
	}
	return out
}

// raw says what the bodies may read.
func (x *explainer) raw() {
	var names []string
	for _, t := range x.task.Raw.Tables {
		names = append(names, x.sc.Tables[t].Name)
	}
	x.line("reads", "%s", strings.Join(names, ", "))
	if x.task.Raw.SQL != "" {
		x.line("reads", "  one body for all anchors of a split: rows up to the last anchor + %s", x.task.Horizon)
		return
	}
	x.line("reads", "  ENTITIES: rows up to the anchor; LABEL: rows up to anchor + %s; one run per anchor", x.task.Horizon)
}
