package csvdir

import (
	"strconv"
	"strings"

	"github.com/rowlink/rowlink/schema"
)

// stored is how the values of a type are stored, and how Postgres prints its name.
type stored struct {
	kind   schema.Kind
	dbType string
	put    putFunc
}

var timeOfDay = stored{schema.Float, "time without time zone", putTimeOfDay}

// types by the name as it is written, without arguments.
var types = map[string]stored{
	"smallint":                    {schema.Int, "smallint", putInt},
	"int2":                        {schema.Int, "smallint", putInt},
	"smallserial":                 {schema.Int, "smallint", putInt},
	"integer":                     {schema.Int, "integer", putInt},
	"int":                         {schema.Int, "integer", putInt},
	"int4":                        {schema.Int, "integer", putInt},
	"serial":                      {schema.Int, "integer", putInt},
	"bigint":                      {schema.Int, "bigint", putInt},
	"int8":                        {schema.Int, "bigint", putInt},
	"bigserial":                   {schema.Int, "bigint", putInt},
	"boolean":                     {schema.Bool, "boolean", putBool},
	"bool":                        {schema.Bool, "boolean", putBool},
	"real":                        {schema.Float, "real", putReal},
	"float4":                      {schema.Float, "real", putReal},
	"double precision":            {schema.Float, "double precision", putFloat},
	"float8":                      {schema.Float, "double precision", putFloat},
	"float":                       {schema.Float, "double precision", putFloat},
	"numeric":                     {schema.Float, "numeric", putFloat},
	"decimal":                     {schema.Float, "numeric", putFloat},
	"money":                       {schema.Float, "money", putMoney},
	"date":                        {schema.Time, "date", putTime},
	"timestamp":                   {schema.Time, "timestamp without time zone", putTime},
	"timestamp without time zone": {schema.Time, "timestamp without time zone", putTime},
	"timestamptz":                 {schema.Time, "timestamp with time zone", putTime},
	"timestamp with time zone":    {schema.Time, "timestamp with time zone", putTime},
	"time":                        timeOfDay,
	"time without time zone":      timeOfDay,
	"bytea":                       {schema.Opaque, "bytea", nil},
	"varchar":                     {schema.Text, "character varying", putText},
	"character varying":           {schema.Text, "character varying", putText},
	"char":                        {schema.Text, "character", putPadded},
	"character":                   {schema.Text, "character", putPadded},
	"bpchar":                      {schema.Text, "character", putPadded},
}

// typeOf reads a type. What it does not know is a text (enumerations, domains, json),
// unless it is an array. identity tells that rows are found by the column: numeric(p) and
// numeric(p,0) then hold integers.
func typeOf(text string, identity bool) stored {
	name, args := text, ""
	if i := strings.IndexByte(text, '('); i >= 0 {
		j := i + strings.IndexByte(text[i:]+")", ')')
		args = strings.ReplaceAll(text[i:min(j+1, len(text))], " ", "")
		name = strings.Join(strings.Fields(text[:i]+" "+text[min(j+1, len(text)):]), " ")
	}
	if strings.ContainsAny(name, "[]") || strings.HasSuffix(name, " array") {
		return stored{schema.Opaque, text, nil}
	}
	s, ok := types[name]
	if !ok {
		return stored{schema.Text, text, putText}
	}
	if s.kind == schema.Text || s.dbType == "numeric" {
		s.dbType += args
	}
	if identity && s.dbType == "numeric"+args && whole(args) {
		s.kind, s.put = schema.Int, putInt
	}
	return s
}

// whole reports whether arguments such as (10) or (10,0) leave integers that fit int64.
func whole(args string) bool {
	p, scale, _ := strings.Cut(strings.Trim(args, "()"), ",")
	n, err := strconv.Atoi(p)
	return err == nil && n <= 18 && (scale == "" || scale == "0")
}
