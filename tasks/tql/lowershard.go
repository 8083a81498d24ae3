package tql

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// Shard is one part of the entities of several, by a hash of their keys. The zero value is
// all of them.
type Shard struct{ Number, Of int }

// SQLShard is [SQL] for one shard of the entities: the shards together give the rows of SQL,
// each once. The rows have the columns of a label file (the key columns by their names,
// anchor as text in UTC, label, split) in no order. Tasks whose labels depend on those of
// other entities (classes, which are those of the training labels) and lists are errors.
func SQLShard(task *tasks.Task, sc *schema.Schema, grid *tasks.Grid, shard Shard) (string, error) {
	if task.Type != tasks.Binary && task.Type != tasks.Regression {
		return "", fmt.Errorf("lower to SQL in shards: labels of type %s; binary and regression are lowered", task.Type)
	}
	if task.Static() {
		return "", errors.New("lower to SQL in shards: a target without window")
	}
	if shard.Of < 1 || shard.Number < 0 || shard.Number >= shard.Of {
		return "", fmt.Errorf("lower to SQL: there is no shard %d of %d", shard.Number, shard.Of)
	}
	text, err := lowered(task, sc, grid, shard)
	if err != nil {
		return "", err
	}
	t := sc.Tables[task.Entity]
	var columns []string
	for i, name := range keyNames(len(t.Key)) {
		columns = append(columns, name+" AS "+identifier(t.Columns[t.Key[i]].Name))
	}
	label := "label"
	if task.Type == tasks.Binary {
		label = "label::int AS label"
	}
	columns = append(columns, "to_char(anchor AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS anchor", label, "split")
	return "SELECT " + strings.Join(columns, ", ") + " FROM (\n" + text[:strings.LastIndex(text, "\nORDER BY ")] + "\n) l", nil
}

// hash holds for the rows of the shard, by columns that print alike wherever the key stands.
func (s Shard) hash(columns []string) string {
	texts := make([]string, len(columns))
	for i, c := range columns {
		texts[i] = c + "::text"
	}
	return fmt.Sprintf("(hashtextextended(concat_ws('|', %s), 0) & 9223372036854775807) %% %d = %d", strings.Join(texts, ", "), s.Of, s.Number)
}

// entities is the condition on the entity row.
func (s Shard) entities(l *lowering) []string {
	if s.Of < 2 {
		return nil
	}
	t := l.sc.Tables[l.task.Entity]
	var columns []string
	for _, c := range t.Key {
		columns = append(columns, column("d", t.Columns[c].Name))
	}
	return []string{s.hash(columns)}
}

// sources is the same condition on the rows of a source, so that a shard groups its own only.
// It changes no result and is left out where a key may print otherwise than that of its entity, or
// where a foreign key names the entity by other columns than its key.
func (s Shard) sources(x *source) []string {
	t := x.l.sc.Tables[x.l.task.Entity]
	if s.Of < 2 || !slices.Equal(x.entity, t.Key) {
		return nil
	}
	for i, c := range x.keyed {
		if !printAlike(c, t.Columns[t.Key[i]]) {
			return nil
		}
	}
	return []string{s.hash(x.keys)}
}

// integers print alike whatever their width.
var integers = []string{"smallint", "integer", "bigint"}

func printAlike(a, b schema.Column) bool {
	if slices.Contains(integers, a.DBType) && slices.Contains(integers, b.DBType) {
		return true
	}
	return a.DBType == b.DBType && (a.DBType == "text" || a.DBType == "uuid" || strings.HasPrefix(a.DBType, "character varying"))
}
