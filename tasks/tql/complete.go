package tql

import (
	"maps"
	"slices"
	"strings"
)

// Complete reports whether a text that grows line by line ends with a whole statement:
// its last sign is a semicolon outside of quotes and comments.
func Complete(text string) bool {
	toks, errs := lex(text)
	if slices.ContainsFunc(errs, func(e *Error) bool { return strings.HasPrefix(e.Message, "unterminated ") }) {
		return false
	}
	toks = slices.DeleteFunc(toks, func(t token) bool { return t.kind == tokEnd })
	return len(toks) > 0 && toks[len(toks)-1].kind == tokSymbol && toks[len(toks)-1].text == ";"
}

// Aggregates lists the names of aggregates in order.
func Aggregates() []string {
	out := slices.Clone(aggregates)
	slices.Sort(out)
	return out
}

// Functions lists the names of functions of values in order.
func Functions() []string { return slices.Sorted(maps.Keys(functions)) }

// TaskOptions lists the options of CREATE TASK in order.
func TaskOptions() []string { return slices.Sorted(maps.Keys(optionSetters)) }

// Keywords lists the words of the language in order, for a shell to complete: keywords,
// aggregates, functions and units.
func Keywords() []string {
	var out []string
	for _, w := range slices.Concat(reserved, contextual, callable(), unitNames[1:]) {
		out = append(out, strings.ToUpper(w))
	}
	slices.Sort(out)
	return slices.Compact(out)
}
