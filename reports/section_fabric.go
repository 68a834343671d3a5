package reports

import (
	"math"
	"sort"
	"strings"

	"aisim/internal/result"
	"aisim/reports/figure"
	"aisim/reports/number"
)

// maxCells is the most switches of a tier that are drawn one by one.
const maxCells = 600

// hotUse is the use of a switch's busiest link from which its cell is outlined.
const hotUse = 0.70

// maxOutlined bounds the outlines of a strip; more of them would mark nothing.
const maxOutlined = 12

// widestScaleUp bounds the box of the scale-up links, of the widest other level.
const widestScaleUp = 1.75

// sharedSections are the sections that belong to the whole machine.
func sharedSections(run *result.Run, extra Extra) []section {
	var out []section
	add := func(s section, ok bool) {
		if ok {
			out = append(out, s)
		}
	}
	if simulated(run) {
		add(fabricSection(run))
		add(storageSection(run))
		add(ledgerSection(run))
		add(sensitivitySection(run))
	}
	add(assumptionSection(run))
	add(warningSection(run), true)
	add(reproduceSection(run, extra), true)
	add(complianceSection(run))
	add(pipelinesSection(run))
	add(queuesSection(run))
	add(functionsSection(run))
	add(streamsSection(run))
	add(edgeSection(run))
	return out
}

// simulated is false for a run whose only workload did not fit in memory.
func simulated(run *result.Run) bool {
	return len(run.Workloads) != 1 || fits(&run.Workloads[0])
}

func fabricSection(run *result.Run) (section, bool) {
	s := section{id: "fabric", number: "3", name: "Fabric"}
	if len(run.Fabric) == 0 {
		return refused(run, nil, s, "fabric")
	}
	s.body = levelsFigure(run).HTML()
	if f, ok := switchFigure(run); ok {
		s.body += f.HTML()
	}
	s.question = "Is the network too small, and where? The width of a box is the capacity of a level, its fill the mean use, the tick the 99th percentile over links while the workloads run."
	busiest := 0
	for i, l := range run.Fabric {
		if l.Mean > run.Fabric[busiest].Mean {
			busiest = i
		}
	}
	l := run.Fabric[busiest]
	s.finding = "The busiest level, " + lowerFirst(clip(l.Name, 28)) + ", is " + number.Use(l.Mean) + " used"
	return s, true
}

func isScaleUp(name string) bool {
	n := strings.ToLower(name)
	return strings.Contains(n, "scale-up") || strings.Contains(n, "nvlink") || strings.Contains(n, "ici") && strings.Contains(n, "chip")
}

func levelsFigure(run *result.Run) figure.Figure {
	f := figure.Figure{ID: "fabric", Title: "Use of the fabric by level", LabelRem: 12.5, ValueRem: 15.5, PrintLabelRem: 11, PrintValueRem: 13, Gap: 6}
	// The scale-up links carry so much more that the other levels would be lost
	// beside their true width.
	var network, top float64
	for _, l := range run.Fabric {
		if !isScaleUp(l.Name) {
			network = math.Max(network, l.CapacityTBs)
		}
		top = math.Max(top, l.CapacityTBs)
	}
	cut, small := false, false
	if network > 0 && top > widestScaleUp*network {
		top, cut = widestScaleUp*network, true
	}
	used := map[result.Kind]bool{}
	for _, l := range run.Fabric {
		kind := result.KindNetwork
		if isScaleUp(l.Name) {
			kind = result.KindScaleUp
		}
		used[kind] = true
		w := 100.0
		if top > 0 {
			w = math.Min(100*l.CapacityTBs/top, 100)
			if w < 4 {
				w, small = 4, true
			}
		}
		x := (100 - w) / 2
		value := number.Use(l.Mean) + " mean · " + number.Use(l.P99) + " p99 · " + number.Use(l.Max) + " max"
		d := figure.Drawing{Height: 18, Label: l.Name + ": " + value}
		d.Rect(x, 2, w*math.Min(l.Mean, 1), 14, figure.Paint(kind))
		d.Box(x, 2, w, 14, figure.None, "faint")
		t := x + w*math.Min(l.P99, 1)
		d.Line(t, 0, t, 18, "ink", 1.5)
		f.Rows = append(f.Rows, figure.Row{Label: upperFirst(l.Name),
			LabelNote: number.Int(l.Links) + " × " + number.Short(l.Gbps*1e9, "b/s") + ", " + number.Of(l.CapacityTBs*1e12, "B/s"),
			Value:     value, Draw: d})
	}
	f.Legend = legendOf(used, false)
	f.Caption = "Both directions counted."
	if cut {
		f.Caption += " The box of the scale-up links is cut to fit."
	}
	if small {
		f.Caption += " The smallest boxes are drawn wider than their capacity."
	}
	return f
}

