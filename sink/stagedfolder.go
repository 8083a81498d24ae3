package sink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/ingest/parquet"
	"github.com/rowlink/rowlink/internal/mapped"
	"github.com/rowlink/rowlink/workspace"
)

// StagedFolder stages a run as Parquet files beside the folder that they become: a shard is a
// file, which is there whole or not at all, and to publish is to rename the folder. All
// processes must see one file system.
type StagedFolder struct {
	run    Run
	out    string
	fields []parquet.Field
}

// runFile, in the published folder, says what it holds.
const runFile = "_run.json"

// folderRun is the content of runFile.
type folderRun struct {
	Run    string          `json:"run"`
	Spec   json.RawMessage `json:"spec"`
	Shards int             `json:"shards"`
}

// StageFolder begins a run whose files are to stand in the folder out, or goes on with it. out
// must not exist, unless it holds this run.
func StageFolder(out string, run Run, columns []Column) (*StagedFolder, error) {
	s := &StagedFolder{run: run, out: filepath.Clean(out)}
	for _, c := range columns {
		s.fields = append(s.fields, parquet.Field{Name: c.Name, Kind: c.Kind})
	}
	done, err := s.published()
	if err != nil || done {
		return s, err
	}
	for _, dir := range []string{s.parts(), s.drafts()} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return nil, fmt.Errorf("stage run %s: %w", run.ID, err)
		}
	}
	if done, err = s.published(); done { // meanwhile, and the folders were made again
		_, _ = os.Remove(s.parts()), os.Remove(s.drafts())
	}
	return s, err
}

// Close does nothing: no file stays open.
func (s *StagedFolder) Close() error { return nil }

// Discard removes what is staged; what is published stays.
func (s *StagedFolder) Discard() error {
	return errors.Join(os.RemoveAll(s.parts()), os.RemoveAll(s.drafts()))
}

func (s *StagedFolder) parts() string  { return s.out + "." + s.run.ID + ".parts" }
func (s *StagedFolder) drafts() string { return s.out + "." + s.run.ID + ".drafts" }

func (s *StagedFolder) part(shard int) string {
	return filepath.Join(s.parts(), fmt.Sprintf("part-%06d.parquet", shard))
}

// published reports whether out holds this run; another one is an error.
func (s *StagedFolder) published() (bool, error) {
	data, err := os.ReadFile(filepath.Join(s.out, runFile))
	if _, there := os.Stat(s.out); errors.Is(there, fs.ErrNotExist) {
		return false, nil
	}
	var have folderRun
	if err != nil || json.Unmarshal(data, &have) != nil || have.Run != s.run.ID {
		return false, &ingest.UserError{Msg: fmt.Sprintf("%s exists and holds something else than run %s", s.out, s.run.ID), Hint: "name a folder that does not exist"}
	}
	if have.Shards != s.run.Shards {
		return false, otherRun(s.run.ID)
	}
	return true, nil
}

// Has reports whether a shard is in, or the run published.
func (s *StagedFolder) Has(_ context.Context, shard int) (bool, error) {
	if _, err := os.Stat(s.part(shard)); err == nil {
		return true, nil
	}
	return s.published()
}

// Put adds the rows of a shard, as [StagedTable.Put] does.
func (s *StagedFolder) Put(ctx context.Context, shard int, _ Mark, next func() ([]any, error)) (added bool, err error) {
	if in, err := s.Has(ctx, shard); in || err != nil {
		return false, err
	}
	draft, err := os.CreateTemp(s.drafts(), "draft-*")
	if err == nil {
		err = s.write(draft, next)
	}
	if err == nil {
		// A link, unlike a rename, is refused where the file is: so exactly one is added.
		err = os.Link(draft.Name(), s.part(shard))
	}
	if draft != nil {
		_ = os.Remove(draft.Name())
	}
	switch in, _ := s.Has(ctx, shard); {
	case err == nil:
		return true, mapped.SyncFolder(s.parts())
	case in: // somebody else was faster, and may have published meanwhile
		return false, nil
	}
	return false, fmt.Errorf("write shard %d of %s: %w", shard, s.out, err)
}

// write fills a file and closes it.
func (s *StagedFolder) write(f *os.File, next func() ([]any, error)) (err error) {
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	out, err := parquet.NewRows(struct{ io.Writer }{f}, s.fields) // whose end is not the file's
	if err != nil {
		return err
	}
	for {
		row, err := next()
		if err != nil {
			return err
		}
		if row == nil {
			break
		}
		if err := out.Add(row); err != nil {
			return err
		}
	}
	if err := out.Close(); err != nil {
		return err
	}
	return f.Sync()
}

// Publish makes the run visible if all shards are in: the folder gets its name.
func (s *StagedFolder) Publish(context.Context) (p Published, err error) {
	if p.Done, err = s.published(); err != nil || p.Done {
		return s.counted(p, err)
	}
	entries, err := os.ReadDir(s.parts())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return p, fmt.Errorf("publish %s: %w", s.out, err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "part-") {
			p.In++
		}
	}
	if p.In < s.run.Shards {
		if done, err := s.published(); err == nil && done { // meanwhile
			return s.counted(Published{Done: true}, nil)
		}
		return p, nil
	}
	text, err := json.MarshalIndent(folderRun{s.run.ID, s.run.Spec, s.run.Shards}, "", "  ")
	if err == nil {
		err = workspace.WriteFile(filepath.Join(s.parts(), runFile), text)
	}
	if err == nil {
		err = os.Rename(s.parts(), s.out)
	}
	if err == nil {
		err = mapped.SyncFolder(filepath.Dir(s.out))
	}
	if done, _ := s.published(); !done && err != nil { // nor did somebody else
		return p, fmt.Errorf("publish %s: %w", s.out, err)
	}
	_ = os.RemoveAll(s.drafts()) // of those that were killed
	return s.counted(Published{Done: true}, nil)
}

// counted adds the rows of what is published.
func (s *StagedFolder) counted(p Published, err error) (Published, error) {
	if err != nil {
		return p, err
	}
	for shard := range s.run.Shards {
		n, err := parquet.Count(filepath.Join(s.out, filepath.Base(s.part(shard))))
		if err != nil {
			return p, err
		}
		p.Rows += n
	}
	return p, nil
}
