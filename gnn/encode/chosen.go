package encode

import "fmt"

// Chosen are the codes of a table that become features of their own, 0 or 1 each: of
// every categorical column NULL, "other" and the most frequent values.
type Chosen struct {
	At    []int32  // code -> position among the chosen ones, -1 = left out
	Names []string // of the chosen ones: "TABLE.COLUMN = VALUE"
}

// Choose picks at most so many codes of each categorical column.
func (e *Table) Choose(most int) Chosen {
	c := Chosen{At: make([]int32, e.Codes)}
	for i := range c.At {
		c.At[i] = -1
	}
	for _, col := range e.Columns {
		cat, ok := col.Encoder.(*Categorical)
		if !ok {
			continue
		}
		for k := range min(most, len(cat.Values)+2) {
			c.At[col.CodeFrom+k] = int32(len(c.Names))
			value := "NULL"
			if k == 1 {
				value = "other"
			} else if k > 1 {
				value = cat.Values[k-2]
			}
			c.Names = append(c.Names, fmt.Sprintf("%s.%s = %s", e.Name, col.Name, value))
		}
	}
	return c
}
