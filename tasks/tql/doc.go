// Package tql owns the task language: its text form (lexer, parser, syntax tree,
// printer, normal form), the binding of a text to a schema, and the messages about both. A task says what to predict, for
// which rows and from which moment:
//
//	PREDICT COUNT(orders.*, 0, 30, days) > 0 FOR EACH users
//
// [Parse] turns text into a [Script] whose nodes carry byte ranges of that text and
// reports every independent fault in one pass as [Errors]. Each node prints itself as
// text that parses back to the same tree; [Canonical] prints the normal form, in which
// the PQL spelling and the SQL-flavoured spelling of an aggregate are one.
//
// [Bind] resolves a text against a schema into a [tasks.Task], which package tasks
// executes; what the language has but no model answers yet is TK179. [Explain] says how
// the task was understood, and [SQL] lowers it to one SELECT for PostgreSQL.
//
// Words are keywords by position, only the few of [Reserved] always. The parser is
// written by hand, one method per rule of the grammar, without backtracking.
package tql
