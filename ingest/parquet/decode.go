package parquet

import (
	"fmt"
	"math"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// decoder appends the values of a column. put appends value i, which is not NULL; false
// means that a snapshot cannot hold it.
type decoder struct {
	kind schema.Kind
	put  func(c *ingest.ColumnBuilder, a arrow.Array, i int) bool
}

// append adds the values of a and returns how many were lost.
func (d decoder) append(c *ingest.ColumnBuilder, a arrow.Array) (lost int, err error) {
	defer func() {
		if fault := recover(); fault != nil { // a file whose pages are not of its column's type
			err = fmt.Errorf("cannot be read as %v: %v", a.DataType(), fault)
		}
	}()
	for i := range a.Len() {
		switch {
		case a.IsNull(i):
			c.Null()
		case !d.put(c, a, i):
			c.Null()
			lost++
		}
	}
	return lost, nil
}

// decoderOf finds out how values of a type are stored. Lists, structures and maps are
// stored as text, binary data not at all.
func decoderOf(t arrow.DataType) decoder {
	if d, ok := simple[t.ID()]; ok {
		return d
	}
	switch t := t.(type) {
	case *arrow.TimestampType:
		return decoder{schema.Time, func(c *ingest.ColumnBuilder, a arrow.Array, i int) bool {
			return putMicros(c, int64(a.(*array.Timestamp).Value(i)), t.Unit)
		}}
	case *arrow.Time32Type:
		return decoder{schema.Float, func(c *ingest.ColumnBuilder, a arrow.Array, i int) bool {
			c.Float(seconds(int64(a.(*array.Time32).Value(i)), t.Unit))
			return true
		}}
	case *arrow.Time64Type:
		return decoder{schema.Float, func(c *ingest.ColumnBuilder, a arrow.Array, i int) bool {
			c.Float(seconds(int64(a.(*array.Time64).Value(i)), t.Unit))
			return true
		}}
	case *arrow.DurationType:
		return decoder{schema.Float, func(c *ingest.ColumnBuilder, a arrow.Array, i int) bool {
			c.Float(seconds(int64(a.(*array.Duration).Value(i)), t.Unit))
			return true
		}}
	case *arrow.Decimal128Type:
		return decoder{schema.Float, func(c *ingest.ColumnBuilder, a arrow.Array, i int) bool {
			return putFloat(c, a.(*array.Decimal128).Value(i).ToFloat64(t.Scale))
		}}
	case *arrow.Decimal256Type:
		return decoder{schema.Float, func(c *ingest.ColumnBuilder, a arrow.Array, i int) bool {
			return putFloat(c, a.(*array.Decimal256).Value(i).ToFloat64(t.Scale))
		}}
	case *arrow.DictionaryType:
		d := decoderOf(t.ValueType)
		if d.kind == schema.Opaque {
			return d
		}
		return decoder{d.kind, func(c *ingest.ColumnBuilder, a arrow.Array, i int) bool {
			dict := a.(*array.Dictionary)
			v := dict.GetValueIndex(i)
			if dict.Dictionary().IsNull(v) {
				c.Null()
				return true
			}
			return d.put(c, dict.Dictionary(), v)
		}}
	case arrow.NestedType, arrow.ExtensionType:
		return decoder{schema.Text, func(c *ingest.ColumnBuilder, a arrow.Array, i int) bool {
			c.Text([]byte(a.ValueStr(i)))
			return true
		}}
	}
	return decoder{kind: schema.Opaque}
}

// simple are the types without parameters.
var simple = map[arrow.Type]decoder{
	arrow.BOOL: {schema.Bool, func(c *ingest.ColumnBuilder, a arrow.Array, i int) bool {
		c.Bool(a.(*array.Boolean).Value(i))
		return true
	}},
	arrow.INT8:  whole[int8, *array.Int8](),
	arrow.INT16: whole[int16, *array.Int16](),
	arrow.INT32: whole[int32, *array.Int32](),
	arrow.INT64: whole[int64, *array.Int64](),
	arrow.UINT8: whole[uint8, *array.Uint8](), arrow.UINT16: whole[uint16, *array.Uint16](), arrow.UINT32: whole[uint32, *array.Uint32](),
	arrow.UINT64: {schema.Int, func(c *ingest.ColumnBuilder, a arrow.Array, i int) bool {
		v := a.(*array.Uint64).Value(i)
		if v > math.MaxInt64 {
			return false
		}
		c.Int(int64(v))
		return true
	}},
	arrow.FLOAT16: {schema.Float, func(c *ingest.ColumnBuilder, a arrow.Array, i int) bool {
		return putFloat(c, float64(a.(*array.Float16).Value(i).Float32()))
	}},
	arrow.FLOAT32: {schema.Float, func(c *ingest.ColumnBuilder, a arrow.Array, i int) bool {
		return putFloat(c, float64(a.(*array.Float32).Value(i)))
	}},
	arrow.FLOAT64: {schema.Float, func(c *ingest.ColumnBuilder, a arrow.Array, i int) bool {
		return putFloat(c, a.(*array.Float64).Value(i))
	}},
	arrow.STRING:       text[*array.String](),
	arrow.LARGE_STRING: text[*array.LargeString](),
	arrow.STRING_VIEW:  text[*array.StringView](),
	arrow.DATE32: {schema.Time, func(c *ingest.ColumnBuilder, a arrow.Array, i int) bool {
		c.Int(int64(a.(*array.Date32).Value(i)) * 86_400_000_000)
		return true
	}},
	arrow.DATE64: {schema.Time, func(c *ingest.ColumnBuilder, a arrow.Array, i int) bool {
		return putMicros(c, int64(a.(*array.Date64).Value(i)), arrow.Millisecond)
	}},
	arrow.NULL: {schema.Text, func(c *ingest.ColumnBuilder, _ arrow.Array, _ int) bool {
		c.Null()
		return true
	}},
}

func whole[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32, A interface{ Value(int) T }]() decoder {
	return decoder{schema.Int, func(c *ingest.ColumnBuilder, a arrow.Array, i int) bool {
		c.Int(int64(any(a).(A).Value(i)))
		return true
	}}
}

func text[A interface{ Value(int) string }]() decoder {
	return decoder{schema.Text, func(c *ingest.ColumnBuilder, a arrow.Array, i int) bool {
		c.Text([]byte(any(a).(A).Value(i)))
		return true
	}}
}

// putFloat appends a finite number. NaN is what pandas writes for a missing one, so it is
// NULL and no loss.
func putFloat(c *ingest.ColumnBuilder, v float64) bool {
	switch {
	case v != v:
		c.Null()
	case math.IsInf(v, 0):
		return false
	default:
		c.Float(v)
	}
	return true
}

// putMicros appends a moment, rounded down to microseconds.
func putMicros(c *ingest.ColumnBuilder, v int64, unit arrow.TimeUnit) bool {
	n := int64(unit.Multiplier()) // nanoseconds
	switch micro := int64(time.Microsecond); {
	case n < micro:
		per := micro / n
		q := v / per
		if v%per < 0 {
			q--
		}
		c.Int(q)
	case v > math.MaxInt64/(n/micro) || v < math.MinInt64/(n/micro):
		return false
	default:
		c.Int(v * (n / micro))
	}
	return true
}

func seconds(v int64, unit arrow.TimeUnit) float64 {
	return float64(v) / (float64(time.Second) / float64(unit.Multiplier()))
}
