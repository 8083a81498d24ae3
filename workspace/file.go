package workspace

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// tempPrefix begins the name of every temporary file and folder; nothing else in a
// workspace is called so.
const tempPrefix = ".tmp-"

// WriteFile replaces the file at path by data, so that after a crash at any moment
// the old or the new content stands there whole: a temporary file in the same folder
// is written and synced, renamed over path, and the folder is synced. On an error the
// temporary file is gone and the old content stands, or the new one where only the last
// step, the folder's sync, failed. The file is readable by its owner only.
func WriteFile(path string, data []byte) error { return files{}.write(path, data) }

// WriteStream is [WriteFile] for content that fill writes piece by piece. An error
// of fill leaves the old content.
func WriteStream(path string, fill func(io.Writer) error) error {
	return files{}.stream(path, fill)
}

// files does the writing. fault, when set, is asked before each step that touches the
// disk and may fail it or end the process: the crash tests live on it.
type files struct {
	fault func(step, path string) error
}

func (f files) step(name, path string) error {
	if f.fault == nil {
		return nil
	}
	if err := f.fault(name, path); err != nil {
		return &fs.PathError{Op: name, Path: path, Err: err}
	}
	return nil
}

func (f files) write(path string, data []byte) error {
	return f.stream(path, func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(data))
		return err
	})
}

func (f files) writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return f.write(path, append(data, '\n'))
}

func (f files) stream(path string, fill func(io.Writer) error) (err error) {
	dir := filepath.Dir(path)
	tmp, err := f.createTemp(dir)
	if err != nil {
		return err
	}
	defer func() {
		// Closing releases the lock that tells the sweeper to stay away.
		err = errors.Join(err, tmp.Close())
	}()
	renamed := false
	defer func() {
		if !renamed {
			os.Remove(tmp.Name())
		}
	}()
	out := bufio.NewWriterSize(&stepWriter{f, tmp}, 1<<16)
	if err := fill(out); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if err := f.step("sync", tmp.Name()); err != nil {
		return err
	}
	if err := tmp.Sync(); err != nil {
		return err
	}
	if err := f.step("rename", path); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	renamed = true
	return f.syncDir(dir)
}

// createTemp returns a new locked temporary file. The sweeper removes only files whose
// lock it gets; one that it took between creation and lock is made again.
func (f files) createTemp(dir string) (*os.File, error) {
	for {
		if err := f.step("create", dir); err != nil {
			return nil, err
		}
		tmp, err := os.CreateTemp(dir, tempPrefix+"*") // mode 0600
		if err != nil {
			return nil, err
		}
		if err := lockNow(tmp); err == nil && stillAt(tmp, tmp.Name()) {
			return tmp, nil
		}
		tmp.Close()
		os.Remove(tmp.Name())
	}
}

// stepWriter passes each block through the fault hook; a failing block is written half,
// as on a full disk.
type stepWriter struct {
	files files
	f     *os.File
}

func (w *stepWriter) Write(p []byte) (int, error) {
	if err := w.files.step("write", w.f.Name()); err != nil {
		n, _ := w.f.Write(p[:len(p)/2])
		return n, err
	}
	return w.f.Write(p)
}

// syncDir makes the entries of a folder durable. File systems that cannot sync a
// folder answer EINVAL or ENOTSUP; they keep entries by other means.
func (f files) syncDir(dir string) error {
	if err := f.step("sync folder", dir); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}

// mkdirAll creates a folder with its parents and makes each new entry durable.
func (f files) mkdirAll(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := f.mkdirAll(parent); err != nil {
			return err
		}
	}
	if err := f.step("mkdir", dir); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return f.syncDir(parent)
}

// syncTree makes every file and folder below dir durable.
func (f files) syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return f.syncDir(path)
		case !d.Type().IsRegular():
			return fmt.Errorf("%q is no regular file", path)
		}
		if err := f.step("sync", path); err != nil {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		return errors.Join(file.Sync(), file.Close())
	})
}

func isTemp(name string) bool { return strings.HasPrefix(name, tempPrefix) }
