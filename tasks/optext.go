package tasks

import (
	"strings"
	"unicode/utf8"
)

// onText applies f where every argument is text, else gives NULL.
func onText(args []Value, f func() Value) Value {
	for _, v := range args {
		if v.Null || v.Kind != KindText {
			return null
		}
	}
	return f()
}

func length(_ *opContext, a []Value) Value {
	return onText(a, func() Value { return intValue(int64(utf8.RuneCountInString(a[0].Text))) })
}

func lower(_ *opContext, a []Value) Value {
	return onText(a, func() Value { return textValue(strings.ToLower(a[0].Text)) })
}

func upper(_ *opContext, a []Value) Value {
	return onText(a, func() Value { return textValue(strings.ToUpper(a[0].Text)) })
}

func starts(_ *opContext, a []Value) Value {
	return onText(a, func() Value { return boolValue(strings.HasPrefix(a[0].Text, a[1].Text)) })
}

func ends(_ *opContext, a []Value) Value {
	return onText(a, func() Value { return boolValue(strings.HasSuffix(a[0].Text, a[1].Text)) })
}

// contains tests for a substring of a text or a member of a list.
func contains(_ *opContext, a []Value) Value {
	if a[0].Null || a[1].Null || a[0].Kind != KindList {
		return onText(a, func() Value { return boolValue(strings.Contains(a[0].Text, a[1].Text)) })
	}
	for _, v := range *a[0].List {
		if same(v, a[1]) {
			return boolValue(true)
		}
	}
	return boolValue(false)
}

func like(_ *opContext, a []Value) Value {
	return onText(a, func() Value { return boolValue(matchLike(a[0].Text, a[1].Text)) })
}

func ilike(_ *opContext, a []Value) Value {
	return onText(a, func() Value {
		return boolValue(matchLike(strings.ToLower(a[0].Text), strings.ToLower(a[1].Text)))
	})
}

// matchLike matches the SQL pattern: % is any text, _ any character, a backslash takes
// the next character as it is. On a mismatch it returns to the latest %, which is
// enough because an earlier one could only give the same matches. Cost: O(text x pattern).
func matchLike(text, pattern string) bool {
	star, mark := -1, 0 // pattern position after the latest %, text position tried for it
	t, p := 0, 0
	for t < len(text) {
		if p < len(pattern) && pattern[p] == '%' {
			star, mark = p+1, t
			p++
			continue
		}
		if dt, dp, ok := matchOne(text[t:], pattern[p:]); ok {
			t, p = t+dt, p+dp
			continue
		}
		if star < 0 {
			return false
		}
		_, size := utf8.DecodeRuneInString(text[mark:])
		mark += size
		t, p = mark, star
	}
	return strings.Trim(pattern[p:], "%") == ""
}

// matchOne matches the first character and tells the bytes used on both sides.
func matchOne(text, pattern string) (dt, dp int, ok bool) {
	if pattern == "" {
		return 0, 0, false
	}
	_, size := utf8.DecodeRuneInString(text)
	if pattern[0] == '_' {
		return size, 1, true
	}
	escape := 0
	if pattern[0] == '\\' && len(pattern) > 1 {
		escape = 1
	}
	_, want := utf8.DecodeRuneInString(pattern[escape:])
	return size, escape + want, text[:size] == pattern[escape:escape+want]
}
