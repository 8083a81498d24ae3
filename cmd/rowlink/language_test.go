package main

import (
	"os"
	"strings"
	"testing"
)

// TestLanguagePage runs every text of docs/language.md in order over one shop.
func TestLanguagePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/language.md")
	if err != nil {
		t.Fatal(err)
	}
	inShop(t)
	n := 0
	for i, part := range strings.Split(string(page), "```sql\n")[1:] {
		text, _, ok := strings.Cut(part, "```")
		if !ok {
			t.Fatalf("text %d does not end", i+1)
		}
		n++
		r := rowlinkRunIn(t.Context(), words("sql - -q --db sqlite:shop.db"), text)
		if code, fails := strings.CutPrefix(text, "-- fails with "); fails {
			code, _, _ = strings.Cut(code, "\n")
			if r.code == exitOK || !strings.Contains(r.err, code+": ") {
				t.Errorf("exit %d, want %s:\n%s\n%s", r.code, code, text, r.err)
			}
			continue
		}
		if r.code != exitOK {
			t.Errorf("exit %d:\n%s\n%s", r.code, text, r.err)
		}
		if want, got := strings.Count(text, ";\n"), blocks(r.out); got < want {
			t.Errorf("%d answers, want %d:\n%s", got, want, text)
		}
	}
	if n < 24 {
		t.Errorf("the page has %d texts", n)
	}
}

// blocks counts answers from below: they are separated by empty lines.
func blocks(out string) int { return strings.Count(out, "\n\n") + 1 }