// switchFigure is one strip of cells per tier, a path per class of use.
func switchFigure(run *result.Run) (figure.Figure, bool) {
	f := figure.Figure{ID: "switches", Title: "Busiest link of every switch", LabelRem: 6.6, ValueRem: 5.2, PrintLabelRem: 6, PrintValueRem: 4.6}
	var notes []string
	for _, tier := range run.SwitchTiers {
		cells := 0
		for _, pod := range tier.Pods {
			cells += len(pod)
		}
		if cells == 0 {
			continue
		}
		k := (cells + maxCells - 1) / maxCells
		if k > 1 {
			notes = append(notes, "In "+tier.Name+", a cell is the busiest of "+number.Int(k)+" switches.")
		}
		d, hot, top := strip(tier, k)
		value := number.Use(top) + " max"
		d.Label = number.Int(cells) + " " + tier.Name + ": busiest link " + number.Use(top)
		if hot > 0 {
			d.Label += ", " + number.Int(hot) + " above 70 %"
			notes = append(notes, number.Int(hot)+" of "+number.Int(cells)+" "+tier.Name+" have a link above 70"+number.Gap+"%.")
		}
		f.Rows = append(f.Rows, figure.Row{Label: number.Int(cells) + " " + tier.Name, Value: value, Draw: d})
	}
	if len(f.Rows) == 0 {
		return f, false
	}
	f.Legend = []figure.Key{{Name: "busiest link of a switch:"}}
	for i, n := range figure.RampNames {
		f.Legend = append(f.Legend, figure.Key{Name: n, Paint: figure.Paint("h" + string(rune('0'+i)))})
	}
	f.Caption = "A cell is a switch, busiest first in each pod. " + strings.Join(notes, " ")
	f.Caption = strings.TrimSpace(f.Caption)
	return f, true
}

// strip draws the switches of one tier, k to a cell.
func strip(tier result.SwitchTier, k int) (d figure.Drawing, hot int, top float64) {
	d.Height = 14
	var pods [][]float64
	total := 0
	for _, pod := range tier.Pods {
		use := append([]float64(nil), pod...)
		sort.Sort(sort.Reverse(sort.Float64Slice(use)))
		var cells []float64
		for i := 0; i < len(use); i += k { // sorted, so the first of k is their maximum
			cells = append(cells, use[i])
		}
		for _, u := range use {
			top = math.Max(top, u)
			if u >= hotUse {
				hot++
			}
		}
		total += len(cells)
		pods = append(pods, cells)
	}
	gap := 0.0
	if len(pods) > 1 {
		gap = math.Min(0.8, 20/float64(len(pods)))
	}
	w := (100 - gap*float64(len(pods)-1)) / float64(total)
	var paths [len(figure.RampNames)]figure.Path
	outline := figure.Path{Fill: figure.None, Stroke: "fail", Width: 1.4}
	x, outlined := 0.0, 0
	for _, pod := range pods {
		for _, u := range pod {
			c := figure.RampClass(u)
			paths[c].Rect(x, 1, w*0.92, 12)
			if u >= hotUse {
				outline.Rect(x, 1, w*0.92, 12)
				outlined++
			}
			x += w
		}
		x += gap
	}
	for c := range paths {
		paths[c].Fill = figure.Paint("h" + string(rune('0'+c)))
		d.Add(&paths[c])
	}
	if outlined <= maxOutlined {
		d.Add(&outline)
	}
	return d, hot, top
}
