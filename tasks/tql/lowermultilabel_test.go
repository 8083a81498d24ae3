package tql

import (
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/tasks"
)

// TestSQL_classify compares the sets of CLASSIFY with the executor in memory.
func TestSQL_classify(t *testing.T) {
	sc := undeclared(ddlSchema(t))
	data := randomData(sc, 14)
	url := pgtest.URL(t)
	load(t, url, sc, data)
	snap, conn := snapshotOf(t, sc, data), connect(t, url)
	for _, target := range []string{"orders.channel", "orders.stars", "orders.express", "orders.item_id->category"} {
		text := "CREATE TASK t AS PREDICT LIST_DISTINCT(" + target + ", 0, 30, days) CLASSIFY FOR EACH users WITH (" + randomOptions + ", train_anchors = 3)"
		task := mustBind(t, text, sc)
		labels, err := tasks.Label(t.Context(), snap, task, 2)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		grid, err := task.Grid()
		if err != nil {
			t.Fatal(err)
		}
		sql, err := SQL(task, sc, grid)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := conn.Query(t.Context(), "SELECT split, entity::text, array_to_string(label, '|') FROM ("+sql+") q ORDER BY anchor, q.entity")
		if err != nil {
			t.Fatalf("%v\n%s", err, sql)
		}
		var have, want []string
		for rows.Next() {
			var split, entity, set string
			if err := rows.Scan(&split, &entity, &set); err != nil {
				t.Fatal(err)
			}
			have = append(have, split+" "+entity+" "+sortedSet(set))
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		for i, row := range labels.Entity {
			want = append(want, labels.Split[i].String()+" "+snap.Tables[task.Entity].KeyText(row)+" "+sortedSet(labels.Text(i)))
		}
		if len(want) < 10 || !slices.Equal(have, want) {
			t.Errorf("%s: SQL gives %d sets, memory %d\n%v\n%v\n%s", target, len(have), len(want), have, want, sql)
		}
	}
}

// sortedSet is a printed set in the order of its bytes.
func sortedSet(set string) string {
	parts := strings.Split(set, "|")
	slices.Sort(parts)
	return strings.Join(parts, "|")
}
