package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rowlink/rowlink/workspace"
)

// serverProcess runs a server as a process of its own, which can be killed.
func serverProcess(t *testing.T, dir string) (*running, *exec.Cmd) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "serve", "--json", "--addr", "127.0.0.1:0", "--workspace", dir)
	cmd.Env = append(os.Environ(), jobEnv+"=server")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	r := &running{client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&r.serving); err != nil {
		t.Fatal(err)
	}
	return r, cmd
}

// A server that is killed with SIGKILL in the middle of a training leaves a job that the
// next one brings to its end: one version, with the weights of an undisturbed training. A
// batch that waits behind it is answered too.
func TestServe_killed(t *testing.T) {
	if testing.Short() {
		t.Skip("trains")
	}
	inShop(t)
	dir, err := filepath.Abs("served")
	if err != nil {
		t.Fatal(err)
	}
	copyTree(t, trained(t), dir)
	copyTree(t, dir, "undisturbed")
	flags := []string{"--model", "gnn", "--epochs", "6", "--seed", "5", "--width", "16", "--val-blocks", "1"}
	command(t, append([]string{"train", "churn", "--workspace", "undisturbed"}, flags...)...)
	want := weights(t, "undisturbed", "churn", 3)

	r, process := serverProcess(t, dir)
	id := r.submitted(t, "/v1/tasks/churn/train", `{"options":{"model":"gnn","epochs":6,"seed":5,"width":16,"val_blocks":1}}`)
	batch := r.submitted(t, "/v1/batches", `{"task":"churn","version":"1","format":"csv"}`)
	for attempt := 1; attempt <= 3; attempt++ {
		var j job
		for range 600 { // until an epoch is done
			_, text, err := r.ask("/v1/jobs/"+id, "")
			if err == nil {
				err = json.Unmarshal([]byte(text), &j)
			}
			if err != nil {
				t.Fatal(err)
			}
			if ended(j) || strings.Contains(text, `"epoch":{"number":`) && j.State == "running" {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		if err := process.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = process.Wait()
		if out := command(t, "jobs", "--workspace", dir); !ended(j) && !strings.Contains(out, "interrupted") {
			t.Errorf("after the server was killed:\n%s", out)
		}
		r, process = serverProcess(t, dir)
	}
	j := r.job(t, id, ended)
	if j.State != "succeeded" || j.Result.Version != 3 {
		t.Fatalf("the training after all: %+v", j)
	}
	if got := weights(t, dir, "churn", 3); got != want {
		t.Errorf("weights %s, undisturbed %s", got, want)
	}
	if j := r.job(t, batch, ended); j.State != "succeeded" || j.Result.Answered == 0 {
		t.Errorf("the batch: %+v", j)
	}
	w, err := workspace.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if list, err := w.Models("churn"); err != nil || len(list) != 3 {
		t.Errorf("%d versions, %v", len(list), err)
	}
	if left := glob(filepath.Join(dir, "queue", "*", "shards")); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	t.Logf("%d attempts", j.Attempts)
}
