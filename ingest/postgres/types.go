package postgres

import (
	"github.com/rowlink/rowlink/schema"
)

// format says how the values of a type are asked for and stored.
type format struct {
	kind schema.Kind
	// before and after stand around the quoted column in the SELECT; empty for a
	// value that is read as it is.
	before, after string
	take          takeFunc
}

var (
	asText     = format{schema.Text, "", "::text", takeText}
	plainText  = format{schema.Text, "", "", takeText}
	lowerText  = format{schema.Text, "lower(", "::text)", takeText}
	wholeMoney = format{schema.Float, "", "::numeric", singly(putNumeric)}
	// An interval has no fixed length: months count as 30 days and years as 365.25.
	seconds = format{schema.Float, "EXTRACT(epoch FROM ", ")::float8", takeFloat8}
	keyHex  = format{schema.Text, "", "", singly(putBytes)}
	keyInt  = format{schema.Int, "", "", singly(putNumericInt)}
	// Keys keep NaN and infinities: the server counts NaN as equal to itself, and so do we.
	keyFloat4 = format{schema.Float, "", "", floats(4, true, float4)}
	keyFloat8 = format{schema.Float, "", "", floats(8, true, float8)}
	keyNum    = format{schema.Float, "", "", singly(putNumericKey)}
)

// builtin holds the types of pg_catalog that rowlink reads. Everything else (tid,
// regclass, binary data that is no key) is opaque. What has no number or text of its own is stored
// as the text that the server prints.
var builtin = map[string]format{
	"bool":        {schema.Bool, "", "", singly(putBool)},
	"int2":        {schema.Int, "", "", takeInt2},
	"int4":        {schema.Int, "", "", takeInt4},
	"int8":        {schema.Int, "", "", takeInt8},
	"oid":         {schema.Int, "", "", takeOID},
	"float4":      {schema.Float, "", "", takeFloat4},
	"float8":      {schema.Float, "", "", takeFloat8},
	"numeric":     {schema.Float, "", "", singly(putNumeric)},
	"money":       wholeMoney,
	"text":        plainText,
	"varchar":     plainText,
	"name":        plainText,
	"bpchar":      {schema.Text, "", "", singly(putPadded)},
	"uuid":        {schema.Text, "", "", singly(putUUID)},
	"date":        {schema.Time, "", "", takeDate},
	"timestamp":   {schema.Time, "", "", takeTimestamp},
	"timestamptz": {schema.Time, "", "", takeTimestamp},
	"time":        {schema.Float, "", "", singly(putTimeOfDay)},
	"timetz":      {schema.Float, "", "", singly(putTimeOfDay)},
	"interval":    seconds,
	"json":        asText,
	"jsonb":       asText,
	"xml":         asText,
	"inet":        asText,
	"cidr":        asText,
	"macaddr":     asText,
	"macaddr8":    asText,
	"bit":         asText,
	"varbit":      asText,
	"char":        asText,
	"pg_lsn":      asText,
	"xid8":        asText,
	"tsvector":    asText,
	"tsquery":     asText,
	"jsonpath":    asText,
	"point":       asText,
	"line":        asText,
	"lseg":        asText,
	"box":         asText,
	"path":        asText,
	"polygon":     asText,
	"circle":      asText,
}

// extension holds types that extensions add, in whatever namespace they were installed.
var extension = map[string]format{
	"citext": asText, "ltree": asText, "hstore": asText, // contrib
	"cube": asText, "seg": asText, "isbn": asText, "isbn13": asText, "issn": asText, "ean13": asText, "upc": asText,
	"vector": asText, "halfvec": asText, "sparsevec": asText, // pgvector
}

// made are the kinds of types that users make, by pg_type.typtype. Their values have the
// form that the server prints: a label, (1,x), [1,5).
var made = map[string]format{"e": plainText, "c": asText, "r": asText, "m": asText}

// baseType walks through domains to the type that is stored. mod is the type
// modifier of the column or, where a domain carries it, of the domain.
func (c *catalog) baseType(a attr) (t pgType, mod int32, notNull, ok bool) {
	mod, notNull = a.mod, a.notNull
	t, ok = c.types[a.typ]
	for ok && t.kind == "d" {
		if t.mod != -1 {
			mod = t.mod
		}
		notNull = notNull || t.notNull
		t, ok = c.types[t.base]
	}
	return t, mod, notNull, ok
}

// format returns how a column is read; ok is false for opaque types. Columns that
// identify rows (identity) get a form in which equal for us is equal for the server.
func (c *catalog) format(a attr, identity bool) (format, bool) {
	t, mod, _, ok := c.baseType(a)
	if !ok {
		return format{}, false
	}
	if f, ok := made[t.kind]; ok {
		return f, true
	}
	if t.array {
		return asText, true
	}
	if t.namespace != "pg_catalog" {
		f, ok := extension[t.name]
		if identity && t.name == "citext" {
			f = lowerText
		}
		return f, ok
	}
	if identity && t.name == "bytea" {
		return keyHex, true
	}
	if identity && t.name == "numeric" {
		if precision, scale := (mod-4)>>16, (mod-4)&0x7ff; mod >= 4 && scale == 0 && precision <= 18 {
			return keyInt, true
		}
		return keyNum, true
	}
	if identity && t.name == "float4" {
		return keyFloat4, true
	}
	if identity && t.name == "float8" {
		return keyFloat8, true
	}
	f, ok := builtin[t.name]
	return f, ok
}
