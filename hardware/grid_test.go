package hardware

import (
	"math"
	"strings"
	"testing"

	"aisim/sim"
)

// lattice is a full grid of powers of two with a time per point.
func lattice(sec func(x, y float64) float64) (points []GridPoint) {
	for x := 1.0; x <= 1024; x *= 2 {
		for y := 1.0; y <= 1024; y *= 2 {
			points = append(points, GridPoint{Size: []float64{x, y}, Sec: sec(x, y), Curve: 1e-6 * x * y})
		}
	}
	return points
}

func grid(t *testing.T, points []GridPoint) *Grid {
	t.Helper()
	g, err := NewGrid(points, nil)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// A power law is a plane in utilisation space: held-out points come back within the
// noise that the grid grants each call (a percent of the variance), off-grid ones too.
func TestGridOnPowerLaw(t *testing.T) {
	law := func(x, y float64) float64 { return 2e-6 * math.Pow(x, 0.9) * math.Pow(y, 1.05) }
	g := grid(t, lattice(law))
	for _, at := range [][2]float64{{32, 32}, {23, 90}, {300, 3}} {
		e := g.At(at[:], 1e-6*at[0]*at[1], -1)
		if got := e.Sec / law(at[0], at[1]); math.Abs(got-1) > 0.02 {
			t.Errorf("at %v: %.4f of the truth", at, got)
		}
		if e.Known < 0.8 {
			t.Errorf("at %v, amid measurements: known %.2f", at, e.Known)
		}
	}
	i := 5*11 + 5
	if e := g.At([]float64{32, 32}, 1e-6*1024, i); math.Abs(e.Sec/law(32, 32)-1) > 0.02 {
		t.Errorf("left out: %g s, want %g", e.Sec, law(32, 32))
	}
}

// One call that went wrong by a factor of three does not spoil its neighbours.
func TestGridBesideOutlier(t *testing.T) {
	law := func(x, y float64) float64 { return 2e-6 * x * math.Pow(y, 0.95) }
	points := lattice(law)
	points[5*11+5].Sec *= 3
	g := grid(t, points)
	for _, at := range [][2]float64{{16, 32}, {32, 64}, {45, 32}} {
		if got := g.At(at[:], 1e-6*at[0]*at[1], index(points, at)).Sec / law(at[0], at[1]); math.Abs(got-1) > 0.06 {
			t.Errorf("at %v beside the outlier: %.3f of the truth", at, got)
		}
	}
}

func index(points []GridPoint, at [2]float64) int {
	for i, p := range points {
		if p.Size[0] == at[0] && p.Size[1] == at[1] {
			return i
		}
	}
	return -1
}

// Far away only the curve and the mean of what is known remain, and the interval widens.
func TestGridFarAway(t *testing.T) {
	s := sim.NewStream(1, "grid")
	g := grid(t, lattice(func(x, y float64) float64 { return 3e-6 * x * y * math.Exp(s.Normal(0, 0.05)) }))
	near, far := g.At([]float64{30, 30}, 900e-6, -1), g.At([]float64{math.Exp2(60), math.Exp2(60)}, 1, -1)
	if far.Known > 0.1 || near.Known < 0.6 {
		t.Errorf("known: %.2f far away, %.2f amid measurements", far.Known, near.Known)
	}
	if far.RelSD <= 1.5*near.RelSD {
		t.Errorf("spread %.3f far away, %.3f amid measurements", far.RelSD, near.RelSD)
	}
	if math.Abs(far.Sec-3) > 0.4 {
		t.Errorf("%g s far away, want the curve times the mean ratio of 3", far.Sec)
	}
}

// Leaving a point out is the same as never having measured it, but for the axes' weights.
func TestGridWithout(t *testing.T) {
	s := sim.NewStream(2, "grid")
	points := lattice(func(x, y float64) float64 { return 2e-6 * x * y * math.Exp(s.Normal(0, 0.1)) })
	i := 60
	without := append(append([]GridPoint(nil), points[:i]...), points[i+1:]...)
	a := grid(t, points).At(points[i].Size, points[i].Curve, i)
	b := grid(t, without).At(points[i].Size, points[i].Curve, -1)
	if math.Abs(a.Sec/b.Sec-1) > 0.01 {
		t.Errorf("left out %g s, never measured %g s", a.Sec, b.Sec)
	}
	points[i].Sec *= 50
	if c := grid(t, points).At(points[i].Size, points[i].Curve, i); math.Abs(c.Sec/a.Sec-1) > 0.01 {
		t.Errorf("a call's own time moved its prediction from %g to %g s", a.Sec, c.Sec)
	}
}

func TestGridRefusals(t *testing.T) {
	ok := GridPoint{Size: []float64{1, 2}, Sec: 1, Curve: 1}
	for _, c := range []struct {
		point GridPoint
		want  string
	}{
		{GridPoint{Size: []float64{1}, Sec: 1, Curve: 1}, "sizes"},
		{GridPoint{Size: []float64{1, 0}, Sec: 1, Curve: 1}, "size 0"},
		{GridPoint{Size: []float64{1, 2}, Sec: 0, Curve: 1}, "measured 0"},
		{GridPoint{Size: []float64{1, 2}, Sec: 1, Curve: math.Inf(1)}, "curve"},
	} {
		if _, err := NewGrid([]GridPoint{ok, c.point}, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.point, err, c.want)
		}
	}
	if _, err := NewGrid([]GridPoint{ok}, nil); err == nil {
		t.Error("a grid of one point was taken")
	}
}
