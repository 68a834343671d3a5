package validate

import (
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"aisim/hardware"
	"aisim/sim"
)

// OperatorTable is a file of measured operators of one chip.
type OperatorTable struct {
	Name string
	Text io.Reader
}

// operatorCall is a measured call of an operator beside what formulas say of it.
type operatorCall struct {
	line             int
	size             []float64
	sec, curve, roof float64
	on               func(*hardware.Device) float64 // the curve on any device
	unseen           float64                        // the curve of a chip that no fit saw; 0: nothing to carry over
}

// operatorGrid is the calls of one operator on one chip in one format.
type operatorGrid struct {
	chip, op, format string
	device           *hardware.Device
	prior            []float64
	calls            []operatorCall
}

// heldBack are the ways of holding a call out. The first is the one of the summary.
var heldBack = [...]string{"leave one out", "one row in ten known", "no row known", "chip unseen by the fit"}

// bimodalShare is the share of calls over 25 % off their neighbours beyond which a table
// is of two kernels that take turns: its figures are printed apart. Tables of one kernel
// have up to 5 %, that of 8-bit matrices on B200 has 10 %.
const bimodalShare = 0.08

// Operators holds the rungs of the kernel predictor against tables of measured operators:
// each call from the others of its table (leave one out), from a tenth of them, from the
// fitted curve alone, and from constants that only other chips gave. Only the first are cases of the report; the others are in
// its groups. skipped are the files that are no such table, with the reason.
func Operators(tables []OperatorTable) (r *Report, skipped []error, err error) {
	var grids []*operatorGrid
	for _, t := range tables {
		g, err := readOperators(t)
		if err != nil {
			skipped = append(skipped, fmt.Errorf("%s: %w", t.Name, err))
			continue
		}
		grids = append(grids, g...)
	}
	if len(grids) == 0 {
		return nil, skipped, fmt.Errorf("no table of operators among %d files", len(tables))
	}
	r = &Report{Schema: Schema, Kind: "operators"}
	if err := carryOver(grids); err != nil {
		return nil, skipped, err
	}
	var all []Case
	for _, g := range grids {
		cases, err := g.hold()
		if err != nil {
			return nil, skipped, fmt.Errorf("%s on %s, %s: %w", g.op, g.chip, g.format, err)
		}
		all = append(all, cases...)
	}
	r.Cases = all
	r.summarise()
	for i := range r.Groups {
		g := &r.Groups[i]
		if g.By != heldBack[3] && g.By != heldBack[3]+", by chip" {
			continue
		}
		var cases []Case
		for _, c := range all {
			if slices.Contains(c.keys, groupKey{g.By, g.Key}) {
				cases = append(cases, c)
			}
		}
		g.Rank = rankCorrelation(cases)
	}
	r.Cases = make([]Case, 0, len(all)/len(heldBack))
	for _, c := range all {
		if c.Note == heldBack[0] {
			r.Cases = append(r.Cases, c)
		}
	}
	return r, skipped, nil
}

// hold predicts every call in every way of holding out.
func (g *operatorGrid) hold() ([]Case, error) {
	full, err := g.grid(func(int) bool { return true })
	if err != nil {
		return nil, err
	}
	// Which tenth is known depends on the operator and the line alone.
	known := make([]bool, len(g.calls))
	stream := sim.NewStream(1, "operators/"+g.chip+"/"+g.op+"/"+g.format)
	count := 0
	for i := range known {
		known[i] = stream.Float64() < 0.1
		if known[i] {
			count++
		}
	}
	var tenth *hardware.Grid
	if count >= 2 {
		if tenth, err = g.grid(func(i int) bool { return known[i] }); err != nil {
			return nil, err
		}
	}
	estimates := make([][len(heldBack)]hardware.GridEstimate, len(g.calls))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(g.calls); i = int(next.Add(1)) - 1 {
				c := &g.calls[i]
				estimates[i][0] = full.At(c.size, c.curve, i)
				if tenth != nil && !known[i] {
					estimates[i][1] = tenth.At(c.size, c.curve, -1)
				}
				estimates[i][2] = hardware.GridEstimate{Sec: c.curve}
				estimates[i][3] = hardware.GridEstimate{Sec: c.unseen}
			}
		})
	}
	wg.Wait()
	off := 0
	for i, e := range estimates {
		if math.Abs(e[0].Sec/g.calls[i].sec-1) > 0.25 {
			off++
		}
	}
	bimodal := float64(off) > bimodalShare*float64(len(g.calls))
	var cases []Case
	for way := range heldBack {
		head := g.head(way, bimodal)
		for i, e := range estimates {
			if e[way].Sec > 0 {
				cases = append(cases, g.caseOf(head, i, way, e[way]))
			}
		}
	}
	return cases, nil
}

// head is what all cases of one way have in common.
func (g *operatorGrid) head(way int, bimodal bool) Case {
	use, op := UseGate, g.op
	if way > 0 || bimodal {
		use = UseInfo
	}
	if bimodal {
		op += ", two kernels that take turns"
	}
	c := NewCase("", use)
	c.Note = heldBack[way]
	c.In(heldBack[way], op)
	c.In(heldBack[way]+", by chip", g.chip+" "+g.op+", "+g.format)
	return c
}

func (g *operatorGrid) caseOf(c Case, i, way int, e hardware.GridEstimate) Case {
	call := &g.calls[i]
	c.ID = fmt.Sprintf("%s/%s/%s/line-%d", g.chip, g.op, g.format, call.line)
	c.Measure("time", "us", Time, call.sec*1e6)
	p := Prediction{Value: e.Sec * 1e6, Roofline: call.roof * 1e6, Rung: "measured grid"}
	switch {
	case way == 2:
		p.Rung = "fitted curve"
	case way == 3:
		p.Rung = "datasheet roofline with the constants of other chips"
	case e.Known < 0.5:
		p.Rung = "fitted curve, moved by the nearest measurements"
	}
	if way == 3 {
		e.RelSD = g.unseenSpread(call)
	}
	p.Low, p.High = p.Value*math.Exp(-z90*e.RelSD), p.Value*math.Exp(z90*e.RelSD)
	c.Predict(p)
	if way == 2 { // the curve's own spread is that of its profile: not this command's
		c.Low, c.High = nil, nil
	}
	return c
}

// unseenSpread is the standard deviation of a call on a chip that no fit saw: of multiplications as validate
// kernels states it; of attention more, whose kernels differ by generation and by release of the library, and of
// layers' small kernels.
func (g *operatorGrid) unseenSpread(call *operatorCall) float64 {
	switch {
	case g.op == "GEMM":
		return 0.85 * unseenSpread(matrices{1, call.size[0], call.size[1], call.size[2]}) // one release of the library, no host in the times
	case strings.HasPrefix(g.op, "attention"):
		return 0.33
	}
	return 0.22
}

func (g *operatorGrid) grid(keep func(int) bool) (*hardware.Grid, error) {
	var points []hardware.GridPoint
	for i, c := range g.calls {
		if keep(i) {
			points = append(points, hardware.GridPoint{Size: c.size, Sec: c.sec, Curve: c.curve})
		}
	}
	return hardware.NewGrid(points, g.prior)
}
