package hardware

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"aisim/hardware/profile"
)

// Calls are the measured calls of a processor's operators, a grid for each: the first rung of the
// ladder. Host operations over bytes stand on their fixed time and rate. GEMMs have a grid for
// each way of multiplying (transposes, operands with zeros), where Device.GEMM knows one kind
// only; the curve under theirs is that of libraries that multiply row by row (gonum): a kernel over a
// row takes a fixed time and a time per element,
//
//	t = a·m·n·k + b·rows,  rows = m·k·pieces(n), or m·n·pieces(k) where B is transposed
//
// with rows cut into pieces of cpuBlock where the result has four blocks or more, which are
// then dealt to threads. a and b are fitted on the calls themselves.
type Calls struct{ grids map[string]callGrid }

type callGrid struct {
	grid       *Grid
	host       *profile.HostOp // nil for a GEMM
	transposed bool            // B is read by columns
	perProduct float64         // seconds
	perRow     float64
}

// fewestCalls of one kind make a grid: two constants of the curve, and as many again to tell
// how well it holds.
const fewestCalls = 4

// NewCalls makes the grids of a profile's calls over its nominal constants.
func NewCalls(p *profile.Profile) (*Calls, error) {
	c := &Calls{grids: map[string]callGrid{}}
	calls := map[string][]profile.Call{}
	for _, call := range p.Calls {
		words := strings.Fields(call.Op)
		if len(words) == 2 && words[0] == "gemm" {
			continue // of a chip's library: NewDevice makes their grids
		}
		_, isHost := p.Host[call.Op]
		isGEMM := len(words) > 2 && words[0] == "gemm"
		if !(isHost && len(call.Size) == 1) && !(isGEMM && len(call.Size) == 3) {
			return nil, fmt.Errorf("call of %q with %d sizes: only \"gemm KIND FORMAT\" with m, n and k, and operations of the host with their bytes can be interpolated", call.Op, len(call.Size))
		}
		calls[call.Op] = append(calls[call.Op], call)
	}
	for _, op := range slices.Sorted(maps.Keys(calls)) {
		if len(calls[op]) < fewestCalls {
			return nil, fmt.Errorf("%s: %d calls: a grid needs %d", op, len(calls[op]), fewestCalls)
		}
		g := callGrid{transposed: strings.Contains(op, " nt ")}
		if h, ok := p.Host[op]; ok {
			g.host = &h
		} else {
			g.fit(calls[op])
		}
		points := make([]GridPoint, len(calls[op]))
		for i, call := range calls[op] {
			points[i] = GridPoint{Size: call.Size, Sec: call.Sec, Curve: g.curve(call.Size...)}
		}
		var err error
		if g.grid, err = NewGrid(points, nil); err != nil {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
		c.grids[op] = g
	}
	return c, nil
}

// rows is how many rows, or pieces of them, a kernel runs over.
func (g *callGrid) rows(m, n, k float64) float64 {
	pieces := func(x float64) float64 { return math.Ceil(x / cpuBlock) }
	cut := pieces(m)*pieces(n) >= 4
	rows, length := m*k, n
	if g.transposed {
		rows, length = m*n, k
	}
	if cut {
		rows *= pieces(length)
	}
	return rows
}

func (g *callGrid) curve(size ...float64) float64 {
	if g.host != nil {
		return g.host.Sec(size[0])
	}
	m, n, k := size[0], size[1], size[2]
	return g.perProduct*m*n*k + g.perRow*g.rows(m, n, k)
}

// fit finds the two constants by least squares of relative errors, reweighted so that a shape that
// the curve does not know (beyond 6 %) counts less.
func (g *callGrid) fit(calls []profile.Call) {
	const known, rounds = 0.06, 30
	for round := range rounds {
		var xx, xy, yy, x1, y1 float64
		for _, c := range calls {
			m, n, k := c.Size[0], c.Size[1], c.Size[2]
			w := 1.0
			if round > 0 {
				e := (g.curve(m, n, k)/c.Sec - 1) / known
				w = 1 / (1 + e*e)
			}
			x, y := m*n*k/c.Sec, g.rows(m, n, k)/c.Sec
			xx, xy, yy, x1, y1 = xx+w*x*x, xy+w*x*y, yy+w*y*y, x1+w*x, y1+w*y
		}
		det := xx*yy - xy*xy
		a, b := (x1*yy-y1*xy)/det, (y1*xx-x1*xy)/det
		if !(det > 1e-9*xx*yy) || !(b > 0) { // all rows of one length, or too short a fixed time to be seen
			a, b = x1/xx, 0
		} else if !(a > 0) {
			a, b = 0, y1/yy
		}
		g.perProduct, g.perRow = a, b
	}
}

// At is a call of an operator that was measured, from all calls of its but the one of index without
// (-1: from all); ok is false where none was, or not with so many sizes.
func (c *Calls) At(op string, without int, size ...float64) (e GridEstimate, ok bool) {
	g, ok := c.grids[op]
	if !ok || len(size) != g.grid.axes {
		return GridEstimate{}, false
	}
	return g.grid.At(size, g.curve(size...), without), true
}
