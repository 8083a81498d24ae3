package rawsql

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/ingest/sqlite"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
)

// Embedded runs a task's bodies in SQLite over the snapshot itself, for data that lies in
// no Postgres. Times are texts such as 2005-01-31 10:00:00 in the task's zone; there is
// :anchor_end instead of :horizon, and grid has the columns anchor and anchor_end.
type Embedded struct {
	c    *composer
	snap *ingest.Snapshot
	db   *sqlite.Embedded
}

// OpenEmbedded checks the bodies of a task and copies the tables that they name.
func OpenEmbedded(ctx context.Context, task *tasks.Task, snap *ingest.Snapshot) (*Embedded, error) {
	e := &Embedded{c: &composer{task: task, sc: snap.Schema}, snap: snap}
	for _, p := range e.c.parts() {
		if err := e.words(p); err != nil {
			return nil, err
		}
	}
	var err error
	if e.db, err = sqlite.Embed(ctx, snap, e.c.tables(), e.zone()); err != nil {
		return nil, err
	}
	at := task.Options.ValAnchor
	s := e.perAnchor(at)
	if task.Raw.SQL != "" {
		s = e.overGrid([]int64{at})
	}
	var res *ingest.SQLResult
	if task.Raw.SQL == "" { // the names of ENTITIES first: those of LABEL rest on them
		names := e.entities(at)
		names.add(" LIMIT 0")
		res, err = e.run(ctx, names)
		if err == nil {
			err = e.c.columns(res.Columns, true)
		}
	}
	if err == nil {
		s.add(" LIMIT 0")
		res, err = e.run(ctx, s)
	}
	if err == nil {
		err = e.c.columns(res.Columns, false)
	}
	if err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

// Close frees the memory.
func (e *Embedded) Close() error { return e.db.Close() }

func (e *Embedded) zone() *time.Location { return e.c.task.Options.Zone }

// Labels is [Labels] over the snapshot.
func (e *Embedded) Labels(ctx context.Context, anchors []int64, apart bool) (*tasks.Given, error) {
	r := &reader{composer: e.c, snap: e.snap, entity: e.snap.Tables[e.c.task.Entity], out: &tasks.Given{}, clock: func(v any) (int64, bool) {
		text, ok := v.(string)
		if !ok {
			return 0, false
		}
		at, err := sqlite.ParseTime(text, e.zone())
		return at, err == nil
	}}
	step := func(s *statement, wanted []int64) error {
		res, err := e.run(ctx, s)
		if err != nil {
			return err
		}
		return r.read(res, wanted)
	}
	switch {
	case e.c.task.Raw.SQL == "":
		for i, a := range anchors {
			if err := step(e.perAnchor(a), anchors[i:i+1]); err != nil {
				return nil, err
			}
		}
	case apart:
		for i := range anchors {
			if err := step(e.overGrid(anchors[:i+1]), anchors[i:i+1]); err != nil {
				return nil, err
			}
		}
	default:
		if err := step(e.overGrid(anchors), anchors); err != nil {
			return nil, err
		}
	}
	return r.out, nil
}

// Entities is [Entities] over the snapshot.
func (e *Embedded) Entities(ctx context.Context, anchor int64) ([]int32, error) {
	res, err := e.run(ctx, e.entities(anchor))
	if err != nil {
		return nil, err
	}
	return (&reader{composer: e.c, snap: e.snap, entity: e.snap.Tables[e.c.task.Entity]}).entities(res)
}

func (e *Embedded) end(anchor int64) int64 {
	return e.c.task.Options.Closed(anchor, e.c.task.Horizon)
}

// bound returns ?n for a named argument.
func (s *statement) bound(name string, value any) string {
	text := s.arg(name, value, "")
	return "?" + strings.Trim(text, "($:)")
}

func (e *Embedded) shadows(asOf string, strict bool, taken string) []string {
	var out []string
	for _, i := range e.c.tables() {
		if t := e.c.sc.Tables[i]; t.Name != taken {
			out = append(out, tql.Identifier(t.Name)+" AS NOT MATERIALIZED ("+e.db.Shadow(t, i, asOf, strict)+")")
		}
	}
	return out
}

// values are what stands for the parameters.
func (e *Embedded) values(s *statement, anchor int64) map[string]func() string {
	return map[string]func() string{
		"anchor":     func() string { return s.bound("anchor", sqlite.TimeText(anchor, e.zone())) },
		"anchor_end": func() string { return s.bound("anchor_end", sqlite.TimeText(e.end(anchor), e.zone())) },
	}
}

// entities is the relation of the two-body form, as a SELECT of its own.
func (e *Embedded) entities(anchor int64) *statement {
	s := &statement{}
	e.addEntities(s, anchor)
	s.add("\nSELECT * FROM entities")
	return s
}

func (e *Embedded) addEntities(s *statement, anchor int64) {
	s.add("WITH entities AS MATERIALIZED (\nWITH ", strings.Join(e.shadows(s.bound("anchor_us", anchor), e.c.task.Options.Rule.Strict, ""), ",\n"), "\nSELECT * FROM (")
	if e.c.task.Raw.Entities != "" {
		s.body(e.c.task.Raw.Entities, e.c.task.Raw.EntitiesAt, e.values(s, anchor))
	} else {
		s.add(e.c.everybody())
	}
	s.add(") q)")
}

func (e *Embedded) perAnchor(anchor int64) *statement {
	s := &statement{}
	e.addEntities(s, anchor)
	for _, shadow := range e.shadows(s.bound("end_us", e.end(anchor)), false, "entities") {
		s.add(",\n", shadow)
	}
	s.add("\nSELECT q.*, ", e.c.known(), " AS is_entity, (SELECT count(*) FROM entities) AS entities FROM (")
	s.body(e.c.task.Raw.Label, e.c.task.Raw.LabelAt, e.values(s, anchor))
	s.add(") q")
	return s
}

func (e *Embedded) overGrid(anchors []int64) *statement {
	s := &statement{}
	s.add("WITH grid(anchor, anchor_end) AS MATERIALIZED (VALUES ")
	for i, a := range anchors {
		if i > 0 {
			s.add(", ")
		}
		s.add("(", s.bound(fmt.Sprint("a", i), sqlite.TimeText(a, e.zone())), ", ", s.bound(fmt.Sprint("e", i), sqlite.TimeText(e.end(a), e.zone())), ")")
	}
	s.add(")")
	for _, shadow := range e.shadows(s.bound("end_us", e.end(anchors[len(anchors)-1])), false, "grid") {
		s.add(",\n", shadow)
	}
	s.add("\nSELECT * FROM (")
	s.body(e.c.task.Raw.SQL, e.c.task.Raw.SQLAt, nil)
	s.add(") q")
	return s
}

// run runs a statement and places the database's complaint at the word that it names.
func (e *Embedded) run(ctx context.Context, s *statement) (*ingest.SQLResult, error) {
	res, err := e.db.Select(ctx, s.b.String(), s.args...)
	complaint, ok := err.(*ingest.SQLError)
	if !ok {
		return res, err
	}
	code, hint := "TK180", "the SQL is SQLite's here: times are texts such as '2005-01-31 10:00:00'"
	if strings.HasPrefix(complaint.Message, "no such table") {
		code, hint = "TK181", e.c.bareHint()
	}
	if strings.HasPrefix(complaint.Message, "no such column: q.") { // of the frame, not of the user
		code, hint = "TK182", "name its columns: "+strings.Join(append(e.c.keys(), "label"), ", ")
	}
	parts := e.c.parts()
	at, end := parts[len(parts)-1].at, parts[len(parts)-1].at+len(parts[len(parts)-1].text)
	if word := named(complaint.Message); word != "" {
		for _, p := range parts {
			if i := strings.Index(p.text, word); i >= 0 {
				at, end = p.at+i, p.at+i+len(word)
				break
			}
		}
	}
	return nil, e.c.fault(at, end, code, hint, "%s", complaint.Message)
}

var complainedOf = regexp.MustCompile(`(?:no such (?:table|column|function): |near "|ambiguous column name: )([^"\s]+)`)

// named is the word that a complaint is about; empty = none.
func named(message string) string {
	if m := complainedOf.FindStringSubmatch(message); m != nil {
		return m[1]
	}
	return ""
}

// Names that SQLite gives to its own tables, and functions that change from call to call
// or reach outside.
var (
	systemName   = regexp.MustCompile(`^(sqlite_|pragma_|dbstat|main$|temp$|bytecode|tables_used)`)
	badSQLite    = []string{"random", "randomblob", "changes", "total_changes", "last_insert_rowid", "load_extension", "readfile", "writefile", "edit", "vfsstat"}
	clockWithout = []string{"date", "time", "datetime", "julianday", "unixepoch"} // without arguments they are the present moment
)

// words holds a body to what can be told from its text. Where SQLite cuts text otherwise
// than PostgreSQL the text is refused, so that nothing can hide.
func (e *Embedded) words(p part) error {
	if err := e.c.words(p, nil); err != nil {
		return err
	}
	toks := tql.SQLTokens(p.text)
	refuse := func(t tql.SQLToken, code, hint, format string, args ...any) error {
		return e.c.fault(p.at+t.Pos, p.at+t.End, code, hint, format, args...)
	}
	if i := strings.Index(p.text, "/*"); i >= 0 {
		return e.c.fault(p.at+i, p.at+i+2, "TK180", "write comments after --", "comments in /* */ are not taken here")
	}
	for i, t := range toks {
		word := strings.ToLower(t.Text)
		call := i+1 < len(toks) && toks[i+1].Text == "(" && toks[i+1].Kind == tql.SQLSymbol
		empty := call && i+2 < len(toks) && toks[i+2].Text == ")" && toks[i+2].Kind == tql.SQLSymbol
		isName := t.Kind == tql.SQLWord || t.Kind == tql.SQLQuoted
		first := p.text[t.Pos]
		switch {
		case t.Kind == tql.SQLParameter && t.Text == "horizon":
			return refuse(t, "TK185", "write :anchor_end for the end of the window", "SQLite has no intervals, so there is no :horizon")
		case t.Kind == tql.SQLSymbol && strings.Contains("[`$@?", t.Text):
			return refuse(t, "TK180", `quote names with "..."; parameters are :anchor and :anchor_end`, "%s is not taken here", t.Text)
		case t.Kind == tql.SQLString && first != '\'':
			return refuse(t, "TK180", "write a plain string in single quotes", "strings of other kinds are not taken here")
		case t.Kind == tql.SQLQuoted && slices.Contains(timeTexts, word): // SQLite reads an unknown "name" as a string
			return refuse(t, "TK183", "write :anchor, or the anchor of grid", "%q depends on the moment at which it runs", t.Text)
		case isName && systemName.MatchString(word) && !e.c.column(t.Text):
			return refuse(t, "TK181", e.c.bareHint(), "%s belongs to SQLite itself", t.Text)
		case isName && call && slices.Contains(badSQLite, word):
			return refuse(t, "TK183", "write what gives the same label each time; :anchor is the moment", "function %s changes from call to call or reaches outside", t.Text)
		case isName && empty && slices.Contains(clockWithout, word):
			return refuse(t, "TK183", "name a time: "+word+"(:anchor)", "%s() is the present moment", t.Text)
		case isName && call && word == "strftime" && oneArgument(toks[i+2:]):
			return refuse(t, "TK183", "name a time: strftime(format, :anchor)", "strftime with a format alone tells the present moment")
		}
	}
	return nil
}

// oneArgument reports whether the arguments that begin here are one.
func oneArgument(toks []tql.SQLToken) bool {
	depth := 0
	for _, t := range toks {
		if t.Kind != tql.SQLSymbol {
			continue
		}
		switch t.Text {
		case "(":
			depth++
		case ")":
			if depth--; depth < 0 {
				return true
			}
		case ",":
			if depth == 0 {
				return false
			}
		}
	}
	return true
}
