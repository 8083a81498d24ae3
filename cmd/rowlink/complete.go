package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks/tql"
)

// words of a statement as far as completion minds them: names, symbols, and quoted texts.
var shellWords = regexp.MustCompile(`"(?:[^"]|"")*"?|'(?:[^']|'')*'?|->|[\pL_][\pL\d_$]*|\d+|\S`)

// completion proposes how a statement may go on. text is what stands before the word that
// is being written.
type completion struct {
	d     *rowlink.Database
	words []string // of text, in upper case but for names that are looked up
	raw   []string
}

// complete proposes how the word before pos may go on, seeing the lines entered before:
// columns after "table.", else what the statement wants next. Keywords follow the case of
// what is written.
func complete(d *rowlink.Database, before, line string, pos int) (head string, list []string, tail string) {
	at := strings.LastIndexFunc(line[:pos], func(r rune) bool {
		return r != '_' && r != '.' && r != '\\' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r < 0x80
	}) + 1
	head, word := line[:at], line[at:pos]
	if dot := strings.LastIndexByte(word, '.'); dot >= 0 {
		c := completion{d: d}
		for _, n := range append(c.columns(word[:dot]), "*") {
			list = appendMatch(list, n, word[dot+1:])
		}
		return head + word[:dot+1], list, line[pos:]
	}
	text := before + head
	if i := strings.LastIndexByte(text, ';'); i >= 0 {
		text = text[i+1:]
	}
	c := completion{d: d, raw: shellWords.FindAllString(text, -1)}
	for _, w := range c.raw {
		c.words = append(c.words, strings.ToUpper(w))
	}
	names, keywords := c.next()
	seen := map[string]bool{}
	for _, n := range names {
		if !seen[n] {
			seen[n] = true
			list = appendMatch(list, n, word)
		}
	}
	for _, k := range keywords {
		if word != "" && word == strings.ToLower(word) || word == "" && startsLower(c.raw) {
			k = strings.ToLower(k)
		}
		if !seen[k] {
			seen[k] = true
			list = appendMatch(list, k, word)
		}
	}
	return head, list, line[pos:]
}

// startsLower reports whether the keyword that begins a statement is in lower case.
func startsLower(words []string) bool { return len(words) > 0 && words[0] == strings.ToLower(words[0]) }

// follow is what may come after some words, the first entry that fits decides.
var follow = []struct {
	last     string // words that end the text, separated by blanks
	keywords string
}{
	{"SHOW", "TASKS MODELS MAPPING TASK MODEL LABELS"},
	{"CREATE OR REPLACE", "TASK"}, {"CREATE", "TASK OR"}, {"DROP", "TASK"}, {"ALTER", "TABLE"},
	{"EXPLAIN ANALYZE", "PREDICT TASK"}, {"EXPLAIN", "PREDICT ANALYZE TASK WITH"}, {"SPLIT", "TRAIN VAL TEST"},
	{"IF", "EXISTS NOT"}, {"IF NOT", "EXISTS"}, {"ON EMPTY", "SKIP"}, {"ON", "EMPTY"}, {"PRIMARY", "KEY"}, {"ENTITY", "TIME"}, {"INCLUDING", "NEW"}, {"RANK", "TOP"},
	{"OVER (", "NEXT PRIOR ALL AFTER"}, {"ALL", "PRIOR"}, {"FILTER", "(WHERE"}, {"FILTER (", "WHERE"},
	{"AT", "LATEST NOW ENTITY"}, {"ENDS", "WITH"}, {"STARTS", "WITH"}, {"IS", "NULL NOT IN"}, {"IS NOT", "NULL IN"}, {"SET DAY", "START END"}, {"DAY", "START END"},
}

