package archtest

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const root = "../.."

// service is what the checks read of a service in docker-compose.yml.
type service struct {
	Image, Build string
	Entrypoint   []string
	Command      []string
	Ports        []string
	Volumes      []string
	Environment  map[string]string
	DependsOn    map[string]struct{ Condition string } `yaml:"depends_on"`
}

func compose(t *testing.T) (services map[string]service, volumes []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]service
		Volumes  map[string]any
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file.Services, slices.Sorted(maps.Keys(file.Volumes))
}

// There is no Docker engine where these tests run, so they check what can be read:
// names that refer to each other, files that are mounted, and that nothing listens
// beyond this machine.
func TestCompose(t *testing.T) {
	services, volumes := compose(t)
	if got := slices.Sorted(maps.Keys(services)); !slices.Equal(got, []string{"db", "seed", "serve", "token", "train"}) {
		t.Fatalf("services %q", got)
	}
	for name, s := range services {
		if s.Image == "" && s.Build == "" {
			t.Errorf("service %s has neither image nor build", name)
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("service %s publishes %s to other machines; write 127.0.0.1:%s", name, p, p)
			}
		}
		for other := range s.DependsOn {
			if _, ok := services[other]; !ok {
				t.Errorf("service %s waits for %s, which does not exist", name, other)
			}
		}
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			if strings.HasPrefix(from, ".") {
				if _, err := os.Stat(filepath.Join(root, from)); err != nil {
					t.Errorf("service %s mounts %s: %v", name, from, err)
				}
			} else if !slices.Contains(volumes, from) {
				t.Errorf("service %s mounts volume %s, which is not declared", name, from)
			}
		}
	}
	if got := services["serve"].Ports; !slices.Equal(got, []string{"127.0.0.1:8080:8080"}) {
		t.Errorf("serve publishes %q", got)
	}
	reader := "postgres://rowlink_reader:rowlink@db:5432/shop?sslmode=disable"
	for _, name := range []string{"train", "serve"} {
		if got := services[name].Environment["DATABASE_URL"]; got != reader {
			t.Errorf("%s reads %s, want the role of deploy/reader.sql: %s", name, got, reader)
		}
	}
}

// TestDockerfile checks that what it copies from the tree and what compose runs exists.
func TestDockerfile(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	dockerfile := string(text)
	for line := range strings.Lines(dockerfile) {
		f := strings.Fields(line)
		if len(f) < 3 || f[0] != "COPY" || strings.HasPrefix(f[1], "--from") {
			continue
		}
		for _, src := range f[1 : len(f)-1] {
			if _, err := os.Stat(filepath.Join(root, src)); err != nil {
				t.Errorf("%s: %v", strings.TrimSpace(line), err)
			}
		}
	}
	for _, want := range []string{"USER 65532:65532", "CGO_ENABLED=0", "./cmd/rowlink ./internal/shop/shopseed", "internal/shop/tasks/ /tasks/"} {
		if !strings.Contains(dockerfile, want) {
			t.Errorf("the Dockerfile lacks %q", want)
		}
	}
	services, _ := compose(t)
	if e := services["seed"].Entrypoint; len(e) == 0 || e[0] != "/shopseed" {
		t.Errorf("seed runs %q, want /shopseed", e)
	}
	task, ok := strings.CutPrefix(services["train"].Command[len(services["train"].Command)-1], "/tasks/")
	if _, err := os.Stat(filepath.Join(root, "internal/shop/tasks", task)); !ok || err != nil {
		t.Errorf("train names %q, which is not in the image (%v)", services["train"].Command, err)
	}
}

// TestScripts checks that what the Makefile and continuous integration call can be run.
func TestScripts(t *testing.T) {
	found, err := filepath.Glob(filepath.Join(root, "scripts", "*.sh"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no scripts (%v)", err)
	}
	for _, f := range append(found, filepath.Join(root, ".ci", "run")) {
		st, err := os.Stat(f)
		if err != nil || st.Mode().Perm()&0o111 != 0o111 {
			t.Errorf("%s cannot be run (%v); chmod +x", f, err)
		}
	}
	ci, err := os.ReadFile(filepath.Join(root, ".ci", "run"))
	if err != nil || !strings.Contains(string(ci), "set -euo pipefail") || !strings.Contains(string(ci), "make test") {
		t.Errorf(".ci/run must stop at errors and call make test (%v)", err)
	}
}
