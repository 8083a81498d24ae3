package main

import (
	"fmt"
	"strings"
)

// syntax is what \h prints of each statement; docs/language.md explains it.
var syntax = []struct{ statement, text string }{
	{"PREDICT", `[WITH PATH name AS (column, ...)]
PREDICT target [RANK TOP k [INCLUDING NEW] | CLASSIFY [TOP k] | FORECAST n [TIMEFRAMES]]
  FOR EACH table | FOR table = key | FOR table IN (key, ...)
  [WHERE condition] [ASSUMING condition] [AT 'moment' | AT LATEST | AT NOW | AT ENTITY TIME]

target: conditions and arithmetic over aggregates, or over columns of the row itself
aggregate: COUNT(t.* [WHERE condition], start, end [, unit] [VIA key | VIA (key, ...)] [TIME t.c])
       or: count(*) FROM t [FILTER (WHERE condition)] OVER (NEXT '30 days' | PRIOR '30 days' | ALL PRIOR | AFTER '1 day' THROUGH '30 days')
           [ON EMPTY SKIP | ON EMPTY value]`},
	{"PREDICT TASK", `PREDICT TASK name [FOR key | FOR (key, ...)] [AT 'moment'] [WITH (explain = 5, interval = 0.9, model = gnn)]`},
	{"CREATE TASK", `CREATE [OR REPLACE] TASK [IF NOT EXISTS] name [TYPE type] AS PREDICT ... [WITH (option = value, ...)]
CREATE [OR REPLACE] TASK [IF NOT EXISTS] name TYPE type FOR EACH table [TO table RANK TOP k] HORIZON '30 days'
  ([ENTITIES AS $$ SELECT ... $$] LABEL AS $$ SELECT ... $$ | AS SQL $$ SELECT ... $$) [WITH (option = value, ...)]`},
	{"DROP TASK", `DROP TASK [IF EXISTS] name [CASCADE]`},
	{"ALTER TABLE", `ALTER TABLE table action [, action ...]

action: SET PRIMARY KEY (column, ...)
        SET TIME column [UNTIL column] [ZONE 'name'] [DAY START | DAY END]  |  DROP TIME
        SET COLUMN column TYPE id | numerical | categorical | boolean | text | timestamp | ignore
        ADD LINK column -> table [(column)]  |  DROP LINK column -> table
        IGNORE [COLUMN column]  |  RESTORE [COLUMN column]`},
	{"EXPLAIN", `EXPLAIN [ANALYZE] PREDICT ...   ANALYZE computes the labels; with keys it predicts them, and says why
EXPLAIN [ANALYZE] TASK name`},
	{"SHOW", `SHOW TASKS | MODELS | MAPPING [table] | TASK name | MODEL name [VERSION n]
SHOW LABELS name [SPLIT TRAIN | VAL | TEST] [AT 'moment'] [LIMIT n]
SHOW LABELS name SQL`},
	{"TRAIN", `TRAIN name [WITH (epochs = 5, model = auto, seed = 42, ...)]`},
	{"EVALUATE", `EVALUATE name | PREDICT ... [WITH (split = test, regime = rolling | frozen | both)]`},
}

// syntaxOf prints the syntax of the statements that begin with what is asked for, or the
// names of all.
func syntaxOf(asked string) string {
	asked = strings.ToUpper(strings.Join(strings.Fields(strings.Trim(asked, ";")), " "))
	var parts, names []string
	for _, s := range syntax {
		names = append(names, s.statement)
		if asked != "" && (strings.HasPrefix(s.statement, asked) || strings.HasPrefix(asked, s.statement+" ")) {
			parts = append(parts, s.text)
		}
	}
	switch {
	case asked == "":
		return `\h STATEMENT prints the syntax of one of: ` + strings.Join(names, ", ")
	case parts == nil:
		return fmt.Sprintf(`there is no statement %s; \h knows %s`, asked, strings.Join(names, ", "))
	}
	return strings.Join(parts, "\n\n")
}
