package storage

import (
	"regexp"
	"strconv"
	"strings"
)

// processors are those of published clusters: cores of a socket and their speed
// relative to an EPYC 7742's (SPECrate per core; kernel notes, section C1).
var processors = []struct {
	word   string
	cores  int
	factor float64
}{
	{"7742", 64, 1}, {"7543", 32, 1.25}, {"74f3", 24, 1.5}, {"9454", 48, 1.25}, {"9354", 32, 1.35}, {"9654", 96, 1.1}, {"7402", 24, 1.1}, {"7702", 64, 0.95},
	{"8180", 28, 1.05}, {"6438n", 32, 1.05}, {"8276", 28, 1}, {"6142", 16, 1.1}, {"6226r", 16, 1.15}, {"5218", 16, 1}, {"6348", 28, 1.1}, {"8452y", 36, 1.15}, {"6230", 20, 1},
	{"e5-2650v3", 10, 1}, {"e5-2650 v3", 10, 1}, {"e5-2640", 8, 0.95}, {"e-2278g", 8, 1.48},
}

var (
	sockets  = regexp.MustCompile(`(\d)x (?:intel )?(?:xeon|e5|epyc|amd)`)
	epycText = regexp.MustCompile(`epyc ?([79])\w\w([1-5])`)
	xeonText = regexp.MustCompile(`xeon ?(?:gold |silver |platinum )?[3-8]([1-6])\d\d`)
	coreText = regexp.MustCompile(`\b(\d{1,3})(?:c| cores)\b`)
)

// Speed of a core by generation, from the processors above: the last digit of an EPYC's number, the second of a
// Xeon's.
var (
	epycFactor = map[string]float64{"71": 0.85, "72": 1, "73": 1.25, "94": 1.25, "95": 1.4}
	xeonFactor = map[string]float64{"1": 1.05, "2": 1.05, "3": 1.1, "4": 1.1, "5": 1.15, "6": 1.2}
)

// Processor reads cores of a node and their speed off the description of a system: a known
// processor, or a generation with the number of cores beside it ("EPYC 9554 64C").
func Processor(system string) (cores int, factor float64, ok bool) {
	system = strings.ToLower(system)
	cores, factor = coreSpeed(system)
	if cores == 0 {
		if m := coreText.FindStringSubmatch(system); m != nil {
			cores, _ = strconv.Atoi(m[1])
		}
	}
	if factor == 0 || cores == 0 {
		return 0, 0, false
	}
	if m := sockets.FindStringSubmatch(system); m != nil {
		s, _ := strconv.Atoi(m[1])
		cores *= max(s, 1)
	}
	return cores, factor, true
}

// coreSpeed is the speed of a processor's cores, 0 if it is not known, and how many a known one has.
func coreSpeed(system string) (cores int, factor float64) {
	for _, c := range processors {
		if strings.Contains(system, c.word) {
			return c.cores, c.factor
		}
	}
	if m := epycText.FindStringSubmatch(system); m != nil {
		return 0, epycFactor[m[1]+m[2]]
	}
	if m := xeonText.FindStringSubmatch(system); m != nil {
		return 0, xeonFactor[m[1]]
	}
	return 0, 0
}
