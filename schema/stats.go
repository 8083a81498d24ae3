package schema

// ColumnStats is what inference wants to know about the values of one column.
type ColumnStats struct {
	Rows, Nulls    int
	Distinct       int  // different values, NULL not counted
	DistinctCapped bool // counting stopped at Distinct: there are more

	Min, Max  float64 // of numbers and times (microseconds since 1970)
	Integers  bool    // every number is whole
	MeanLen   float64 // of texts, in bytes
	MaxLen    float64
	MeanWords float64 // of texts, split at white space

	// KeyOrder is the rank correlation of the values with the order of the primary
	// key, -1..1: near 1 for a time at which rows were inserted. 0 where unknown.
	KeyOrder float64
	Total    *Total       // what the values are a total of; nil = of nothing that was found
	Top      []ValueCount // most frequent values, most frequent first
}

// ValueCount is a value and how many rows hold it.
type ValueCount struct {
	Value string
	Count int
}

// values is the number of rows that have a value.
func (s ColumnStats) values() int { return s.Rows - s.Nulls }

// constant reports whether the column says the same in every one of at least two rows.
func (s ColumnStats) constant() bool {
	return s.Rows > 1 && (s.Distinct == 0 || s.Distinct == 1 && s.Nulls == 0)
}
