package encode

import (
	"fmt"
	"hash/fnv"
	"math"
	"strings"
	"unicode"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/schema"
)

func init() { Register(schema.SemText, func() Encoder { return &Text{} }) }

const (
	textBuckets = 512 // hashed vocabulary; a power of two
	textMinRows = 5   // a word of fewer rows would name the row instead of describing it
)

// Text is hashed TF-IDF (Weinberger et al., 2009): words fall into buckets, a bucket's
// weight is its inverse document frequency, and the weights of a cell have length 1.
// Buckets of fewer than textMinRows training rows are left out: names of persons
// would otherwise act as keys. There are two dense features: half of log(1 + words) and
// the flag for NULL.
type Text struct {
	IDF map[int32]float64 // bucket -> log((1 + rows) / (1 + rows with it)) + 1
}

// Fit counts in how many rows each bucket occurs.
func (e *Text) Fit(src Source, rows []int32) {
	count := map[int32]int{}
	n := 0
	for _, r := range rows {
		if src.Cells().Kind != schema.Text || src.Cells().Null(int(r)) {
			continue
		}
		n++
		seen := map[int32]bool{}
		for _, w := range words(src.Cells().Text(int(r))) {
			if b := bucket(w); !seen[b] {
				seen[b] = true
				count[b]++
			}
		}
	}
	e.IDF = map[int32]float64{}
	for b, k := range count {
		if k >= textMinRows {
			e.IDF[b] = math.Log(float64(1+n)/float64(1+k)) + 1
		}
	}
}

// Prepare refuses buckets and weights that cannot be.
func (e *Text) Prepare() error {
	for b, idf := range e.IDF {
		if b < 0 || b >= textBuckets || !(idf >= 1) || math.IsInf(idf, 0) {
			return fmt.Errorf("bucket %d of %d has the weight %g, want a finite one of at least 1", b, textBuckets, idf)
		}
	}
	return nil
}

// Shape is 2 dense features and one code per bucket.
func (e *Text) Shape() (dense, codes int) { return 2, textBuckets }

// Cell encodes one text; each distinct bucket gives one code, in order of first occurrence.
func (e *Text) Cell(src Source, row int, out []tensor.Real, codes []Code) []Code {
	c := src.Cells()
	if c.Kind != schema.Text || c.Null(row) {
		out[1] = 1
		return codes
	}
	first := len(codes)
	all := words(c.Text(row))
	out[0] = clip(math.Log1p(float64(len(all))) / 2)
	var place [textBuckets]int32 // of each bucket's code, from 1 on; 0 = none yet
	for _, w := range all {
		b := bucket(w)
		idf, known := e.IDF[b]
		switch {
		case !known:
		case place[b] > 0:
			codes[first+int(place[b])-1].Weight += tensor.Real(idf)
		default:
			codes = append(codes, Code{ID: b, Weight: tensor.Real(idf)})
			place[b] = int32(len(codes) - first)
		}
	}
	var norm float64
	for _, c := range codes[first:] {
		norm += float64(c.Weight) * float64(c.Weight)
	}
	for i := range codes[first:] {
		codes[first+i].Weight /= tensor.Real(math.Sqrt(norm))
	}
	return codes
}

func words(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

func bucket(word string) int32 {
	h := fnv.New32a()
	h.Write([]byte(word))
	return int32(h.Sum32() & (textBuckets - 1))
}
