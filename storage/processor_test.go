package storage

import "testing"

func TestProcessor(t *testing.T) {
	for _, c := range []struct {
		text   string
		cores  int
		factor float64
	}{
		{"Dell R6515 EPYC7742 64C", 64, 1}, {"2x Xeon 8180", 56, 1.05}, {"R760 2x Xeon 6438N, 4 RGW/node", 64, 1.05},
		{"EPYC 9554 64C", 64, 1.25}, {"2x Xeon Gold 6430 32 cores", 64, 1.1}, {"EPYC 7713 64 cores", 64, 1.25},
		{"EPYC 9554", 0, 0}, {"Z80 4 cores", 0, 0},
	} {
		cores, factor, ok := Processor(c.text)
		if cores != c.cores || factor != c.factor || ok != (c.cores > 0) {
			t.Errorf("%s: %d cores × %g, %v; want %d × %g", c.text, cores, factor, ok, c.cores, c.factor)
		}
	}
}
