package workspace

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// A LockedError says that another process was changing the workspace for longer than
// a change takes.
type LockedError struct {
	Dir    string
	PID    int    // of the process that holds the lock; 0 = unknown
	Act    string // what it does
	Waited time.Duration
}

func (e *LockedError) Error() string {
	who := "another process"
	if e.PID != 0 {
		who = fmt.Sprintf("process %d (%s)", e.PID, e.Act)
	}
	return fmt.Sprintf("workspace %q is locked by %s; waited %s; end that process or try again",
		e.Dir, who, e.Waited)
}

// lockHolder is the content of the lock file; it only serves the error of those who
// wait, the lock itself is the kernel's and ends with its process.
type lockHolder struct {
	PID int    `json:"pid"`
	Act string `json:"act"`
}

// lock takes the workspace's lock and returns the function that releases it.
func (w *Workspace) lock(act string) (func(), error) {
	f, err := os.OpenFile(w.path("lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%s: lock workspace: %w", act, err)
	}
	const pause = 5 * time.Millisecond
	for waited := time.Duration(0); ; waited += pause {
		err := lockNow(f)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("%s: lock workspace %q: %w", act, w.dir, err)
		}
		if waited >= w.lockWait {
			var h lockHolder
			data, _ := io.ReadAll(io.LimitReader(f, 1<<10))
			_ = json.Unmarshal(data, &h) // half-written content means an unknown holder
			f.Close()
			return nil, &LockedError{Dir: w.dir, PID: h.PID, Act: h.Act, Waited: w.lockWait}
		}
		time.Sleep(pause)
	}
	if data, err := json.Marshal(lockHolder{os.Getpid(), act}); err == nil && f.Truncate(0) == nil {
		_, _ = f.WriteAt(data, 0) // a courtesy: the lock holds without it
	}
	return func() { f.Close() }, nil
}

// lockNow locks an open file or folder for this process, or fails with EWOULDBLOCK.
func lockNow(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != syscall.EINTR {
			return err
		}
	}
}

// TryLock locks the file at path, which need not exist, for the caller alone. ok is false while
// somebody else holds it. The lock ends with release, or with the process.
func TryLock(path string) (release func(), ok bool, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, false, err
	}
	if err := lockNow(f); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = nil
		}
		return nil, false, err
	}
	return func() { f.Close() }, true, nil
}

// stillAt reports whether path still names the open file f.
func stillAt(f *os.File, path string) bool {
	have, err := f.Stat()
	if err != nil {
		return false
	}
	want, err := os.Lstat(path)
	return err == nil && os.SameFile(have, want)
}

// lockFolder opens and locks the folder at path. ok is false when a living process
// holds it or it is gone.
func lockFolder(path string) (f *os.File, ok bool) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false
	}
	if lockNow(f) != nil || !stillAt(f, path) {
		f.Close()
		return nil, false
	}
	return f, true
}
