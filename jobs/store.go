package jobs

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/rowlink/rowlink/workspace"
)

// store is the folder of jobs.
type store struct {
	dir string

	mu   sync.Mutex
	logs map[string]*os.File // of running jobs
}

func (s *store) folder(id string) string { return filepath.Join(s.dir, id) }

// save replaces the file of a job.
func (s *store) save(j Job) error {
	if err := os.MkdirAll(s.folder(j.ID), 0o700); err != nil {
		return fmt.Errorf("save job %s: %w", j.ID, err)
	}
	data, err := json.MarshalIndent(stored{j, j.Digest}, "", "  ")
	if err != nil {
		return fmt.Errorf("save job %s: %w", j.ID, err)
	}
	return workspace.WriteFile(filepath.Join(s.folder(j.ID), "job.json"), append(data, '\n'))
}

// load reads all jobs in the order in which they were made. A folder without a job's file
// is of a job that was never answered for, or of one that comes to be now.
func (s *store) load() ([]Job, error) {
	ids, err := s.ids()
	if err != nil {
		return nil, err
	}
	var out []Job
	for _, id := range ids {
		j, ok, err := s.read(id)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, j)
		}
	}
	return out, nil
}

// ids lists the folders of jobs in the order in which those were made.
func (s *store) ids() ([]string, error) {
	entries, err := os.ReadDir(s.dir) // sorted, and ids begin with the time
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read jobs: %w", err)
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			out = append(out, e.Name())
		}
	}
	return out, nil
}

// read reads the file of a job; ok is false where there is none.
func (s *store) read(id string) (j Job, ok bool, err error) {
	data, err := os.ReadFile(filepath.Join(s.folder(id), "job.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return j, false, nil
	}
	var have stored
	if err == nil {
		err = json.Unmarshal(data, &have)
	}
	if err != nil || have.ID != id {
		return j, false, fmt.Errorf("read job %s: %w", id, errors.Join(err, errors.New("its file is not that of the job")))
	}
	have.Job.Digest = have.Digest
	return have.Job, true, nil
}

// tidy removes the folders of jobs that were never answered for.
func (s *store) tidy() {
	entries, _ := os.ReadDir(s.dir) // load reports the fault
	for _, e := range entries {
		if _, err := os.Stat(filepath.Join(s.folder(e.Name()), "job.json")); e.IsDir() && errors.Is(err, fs.ErrNotExist) {
			_ = os.RemoveAll(s.folder(e.Name()))
		}
	}
}

// events reads what a job said, up to the first line that is not whole.
func (s *store) events(id string) []Event {
	data, err := os.ReadFile(filepath.Join(s.folder(id), "events.jsonl"))
	if err != nil {
		return nil
	}
	var out []Event
	sc := bufio.NewScanner(bytes.NewReader(data))
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		var e Event
		if json.Unmarshal(sc.Bytes(), &e) != nil || e.ID != len(out)+1 {
			break
		}
		out = append(out, e)
	}
	return out
}

// rewrite makes the file of events hold exactly these, before more are appended.
func (s *store) rewrite(id string, list []Event) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for _, e := range list {
		if err := enc.Encode(e); err != nil {
			return err
		}
	}
	return workspace.WriteFile(filepath.Join(s.folder(id), "events.jsonl"), b.Bytes())
}

// append adds an event. What a crash takes of it is not worth a sync.
func (s *store) append(id string, e Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.logs[id]
	if f == nil {
		var err error
		if f, err = os.OpenFile(filepath.Join(s.folder(id), "events.jsonl"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
			return err
		}
		if s.logs == nil {
			s.logs = map[string]*os.File{}
		}
		s.logs[id] = f
	}
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return err
}

// close closes the file of events of a job that ended.
func (s *store) close(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.logs[id]; f != nil {
		_ = f.Close()
		delete(s.logs, id)
	}
}

// cancelFile asks whoever runs a job to cancel it.
const cancelFile = "cancel"

func (s *store) cancelAsked(id string) bool {
	_, err := os.Stat(filepath.Join(s.folder(id), cancelFile))
	return err == nil
}

func (s *store) remove(id string) error {
	s.close(id)
	return os.RemoveAll(s.folder(id))
}
