package schema

import (
	"slices"
	"strings"
	"unicode"
)

// words splits a name at separators, at changes to upper case, and between letters
// and digits, in lower case: "lastEdit_date2" gives last, edit, date, 2.
func words(name string) []string {
	var out []string
	var cur []rune
	flush := func() {
		if len(cur) > 0 {
			out = append(out, strings.ToLower(string(cur)))
			cur = cur[:0]
		}
	}
	runes := []rune(name)
	for i, r := range runes {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			flush()
			continue
		}
		if i > 0 {
			p := runes[i-1]
			nextLower := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			switch {
			case unicode.IsDigit(r) != unicode.IsDigit(p):
				flush()
			case unicode.IsUpper(r) && unicode.IsLower(p), unicode.IsUpper(r) && unicode.IsUpper(p) && nextLower:
				flush()
			}
		}
		cur = append(cur, r)
	}
	flush()
	return out
}

// runTogether lists suffixes that databases which fold case glue to the word before:
// "statusId" becomes "statusid", "creationDate" "creationdate". Longest first.
var runTogether = []string{"timestamp", "datetime", "status", "date", "time", "code", "type", "uuid", "guid", "key", "id", "at"}

// whole are English words that only look like two words run together; wholeEnd are
// those that also end longer names ("amountpaid").
var (
	whole = []string{"bid", "mid", "kid", "lid", "aid", "raid", "maid", "avoid", "solid", "rigid", "fluid", "liquid", "acid", "covid",
		"hybrid", "humid", "rapid", "squid", "skid", "asteroid", "steroid", "eyelid", "mandate", "lifetime", "overtime", "runtime",
		"uptime", "downtime", "sometime", "halftime", "parttime", "fulltime", "monkey", "turkey", "hockey", "jockey", "whiskey", "donkey", "prototype"}
	wholeEnd = []string{"paid", "valid", "grid", "void", "update", "candidate"}
)

// split is words with a glued suffix taken off the last word where it is two:
// "creationdate" gives creation, date.
func split(name string) []string {
	w := words(name)
	if len(w) == 0 {
		return w
	}
	last := w[len(w)-1]
	if slices.Contains(whole, last) {
		return w
	}
	for _, e := range wholeEnd {
		if strings.HasSuffix(last, e) {
			return w
		}
	}
	for _, s := range runTogether {
		stem, ok := strings.CutSuffix(last, s)
		if !ok || len(stem) < 2 || s == "at" && !strings.HasSuffix(stem, "ed") {
			continue
		}
		return append(w[:len(w)-1:len(w)-1], stem, s)
	}
	return w
}

// identifier reports whether a name says that its values are identities.
func identifier(w []string) bool {
	return len(w) > 0 && slices.Contains([]string{"id", "uuid", "guid", "uid", "key"}, w[len(w)-1])
}

// code reports whether a name says that its numbers are names of things.
func code(w []string) bool {
	if len(w) == 0 {
		return false
	}
	return slices.Contains([]string{"code", "status", "type", "kind", "category", "class", "zip", "zipcode", "postcode", "flag"}, w[len(w)-1])
}

// personName reports whether a name says that its texts are names of people, which
// repeat without being categories.
func personName(w []string) bool {
	s := strings.Join(w, "")
	return slices.Contains([]string{"forename", "firstname", "givenname", "surname", "lastname", "familyname", "middlename", "fullname", "displayname", "username", "nickname", "playername", "namefirst", "namelast", "namegiven", "contactname"}, s)
}

// singular is a crude singular of an English table name.
func singular(s string) string {
	switch {
	case strings.HasSuffix(s, "ies") && len(s) > 4:
		return s[:len(s)-3] + "y"
	case strings.HasSuffix(s, "sses"), strings.HasSuffix(s, "xes"), strings.HasSuffix(s, "ches"):
		return s[:len(s)-2]
	case strings.HasSuffix(s, "s") && !strings.HasSuffix(s, "ss") && !strings.HasSuffix(s, "us"):
		return s[:len(s)-1]
	}
	return s
}