// next are the names and keywords that may come now.
func (c *completion) next() (names, keywords []string) {
	switch {
	case len(c.words) == 0:
		return []string{`\d`, `\h`, `\i`, `\instant`, `\q`, `\?`}, strings.Fields("ALTER CREATE DROP EVALUATE EXPLAIN PREDICT SHOW TRAIN WITH HELP QUIT")
	case c.ends("SHOW MAPPING"), c.ends("ALTER TABLE"), c.ends("EACH"), c.ends("FROM"), c.ends("TO"):
		return c.tables(), nil
	case c.ends("SHOW TASK"), c.ends("SHOW MODEL"), c.ends("LABELS"), c.ends("DROP TASK"), c.ends("IF EXISTS"), c.ends("EXPLAIN TASK"), c.ends("ANALYZE TASK"), c.ends("PREDICT TASK"):
		return c.tasks(), nil
	case len(c.words) == 1 && c.ends("TRAIN"):
		return c.tasks(), nil
	case len(c.words) == 1 && c.ends("EVALUATE"):
		return c.tasks(), []string{"PREDICT"}
	case c.words[0] == "ALTER":
		return c.alter()
	case c.words[0] == "SHOW" && len(c.words) == 3 && c.words[1] == "LABELS":
		return nil, strings.Fields("SQL SPLIT AT LIMIT")
	case c.words[0] == "SHOW" && len(c.words) == 3 && c.words[1] == "MODEL":
		return nil, []string{"VERSION"}
	}
	if c.inOptions() {
		return c.options(), nil
	}
	for _, f := range follow {
		if c.ends(f.last) {
			return nil, strings.Fields(f.keywords)
		}
	}
	return c.query()
}

// query proposes inside a query: what is read in an aggregate, else columns of the entity.
func (c *completion) query() (names, keywords []string) {
	last := c.words[len(c.words)-1]
	table, open := c.aggregate()
	switch {
	case last == "PREDICT":
		return nil, append(calls(), "TASK", "NOT")
	case open && last == "(" && table == "":
		return c.tables(), []string{"DISTINCT"}
	case last == "VIA" || c.ends("VIA ("):
		return c.links(table), nil
	case last == "FOR":
		return c.tables(), []string{"EACH"}
	case open:
		return c.columns(table), append(calls()[len(tql.Aggregates()):], strings.Fields("WHERE VIA TIME AND OR NOT IN IS BETWEEN LIKE ILIKE CONTAINS DAYS WEEKS MONTHS YEARS HOURS")...)
	case slices.Contains(strings.Fields("WHERE ASSUMING AND OR NOT ="), last):
		return c.columns(c.entity()), append(calls(), "NOT")
	}
	words := strings.Fields("WHERE ASSUMING AT WITH AND OR NOT IN IS BETWEEN LIKE ILIKE CONTAINS STARTS ENDS CLASSIFY RANK FORECAST FOR FROM FILTER OVER VIA TIME ON ANCHOR NULL TRUE FALSE AS TYPE HORIZON")
	return c.columns(c.entity()), append(words, calls()...)
}

// calls are the aggregates and then the functions, each with its parenthesis.
func calls() []string {
	var out []string
	for _, n := range slices.Concat(tql.Aggregates(), tql.Functions()) {
		out = append(out, strings.ToUpper(n)+"(")
	}
	return out
}

// alter proposes inside ALTER TABLE.
func (c *completion) alter() (names, keywords []string) {
	if len(c.raw) < 3 {
		return nil, nil
	}
	last := c.words[len(c.words)-1]
	columns := c.columns(unquoted(c.raw[2]))
	switch {
	case len(c.words) == 3 || last == ",":
		return nil, strings.Fields("SET ADD DROP IGNORE RESTORE")
	case last == "SET":
		return nil, strings.Fields("PRIMARY TIME COLUMN")
	case c.ends("ADD"), c.ends("DROP"):
		return nil, []string{"LINK", "TIME"}
	case c.ends("PRIMARY"):
		return nil, []string{"KEY"}
	case last == "TYPE":
		for _, s := range schema.SemTypes {
			names = append(names, string(s))
		}
		return names, nil
	case last == "->":
		return c.tables(), nil
	case last == "TIME", last == "COLUMN", last == "LINK", last == "(", last == "UNTIL":
		return columns, nil
	case last == "IGNORE", last == "RESTORE":
		return nil, []string{"COLUMN"}
	}
	return nil, strings.Fields("TYPE UNTIL ZONE DAY")
}

