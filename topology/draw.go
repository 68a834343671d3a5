package topology

import (
	"fmt"
	"strings"
)

// drawn is the most boxes of one row; longer rows are thinned and say so.
const drawn = 48

// DrawSVG draws the fabric as a standalone SVG: a row per tier of switches above the
// hosts, cables between what is shown, failed ones dashed in red; a torus as the grid of
// its last two dimensions.
func (g *Graph) DrawSVG() []byte {
	var b strings.Builder
	const width, rowHeight, margin = 1200, 130, 60
	type row struct {
		label string
		nodes []NodeID
		total int
	}
	var rows []row
	for i := len(g.tiers) - 1; i >= 0; i-- {
		t := &g.tiers[i]
		n := t.perBlock * t.blocks
		rows = append(rows, row{label: tierNames[i], nodes: g.thin(t.first, n), total: n})
	}
	hosts := row{label: "hosts"}
	for i := range g.groups {
		gr := &g.groups[i]
		hosts.total += gr.Count
	}
	position := map[NodeID][2]float64{}
	height := margin*2 + rowHeight*(len(rows)+1)
	grid := g.grid()
	if grid > 0 {
		height += grid * 22
	}
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui,sans-serif" font-size="12" role="img"><title>%s</title>`, width, height, escape(strings.SplitN(g.Describe(), "\n", 2)[0]))
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`, width, height)
	for r, x := range rows {
		y := float64(margin + r*rowHeight)
		for k, n := range x.nodes {
			position[n] = [2]float64{margin + (float64(k)+0.5)*float64(width-2*margin)/float64(len(x.nodes)), y}
		}
	}
	// Few hosts all stand in a row; of many, one stands below each leaf that is shown.
	y := float64(margin + len(rows)*rowHeight)
	type hostBox struct {
		x     float64
		label string
		chips int
	}
	var boxes []hostBox
	place := func(gr *group, h int, x float64) {
		boxes = append(boxes, hostBox{x, g.hostName(gr, h), gr.ChipsPerHost})
		for _, nic := range g.HostNICs(gr.Name, h) {
			position[nic] = [2]float64{x, y}
		}
	}
	if hosts.total <= drawn || len(rows) < 2 {
		shown := min(hosts.total, 4*drawn)
		for i := range g.groups {
			for h := 0; h < g.groups[i].Count && len(boxes) < shown; h++ {
				place(&g.groups[i], h, margin+(float64(len(boxes))+0.5)*float64(width-2*margin)/float64(shown))
			}
		}
	} else {
		below := map[NodeID]bool{}
		for _, leaf := range rows[len(rows)-1].nodes {
			below[leaf] = true
		}
		for i := range g.groups {
			gr := &g.groups[i]
			last := -1
			for n := range gr.nics {
				leaf := g.tiers[0].first + NodeID(g.nicTo[int(gr.nicBase)+n])
				if h := n / gr.HostGroup.NICs; below[leaf] && h != last {
					delete(below, leaf)
					place(gr, h, position[leaf][0])
					last = h
				}
			}
		}
	}
	b.WriteString(`<g stroke="#9aa5b1" stroke-width=".6" fill="none">`)
	type key struct{ a, b NodeID }
	seen := map[key]bool{}
	for id := range g.from {
		a, aok := position[g.from[id]]
		z, zok := position[g.to[id]]
		k := key{g.from[id], g.to[id]}
		if !aok || !zok || a[1] < z[1] || seen[k] && !g.failed[id] {
			continue
		}
		seen[k] = true
		if g.failed[id] {
			fmt.Fprintf(&b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#c0392b" stroke-width="1.6" stroke-dasharray="5 3"/>`, a[0], a[1], z[0], z[1])
			continue
		}
		if a[1] == z[1] { // within a row: an arc above it, once for both directions
			if a[0] < z[0] {
				fmt.Fprintf(&b, `<path d="M%.1f %.1fQ%.1f %.1f %.1f %.1f"/>`, a[0], a[1], (a[0]+z[0])/2, a[1]-min(40, 8+(z[0]-a[0])/8), z[0], z[1])
			}
			continue
		}
		fmt.Fprintf(&b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, a[0], a[1], z[0], z[1])
	}
	b.WriteString(`</g>`)
	for r, x := range rows {
		yy := float64(margin + r*rowHeight)
		note := ""
		if len(x.nodes) < x.total {
			note = fmt.Sprintf(", %d shown", len(x.nodes))
		}
		fmt.Fprintf(&b, `<text x="8" stroke="#fff" stroke-width="3" paint-order="stroke" y="%.1f" fill="#1f2933">%d %s%s</text>`, yy-22, x.total, x.label, note)
		for _, n := range x.nodes {
			p := position[n]
			fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="14" height="12" rx="2" fill="#2f6f9f"><title>%s</title></rect>`, p[0]-7, p[1]-6, escape(g.Name(n)))
		}
	}
	note := ""
	if len(boxes) < hosts.total {
		note = fmt.Sprintf(", %d shown", len(boxes))
	}
	fmt.Fprintf(&b, `<text x="8" stroke="#fff" stroke-width="3" paint-order="stroke" y="%.1f" fill="#1f2933">%d hosts%s</text>`, y-22, hosts.total, note)
	for _, h := range boxes {
		fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="16" height="20" rx="2" fill="#52606d"><title>%s, %d chips</title></rect>`, h.x-8, y-6, escape(h.label), h.chips)
	}
	if grid > 0 {
		g.drawGrid(&b, margin, float64(margin+(len(rows)+1)*rowHeight-40))
	}
	b.WriteString("</svg>\n")
	return []byte(b.String())
}

