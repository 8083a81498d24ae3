package workspace

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// Scopes are what a token may allow, each with all before it.
var Scopes = []string{"read", "predict", "train", "admin"}

// tokenPrefix makes a token recognisable, for people and for scanners of secrets.
const tokenPrefix = "rowlink_"

// A Token lets a client of the server in. The secret itself is stored nowhere.
type Token struct {
	Name    string    `json:"name"`
	Scope   string    `json:"scope"`
	Hash    string    `json:"sha256"` // of the secret, which has 130 random bits, so that no slow hash is needed
	Created time.Time `json:"created"`
}

// Allows reports whether the token's scope includes another.
func (t *Token) Allows(scope string) bool {
	return slices.Index(Scopes, t.Scope) >= slices.Index(Scopes, scope)
}

type tokenBook struct {
	Tokens []Token `json:"tokens"`
}

// Tokens returns the tokens in the order in which they were made.
func (w *Workspace) Tokens() ([]Token, error) {
	var b tokenBook
	data, err := os.ReadFile(w.path("tokens.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &b)
	}
	for _, t := range b.Tokens {
		if err == nil && !slices.Contains(Scopes, t.Scope) {
			err = fmt.Errorf("token %q has the unknown scope %q", t.Name, t.Scope)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	return b.Tokens, nil
}

// CreateToken stores a token and returns its secret, which cannot be had again.
func (w *Workspace) CreateToken(name, scope string) (secret string, err error) {
	if err := checkName("token", name); err != nil {
		return "", err
	}
	if !slices.Contains(Scopes, scope) {
		return "", fmt.Errorf("scope %q, want one of %s", scope, strings.Join(Scopes, ", "))
	}
	secret = tokenPrefix + strings.ToLower(rand.Text())
	return secret, w.changeTokens("create token", func(list []Token) ([]Token, error) {
		if slices.ContainsFunc(list, func(t Token) bool { return t.Name == name }) {
			return nil, fmt.Errorf("there is a token %q already; revoke it or take another name", name)
		}
		return append(list, Token{Name: name, Scope: scope, Hash: hashToken(secret), Created: w.now().UTC()}), nil
	})
}

// RevokeToken removes a token. Servers stop to take it within seconds.
func (w *Workspace) RevokeToken(name string) error {
	return w.changeTokens("revoke token", func(list []Token) ([]Token, error) {
		var have []string
		for i, t := range list {
			if t.Name == name {
				return slices.Delete(list, i, i+1), nil
			}
			have = append(have, t.Name)
		}
		return nil, &NotFoundError{Kind: "token", Name: name, Dir: w.dir, Have: have, Advice: "rowlink tokens create makes one"}
	})
}

func (w *Workspace) changeTokens(act string, f func([]Token) ([]Token, error)) error {
	return w.change(act, func() error {
		list, err := w.Tokens()
		if err != nil {
			return err
		}
		if list, err = f(list); err != nil {
			return err
		}
		return w.files.writeJSON(w.path("tokens.json"), tokenBook{list})
	})
}

func hashToken(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// FindToken returns the token of a secret, or nil. It takes the same time for all.
func FindToken(list []Token, secret string) *Token {
	hash, found := []byte(hashToken(secret)), -1
	for i := range list {
		if subtle.ConstantTimeCompare(hash, []byte(list[i].Hash)) == 1 {
			found = i
		}
	}
	if found < 0 {
		return nil
	}
	return &list[found]
}
