package pages

import (
	"cmp"
	"fmt"
	"html"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/schema"
)

func (p *Pages) schema(r *http.Request) (string, any, error) {
	t, err := p.src.Tables(r.Context())
	if err != nil {
		return "", nil, err
	}
	return "schema", struct {
		*Tables
		Graph template.HTML
	}{t, graph(t)}, nil
}

// Size of a table in the drawing, and the room between them.
const (
	boxWidth, boxHeight = 184, 56
	gapX, gapY          = 22, 64
	margin              = 10
)

// node is a table in the drawing.
type node struct {
	*schema.TableView
	layer int
	x, y  int
}

// graph draws the tables in layers: every table stands below those that it refers to.
func graph(t *Tables) template.HTML {
	nodes, byName := layout(t.View)
	if len(nodes) == 0 {
		return ""
	}
	width, height := 0, 0
	for _, n := range nodes {
		width, height = max(width, n.x+boxWidth+margin), max(height, n.y+boxHeight+margin)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="graph" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="tables and their links; the list below says the same">`, width, height, width, height)
	for _, n := range nodes {
		for _, l := range n.Links {
			if to := byName[l.To]; to != nil && to != n {
				b.WriteString(edge(n, to, l))
			}
		}
	}
	for _, n := range nodes {
		b.WriteString(n.draw(t.Rows[n.Name]))
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) // every text in it was escaped
}

// layout gives every table that takes part a layer, below all that it refers to, and a place
// in it near those.
func layout(v schema.View) (nodes []*node, byName map[string]*node) {
	byName = map[string]*node{}
	for i := range v.Tables {
		if t := &v.Tables[i]; !t.Ignore {
			n := &node{TableView: t}
			nodes = append(nodes, n)
			byName[t.Name] = n
			if t.Namespace != "" {
				byName[t.Namespace+"."+t.Name] = n
			}
		}
	}
	for range nodes { // a circle of links ends with the rounds
		for _, n := range nodes {
			for _, l := range n.Links {
				if to := byName[l.To]; to != nil && to != n && n.layer <= to.layer && to.layer+1 < len(nodes) {
					n.layer = to.layer + 1
				}
			}
		}
	}
	layers := map[int][]*node{}
	deepest := 0
	for _, n := range nodes {
		layers[n.layer] = append(layers[n.layer], n)
		deepest = max(deepest, n.layer)
	}
	widest := 0
	for _, l := range layers {
		widest = max(widest, len(l))
	}
	y := 0
	for depth := 0; depth <= deepest; depth++ {
		row := layers[depth]
		if len(row) == 0 {
			continue // left by a circle
		}
		slices.SortStableFunc(row, func(a, b *node) int { return cmp.Compare(a.pull(byName), b.pull(byName)) })
		start := margin + (widest-len(row))*(boxWidth+gapX)/2
		for i, n := range row {
			n.x, n.y = start+i*(boxWidth+gapX), margin+y*(boxHeight+gapY)
		}
		y++
	}
	return nodes, byName
}

// pull is where the tables that a table refers to stand on average.
func (n *node) pull(byName map[string]*node) float64 {
	sum, count := 0.0, 0.0
	for _, l := range n.Links {
		if to := byName[l.To]; to != nil && to != n {
			sum, count = sum+float64(to.x), count+1
		}
	}
	if count == 0 {
		return 0
	}
	return sum / count
}

// edge is a curve from a table up to the one that it refers to. Links that nobody declared
// are dashed.
func edge(from, to *node, l schema.LinkView) string {
	x1, y1, x2, y2 := from.x+boxWidth/2, from.y, to.x+boxWidth/2, to.y+boxHeight
	class := "link"
	if l.Reason != "" && l.Reason != "declared" {
		class = "link proposed"
	}
	bend := max(24, (y1-y2)/2)
	return fmt.Sprintf(`<path class="%s" d="M%d %dC%d %d %d %d %d %d"><title>%s</title></path>`, class, x1, y1, x1, y1-bend, x2, y2+bend, x2, y2,
		html.EscapeString(from.Name+"."+strings.Join(l.Columns, ", ")+" refers to "+to.Name))
}

func (n *node) draw(rows int) string {
	when := "no time"
	if n.Time != nil {
		when = "time: " + n.Time.Column
		if n.Time.Via != "" {
			when = "time of " + n.Time.Table
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<a href="#t-%s"><g><rect class="box" x="%d" y="%d" width="%d" height="%d" rx="5"/>`, html.EscapeString(n.Name), n.x, n.y, boxWidth, boxHeight)
	for i, line := range []string{clip(n.Name, 21), count(rows) + " rows", clip(when, 28)} {
		class := "small"
		if i == 0 {
			class = "name"
		}
		fmt.Fprintf(&b, `<text class="%s" x="%d" y="%d">%s</text>`, class, n.x+10, n.y+18+i*15, html.EscapeString(line))
	}
	b.WriteString("</g></a>")
	return b.String()
}

func clip(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
