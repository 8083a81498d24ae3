//go:build unix

package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// supervise runs a server and ends it when its standard input closes, that is
// when the process that holds the other end of the pipe stops it or dies, by
// whatever signal. It works on every Unix, unlike a parent-death signal. SIGQUIT
// means "immediately" to Postgres, SIGTERM to others: nothing here is worth a checkpoint.
const supervise = `dir=$1; shift
"$@" >"$dir/log" 2>&1 </dev/null &
pid=$!
cat >/dev/null
kill -QUIT $pid 2>/dev/null; kill -TERM $pid 2>/dev/null
wait $pid
cd /
rm -rf "$dir"
exit 0`

// process is the supervisor of one server and the pipe that keeps it alive.
type process struct {
	cmd  *exec.Cmd
	keep *os.File
	dir  string
}

// launch starts a program with its files in dir under a supervisor in a process group of
// its own, so that Ctrl-C ends the tests first and the program after them.
func launch(dir string, who *account, program ...string) (*process, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(program[0]), err)
	}
	defer r.Close()
	cmd := exec.Command("/bin/sh", append([]string{"-c", supervise, "supervise", dir}, program...)...)
	cmd.Dir, cmd.Stdin = dir, r // no stdout: a pipe of "go test" must not stay open
	who.apply(cmd)
	cmd.SysProcAttr.Setpgid = true
	if err := cmd.Start(); err != nil {
		w.Close()
		return nil, fmt.Errorf("start %s: %w", filepath.Base(program[0]), err)
	}
	return &process{cmd, w, dir}, nil
}

// stopLimit is how long a shutdown may take before the group is killed.
const stopLimit = 20 * time.Second

func (p *process) stop() error {
	p.keep.Close()
	timer := time.AfterFunc(stopLimit, func() { syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) })
	defer timer.Stop()
	if err := p.cmd.Wait(); err != nil {
		return errors.Join(fmt.Errorf("stop the server in %s: %w", p.dir, err), os.RemoveAll(p.dir))
	}
	return os.RemoveAll(p.dir) // left where the account may not write beside it
}

// account is the user that runs the server; nil credentials mean the present one.
type account struct{ cred *syscall.Credential }

// runAs returns the present user, or for root the user postgres or nobody.
func runAs() (*account, error) {
	if os.Geteuid() != 0 {
		return &account{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errU := strconv.ParseUint(u.Uid, 10, 32)
		gid, errG := strconv.ParseUint(u.Gid, 10, 32)
		if errU == nil && errG == nil {
			return &account{&syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
		}
	}
	return nil, errors.New("postgres refuses to run as root, and there is neither a user postgres nor nobody")
}

func (a *account) apply(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: a.cred}
	cmd.Env = append(os.Environ(), "LC_ALL=C")
}

// folder makes a new folder for temporary files that the account owns.
func (a *account) folder() (string, error) {
	base := os.TempDir()
	if a.cred != nil && !open(base) {
		base = "/tmp"
	}
	dir, err := os.MkdirTemp(base, "rowlink-pg-")
	if err != nil || a.cred == nil {
		return dir, err
	}
	return dir, os.Chown(dir, int(a.cred.Uid), int(a.cred.Gid))
}

// write writes a file that only the account can read.
func (a *account) write(name, text string) error {
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil || a.cred == nil {
		return err
	}
	return os.Chown(name, int(a.cred.Uid), int(a.cred.Gid))
}

// open reports whether every user may walk down to dir.
func open(dir string) bool {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return false
	}
	for p := abs; ; p = filepath.Dir(p) {
		if st, err := os.Stat(p); err != nil || st.Mode().Perm()&0o001 == 0 {
			return false
		}
		if p == filepath.Dir(p) || !strings.Contains(p, string(filepath.Separator)) {
			return true
		}
	}
}
