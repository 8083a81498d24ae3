package csvdir

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseDDL(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"CREATE TABLE a (id integer PRIMARY KEY, b varchar (20) NOT NULL UNIQUE, c numeric(10, 2) DEFAULT (1 + 2), d timestamp(3) with time zone)",
			"a(id integer, b varchar(20)!, c numeric(10,2), d timestamp(3) with time zone) key id unique b"},
		{`create table if not exists public."My ""T""" ("X" int[] , y char REFERENCES o (k) ON DELETE CASCADE, CHECK (y > 'a,b)'), CONSTRAINT f FOREIGN KEY ("X", y) REFERENCES s.p);`,
			`My "T"(X int[], y char) link y->o.k link f: X,y->p.`},
		{"-- x\n/* CREATE TABLE no (a int); */ SET a = 1; CREATE UNLOGGED TABLE t (a int, UNIQUE (a), PRIMARY KEY (a)) WITH (fillfactor = 70);", "t(a int) key a unique a"},
		{"CREATE TABLE a (x int);\nALTER TABLE ONLY a\n ADD CONSTRAINT k PRIMARY KEY (x) DEFERRABLE, ADD FOREIGN KEY (x) REFERENCES a(x);", "a(x int) key x link x->a.x"},
		{"COPY a (b) FROM stdin;\n1;2'\n\\.\nCREATE TABLE a (x int);", "a(x int)"},
		{"\\set x 'y\nCREATE FUNCTION f() AS $b$ CREATE TABLE z (a int); $b$; CREATE TABLE a (x int GENERATED ALWAYS AS IDENTITY, d date GENERATED ALWAYS AS (make_date(x,12,31)) STORED NOT NULL)",
			"a(x int, d date! = make_date ( x , 12 , 31 ))"},
		{"CREATE TABLE b AS SELECT 1; CREATE TABLE c (LIKE b, EXCLUDE USING gist (a WITH &&), n national character varying(3))", "c(n national character varying(3))"},
	} {
		got, err := parseDDL(c.in, nil)
		if s := show(got); err != nil || s != c.want {
			t.Errorf("%s\n got %s and %v\nwant %s", c.in, s, err, c.want)
		}
	}
}

func TestParseDDL_wrong(t *testing.T) {
	for in, want := range map[string]string{
		"CREATE TABLE a (x int);\n\nCREATE TABLE a (y int);": `line 3: table "a" is declared twice`,
		"CREATE TABLE a (x int":                              `line 1: table "a": found "", want )`,
		"CREATE TABLE a (\n x int,\n = int)":                 `line 3: table "a": found "=", want a column or a constraint`,
		"CREATE TABLE a (PRIMARY KEY x)":                     `line 1: table "a": found "x", want (`,
		"ALTER TABLE b ADD PRIMARY KEY (x)":                  `line 1: ALTER TABLE of "b", which no CREATE TABLE before it declares`,
		"CREATE TABLE (x int)":                               `line 1: found "(", want a name`,
	} {
		if _, err := parseDDL(in, nil); err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %s", in, err, want)
		}
	}
}

func FuzzParseDDL(f *testing.F) {
	f.Add("CREATE TABLE a (id integer PRIMARY KEY, b varchar(20) REFERENCES c (d), UNIQUE (b)); ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES a;")
	f.Add("$a$ ; \" ' /* -- \\")
	f.Fuzz(func(t *testing.T, text string) {
		tables, err := parseDDL(text, nil)
		if err == nil {
			show(tables)
		}
	})
}

// show writes declarations on one line.
func show(tables []*declaration) string {
	var out []string
	for _, d := range tables {
		var cols []string
		for _, c := range d.columns {
			s := c.name + " " + c.typ
			if c.notNull {
				s += "!"
			}
			for i, g := range c.generated {
				if i == 0 {
					s += " ="
				}
				s += " " + g.text
			}
			cols = append(cols, s)
		}
		s := fmt.Sprintf("%s(%s)", d.name, strings.Join(cols, ", "))
		if len(d.key) > 0 {
			s += " key " + strings.Join(d.key, ",")
		}
		for _, u := range d.unique {
			s += " unique " + strings.Join(u, ",")
		}
		for _, l := range d.links {
			s += " link "
			if l.name != "" {
				s += l.name + ": "
			}
			s += strings.Join(l.from, ",") + "->" + l.table + "." + strings.Join(l.to, ",")
		}
		out = append(out, s)
	}
	return strings.Join(out, "; ")
}
