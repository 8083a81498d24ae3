package tql

import (
	"testing"

	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/tasks"
)

// TestSQL_middle compares MODE, MEDIAN and STDDEV with the executor in memory.
func TestSQL_middle(t *testing.T) {
	sc := undeclared(ddlSchema(t))
	data := randomData(sc, 11)
	url := pgtest.URL(t)
	load(t, url, sc, data)
	snap, conn := snapshotOf(t, sc, data), connect(t, url)
	for _, target := range []string{
		"STDDEV(orders.price, 0, 30, days)", "STDDEV(orders.price, 0, 30, days) ON EMPTY 0", "STDDEV(orders.price WHERE channel <> 'a', 0, 35, days) ON EMPTY SKIP",
		"MEDIAN(orders.price, 0, 30, days)", "MEDIAN(orders.express, 0, 30, days)", "MEDIAN(lines.weight, 0, 30, days VIA (lines.order_id, orders.user_id))",
		"MODE(orders.channel, 0, 35, days)", "MODE(orders.express, 0, 30, days)", "MODE(orders.stars, 0, 30, days)", "MODE(orders.placed, 0, 30, days) - ANCHOR",
		"STDDEV(returns.order_id->price, 0, 35, days VIA returns.user_id)",
	} {
		text := "CREATE TASK t AS PREDICT " + target + " FOR EACH users WITH (" + randomOptions + ")"
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
		have := query(t, conn, sql)
		if msg := sameRows(have, labelRows(labels, snap.Tables[task.Entity])); msg != "" || len(have) == 0 {
			t.Errorf("%s: %d rows; %s\n%s", target, len(have), msg, sql)
		}
	}
}
