package main

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/tasks/tql"
)

// refused are texts that POST /v1/tasks refuses, each with the code of its first fault.
var refused = []struct{ code, text string }{
	{"TK100", "PREDICT SUM(orders.total, 0, 30, days FOR EACH customers"},
	{"TK101", "PREDICT SUM(orders.totl, 0, 30, days)\nFOR EACH customers"},
	{"TK102", "PREDICT SUM(ordrs.total, 0, 30, days) FOR EACH customers"},
	{"TK104", "PREDICT SUM(orders.total, 0, 30, days)"},
	{"TK105", "PREDICT COUNT(orders.* WHERE channel = 'web, 0, 30) FOR EACH customers"},
	{"TK106", "PREDICT COUNT(orders.* WHERE ordered_at > DATE '2020-13-01', 0, 30) FOR EACH customers"},
	{"TK107", "PREDICT COUNT(orders.* WHERE in = 3, 0, 30) FOR EACH customers"},
	{"TK108", "PREDICT foo(age) > 1 FOR EACH customers"},
	{"TK109", "PREDICT abs(age, 2) > 1 FOR EACH customers"},
	{"TK110", "PREDICT COUNT(orders.*, 0, 2, fortnights) FOR EACH customers"},
	{"TK111", "PREDICT COUNT(orders.*, 30, 0) FOR EACH customers"},
	{"TK112", "PREDICT COUNT(orders.*, -30, 0) FOR EACH customers"},
	{"TK113", "PREDICT COUNT(orders.*, -7, 7) FOR EACH customers"},
	{"TK114", "PREDICT COUNT(orders.*) FOR EACH customers"},
	{"TK115", "PREDICT COUNT(orders.*, 0, INF) FOR EACH customers"},
	{"TK116", "PREDICT COUNT(orders.*, 0, 1.5) FOR EACH customers"},
	{"TK117", "PREDICT COUNT(orders.*, 0, 30) > 0 AND age > 3 FOR EACH customers"},
	{"TK118", "PREDICT COUNT(orders.*, 0, 30) OVER (NEXT '30 days') FOR EACH customers"},
	{"TK121", "PREDICT orders.total FOR EACH customers"},
	{"TK122", "PREDICT COUNT(orders.* WHERE channel->x = 1, 0, 30) FOR EACH customers"},
	{"TK124", "PREDICT COUNT(orders.*, 0, 30 VIA store_id) FOR EACH customers"},
	{"TK126", "PREDICT COUNT(orders.* WHERE stores.city = 'x', 0, 30) FOR EACH customers"},
	{"TK130", "PREDICT COUNT(suppliers.*, 0, 30) FOR EACH products"},
	{"TK134", "PREDICT COUNT(orders.*, 0, 100, years) FOR EACH customers"},
	{"TK135", "CREATE TASK x AS PREDICT COUNT(orders.*, 0, 30) FOR EACH customers WITH (val_anchor = '2024-11-02', test_anchor = '2024-10-03')"},
	{"TK136", "CREATE TASK x AS PREDICT COUNT(orders.*, 0, 30) FOR EACH customers WITH (time_zone = 'Europe/Berln')"},
	{"TK137", "PREDICT COUNT(orders.*, 0, 30) FOR EACH customers AT ENTITY TIME"},
	{"TK140", "PREDICT COUNT(orders.*, 0, 30) FOR EACH customers WHERE COUNT(orders.*, 0, 7) > 0"},
	{"TK141", "PREDICT COUNT(orders.*, 0, 30) FOR EACH customers ASSUMING COUNT(orders.*, -7, 0) > 0"},
	{"TK142", "PREDICT age > 40 FOR EACH customers ASSUMING COUNT(orders.*, 0, 7) > 0"},
	{"TK143", "PREDICT COUNT(orders.*, 0, 30) FOR EACH customers WHERE age"},
	{"TK150", "PREDICT SUM(orders.channel, 0, 30) FOR EACH customers"},
	{"TK151", "PREDICT SUM(orders.*, 0, 30) FOR EACH customers"},
	{"TK152", "PREDICT SUM(AVG(orders.total, 0, 7), 0, 30) FOR EACH customers"},
	{"TK153", "PREDICT age > 'x' FOR EACH customers"},
	{"TK154", "PREDICT SUM(orders.store_id, 0, 30) FOR EACH customers"},
	{"TK155", "PREDICT COUNT(orders.* WHERE total LIKE 'x', 0, 30) FOR EACH customers"},
	{"TK157", "PREDICT customers.customer_id FOR EACH customers"},
	{"TK160", "PREDICT COUNT(orders.*, 0, 30) FOR EACH customers.region"},
	{"TK162", "PREDICT COUNT(orders.*, 0, 30) FOR customers = 'abc'"},
	{"TK163", "PREDICT order_lines.discount FOR order_lines IN (700001, 1)"},
	{"TK170", "PREDICT LIST_DISTINCT(orders.store_id, 0, 30) FOR EACH customers"},
	{"TK171", "PREDICT LIST_DISTINCT(orders.store_id, 0, 30) RANK TOP 0 FOR EACH customers"},
	{"TK172", "PREDICT LIST_DISTINCT(orders.channel, 0, 30) RANK TOP 3 FOR EACH customers"},
	{"TK173", "PREDICT LIST_DISTINCT(orders.total, 0, 30) CLASSIFY FOR EACH customers"},
	{"TK174", "PREDICT SUM(orders.total, 0, 30) FORECAST 0 FOR EACH customers"},
	{"TK175", "CREATE TASK x TYPE regression AS PREDICT COUNT(orders.*, 0, 30) > 0 FOR EACH customers"},
	{"TK180", "CREATE TASK x TYPE regression FOR EACH customers HORIZON '30 days' LABEL AS $$ SELECT customer_id AS entity, nothing(1) AS label FROM orders $$"},
	{"TK181", "CREATE TASK x TYPE regression FOR EACH customers HORIZON '30 days' LABEL AS $$ SELECT customer_id AS entity, 1 AS label FROM main.orders $$"},
	{"TK182", "CREATE TASK x TYPE regression FOR EACH customers HORIZON '30 days' LABEL AS $$ SELECT customer_id AS entity FROM orders $$"},
	{"TK183", "CREATE TASK x TYPE regression FOR EACH customers HORIZON '30 days' LABEL AS $$ SELECT customer_id AS entity, random() AS label FROM orders $$"},
	{"TK185", "CREATE TASK x TYPE regression FOR EACH customers HORIZON '30 days' LABEL AS $$ SELECT customer_id AS entity, :what AS label FROM orders $$"},
	{"TK186", "CREATE TASK x TYPE regression FOR EACH customers HORIZON '0 days' LABEL AS $$ SELECT customer_id AS entity, 1 AS label FROM orders $$"},
	{"TK187", "CREATE TASK x FOR EACH customers HORIZON '30 days' LABEL AS $$ SELECT customer_id AS entity, 1 AS label FROM orders $$"},
	{"TK193", "CREATE TASK x AS PREDICT COUNT(orders.*, 0, 30) FOR EACH customers WITH (stp = '30 days')"},
	{"TK194", "CREATE TASK x AS PREDICT COUNT(orders.*, 0, 30) FOR EACH customers WITH (eval_anchors = 'many')"},
}

