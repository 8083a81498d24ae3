package rowlink_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/train"
	"github.com/rowlink/rowlink/tasks"
)

// TestRobust trains every predictor on databases that are odd in one way each: all must
// score finite numbers, and say the same after storing and loading.
func TestRobust(t *testing.T) {
	const few = 40
	for name, c := range map[string]struct {
		customers int
		task      string
		note      string // in one of the report's notes
		spoil     []string
	}{
		"NULL throughout, empty tables": {few, oddChurn, "rests on 3 anchors", nil}, // customers.void, visits
		"one row in a child table": {few, oddSpend, "", []string{
			`INSERT INTO visits VALUES (1, 3, '2022-06-01 10:00:00', 4)`, `INSERT INTO refunds VALUES (1, 2, '2022-07-01 10:00:00', 3)`}},
		"everything at one moment": {few, oddChurn, "", []string{
			`INSERT INTO visits SELECT order_id, customer_id, '2022-06-01 10:00:00', 1 FROM orders`}},
		"a thousand to one": {100, strings.Replace(oddChurn, "COUNT(orders.*, 0, 30, days) = 0", "MAX(orders.total, 0, 30, days) > 500", 1), "", []string{
			`UPDATE orders SET total = 1000 WHERE order_id % 600 = 7`}},
		"targets of 1e12 of both signs": {few, oddSpend, "", []string{
			`UPDATE orders SET total = 1e12 * (order_id % 2 * 2 - 1) WHERE order_id % 100 < 2`}},
		"all targets of 1e12": {few, oddSpend, "", []string{`UPDATE orders SET total = total * 1e12`}},
		"tiny targets":        {few, oddSpend, "", []string{`UPDATE orders SET total = total * 1e-12`}},
		"one target":          {few, strings.Replace(oddSpend, "SUM(orders.total", "SUM(orders.void", 1), "", []string{`UPDATE orders SET void = 0`}},
		"few labels": {few, strings.Replace(oddChurn, "FOR EACH customers", "FOR EACH customers WHERE customers.level > 0.9", 1), "", []string{
			`DELETE FROM orders WHERE ordered_at < '2023-03-20'`, `UPDATE customers SET signed_up_at = '2023-03-20 00:00:00' WHERE customer_id % 2 = 0`}},
		"entities that training never saw": {few, oddChurn, "", []string{
			`UPDATE customers SET signed_up_at = '2023-08-01 00:00:00' WHERE customer_id % 2 = 0`,
			`DELETE FROM orders WHERE customer_id % 2 = 0 AND ordered_at < '2023-08-01'`}},
		"a class of test that training never saw": {few, oddKind, "", []string{
			`UPDATE orders SET kind = 'c' WHERE ordered_at > '2023-09-01' AND order_id % 3 = 0`}},
		"a single class of test": {few, strings.Replace(oddChurn, "COUNT(orders.*, 0, 30, days) = 0", "MAX(orders.total, 0, 30, days) > 500", 1), "not defined on test: all", []string{
			`UPDATE orders SET total = 1000 WHERE order_id % 5 = 0 AND ordered_at < '2023-09-01'`}},
		"a level that jumps after validation": {few, oddSpend, "labels moved far", []string{
			`UPDATE orders SET total = total * 50 WHERE ordered_at > '2023-09-01'`}},
		"numbers that are infinite": {few, oddSpend, "", []string{
			`INSERT INTO visits SELECT order_id, customer_id, ordered_at, 9e307 FROM orders`, `UPDATE visits SET pages = 9e999 WHERE visit_id % 50 = 1`}},
		"two customers":          {2, oddSpend, "", nil},
		"customers without rows": {few, oddChurn, "", []string{`DELETE FROM orders WHERE customer_id % 4 > 0`}},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && c.note == "" && c.customers == few {
				t.Skip("trains a second")
			}
			t.Parallel()
			d := open(t, rowlink.Options{URL: "sqlite:" + oddShop(t, c.customers, c.spoil...), Workspace: t.TempDir()})
			f, err := d.Fit(t.Context(), c.task, rowlink.FitOptions{Train: quick1(), Scan: 1, Refit: c.customers == few})
			if err != nil {
				t.Fatal(err)
			}
			r := f.Report
			t.Logf("%v examples, served %s", r.Examples, r.Served)
			for _, row := range r.Rows {
				t.Logf("%-40s val %8.4g test %8.4g %s", row.Name, row.Val[r.Metric], row.Test[r.Metric], row.Setting)
				if v := row.Val[r.Metric]; math.IsNaN(v) || math.IsInf(v, 0) {
					t.Errorf("%s: validation %s is %v", row.Name, r.Metric, v)
				}
			}
			if notes := strings.Join(r.Notes, "\n"); !strings.Contains(notes, c.note) {
				t.Errorf("the report notes\n%s\nand not %q", notes, c.note)
			}
			if _, err := f.Save(d.Workspace); err != nil {
				t.Fatal(err)
			}
			storedAnswers(t, d, f)
		})
	}
}

