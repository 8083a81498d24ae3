package tql

import (
	"slices"
	"strings"
)

// reserved words are keywords everywhere but after a dot; they must be quoted to be
// used as names.
var reserved = strings.Fields("AND ANCHOR ASSUMING DISTINCT EACH FALSE FOR IN IS NOT NULL OR PREDICT TRUE WHERE WITH")

// Reserved reports whether a bare word, in any case, must be quoted to be a name.
func Reserved(word string) bool { return slices.Contains(reserved, upper(word)) }

// contextual keywords are names wherever the grammar does not ask for them.
var contextual = strings.Fields(`ADD AFTER ALL ALTER ANALYZE AS AT BETWEEN CASCADE CLASSIFY COLUMN CONTAINS CREATE
	DATE DAY DROP EMPTY END ENDS ENTITIES ENTITY EVALUATE EXISTS EXPLAIN FILTER FORECAST FROM HORIZON IF IGNORE
	ILIKE INCLUDING INF INFINITY INTERVAL KEY LABEL LABELS LATEST LIKE LIMIT LINK MAPPING MODEL MODELS NEW NEXT
	NOW ON OVER PATH PRIMARY PRIOR RANK REPLACE RESTORE SET SHOW SKIP SPLIT SQL START STARTS STEPS TABLE TASK
	TASKS TEST THROUGH TIME TIMEFRAMES TIMESTAMP TO TOP TRAIN TYPE UNBOUNDED UNTIL VAL VERSION VIA ZONE`)

// aggregates are the words that, before a parenthesis, begin an aggregate.
var aggregates = strings.Fields("count count_distinct sum avg min max first last list_distinct array_agg exists mode median stddev")

// function is one entry of the table of functions: its signature for messages and
// its least and greatest number of arguments (-1 = any number).
type function struct {
	signature string
	min, max  int
}

// functions are the words that, before a parenthesis, apply a function to values.
var functions = map[string]function{
	"abs":       {"abs(number)", 1, 1},
	"coalesce":  {"coalesce(value, value, ...)", 1, -1},
	"date_part": {"date_part(text, time)", 2, 2},
	"greatest":  {"greatest(value, value, ...)", 1, -1},
	"least":     {"least(value, value, ...)", 1, -1},
	"length":    {"length(text)", 1, 1},
	"ln":        {"ln(number)", 1, 1},
	"log":       {"log(number)", 1, 1},
	"lower":     {"lower(text)", 1, 1},
	"round":     {"round(number [, digits])", 1, 2},
	"upper":     {"upper(text)", 1, 1},
}

// callable returns the names of all aggregates and functions, sorted.
func callable() []string {
	names := slices.Clone(aggregates)
	for f := range functions {
		names = append(names, f)
	}
	slices.Sort(names)
	return names
}

// upper returns an ASCII word in upper case and other words unchanged: no keyword has
// letters beyond ASCII, and Unicode folding would find some.
func upper(word string) string {
	for i := range len(word) {
		if word[i] >= 0x80 {
			return word
		}
	}
	return strings.ToUpper(word)
}
