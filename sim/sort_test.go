package sim

import (
	"slices"
	"testing"
)

// Crowds of equal and unequal times come out in the total order, whatever order they
// came in, also where every cut is unlucky and the depth runs out.
func TestSortOfCrowds(t *testing.T) {
	for _, n := range []int{1, 2, 24, 25, 100, 1000} {
		for name, at := range map[string]func(i int) (Time, uint64){
			"equal times": func(i int) (Time, uint64) { return 7, mix64(uint64(i)) },
			"ascending":   func(i int) (Time, uint64) { return Time(i / 3), uint64(i) },
			"descending":  func(i int) (Time, uint64) { return Time(-i / 5), uint64(n - i) },
			"organ pipe":  func(i int) (Time, uint64) { return Time(min(i, n-i)), uint64(i) },
			"random":      func(i int) (Time, uint64) { return Time(mix64(uint64(i)) % 50), uint64(i) },
		} {
			for _, depth := range []int{0, 1, 20} {
				a := make([]Event, n)
				for i := range a {
					a[i].Time, a[i].key = at(i)
				}
				want := slices.Clone(a)
				slices.SortFunc(want, compareEvents)
				quickSort(a, depth)
				insertionSort(a)
				if !slices.Equal(a, want) {
					t.Errorf("%s: %d events, depth %d: out of order", name, n, depth)
				}
			}
		}
	}
}

func BenchmarkSortOfCrowds(b *testing.B) {
	a, work := make([]Event, 512), make([]Event, 512)
	for i := range a {
		a[i].Time, a[i].key = Time(mix64(uint64(i))%4), mix64(uint64(i+1000))
	}
	for name, sort := range map[string]func([]Event){
		"quick":  func(a []Event) { quickSort(a, 20); insertionSort(a) },
		"slices": func(a []Event) { slices.SortFunc(a, compareEvents) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				copy(work, a)
				sort(work)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/512, "ns/event")
		})
	}
}
