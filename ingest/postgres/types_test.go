package postgres

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/internal/pgtest"
)

// valuesOf are values of one type, as SQL literals.
type valuesOf struct {
	typ    string
	values []string
}

// typed are values of every type.
var typed = []valuesOf{
	{"boolean", []string{"true", "false", "NULL"}},
	{"smallint", []string{"-32768", "32767"}},
	{"integer", []string{"-2147483648", "2147483647"}},
	{"bigint", []string{"-9223372036854775808", "9223372036854775807"}},
	{"oid", []string{"'4294967295'"}},
	{"real", []string{"1.5", "'NaN'", "'-Infinity'", "'-0'"}},
	{"double precision", []string{"0.1", "'NaN'", "'Infinity'", "'-0'", "1.7976931348623157e308", "5e-324"}},
	{"numeric", []string{"12.34", "0.1", "9007199254740993", "'NaN'", "'Infinity'", "'-Infinity'", "1e308", "1e309", "1e131071", "1e-400"}},
	{"numeric(12,2)", []string{"-0.5", "9999999999.99"}},
	{"money", []string{"'12.34'", "'-92233720368547758.08'"}},
	{"text", []string{"''", "'a'", "E'line\\nbreak'", "'<b>&\"'", "'=1+1'", "E'\\x1b[31mred'", "U&'\\202Ertl'"}},
	{"character varying(5)", []string{"'ab   '"}},
	{"character(5)", []string{"'ab'", "''"}},
	{"name", []string{"'nm'"}},
	{`"char"`, []string{"'q'", "''"}},
	{"mood", []string{"'happy'"}},
	{"mood[]", []string{"'{happy,NULL,sad}'"}},
	{"shorter", []string{"'dom'"}},
	{"whole", []string{"7"}},
	{"list", []string{"'{1,2}'"}},
	{"pair", []string{"ROW(1, 'x')", "ROW(NULL, NULL)", "ROW(NULL, 'a,\"b')"}},
	{"pair[]", []string{"ARRAY[ROW(1, 'x')::pair, NULL]"}},
	{"uuid", []string{"'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"}},
	{"date", []string{"'2024-02-29'", "'infinity'", "'-infinity'", "'4713-01-01 BC'", "'5874897-12-31'", "'1970-01-01'"}},
	{"timestamp without time zone", []string{"'2024-02-29 12:00:00.123456'", "'infinity'", "'4713-01-01 BC'", "'2024-03-31 02:30:00'"}},
	{"timestamp with time zone", []string{"'2024-02-29 12:00:00+02'", "'-infinity'", "'294276-12-31 23:59:59.999999+00'", "'2024-03-31 02:30:00 Europe/Berlin'"}},
	{"time without time zone", []string{"'00:00'", "'23:59:59.5'", "'24:00'"}},
	{"time with time zone", []string{"'12:00:00+05'", "'24:00-12'"}},
	{"interval", []string{"'1 day 02:00:00'", "'1 mon'", "'-1 year'", "'1 mon -1 day'"}},
	{"json", []string{`'{"a":  1, "a": 2}'`, "'null'", "'9007199254740993'", "'1e400'", `'"x"'`}},
	{"jsonb", []string{`'{"b": 2, "a": 1, "a": 3}'`, "'null'", "'1e400'", "(repeat('[', 1000) || repeat(']', 1000))::jsonb"}},
	{"xml", []string{"'<a/>'"}},
	{"inet", []string{"'10.0.0.1'", "'::1/64'"}},
	{"cidr", []string{"'10.0.0.0/8'"}},
	{"macaddr", []string{"'08:00:2b:01:02:03'"}},
	{"macaddr8", []string{"'08:00:2b:01:02:03:04:05'"}},
	{"bit(3)", []string{"'101'"}},
	{"bit varying", []string{"'1'", "''"}},
	{"tsvector", []string{"'a b'"}},
	{"tsquery", []string{"'a & b'"}},
	{"jsonpath", []string{"'$.a'"}},
	{"pg_lsn", []string{"'16/B374D848'"}},
	{"xid8", []string{"'18446744073709551615'"}},
	{"point", []string{"'(1,2)'"}},
	{"line", []string{"'{1,2,3}'"}},
	{"lseg", []string{"'[(0,0),(1,1)]'"}},
	{"box", []string{"'(1,1),(0,0)'"}},
	{"path", []string{"'((0,0),(1,1))'"}},
	{"polygon", []string{"'((0,0),(1,1),(1,0))'"}},
	{"circle", []string{"'<(0,0),1>'"}},
	{"integer[]", []string{"'{1,NULL,3}'", "'{}'", "'[0:1]={1,2}'", "'{{1,2},{3,4}}'"}},
	{"text[]", []string{`'{a,"b c",NULL,"NULL",""}'`}},
	{"timestamp with time zone[]", []string{"'{2024-02-29 12:00:00+02,infinity}'"}},
	{"int4range", []string{"'empty'", "'[1,5]'", "'[1,)'", "'(,)'"}},
	{"int4multirange", []string{"'{}'", "'{[1,2),[5,6)}'"}},
	{"tstzrange", []string{"'[2024-01-01 00:00+02,infinity]'"}},
	{"floats", []string{"'[1.5,2.5)'"}},
	{"bytea", []string{`'\x00ff'`}},
	{"tid", []string{"'(0,1)'"}},
	{"regclass", []string{"'pg_class'"}},
}

