package beam

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// flinkPOM asks Maven for the job server of Flink with all that it needs (150 MB). There is
// no ready-made archive of it in the central repository.
const flinkPOM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>rowlink</groupId><artifactId>flink-job-server</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies><dependency>
    <groupId>org.apache.beam</groupId><artifactId>beam-runners-flink-1.19</artifactId><version>2.62.0</version>
  </dependency></dependencies>
</project>`

// flinkJars returns the folder of the job server, which is kept in the user's cache; the
// test is skipped where it cannot be had.
func flinkJars(t *testing.T) string {
	t.Helper()
	if os.Getenv("ROWLINK_TEST_FLINK") == "" {
		t.Skip("NOT TESTED ON FLINK: its job server takes minutes to come; set ROWLINK_TEST_FLINK=1")
	}
	for _, tool := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("NOT TESTED ON FLINK: there is no %s on this machine", tool)
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skipf("NOT TESTED ON FLINK: %v", err)
	}
	lib := filepath.Join(cache, "rowlink", "beam-runners-flink-1.19-2.62.0")
	if _, err := os.Stat(lib); err == nil {
		return lib
	}
	if err := os.MkdirAll(filepath.Dir(lib), 0o755); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(filepath.Dir(lib), "maven-*") // renamed once it is whole
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "pom.xml"), []byte(flinkPOM), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory="+filepath.Join(dir, "lib"))
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		text := strings.TrimSpace(string(out))
		t.Skipf("NOT TESTED ON FLINK: Maven gave no job server: %v: %s", err, text[max(0, len(text)-400):])
	}
	if err := os.Rename(filepath.Join(dir, "lib"), lib); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	return lib
}

// onFlink starts Flink in a process of its own and lets pipelines run there.
func onFlink(t *testing.T) Engine {
	t.Helper()
	lib := flinkJars(t)
	ports := freePorts(t, 3)
	log, err := os.Create(filepath.Join(t.TempDir(), "flink.log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("java", "-Xmx1g", "-cp", lib+"/*", "org.apache.beam.runners.flink.FlinkJobServerDriver", "--flink-master=[local]",
		fmt.Sprintf("--job-port=%d", ports[0]), fmt.Sprintf("--artifact-port=%d", ports[1]), fmt.Sprintf("--expansion-port=%d", ports[2]),
		"--artifacts-dir="+t.TempDir())
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if text, err := os.ReadFile(log.Name()); t.Failed() && err == nil {
			t.Logf("Flink: %s", text[max(0, len(text)-8000):])
		}
	})
	address := fmt.Sprintf("127.0.0.1:%d", ports[0])
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the job server of Flink does not listen on %s", address)
		}
	}
	e := Engine{Endpoint: address, Environment: "LOOPBACK", Parallelism: 1}
	if err := e.Use(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := (Engine{Parallelism: -1}).Use(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var out []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // all at the end, so that they differ
		out = append(out, l.Addr().(*net.TCPAddr).Port)
	}
	return out
}

// On Flink as on Prism: labels over two links, whose rows are joined, and scores.
func TestFlinkEqualsOneMachine(t *testing.T) {
	onFlink(t)
	s := relF1(t)
	task := bind(t, s, f1Tasks[2])
	t.Run("labels", func(t *testing.T) {
		checkLabels(t, s, task, Options{Runner: "universal", Shards: 3, Out: filepath.Join(t.TempDir(), "out")})
	})
	t.Run("features", func(t *testing.T) { // with two passes before
		checkFeatures(t, s, fewFeatures, Options{Runner: "universal", Shards: 3, Out: filepath.Join(t.TempDir(), "out")})
	})
	t.Run("scores", func(t *testing.T) { checkScores(t, trained(t), trees, Options{Runner: "universal", Shards: 3}) })
}

// fewFeatures has some ten examples per driver.
const fewFeatures = `CREATE TASK dnf AS PREDICT COUNT(results.* WHERE results.statusId <> 1, 0, 30, days) > 0 FOR EACH drivers.driverId
  ASSUMING COUNT(results.*, 0, 30, days) > 0
  WITH (val_anchor = '2005-01-01', test_anchor = '2010-01-01', step = '60 days', eval_anchors = 4, train_anchors = 12)`
