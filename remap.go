package rowlink

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/workspace"
)

// EditMapping changes the workspace's mapping file, after a check that the snapshot can
// be read with it. It returns the file as it was and as it is now. The snapshot of d
// stays mapped as it was: open the database anew to read it with the changed file.
func (d *Database) EditMapping(edits ...schema.MappingEdit) (before, after []byte, err error) {
	if d.Workspace == nil {
		return nil, nil, errors.New("edit mapping: the database was opened without a workspace")
	}
	if before, err = d.Workspace.Mapping(); err != nil {
		return nil, nil, err
	}
	after = before
	for _, e := range edits {
		if after, err = schema.EditMapping(after, d.Snap.Schema, e); err != nil {
			return nil, nil, err
		}
	}
	m, err := schema.ReadMapping(bytes.NewReader(after))
	if err != nil {
		return nil, nil, impossible(err)
	}
	sc, err := m.Apply(d.base.Schema)
	if err != nil {
		return nil, nil, impossible(err)
	}
	if _, err := d.base.Derive(sc); err != nil {
		return nil, nil, impossible(err)
	}
	return before, after, d.Workspace.SaveMapping(after)
}

// impossible words what keeps a change from the mapping (TK197). The lines of the file
// are not those that the user wrote.
func impossible(err error) error {
	var one *schema.MappingError
	if errors.As(err, &one) {
		return &ingest.UserError{Msg: "TK197: " + one.Msg, Hint: one.Hint}
	}
	return fmt.Errorf("TK197: %w", err)
}

// TaskText returns the text that a version was trained for.
func TaskText(v *workspace.Model) (string, error) {
	var st stored
	err := readJSON(v.Path(taskFile), &st)
	return st.Text, err
}

// ReadReport returns the report of a version.
func ReadReport(v *workspace.Model) (*Report, error) {
	r := &Report{}
	return r, readJSON(v.Path(reportFile), r)
}

// MappingFile is the path of the mapping file.
func (d *Database) MappingFile() string { return filepath.Join(d.Workspace.Dir(), "mapping.yaml") }