// What a snapshot holds of each value; the golden file is the table of docs/postgres.md.
func TestTypes_stored(t *testing.T) {
	u := pgtest.URL(t)
	mustExec(t, admin(t, u), "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')", "CREATE DOMAIN short AS varchar(10) NOT NULL",
		"CREATE DOMAIN shorter AS short CHECK (length(VALUE) < 5)", "CREATE DOMAIN whole AS numeric(9,0)", "CREATE DOMAIN list AS integer[]",
		"CREATE TYPE pair AS (a int, b text)", "CREATE TYPE floats AS RANGE (subtype = float8)")
	golden(t, "types.golden", strings.Join(stored(t, u, typed), "\n")+"\n")
}

// Types of extensions, where they are installed.
func TestTypes_extensions(t *testing.T) {
	tests := []struct{ extension, typ, value, want string }{
		{"citext", "citext", "'MiXed'", `text "MiXed"`},
		{"hstore", "hstore", "'a=>1, b=>NULL'", `text "\"a\"=>\"1\", \"b\"=>NULL"`},
		{"ltree", "ltree", "'a.b.c'", `text "a.b.c"`},
		{"cube", "cube", "'(1,2,3)'", `text "(1, 2, 3)"`},
		{"isn", "isbn13", "'978-0-393-04002-9'", `text "978-0-393-04002-9"`},
		{"vector", "vector(3)", "'[1,2,3]'", `text "[1,2,3]"`},
		{"intarray", "query_int", "'1&2'", "opaque"}, // unknown: left out and reported
	}
	u := pgtest.URL(t)
	conn := admin(t, u)
	mustExec(t, conn, "CREATE SCHEMA ext")
	for _, tt := range tests {
		if _, err := conn.Exec(t.Context(), "CREATE EXTENSION "+tt.extension+" SCHEMA ext"); err != nil {
			t.Logf("%s is not there: %v", tt.extension, err)
			continue
		}
		mustExec(t, conn, "DROP TABLE IF EXISTS t0")
		got := stored(t, u, []valuesOf{{"ext." + tt.typ, []string{tt.value}}})[0]
		if !strings.HasSuffix(got, " | "+tt.want) {
			t.Errorf("%s, want %s", got, tt.want)
		}
	}
}

// stored puts values into a table of one column for each type and tells what is read.
func stored(t *testing.T, u string, all []valuesOf) []string {
	t.Helper()
	conn := admin(t, u)
	for n, c := range all {
		sql := fmt.Sprintf("CREATE TABLE t%d (id int PRIMARY KEY, v %s)", n, c.typ)
		for i, v := range c.values {
			sql += fmt.Sprintf("; INSERT INTO t%d VALUES (%d, %s)", n, i, v)
		}
		if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	snap := mustTake(t, u)
	var out []string
	for n, c := range all {
		table := snap.Tables[snap.Schema.Table(fmt.Sprintf("t%d", n))]
		col := &table.Columns[1]
		for i, v := range c.values {
			line := fmt.Sprintf("%s | %s | %s", c.typ, v, col.Kind)
			if x := value(col, i); x != "?" {
				line += " " + x
			}
			if len(line) > 300 {
				line = line[:300] + "..."
			}
			out = append(out, line)
		}
		for _, f := range snap.Findings {
			if detail, ok := strings.CutPrefix(f.Detail, table.Def.FullName()+"."); ok {
				out[len(out)-1] += "\n  public.t." + detail
			}
		}
	}
	return out
}
