package schema

import (
	"fmt"
	"slices"
	"strings"
)

// secretWords are words in names of columns that hold secrets.
var secretWords = []string{"password", "passwd", "pwd", "passphrase", "passcode", "token", "secret", "ssn", "cvv", "cvc", "apikey", "otp", "credential", "credentials"}

// secretPairs are two words that together name a secret.
var secretPairs = [][2]string{{"api", "key"}, {"private", "key"}, {"access", "key"}, {"social", "security"}, {"credit", "card"}, {"card", "number"}, {"pass", "word"}, {"pin", "code"}}

// SecretName returns the part of a column's name which says that its values are secret
// ("password"), or "". Sources do not read such columns, except where foreign keys
// need them.
func SecretName(name string) string {
	w := words(name)
	if len(w) > 0 && w[len(w)-1] == "count" {
		return ""
	}
	for i, x := range w {
		for _, s := range secretWords {
			if x == s || len(s) >= 6 && strings.HasPrefix(x, s) && x != "secretary" && x != "secretariat" {
				return s
			}
		}
		if i > 0 && slices.Contains(secretPairs, [2]string{w[i-1], x}) {
			return w[i-1] + " " + x
		}
	}
	return ""
}

// HideSecrets makes columns that are named like secrets opaque, so that a source does
// not read them, and drops the keys that use them. Columns that links use stay: their
// values tie rows together. Sources call it when all links are known.
func (s *Schema) HideSecrets() {
	linked := make([]map[int]bool, len(s.Tables))
	for i := range s.Tables {
		linked[i] = map[int]bool{}
	}
	for i, t := range s.Tables {
		for _, l := range t.Links {
			for k := range l.Columns {
				linked[i][l.Columns[k]] = true
				linked[l.To][l.Ref[k]] = true
			}
		}
	}
	for i, t := range s.Tables {
		hidden := func(c int) bool { return SecretName(t.Columns[c].Name) != "" && !linked[i][c] }
		if c := slices.IndexFunc(t.Key, hidden); c >= 0 {
			s.Skipped = append(s.Skipped, Skipped{"primary key of " + t.FullName(),
				fmt.Sprintf("%s is named like a secret (%s), so it is not read", t.Columns[t.Key[c]].Name, SecretName(t.Columns[t.Key[c]].Name))})
			t.Key, t.KeyReason = nil, ""
		}
		t.Unique = slices.DeleteFunc(t.Unique, func(u []int) bool { return slices.ContainsFunc(u, hidden) })
		for c := range t.Columns {
			if hidden(c) {
				t.Columns[c].Kind = Opaque
			}
		}
	}
}
