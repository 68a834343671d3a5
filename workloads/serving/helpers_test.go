package serving

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"aisim/hardware"
	"aisim/hardware/profile"
	"aisim/workloads"
)

func device(t testing.TB, id string) *hardware.Device {
	t.Helper()
	prof, err := profile.For(id)
	if err != nil {
		t.Fatal(err)
	}
	d, err := hardware.Default().Device(id, prof, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func arch(t testing.TB, id string) workloads.Architecture {
	t.Helper()
	m, err := hardware.Default().Model(id)
	if err != nil {
		t.Fatal(err)
	}
	a, err := workloads.FromCard(m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func engine(t testing.TB, id string) EngineProfile {
	t.Helper()
	e, err := Engine(id)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func mean(v []float64) float64 {
	m := 0.0
	for _, x := range v {
		m += x
	}
	return m / float64(len(v))
}

func quantileOf(v []float64, p float64) float64 {
	s := slices.Clone(v)
	slices.Sort(s)
	return quantile(s, p)
}

func sortRequests(reqs []Request) {
	slices.SortStableFunc(reqs, func(a, b Request) int { return cmp.Compare(a.ArriveSec, b.ArriveSec) })
}

func quantile(v []float64, p float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	x := min(max(p, 0), 1) * float64(len(v)-1)
	i := int(x)
	if i+1 >= len(v) {
		return v[len(v)-1]
	}
	return v[i] + (x-float64(i))*(v[i+1]-v[i])
}
