package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/workspace"
)

// killsVariable is how many trainings are killed; a handful without it.
const killsVariable = "ROWLINK_KILLS"

// TestTrain_killed kills a training at random moments (SIGKILL, which nothing can catch) and
// starts it again until it ends, over and over: the version that comes out is that of a
// training that nobody disturbed, to the last bit, and after each kill the workspace is
// whole: what it lists can be read and agrees with its checksums.
func TestTrain_killed(t *testing.T) {
	kills := 6
	if text := os.Getenv(killsVariable); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatalf("%s is %q, want a number", killsVariable, text)
		}
	} else if testing.Short() {
		t.Skip("trains")
	}
	inShop(t)
	command(t, "ingest", "--db", "sqlite:shop.db", "--workspace", "fresh")
	copyTree(t, "fresh", "undisturbed")
	begin := time.Now()
	k := &killer{t: t, random: rand.New(rand.NewPCG(uint64(begin.UnixNano()), 1))}
	if killed := k.train("undisturbed", -1, -1); killed {
		t.Fatal("nobody was to be killed")
	}
	whole := time.Since(begin)
	want := k.version("undisturbed")
	if len(want) < 5 {
		t.Fatalf("the version has the files %v", want)
	}
	rounds, done, where := 0, 0, map[string]int{}
	for done < kills {
		rounds++
		if err := os.RemoveAll("killed"); err != nil {
			t.Fatal(err)
		}
		copyTree(t, "fresh", "killed")
		for {
			line, after := -1, time.Duration(k.random.Float64()*float64(whole))
			if k.random.IntN(2) == 0 { // close to where something is written: soon after an epoch, or the end
				line, after = k.random.IntN(6), time.Duration(k.random.IntN(60))*time.Millisecond
			}
			killed := k.train("killed", line, after)
			stage := k.check("killed")
			if !killed {
				break
			}
			done++
			where[stage]++
			if stage == "stored" { // killed between the version and the exit: nothing is left to do
				break
			}
		}
		if got := k.version("killed"); !maps.Equal(got, want) {
			t.Fatalf("round %d, after %d kills: version %v, undisturbed %v", rounds, done, got, want)
		}
	}
	t.Logf("%d kills in %d rounds (a training takes %s undisturbed): %v; %d of the starts went on from a checkpoint; every version bit-equal, every workspace whole",
		done, rounds, whole.Round(10*time.Millisecond), where, k.resumed)
}

// A job whose process was killed after its version was stored is run again: it stores no
// second version, says the same, and puts the version into service.
func TestTrain_storedBefore(t *testing.T) {
	if testing.Short() {
		t.Skip("trains")
	}
	inShop(t)
	t.Setenv(jobEnv, "20261127-1")
	open, write := io.Pipe() // a job ends when its stdin does
	defer write.Close()
	job := func() (lines string) {
		var out, log bytes.Buffer
		code := run(t.Context(), []string{"train", "churn.sql", "--db", "sqlite:shop.db", "--workspace", "w", "--epochs", "1", "--width", "8", "--fan-out", "2", "--job"}, streams{open, &out, &log})
		if code != 0 {
			t.Fatalf("exit %d\n%s", code, &log)
		}
		_, result, ok := strings.Cut(out.String(), `{"kind":"result","data":`)
		result, _, _ = strings.Cut(result, "\n")
		if !ok || !strings.Contains(result, `"version":1`) {
			t.Fatalf("no result in %s", &out)
		}
		return result
	}
	first := job()
	if err := os.Remove(filepath.Join("w", "models", "churn", "aliases.json")); err != nil { // as if killed before that
		t.Fatal(err)
	}
	if again := job(); again != first {
		t.Errorf("again: %.300s\nfirst: %.300s", again, first)
	}
	w, err := workspace.Open("w")
	if err != nil {
		t.Fatal(err)
	}
	if list, err := w.Models("churn"); err != nil || len(list) != 1 || !slices.Equal(list[0].Aliases, []string{workspace.Prod}) {
		t.Errorf("versions %+v, %v", list, err)
	}
}

// A server that starts while the job's process of its killed predecessor still works runs
// the job again beside it: the second waits for the first, and there is one version.
func TestTrain_twoAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("trains")
	}
	inShop(t)
	const id = "20261127-2"
	t.Setenv(jobEnv, id)
	if err := os.MkdirAll(filepath.Join("w", "queue", id), 0o700); err != nil {
		t.Fatal(err)
	}
	command(t, "ingest", "--db", "sqlite:shop.db", "--workspace", "w")
	open, write := io.Pipe()
	defer write.Close()
	var both errgroup.Group
	var said [2]bytes.Buffer
	for i := range said {
		both.Go(func() error {
			var log bytes.Buffer
			if code := run(t.Context(), []string{"train", "churn.sql", "--workspace", "w", "--epochs", "1", "--width", "8", "--fan-out", "2", "--job"}, streams{open, &said[i], &log}); code != 0 {
				return fmt.Errorf("exit %d\n%s", code, &log)
			}
			return nil
		})
	}
	if err := both.Wait(); err != nil {
		t.Fatal(err)
	}
	for i := range said {
		if !strings.Contains(said[i].String(), `"version":1`) {
			t.Errorf("process %d: %.300s", i, said[i].String())
		}
	}
	if w, err := workspace.Open("w"); err != nil {
		t.Fatal(err)
	} else if list, err := w.Models("churn"); err != nil || len(list) != 1 {
		t.Errorf("%d versions, %v", len(list), err)
	}
}