// quick1 is a network of one epoch.
func quick1() train.Options {
	return train.Options{Model: model.Config{Width: 8, FanOut: []int{5, 3}}, Epochs: 1, Seed: 3}
}

// storedAnswers loads each predictor of the version and asks it about everybody.
func storedAnswers(t *testing.T, d *rowlink.Database, f *rowlink.Fitted) {
	t.Helper()
	for _, row := range f.Report.Rows {
		l, err := d.Load(t.Context(), f.Task.Name, "1", row.Name)
		if err != nil {
			t.Errorf("load %s: %v", row.Name, err)
			continue
		}
		at := oddEnd.UnixMicro()
		all := everybody(t, l, at)
		got, err := l.Predict(t.Context(), all, at, 0)
		if err != nil || len(got) == 0 {
			t.Errorf("%s: %d answers, error %v", row.Name, len(got), err)
		}
		for _, p := range got {
			if text := fmt.Sprintf("%+v", p); strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
				t.Errorf("%s answers %s", row.Name, text)
				break
			}
		}
	}
}

// What cannot be learned is told as such, with what was found and what to do.
func TestRobust_refused(t *testing.T) {
	for name, c := range map[string]struct {
		task  string
		spoil []string
		want  []string
	}{
		"a single class": {strings.Replace(oddChurn, "COUNT(orders.*, 0, 30, days) = 0", "MAX(orders.total, 0, 30, days) > 5000", 1), nil,
			[]string{"training labels", "all", "false"}},
		"a single class of validation": {strings.Replace(oddChurn, "COUNT(orders.*, 0, 30, days) = 0", "MAX(orders.total, 0, 30, days) > 5000", 1),
			[]string{`UPDATE orders SET total = 10000 WHERE ordered_at < '2023-06-01' AND order_id % 3 = 0`}, []string{"roc_auc", "undefined", "validation"}},
		"no orders":          {oddSpend, []string{`DELETE FROM orders`}, []string{"orders (0 rows)"}},
		"no customers":       {oddSpend, []string{`DELETE FROM orders`, `DELETE FROM customers`}, []string{"orders (0 rows)"}},
		"nobody is eligible": {strings.Replace(oddSpend, "FOR EACH customers", "FOR EACH customers WHERE customers.level > 5", 1), nil, []string{"training"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t, rowlink.Options{URL: "sqlite:" + oddShop(t, 30, c.spoil...)})
			_, err := d.Fit(t.Context(), c.task, rowlink.FitOptions{Train: quick1(), Scan: 1})
			if err == nil {
				t.Fatal("it was trained")
			}
			t.Logf("%v", err)
			var e *tasks.Error
			if !errors.As(err, &e) || e.Hint == "" {
				t.Errorf("error %v (%T), want one of the task with a hint", err, err)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q does not say %q", err, w)
				}
			}
		})
	}
}
