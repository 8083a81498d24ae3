package pages_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// chromium is a headless browser that is spoken to over its pipes (Chrome DevTools
// Protocol: one JSON text per message, a zero byte behind it).
type chromium struct {
	t       testing.TB
	out     io.Writer
	session string

	mu      sync.Mutex
	id      int
	waiting map[int]chan message
	heard   func(message)
}

// message is one of the protocol, in either direction.
type message struct {
	ID      int                       `json:"id,omitempty"`
	Session string                    `json:"sessionId,omitempty"`
	Method  string                    `json:"method,omitempty"`
	Params  json.RawMessage           `json:"params,omitempty"`
	Result  json.RawMessage           `json:"result,omitempty"`
	Error   *struct{ Message string } `json:"error,omitempty"`
}

// Environment of the browser tests.
const (
	chromiumEnv        = "ROWLINK_CHROMIUM"         // the program
	requireChromiumEnv = "ROWLINK_REQUIRE_CHROMIUM" // not empty: without one the tests fail
)

// findChromium returns the program, or skips the test and says so.
func findChromium(t testing.TB) string {
	t.Helper()
	for _, name := range []string{os.Getenv(chromiumEnv), "chromium", "chromium-browser", "google-chrome", "chrome-headless-shell"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	const text = "no Chromium here, so the pages were not looked at in a browser; install the package chromium, or name one with " + chromiumEnv
	if os.Getenv(requireChromiumEnv) != "" {
		t.Fatal(text)
	}
	t.Skip(text)
	return ""
}

// startChromium starts a browser with one tab; heard is told every event of it.
func startChromium(t testing.TB, heard func(message)) *chromium {
	t.Helper()
	program := findChromium(t)
	fromUs, toBrowser, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	fromBrowser, toUs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--remote-debugging-pipe", "--user-data-dir="+t.TempDir(), "about:blank")
	cmd.ExtraFiles = []*os.File{fromUs, toUs} // its descriptors 3 and 4
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = fromUs.Close()
	_ = toUs.Close()
	c := &chromium{t: t, out: toBrowser, waiting: map[int]chan message{}, heard: heard}
	go c.listen(fromBrowser)
	t.Cleanup(func() {
		c.session = ""
		_, _ = c.call("Browser.close", nil)
		done := make(chan struct{})
		go func() { _ = cmd.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-done
		}
		_ = toBrowser.Close()
		_ = fromBrowser.Close()
	})
	var target struct{ TargetID string }
	c.must("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	c.must("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	c.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Network", "Log"} {
		c.must(domain+".enable", nil, nil)
	}
	return c
}

func (c *chromium) listen(r io.Reader) {
	in := bufio.NewReader(r)
	for {
		text, err := in.ReadBytes(0)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(text[:len(text)-1], &m) != nil {
			continue
		}
		c.mu.Lock()
		answer := c.waiting[m.ID]
		delete(c.waiting, m.ID)
		c.mu.Unlock()
		switch {
		case answer != nil:
			answer <- m
		case m.Method != "":
			c.heard(m)
		}
	}
}

func (c *chromium) call(method string, params any) (json.RawMessage, error) {
	raw := json.RawMessage("{}")
	if params != nil {
		var err error
		if raw, err = json.Marshal(params); err != nil {
			return nil, err
		}
	}
	answer := make(chan message, 1)
	c.mu.Lock()
	c.id++
	m := message{ID: c.id, Session: c.session, Method: method, Params: raw}
	c.waiting[m.ID] = answer
	text, err := json.Marshal(m)
	if err == nil {
		_, err = c.out.Write(append(text, 0))
	}
	c.mu.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case m := <-answer:
		if m.Error != nil {
			return nil, errors.New(m.Error.Message)
		}
		return m.Result, nil
	case <-time.After(30 * time.Second):
		return nil, fmt.Errorf("%s: no answer", method)
	}
}

func (c *chromium) must(method string, params, into any) {
	c.t.Helper()
	raw, err := c.call(method, params)
	if err == nil && into != nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		c.t.Fatalf("%s: %v", method, err)
	}
}

// eval evaluates an expression in the page, waiting for promises.
func (c *chromium) eval(expression string, into any) {
	c.t.Helper()
	var out struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	c.must("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &out)
	if out.ExceptionDetails != nil {
		c.t.Fatalf("%s: %s", expression, out.ExceptionDetails)
	}
	if into != nil {
		if err := json.Unmarshal(out.Result.Value, into); err != nil {
			c.t.Fatalf("%s: %v", expression, err)
		}
	}
}

// until waits for an expression to be true.
func (c *chromium) until(expression string) {
	c.t.Helper()
	for range 400 {
		var ok bool
		if c.eval("!!("+expression+")", &ok); ok {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	c.t.Fatalf("not within ten seconds: %s", expression)
}

// open loads a page in a window of a width, light or dark.
func (c *chromium) open(url string, width int, dark bool) {
	c.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	c.must("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}, nil)
	c.must("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
	c.must("Page.navigate", map[string]any{"url": url}, nil)
	c.until(fmt.Sprintf("location.href === %q && document.readyState === 'complete'", url))
}