// killer runs trainings as processes.
type killer struct {
	t       *testing.T
	random  *rand.Rand
	resumed int // starts that found a checkpoint
}

// train runs one process until it ends by itself or is killed: so long after a line of its
// log, counted from 0, or with line -1 after its start. after < 0 lets it live.
func (k *killer) train(dir string, line int, after time.Duration) (killed bool) {
	k.t.Helper()
	if left, _ := filepath.Glob(filepath.Join(dir, "jobs", "*", "*", "state*")); len(left) > 0 {
		k.resumed++
	}
	program, err := os.Executable()
	if err != nil {
		k.t.Fatal(err)
	}
	cmd := exec.Command(program, "train", "churn.sql", "--workspace", dir, "--epochs", "5", "--ensemble", "2", "--scan", "1", "--width", "8", "--fan-out", "4,2", "--seed", "3")
	cmd.Env = append(os.Environ(), jobEnv+"=1")
	log, err := cmd.StderrPipe()
	if err != nil {
		k.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	kill := func() { _ = cmd.Process.Kill() }
	if line < 0 && after >= 0 {
		defer time.AfterFunc(after, kill).Stop()
	}
	var said []string
	for sc := bufio.NewScanner(log); sc.Scan(); {
		said = append(said, sc.Text())
		if strings.Contains(sc.Text(), "epoch") {
			if line == 0 && after >= 0 {
				defer time.AfterFunc(after, kill).Stop()
			}
			line--
		}
	}
	err = cmd.Wait()
	exit := (*exec.ExitError)(nil)
	switch {
	case err == nil:
		return false
	case errors.As(err, &exit) && exit.ExitCode() == -1: // by a signal
		return true
	}
	k.t.Fatalf("rowlink train: %v\n%s", err, strings.Join(said, "\n"))
	return false
}

// check reads all that a workspace lists, as a program that starts after the crash does, and
// says what the crash left.
func (k *killer) check(dir string) (stage string) {
	k.t.Helper()
	w, err := workspace.Open(dir)
	if err != nil {
		k.t.Fatal(err)
	}
	_, snapshot, err := w.LatestSnapshot()
	if err != nil {
		k.t.Fatal(err)
	}
	snap, err := ingest.OpenSnapshot(snapshot)
	if err != nil {
		k.t.Fatal(err)
	}
	if err := snap.Close(); err != nil {
		k.t.Fatal(err)
	}
	texts, err := w.Tasks()
	if err != nil {
		k.t.Fatal(err)
	}
	for _, name := range texts {
		if text, err := w.Task(name); err != nil || !strings.Contains(text, "PREDICT") {
			k.t.Fatalf("task %s: %q %v", name, text, err)
		}
	}
	models, err := w.Models("churn")
	if err != nil {
		k.t.Fatal(err)
	}
	stage = "before the first checkpoint"
	if left, _ := filepath.Glob(filepath.Join(dir, "jobs", "churn", "*", "state*")); len(left) > 0 {
		stage = "with a checkpoint"
	}
	for _, m := range models {
		if err := m.Verify(); err != nil {
			k.t.Fatal(err)
		}
		stage = "stored"
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(d.Name(), ".tmp-") {
			k.t.Errorf("%s is left after the workspace was opened", path)
		}
		return err
	})
	if err != nil {
		k.t.Fatal(err)
	}
	return stage
}

// version returns the hashes of the files of version 1 that hold no times, by name.
func (k *killer) version(dir string) map[string]string {
	k.t.Helper()
	out := map[string]string{}
	for _, path := range slices.Concat(glob(filepath.Join(dir, "models", "churn", "*", "*.safetensors")), glob(filepath.Join(dir, "models", "churn", "*", "[be]*.json")), glob(filepath.Join(dir, "models", "churn", "*", "task.json"))) {
		data, err := os.ReadFile(path)
		if err != nil {
			k.t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		name, _ := filepath.Rel(filepath.Join(dir, "models", "churn"), path)
		out[name] = hex.EncodeToString(sum[:6])
	}
	return out
}

func glob(pattern string) []string {
	list, _ := filepath.Glob(pattern)
	return list
}