// restFault is one of errors[] of problem+json.
type restFault struct {
	Code, Detail, Hint, Pointer string
	Line, Column, Length        int
}

// A text that is refused gets over REST what the shell prints: all faults, each with its
// code, message, hint and place.
func TestServe_refusesTexts(t *testing.T) {
	inShop(t)
	dir, err := filepath.Abs(".rowlink")
	if err != nil {
		t.Fatal(err)
	}
	copyTree(t, trained(t), dir)
	r := startServer(t, dir)
	defer func() { r.stop(); <-r.code; r.client.CloseIdleConnections() }()
	d, err := rowlink.Open(t.Context(), rowlink.Options{URL: "sqlite:shop.db", Workspace: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, c := range refused {
		body, err := json.Marshal(map[string]string{"sql": c.text})
		if strings.HasPrefix(c.text, "PREDICT") {
			body, err = json.Marshal(map[string]string{"sql": c.text, "name": "x"})
		}
		if err != nil {
			t.Fatal(err)
		}
		status, text := r.send(t, "POST", "/v1/tasks?dry_run=1", string(body))
		var problem struct {
			Status int
			Errors []restFault
		}
		if err := json.Unmarshal([]byte(text), &problem); err != nil {
			t.Fatal(err)
		}
		if status != 422 || problem.Status != 422 || len(problem.Errors) == 0 {
			t.Errorf("%s: %s: %d %s", c.code, c.text, status, text)
			continue
		}
		if first := problem.Errors[0]; first.Code != c.code || first.Detail == "" || first.Pointer != "/sql" {
			t.Errorf("%s: %s: %+v", c.code, c.text, first)
		}
		task, err := d.Task(c.text)
		if err == nil && task.Raw != nil {
			err = d.CheckSQL(t.Context(), task)
		}
		list, ok := errors.AsType[tql.Errors](err)
		if !ok {
			continue // told by the data: no place in the text
		}
		if len(list) != len(problem.Errors) {
			t.Errorf("%s: %d faults, the shell tells %d", c.text, len(problem.Errors), len(list))
			continue
		}
		for i, e := range list {
			detail := e.Message
			if e.Detail != "" {
				detail += ": " + e.Detail
			}
			if want := (restFault{e.Code, detail, e.Hint, "/sql", e.Line(), e.Column(), e.Length()}); problem.Errors[i] != want {
				t.Errorf("%s: got %+v, want %+v", c.text, problem.Errors[i], want)
			}
		}
	}
}

// EXPLAIN over REST is what it is in the shell; what /v1/tasks does not answer is told where
// it is answered.
func TestServe_explains(t *testing.T) {
	inShop(t)
	dir, err := filepath.Abs(".rowlink")
	if err != nil {
		t.Fatal(err)
	}
	copyTree(t, trained(t), dir)
	r := startServer(t, dir)
	defer func() { r.stop(); <-r.code; r.client.CloseIdleConnections() }()
	const churn = "PREDICT count(*) FROM orders OVER (NEXT '30 days') = 0 FOR customers IN (10001, 7) WHERE COUNT(orders.*, -90, 0) > 0"
	for _, c := range []struct {
		path, field, text string
		status            int
		holds             []string
		lacks             string
	}{
		{"/v1/query", "query", "EXPLAIN " + churn, 200, []string{`"explained":{"plan":"task query: binary_classification`, `"sql":"WITH grid`, `"task":"churn","version":"1"`, `"entity":10001`, `"explanation":{`, `"code":"TK404"`, `"probability":`}, "training"},
		{"/v1/query", "query", "EXPLAIN " + churn + " AT '2024-11-01'", 200, []string{`"anchor":"2024-11-01T00:00:00Z"`}, "training"},
		{"/v1/query", "query", "EXPLAIN PREDICT COUNT(orders.*, 0, 14, days) = 0 FOR customers = 10001", 200, []string{`"training":["CREATE TASK customers_task AS PREDICT COUNT(orders.*, 0, 14, days) = 0 FOR EACH customers;","TRAIN customers_task;"]`, `"predictions":[]`}, `"fitted"`},
		{"/v1/query", "query", "EXPLAIN PREDICT COUNT(orders.*, 0, 14) = 0 FOR EACH customers", 200, []string{`"plan":"task query`, `"predictions":[]`}, "training"},
		{"/v1/query", "query", "EXPLAIN ANALYZE " + churn, 422, []string{"TK179", "dry_run=1"}, "plan"},
		{"/v1/query", "query", "EXPLAIN PREDICT COUNT(ordrs.*, 0, 14) = 0 FOR EACH customers", 422, []string{`"code":"TK102"`, `"pointer":"/query","line":1,"column":23,"length":5`}, "plan"},
		{"/v1/tasks", "sql", "DROP TASK churn", 422, []string{"TK104", "DELETE /v1/tasks/churn"}, ""},
		{"/v1/tasks", "sql", "TRAIN churn", 422, []string{"POST /v1/tasks/churn/train"}, ""},
		{"/v1/tasks", "sql", "EVALUATE churn", 422, []string{"GET /v1/models"}, ""},
		{"/v1/tasks", "sql", "PREDICT TASK churn FOR 1", 422, []string{"POST /v1/tasks/churn/predict"}, ""},
		{"/v1/tasks", "sql", "EXPLAIN TASK churn", 422, []string{"POST /v1/query"}, ""},
		{"/v1/tasks", "sql", "SHOW TASKS", 422, []string{"GET /v1/tasks"}, ""},
		{"/v1/tasks", "sql", "SHOW LABELS churn", 422, []string{"/labels"}, ""},
		{"/v1/tasks", "sql", "SHOW MAPPING", 422, []string{"rowlink sql"}, ""},
		{"/v1/tasks", "sql", "ALTER TABLE orders DROP TIME", 422, []string{"rowlink sql"}, ""},
		{"/v1/tasks", "sql", "CREATE TASK again AS PREDICT COUNT(orders.*, 0, 30) FOR EACH customers", 201, []string{`"stored":true`}, ""},
		{"/v1/tasks", "sql", "CREATE TASK again AS PREDICT COUNT(orders.*, 0, 14) FOR EACH customers", 409, []string{"TK191", "CREATE OR REPLACE TASK again"}, ""},
		{"/v1/tasks", "sql", "CREATE OR REPLACE TASK again AS PREDICT COUNT(orders.*, 0, 14) FOR EACH customers", 201, []string{`"stored":true`, "next 14 days"}, ""},
	} {
		body, err := json.Marshal(map[string]string{c.field: c.text})
		if err != nil {
			t.Fatal(err)
		}
		status, text := r.send(t, "POST", c.path, string(body))
		for _, want := range c.holds {
			if !strings.Contains(text, want) {
				t.Errorf("%s %s: lacks %q: %s", c.path, c.text, want, text)
			}
		}
		if status != c.status || c.lacks != "" && strings.Contains(text, c.lacks) {
			t.Errorf("%s %s: %d %s, want %d without %q", c.path, c.text, status, text, c.status, c.lacks)
		}
	}
}