// inOptions reports whether the text stands at the name of an option of WITH (...).
func (c *completion) inOptions() bool {
	i := len(c.words) - 1
	if i < 1 || c.words[i] != "(" && c.words[i] != "," {
		return false
	}
	depth := 0
	for ; i > 0; i-- {
		switch c.words[i] {
		case ")":
			depth++
		case "(":
			if depth--; depth < 0 {
				return c.words[i-1] == "WITH" && (i < 2 || c.words[i-2] != "STARTS" && c.words[i-2] != "ENDS")
			}
		}
	}
	return false
}

// options are those of the statement: of a task, else the flags of the subcommand.
func (c *completion) options() []string {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	switch c.words[0] {
	case "TRAIN":
		(&trainFlags{}).register(flags)
	case "EVALUATE":
		return []string{"regime", "split", "model", "version"}
	case "PREDICT":
		return []string{"explain", "interval", "model", "version"}
	default:
		return tql.TaskOptions()
	}
	var out []string
	flags.VisitAll(func(f *pflag.Flag) { out = append(out, strings.ReplaceAll(f.Name, "-", "_")) })
	return out
}

// ends reports whether the text ends with some words.
func (c *completion) ends(words string) bool {
	want := strings.Fields(words)
	return len(want) <= len(c.words) && slices.Equal(c.words[len(c.words)-len(want):], want)
}

// aggregate tells whether the text stands inside an aggregate, and the table that it reads
// as far as that is written.
func (c *completion) aggregate() (table string, open bool) {
	depth := 0
	for i := len(c.words) - 1; i > 0; i-- {
		switch c.words[i] {
		case ")":
			depth++
		case "(":
			if depth--; depth >= 0 {
				continue
			}
			depth = 0
			if !slices.Contains(tql.Aggregates(), strings.ToLower(c.words[i-1])) {
				continue
			}
			rest := c.raw[i+1:]
			if len(rest) > 0 && strings.EqualFold(rest[0], "DISTINCT") {
				rest = rest[1:]
			}
			if len(rest) > 1 && rest[1] == "." {
				table = unquoted(rest[0])
			}
			return table, true
		}
	}
	return "", false
}

// entity is the table after FOR EACH or FOR, empty where none is written yet.
func (c *completion) entity() string {
	for i := len(c.words) - 2; i >= 0; i-- {
		if c.words[i] == "FOR" {
			if c.words[i+1] == "EACH" && i+2 < len(c.raw) {
				return unquoted(c.raw[i+2])
			}
			return unquoted(c.raw[i+1])
		}
	}
	return ""
}

func (c *completion) tables() []string {
	var out []string
	for _, t := range c.d.Snap.Schema.Tables {
		out = append(out, tql.Quote(t.Name))
	}
	return out
}

func (c *completion) tasks() []string {
	names, _ := c.d.Workspace.Tasks() // without them the rest is proposed as well
	trained, _ := c.d.Workspace.ModelTasks()
	for _, n := range trained {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	for i, n := range names {
		names[i] = tql.Quote(n)
	}
	return names
}

// table finds a table without regard to case.
func (c *completion) table(name string) *schema.Table {
	for _, t := range c.d.Snap.Schema.Tables {
		if strings.EqualFold(t.Name, unquoted(name)) || strings.EqualFold(t.FullName(), name) {
			return t
		}
	}
	return nil
}

func (c *completion) columns(table string) []string {
	t := c.table(table)
	if t == nil {
		return nil
	}
	var out []string
	for _, col := range t.Columns {
		out = append(out, tql.Quote(col.Name))
	}
	return out
}

// links are the foreign keys of a table, of all tables if it is not known.
func (c *completion) links(table string) []string {
	var out []string
	for _, t := range c.d.Snap.Schema.Tables {
		if table != "" && t != c.table(table) {
			continue
		}
		for _, l := range t.Links {
			out = append(out, tql.Quote(t.Name)+"."+tql.Quote(t.Label(l)))
		}
	}
	return out
}

// unquoted is a name without its double quotes.
func unquoted(name string) string {
	if len(name) > 1 && name[0] == '"' {
		return strings.ReplaceAll(strings.Trim(name, `"`), `""`, `"`)
	}
	return name
}

// appendMatch adds a name that begins with what is written.
func appendMatch(list []string, name, written string) []string {
	if len(name) >= len(written) && strings.EqualFold(name[:len(written)], written) {
		return append(list, name)
	}
	return list
}
