package csvdir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/ingest"
)

func take(t *testing.T, dir string) (*ingest.Snapshot, error) {
	t.Helper()
	src, err := ingest.Open(t.Context(), "csv:"+dir, ingest.OpenOptions{})
	if err != nil {
		return nil, err
	}
	defer src.Close()
	return ingest.Take(t.Context(), src, ingest.TakeOptions{})
}

// Without schema.sql types come from values, keys and links from names and values.
func TestInferred(t *testing.T) {
	s, err := take(t, folder(t,
		"customers.csv", "id,name,zip,joined,vip,score\n1,Ann,01234,2024-01-02,true,1\n2,Bob,99999,2024-02-03,false,2.5\n3,,,,,\n",
		"orders.csv", "order_id,customer_id,at,billing_customer_id\n10,1,2024-03-01 10:00:00,2\n11,1,2024-03-02 11:00:00+02,3\n12,2,2024-03-03,1\n",
		"lines.csv", "orderId,n\n10,1\n10,2\n11,1\n",
		"empty.csv", "id,what\n"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, table := range s.Schema.Tables {
		line := table.Name + ":"
		for _, c := range table.Columns {
			line += " " + c.Name + " " + strings.ReplaceAll(c.DBType, " ", "_")
		}
		if len(table.Key) > 0 {
			line += " key " + strings.Join(table.Names(table.Key), ",")
		}
		for _, l := range table.Links {
			line += fmt.Sprintf(" %s->%s", l.Name, s.Schema.Tables[l.To].Name)
			if !strings.HasPrefix(l.Reason, "proposed: ") {
				t.Errorf("link %s of %s has the reason %q", l.Name, table.Name, l.Reason)
			}
		}
		got = append(got, line)
	}
	want := []string{
		"customers: id bigint name text zip text joined date vip boolean score double_precision key id",
		"empty: id text what text",
		"lines: orderId bigint n bigint orderId->orders",
		"orders: order_id bigint customer_id bigint at timestamp_with_time_zone billing_customer_id bigint key order_id customer_id->customers billing_customer_id->customers",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Values that a type cannot hold are NULL, counted, and the first is shown; what
// schema.sql and the files do not share is named.
func TestDeclared_odd(t *testing.T) {
	s, err := take(t, folder(t,
		"schema.sql", `CREATE TABLE "T" (id int PRIMARY KEY, n integer, d date, f real, ok boolean, pic bytea, m money,
			y date GENERATED ALWAYS AS (make_date(n, 2, 29)) STORED, z int GENERATED ALWAYS AS (n + 1) STORED, r int REFERENCES gone);
			CREATE TABLE gone (id int PRIMARY KEY);`,
		"t.csv", "ID,n,d,f,ok,pic,m,r\n1,x,2024-02-30,inf,maybe,\\x00,\"$1,234.50\",\n2,2024.0,2024-02-29,0.1,T,,,7\n\n3,y,,,,,,\n",
		"other.csv", "a\n1\n"))
	if err != nil {
		t.Fatal(err)
	}
	table := s.Tables[0]
	want := [][]any{{int64(1), nil, nil, nil, nil, 1234.5, nil}, {int64(2), int64(2024), "2024-02-29", float64(float32(0.1)), true, nil, "2024-02-29"}}
	for r, row := range want {
		for i, name := range []string{"id", "n", "d", "f", "ok", "m", "y"} {
			v := table.Columns[table.Def.Column(name)].Value(r)
			if day, ok := v.(interface{ Format(string) string }); ok {
				v = day.Format("2006-01-02")
			}
			if v != row[i] && !(name == "y" && r == 1) {
				t.Errorf("row %d: %s is %v, want %v", r, name, v, row[i])
			}
		}
	}
	var findings, skipped []string
	for _, f := range s.Findings {
		findings = append(findings, f.Detail)
	}
	for _, k := range s.Schema.Skipped {
		skipped = append(skipped, k.Object+": "+k.Reason)
	}
	for _, part := range []string{`column "n": 2 values are no integer and were read as NULL, first "x" in line 2`, `column "f": 1 values`, `column "ok": 1 values`} {
		if !strings.Contains(strings.Join(findings, "\n"), part) {
			t.Errorf("findings %q lack %q", findings, part)
		}
	}
	for _, part := range []string{"gone: declared in schema.sql, but there is no file gone.csv", "other.csv: not declared", "column z of T: generated", "foreign key (r) of T: refers to gone"} {
		if !strings.Contains(strings.Join(skipped, "\n"), part) {
			t.Errorf("skipped %q lack %q", skipped, part)
		}
	}
}

func TestWrong(t *testing.T) {
	file := filepath.Join(folder(t, "a.csv", "x\n"), "a.csv")
	for _, c := range []struct{ dir, want string }{
		{"", "names no folder"},
		{filepath.Join(t.TempDir(), "no"), "no folder"},
		{file, "is a file"},
		{folder(t, "a.txt", "x"), "no .csv file"},
		{folder(t, "a.csv", ""), "a.csv is empty (the first line names the columns)"},
		{folder(t, "a.csv", "x,y\n1\n"), "a.csv, line 2: 1 fields, the header has 2"},
		{folder(t, "a.csv", "x,y\n1,\"2\n"), "a.csv: line 2: a quote opens a field that never ends"},
		{folder(t, "a.csv", "x\n", "schema.sql", "CREATE TABLE a (x int, y int)"), `a.csv has no column "y" (its first line names x)`},
		{folder(t, "a.csv", "x\n", "schema.sql", "CREATE TABLE a (x int"), `schema.sql: line 1: table "a": found "", want )`},
		{folder(t, "a.csv", "x\n", "schema.sql", "CREATE TABLE b (x int)"), "declares none of the tables of the CSV files"},
	} {
		_, err := take(t, c.dir)
		var user *ingest.UserError
		if !errors.As(err, &user) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want a user error with %q", c.dir, err, c.want)
		}
	}
}

// A folder that cannot be listed is a failure of the system, not a mistake.
func TestUnreadable(t *testing.T) {
	dir := folder(t, "a.csv", "x\n")
	if err := os.Chmod(dir, 0); err != nil || os.Geteuid() == 0 {
		t.Skip("permissions do not bind this user")
	}
	defer os.Chmod(dir, 0o700)
	_, err := take(t, dir)
	var failed *ingest.SourceError
	if !errors.As(err, &failed) {
		t.Errorf("error %v, want one of the source", err)
	}
}
