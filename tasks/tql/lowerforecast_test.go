package tql

import (
	"math"
	"strconv"
	"testing"

	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/tasks"
)

// TestSQL_forecast compares every timeframe of forecasts with the executor in memory.
func TestSQL_forecast(t *testing.T) {
	sc := undeclared(ddlSchema(t))
	data := randomData(sc, 18)
	url := pgtest.URL(t)
	load(t, url, sc, data)
	snap, conn := snapshotOf(t, sc, data), connect(t, url)
	for _, target := range []string{
		"SUM(orders.price, 0, 7, days) FORECAST 4",
		"COUNT(orders.*, 0, 1, days) FORECAST 30 TIMEFRAMES",
		"COUNT_DISTINCT(orders.channel, 3, 10, days) FORECAST 3 STEPS",
		"SUM(orders.stars WHERE express, 0, 15, days) FORECAST 2",
		"COUNT(lines.*, 0, 72, hours) FORECAST 9",
	} {
		text := "CREATE TASK t AS PREDICT " + target + " FOR EACH users WHERE age > 0 OR age IS NULL WITH (" + randomOptions + ", train_anchors = 9)"
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
		rows, err := conn.Query(t.Context(), sql)
		if err != nil {
			t.Fatalf("%v\n%s", err, sql)
		}
		i, known := 0, 0
		for ; rows.Next(); i++ {
			var split string
			var anchor any
			var entity int64
			var have []float64
			if err := rows.Scan(&split, &anchor, &entity, &have); err != nil {
				t.Fatal(err)
			}
			if i >= len(labels.Entity) || split != labels.Split[i].String() || strconv.FormatInt(entity, 10) != snap.Tables[task.Entity].KeyText(labels.Entity[i]) {
				t.Fatalf("%s: example %d is not the one in memory", target, i)
			}
			for k, want := range labels.Truth(i) {
				if math.Abs(have[k]-want) > 1e-9*math.Max(1, math.Abs(want)) {
					t.Errorf("%s: example %d, timeframe %d: SQL %v, memory %v", target, i, k+1, have, labels.Truth(i))
				}
				if want != 0 {
					known++
				}
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		if i != len(labels.Entity) || known < 10 {
			t.Errorf("%s: %d examples in SQL, %d in memory, %d labels are not 0", target, i, len(labels.Entity), known)
		}
	}
}
