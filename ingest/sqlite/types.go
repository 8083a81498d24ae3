package sqlite

import (
	"strconv"
	"strings"

	"github.com/rowlink/rowlink/schema"
)

// declared is what a column's type in CREATE TABLE means to rowlink. dbType is
// spelt as Postgres prints it, so that messages and mappings read alike for all sources.
type declared struct {
	kind   schema.Kind
	dbType string
	put    putFunc
}

// exact types, before SQLite's own rule of substrings is asked, which would take a
// date for a number and an interval for an integer.
var exact = map[string]declared{
	"DATE":                        {schema.Time, "date", putTime},
	"DATETIME":                    {schema.Time, "timestamp without time zone", putTime},
	"TIMESTAMP":                   {schema.Time, "timestamp without time zone", putTime},
	"TIMESTAMP WITHOUT TIME ZONE": {schema.Time, "timestamp without time zone", putTime},
	"TIMESTAMP WITH TIME ZONE":    {schema.Time, "timestamp with time zone", putTime},
	"TIMESTAMPTZ":                 {schema.Time, "timestamp with time zone", putTime},
	"TIME":                        {schema.Float, "time without time zone", putTimeOfDay},
	"TIME WITHOUT TIME ZONE":      {schema.Float, "time without time zone", putTimeOfDay},
	"SMALLINT":                    {schema.Int, "smallint", putInt},
	"BOOLEAN":                     {schema.Bool, "boolean", putBool},
	"BOOL":                        {schema.Bool, "boolean", putBool},
	"BIT":                         {schema.Bool, "boolean", putBool},
	"UUID":                        {schema.Text, "uuid", putText},
	"JSON":                        {schema.Text, "json", putText},
	"JSONB":                       {schema.Opaque, "jsonb", nil}, // SQLite's own binary form
	"XML":                         {schema.Text, "xml", putText},
	"INTERVAL":                    {schema.Text, "interval", putText},
	"STRING":                      {schema.Text, "text", putText},
	"NAME":                        {schema.Text, "name", putText},
	"BYTEA":                       {schema.Opaque, "bytea", nil},
	"POINT":                       {schema.Opaque, "point", nil},
	"GEOMETRY":                    {schema.Opaque, "geometry", nil},
}

// typeOf reads a declared type by SQLite's rules of affinity (Datatypes In SQLite,
// section 3.1) with the additions of exact. An identity column, one by which rows
// are found, of type NUMERIC(p) or NUMERIC(p,0) holds integers.
func typeOf(text string, identity bool) declared {
	name, args := splitType(text)
	if d, ok := exact[name]; ok {
		return d
	}
	has := func(part string) bool { return strings.Contains(name, part) }
	switch {
	case has("INT"):
		return declared{schema.Int, "bigint", putInt}
	case has("VARCHAR") || has("CHARACTER VARYING"):
		return declared{schema.Text, "character varying" + args, putText}
	case has("CHAR") || has("CLOB") || has("TEXT"):
		return declared{schema.Text, "text", putText}
	case has("BLOB") || has("BINARY"):
		return declared{schema.Opaque, "bytea", nil}
	case has("REAL") || has("FLOA") || has("DOUB"):
		return declared{schema.Float, "double precision", putFloat}
	case name == "NUMERIC" || name == "DECIMAL" || name == "DEC" || name == "NUM":
		if identity && wholeNumeric(args) {
			return declared{schema.Int, "numeric" + args, putInt}
		}
		return declared{schema.Float, "numeric" + args, putFloat}
	case name == "MONEY":
		return declared{schema.Float, "money", putFloat}
	}
	return declared{schema.Float, "numeric", putFloat} // affinity NUMERIC
}

// splitType parts "varchar (20)" into VARCHAR and (20), with one blank between words.
func splitType(text string) (name, args string) {
	name = strings.ToUpper(text)
	if i := strings.IndexByte(name, '('); i >= 0 {
		rest := ""
		if j := strings.IndexByte(name[i:], ')'); j >= 0 {
			args = strings.ReplaceAll(name[i:i+j+1], " ", "")
			rest = name[i+j+1:]
		}
		name = name[:i] + " " + rest // TIMESTAMP(3) WITH TIME ZONE
	}
	return strings.Join(strings.Fields(name), " "), args
}

// wholeNumeric reports whether arguments such as (10) or (10,0) leave integers that fit int64.
func wholeNumeric(args string) bool {
	p, scale, _ := strings.Cut(strings.Trim(args, "()"), ",")
	digits, err := strconv.Atoi(p)
	return err == nil && digits <= 18 && (scale == "" || scale == "0")
}

// untyped says how a column without declared type is read, by the storage classes
// that occur in it.
func untyped(classes map[string]bool) declared {
	delete(classes, "null")
	switch {
	case len(classes) == 0 || classes["blob"]:
		return declared{schema.Opaque, "", nil}
	case classes["text"]:
		return declared{schema.Text, "text", putText}
	case classes["real"]:
		return declared{schema.Float, "double precision", putFloat}
	}
	return declared{schema.Int, "bigint", putInt}
}