// thin picks nodes evenly, and always those with failed links.
func (g *Graph) thin(first NodeID, n int) []NodeID {
	k := min(n, drawn)
	var out []NodeID
	next := 0
	for i := range n {
		node := first + NodeID(i)
		take := next < k && i == next*n/k
		if take {
			next++
		}
		for _, id := range g.Out(node) {
			take = take || g.failed[id] && len(out) < 2*drawn
		}
		if take {
			out = append(out, node)
		}
	}
	return out
}

// grid is the number of rows of the torus drawing, 0 without a torus.
func (g *Graph) grid() int {
	for i := range g.groups {
		if d := g.groups[i].dims; len(d) > 0 {
			if len(d) == 1 {
				return 1
			}
			return min(d[len(d)-2], 24)
		}
	}
	return 0
}

func (g *Graph) drawGrid(b *strings.Builder, x0, y0 float64) {
	for i := range g.groups {
		gr := &g.groups[i]
		if len(gr.dims) == 0 {
			continue
		}
		cols := min(gr.dims[len(gr.dims)-1], 48)
		fmt.Fprintf(b, `<text x="8" stroke="#fff" stroke-width="3" paint-order="stroke" y="%.1f" fill="#1f2933">%s %v of %s chips, first plane</text>`, y0-14, gr.suKind, gr.dims, escape(gr.Name))
		for r := range g.grid() {
			for c := range cols {
				x, y := x0+float64(c)*22, y0+float64(r)*22
				chip := r*gr.dims[len(gr.dims)-1] + c
				for d := max(0, len(gr.dims)-2); d < len(gr.dims); d++ {
					id := gr.neighbour[(chip*len(gr.dims)+d)*2]
					if id < 0 {
						continue
					}
					colour := "#9aa5b1"
					if g.failed[id] {
						colour = "#c0392b"
					}
					dx, dy := 22.0, 0.0
					if d == len(gr.dims)-2 {
						dx, dy = 0, 22
					}
					fmt.Fprintf(b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>`, x, y, x+dx*.6, y+dy*.6, colour)
				}
				fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="4" fill="#2f6f9f"/>`, x, y)
			}
		}
		return
	}
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}
