package schema

// Kind is how the values of a column are stored in a snapshot.
type Kind uint8

// The storage kinds.
const (
	Opaque Kind = iota // not stored: a type that rowlink does not read, or a secret
	Bool
	Int   // int64
	Float // float64; numeric and decimal too; a time of day as seconds since midnight
	Text
	Time // int64 microseconds since 1970-01-01 UTC; a date is its midnight
)

var kindNames = [...]string{"opaque", "bool", "int", "float", "text", "time"}

func (k Kind) String() string { return kindNames[k] }

// Numeric reports whether values of this kind have a number: booleans count as 0 and 1.
func (k Kind) Numeric() bool { return k == Bool || k == Int || k == Float }

// SemType is what a column means to a model. It decides the column's encoder.
type SemType string

// The semantic types.
const (
	SemID          SemType = "id" // keys and foreign keys: identity, no feature
	SemNumerical   SemType = "numerical"
	SemCategorical SemType = "categorical"
	SemBoolean     SemType = "boolean"
	SemText        SemType = "text"
	SemTimestamp   SemType = "timestamp"
	SemIgnore      SemType = "ignore" // constant, secret-looking, opaque, or ignored by the user
)

// SemTypes lists every semantic type that a mapping may name.
var SemTypes = []SemType{SemID, SemNumerical, SemCategorical, SemBoolean, SemText, SemTimestamp, SemIgnore}
