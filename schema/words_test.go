package schema

import (
	"slices"
	"testing"
)

func TestSplit(t *testing.T) {
	tests := []struct {
		name string
		want []string
	}{
		{"statusId", []string{"status", "id"}},
		{"statusid", []string{"status", "id"}},
		{"HTTPStatusCode", []string{"http", "status", "code"}},
		{"lastEdit_date2", []string{"last", "edit", "date", "2"}},
		{"creationdate", []string{"creation", "date"}},
		{"createdat", []string{"created", "at"}},
		{"grid", []string{"grid"}},
		{"amountpaid", []string{"amountpaid"}},
		{"jobid", []string{"job", "id"}},
		{"teamid", []string{"team", "id"}},
		{"bid", []string{"bid"}},
		{"habitat", []string{"habitat"}},
		{"id", []string{"id"}},
		{"lastupdate", []string{"lastupdate"}},
		{"größe", []string{"größe"}},
		{"", nil},
		{"--", nil},
	}
	for _, tt := range tests {
		if got := split(tt.name); !slices.Equal(got, tt.want) {
			t.Errorf("split(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"orders", "order_lines", "customers", "lines"}
	tests := []struct{ word, want string }{
		{"ordres", "orders"},
		{"ORDERS", "orders"},
		{"ordrs", "orders"},
		{"custmer", "customers"},
		{"lnies", "lines"},
		{"payments", ""},
		{"", ""},
		{"orderlines", "order_lines"},
	}
	for _, tt := range tests {
		if got := Nearest(tt.word, names); got != tt.want {
			t.Errorf("Nearest(%q) = %q, want %q", tt.word, got, tt.want)
		}
	}
}

func FuzzNearest(f *testing.F) {
	f.Add("ordres", "orders")
	f.Add("", "\xff")
	f.Fuzz(func(t *testing.T, a, b string) {
		ra, rb := []rune(a), []rune(b)
		const far = 1 << 20
		if x, y := edits(ra, rb, far), edits(rb, ra, far); x != y {
			t.Errorf("edits(%q, %q) = %d, the other way round %d", a, b, x, y)
		}
		if d := edits(ra, ra, far); d != 0 {
			t.Errorf("edits(%q, itself) = %d, want 0", a, d)
		}
	})
}
