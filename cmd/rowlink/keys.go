package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/ingest/parquet"
	"github.com/rowlink/rowlink/server"
)

// askedKey is the key of an entity as the user wrote it.
type askedKey struct {
	text  string
	parts []string // of a CSV record; nil = text is the whole key
}

// keyFault says why one key has no prediction.
type keyFault struct {
	Key    string `json:"key"`
	Code   string `json:"code"` // server.CodeKeyType, CodeUnknownKey or CodeNotYet
	Detail string `json:"detail"`
}

// readKeys reads a file with one key per line, or a CSV file whose header names the key
// columns; - is stdin.
func (a *app) readKeys(path string, keyColumns []string) ([]askedKey, error) {
	var data []byte
	var err error
	if path == "-" {
		data, err = io.ReadAll(a.in)
	} else {
		data, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, usageError{fmt.Errorf("read keys: %w", err)}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if at := keyPositions(data, keyColumns); at != nil {
		return csvKeys(path, data, at)
	}
	var keys []askedKey
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimRight(line, "\r\n"); strings.TrimSpace(line) != "" {
			keys = append(keys, askedKey{text: line})
		}
	}
	return keys, nil
}

// keyPositions finds the key columns in the header of a CSV file; nil = it has none.
func keyPositions(data []byte, keyColumns []string) []int {
	header, err := csv.NewReader(bytes.NewReader(data)).Read()
	if err != nil || len(keyColumns) == 0 {
		return nil
	}
	at := make([]int, len(keyColumns))
	for i, name := range keyColumns {
		if at[i] = slices.Index(header, name); at[i] < 0 {
			return nil
		}
	}
	return at
}

func csvKeys(path string, data []byte, at []int) ([]askedKey, error) {
	records, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		return nil, usageError{fmt.Errorf("read keys of %s: %w", path, err)}
	}
	keys := make([]askedKey, 0, len(records)-1)
	for _, r := range records[1:] {
		k := askedKey{parts: make([]string, len(at))}
		for i, c := range at {
			k.parts[i] = r[c]
		}
		k.text = strings.Join(k.parts, ",")
		keys = append(keys, k)
	}
	return keys, nil
}

// find returns the row of a key, or the fault that it has.
func (k askedKey) find(t *ingest.Table) (int32, *keyFault) {
	var key ingest.Key
	var err error
	if k.parts != nil {
		key, err = t.ParseKey(k.parts)
	} else {
		key, err = t.ParseKeyText(k.text)
	}
	if err != nil {
		return 0, &keyFault{k.text, server.CodeKeyType, keyMessage(err)}
	}
	row, ok := t.Find(key)
	if !ok {
		return 0, &keyFault{k.text, server.CodeUnknownKey, fmt.Sprintf("no %s row with key %q", t.Def.Name, k.text)}
	}
	return row, nil
}

// keyMessage words an unreadable key: the hint of the error says what was expected.
func keyMessage(err error) string {
	var user *ingest.UserError
	if errors.As(err, &user) && user.Hint != "" {
		return user.Msg + ": " + user.Hint
	}
	return err.Error()
}

// absent says why a row of the entity table does not exist at an anchor.
func absent(t *ingest.Table, row int32, anchor int64) *keyFault {
	f := &keyFault{Key: t.KeyText(row), Code: server.CodeNotYet}
	switch since := t.TimeOf(row); {
	case since == ingest.Never:
		f.Detail = fmt.Sprintf("%s %s has no time, so it is visible at no anchor", t.Def.Name, f.Key)
	case t.Until != nil && t.Until[row] <= anchor:
		f.Detail = fmt.Sprintf("%s %s exists until %s only, the anchor is %s", t.Def.Name, f.Key, instant(t.Until[row]), instant(anchor))
	default:
		f.Detail = fmt.Sprintf("%s %s is known from %s on, the anchor is %s", t.Def.Name, f.Key, instant(since), instant(anchor))
	}
	return f
}

// keyJSON is the key of a row as JSON: one value, or an array of a composite key's parts.
func keyJSON(t *ingest.Table, row int32) any {
	key := t.Key(row)
	for i, part := range key {
		if f, ok := part.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
			key[i] = parquet.KeyText(part) // JSON has no such numbers
		}
	}
	if len(key) == 1 {
		return key[0]
	}
	return key
}

// keyCells prints the parts of a row's key, one for each column of a CSV file.
func keyCells(t *ingest.Table, row int32) []string {
	var cells []string
	for _, part := range t.Key(row) {
		cells = append(cells, parquet.KeyText(part))
	}
	return cells
}
