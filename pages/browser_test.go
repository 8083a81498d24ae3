package pages_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/rowlink/rowlink/jobs"
	"github.com/rowlink/rowlink/pages"
	"github.com/rowlink/rowlink/server"
)

// unreadable lists the texts whose colour is not clear enough against what is behind them
// (WCAG 2.2, contrast of at least 4.5).
const unreadable = `(() => {
  const parse = (c) => c.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => { const f = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
  const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0.99) return c; } return [255, 255, 255]; };
  const out = [];
  for (const e of document.querySelectorAll("body *")) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    const svg = e.closest("svg"), s = getComputedStyle(e);
    if (e.tagName === "title" || e.tagName === "SCRIPT") continue;
    const a = light(parse(svg ? s.fill : s.color)), b = light(behind(svg ? svg : e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) out.push(e.tagName + "." + e.getAttribute("class") + " " + ratio.toFixed(2) + " " + e.textContent.trim().slice(0, 30));
  }
  return [...new Set(out)];
})()`

// TestPages_browser opens the pages in a real browser, as on a phone and on a desk, light
// and dark: nothing is reported on the console, nothing is refused by the policy or asked of
// another server, nothing is wider than the window, every text can be read, and the
// keyboard reaches all that can be used, the way into the content first.
func TestPages_browser(t *testing.T) {
	var mu sync.Mutex
	var complaints, asked []string
	c := startChromium(t, func(m message) {
		mu.Lock()
		defer mu.Unlock()
		switch m.Method {
		case "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded", "Network.loadingFailed":
			complaints = append(complaints, m.Method+" "+string(m.Params))
		case "Network.requestWillBeSent":
			var p struct{ Request struct{ URL string } }
			_ = json.Unmarshal(m.Params, &p)
			asked = append(asked, p.Request.URL)
		}
	})
	s, job := site(t, &fake{})
	web := httptest.NewServer(s.Handler())
	defer web.Close()
	for _, path := range []string{"/", "/schema", "/tasks/churn", "/tasks/churn/versions/2", "/tasks/next/versions/1", "/tasks/churn/drift", "/tasks/churn/explore", "/tasks/churn/explore?key=42", "/tasks/spend/explore?key=1,x", "/jobs", "/jobs/" + job} {
		for _, width := range []int{360, 1280} {
			for _, dark := range []bool{false, true} {
				at := fmt.Sprintf("%s, %d wide, dark %t", path, width, dark)
				c.open(web.URL+path, width, dark)
				var wide, window int
				c.eval("document.documentElement.scrollWidth", &wide)
				if c.eval("window.innerWidth", &window); wide > window || window != width {
					t.Errorf("%s: the page is %d wide in a window of %d", at, wide, window)
				}
				var bad []string
				if c.eval(unreadable, &bad); len(bad) > 0 {
					t.Errorf("%s: hard to read: %q", at, bad)
				}
			}
		}
		var first string
		var usable, reached int
		c.eval("document.querySelectorAll('a[href], button:not([hidden]), input, summary, [tabindex=\"0\"]').length", &usable)
		c.eval("document.body.focus(), window.scrollTo(0, 0), 0", nil)
		c.eval("(document.activeElement && document.activeElement.blur(), 0)", nil)
		seen := map[string]bool{}
		for i := range usable + 5 {
			for _, kind := range []string{"keyDown", "keyUp"} {
				c.must("Input.dispatchKeyEvent", map[string]any{"type": kind, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}, nil)
			}
			var where string
			c.eval("(() => { const e = document.activeElement; return e === document.body ? '' : [...document.querySelectorAll('*')].indexOf(e) + ' ' + (e.getAttribute('href') || e.tagName); })()", &where)
			if i == 0 {
				first = where
			}
			if where != "" && !seen[where] {
				seen[where] = true
				reached++
			}
		}
		if !strings.HasSuffix(first, " #main") && !strings.Contains(path, "explore") { // where a key is asked for, its field has the focus
			t.Errorf("%s: the first tab leads to %q", path, first)
		}
		if reached < usable {
			t.Errorf("%s: the keyboard reaches %d of %d", path, reached, usable)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for _, text := range complaints {
		if !strings.Contains(text, "favicon.ico") {
			t.Errorf("the browser complains: %.300s", text)
		}
	}
	for _, url := range asked {
		if !strings.HasPrefix(url, web.URL+"/") && url != "about:blank" {
			t.Errorf("%s was asked", url)
		}
	}
	if len(asked) < 40 {
		t.Errorf("only %d requests were seen", len(asked))
	}
}

// TestPages_live follows a running job in the browser, and cancels it there.
func TestPages_live(t *testing.T) {
	c := startChromium(t, func(message) {})
	say := make(chan int)
	q, err := jobs.Open(t.TempDir(), map[string]jobs.Work{"train": func(ctx context.Context, _ jobs.Job, _ string, emit func(string, any)) (any, error) {
		for {
			select {
			case n := <-say:
				emit("epoch", map[string]any{"number": n, "val": 0.5})
				emit("progress", map[string]any{"what": "epoch", "done": n, "total": 10, "unit": "seeds"})
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		}
	}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	j, _, err := q.Submit("train", "churn", json.RawMessage("{}"), "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); q.Run(ctx) }()
	defer func() { stop(); <-ended }()
	f := &fake{}
	s, err := server.New(server.Options{Backend: planner{f}, Jobs: q, Pages: pages.New(f, q, "test").Pages()})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s.Handler())
	defer web.Close()
	say <- 1
	c.open(web.URL+"/jobs/"+j.ID, 1280, false)
	say <- 4
	c.until(`document.getElementById("progress").textContent === "epoch: 4 of 10 seeds" && document.getElementById("bar").value === 0.4`)
	c.until(`document.getElementById("log").textContent.includes('{"number":4,"val":0.5}')`)
	c.eval(`document.getElementById("cancel").click()`, nil)
	c.until(`document.querySelector(".state") && document.querySelector(".state").textContent === "cancelled"`)
}

// planner makes a source one whose jobs can be cancelled.
type planner struct{ *fake }

func (planner) PlanTrain(context.Context, string, map[string]string) (json.RawMessage, error) {
	return json.RawMessage("{}"), nil
}

func (planner) PlanBatch(context.Context, server.BatchRequest) (json.RawMessage, error) {
	return json.RawMessage("{}"), nil
}

func (planner) BatchFile(jobs.Job) (name, media string) { return "", "" }
