package tql

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/internal/testdata"
	"github.com/rowlink/rowlink/schema"
)

// goldenSchemas reads the schemas of a reference DDL file by name. The file has one
// CREATE TABLE per line and "-- time: table.column" after it.
func goldenSchemas(t testing.TB, file string) map[string]*schema.Schema {
	t.Helper()
	data, err := os.ReadFile(testdata.Path(t, "golden", "queries", file))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*schema.Schema{}
	var space string
	for line := range strings.Lines(string(data)) {
		if m := createSchema.FindStringSubmatch(line); m != nil {
			space = m[1]
			out[space] = &schema.Schema{}
		}
		if m := createTable.FindStringSubmatch(line); m != nil {
			readTable(t, out[space], space, unquote(m[1]), m[2])
		}
		if m := timeLine.FindStringSubmatch(line); m != nil && !strings.Contains(line, "leave it unmapped") {
			table := out[space].Tables[out[space].Table(unquote(m[1]))]
			table.Time = &schema.RowTime{Column: table.Column(unquote(m[2])), Via: -1, Until: -1}
		}
	}
	return out
}

// ddlSchema reads testdata/schema.sql.
func ddlSchema(t testing.TB) *schema.Schema {
	t.Helper()
	data, err := os.ReadFile("testdata/schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	return readSchema(t, string(data))
}

// undeclared makes the foreign keys of a schema such as the database does not hold: some
// of the rows that tests load dangle.
func undeclared(sc *schema.Schema) *schema.Schema {
	for _, t := range sc.Tables {
		for i := range t.Links {
			t.Links[i].Reason = "mapping"
		}
	}
	return sc
}

// readSchema reads the same form, all in schema public, with lines for zones, days, inherited
// times, categories and ignored tables beside those for times.
func readSchema(t testing.TB, text string) *schema.Schema {
	t.Helper()
	sc := &schema.Schema{}
	for line := range strings.Lines(text) {
		if m := createTable.FindStringSubmatch(line); m != nil {
			readTable(t, sc, "public", unquote(m[1]), m[2])
		}
		word, name, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "-- "), ": ")
		name, column, _ := strings.Cut(strings.TrimSpace(name), ".")
		column, zone, _ := strings.Cut(column, " ")
		at := sc.Table(unquote(name))
		if at < 0 {
			continue
		}
		table := sc.Tables[at]
		col := table.Column(unquote(column))
		switch word {
		case "time":
			table.Time = &schema.RowTime{Column: col, Via: -1, Until: -1}
		case "until":
			table.Time.Until = col
		case "zone":
			table.Time.Zone = zone
		case "day end":
			table.Time.DayEnd = true
		case "categorical":
			table.Columns[col].Sem = schema.SemCategorical
		case "ignore":
			table.Ignore = true
		case "inherit":
			for i, l := range table.Links {
				if l.Columns[0] == col {
					table.Time = &schema.RowTime{Column: sc.Tables[l.To].Time.Column, Via: i, Until: -1}
				}
			}
		}
	}
	return sc
}

var (
	createSchema = regexp.MustCompile(`CREATE SCHEMA (\w+);`)
	createTable  = regexp.MustCompile(`CREATE TABLE ("?\w+"?) \((.*)\);`)
	timeLine     = regexp.MustCompile(`^-- time: ("?\w+"?)\.("?\w+"?)`)
	columnDef    = regexp.MustCompile(`^("?\w+"?) (timestamp|timestamptz|double precision|\w+)(.*)$`)
	foreignKey   = regexp.MustCompile(`^FOREIGN KEY \((.*)\) REFERENCES ("?\w+"?)$`)
	reference    = regexp.MustCompile(`REFERENCES ("?\w+"?)`)
)

// unquote folds a name as Postgres does.
func unquote(s string) string {
	if q, ok := strings.CutPrefix(s, `"`); ok {
		return strings.TrimSuffix(q, `"`)
	}
	return strings.ToLower(s)
}

var ddlTypes = map[string]schema.Column{
	"integer": {DBType: "integer", Kind: schema.Int}, "bigint": {DBType: "bigint", Kind: schema.Int},
	"numeric": {DBType: "numeric", Kind: schema.Float}, "double precision": {DBType: "double precision", Kind: schema.Float},
	"text": {DBType: "text", Kind: schema.Text}, "boolean": {DBType: "boolean", Kind: schema.Bool}, "date": {DBType: "date", Kind: schema.Time},
	"timestamp": {DBType: "timestamp without time zone", Kind: schema.Time}, "timestamptz": {DBType: "timestamp with time zone", Kind: schema.Time},
	"bytea": {DBType: "bytea", Kind: schema.Opaque},
}

func readTable(t testing.TB, sc *schema.Schema, space, name, body string) {
	t.Helper()
	table := &schema.Table{Namespace: space, Name: name}
	sc.Tables = append(sc.Tables, table)
	for part := range strings.SplitSeq(body, ", ") {
		if keys, ok := strings.CutPrefix(part, "PRIMARY KEY ("); ok {
			for k := range strings.SplitSeq(strings.TrimSuffix(keys, ")"), ",") {
				table.Key = append(table.Key, table.Column(unquote(k)))
			}
			continue
		}
		if m := foreignKey.FindStringSubmatch(part); m != nil {
			to := sc.Table(unquote(m[2]))
			l := schema.Link{Name: name + "_" + m[2] + "_fkey", To: to, Ref: sc.Tables[to].Key, Reason: schema.Declared}
			for c := range strings.SplitSeq(m[1], ",") {
				l.Columns = append(l.Columns, table.Column(unquote(c)))
			}
			table.Links = append(table.Links, l)
			continue
		}
		m := columnDef.FindStringSubmatch(part)
		if m == nil || ddlTypes[m[2]].DBType == "" {
			t.Fatalf("table %s: cannot read column %q", name, part)
		}
		c := ddlTypes[m[2]]
		c.Name = unquote(m[1])
		c.NotNull = strings.Contains(m[3], "NOT NULL") || strings.Contains(m[3], "PRIMARY KEY")
		at := len(table.Columns)
		table.Columns = append(table.Columns, c)
		if strings.Contains(m[3], "PRIMARY KEY") {
			table.Key = []int{at}
		}
		if strings.Contains(m[3], "UNIQUE") {
			table.Unique = append(table.Unique, []int{at})
		}
		if r := reference.FindStringSubmatch(m[3]); r != nil {
			to := sc.Table(unquote(r[1]))
			if to < 0 {
				t.Fatalf("table %s refers to unknown table %s", name, r[1])
			}
			table.Links = append(table.Links, schema.Link{Name: name + "_" + c.Name + "_fkey", Columns: []int{at}, To: to, Ref: sc.Tables[to].Key, Reason: schema.Declared})
		}
	}
}
