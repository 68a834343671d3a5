package validate

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"aisim/storage"
)

// storageCPUs are processors of published clusters: cores of a socket and their speed
// relative to an EPYC 7742's (SPECrate per core; kernel notes, section C1).
var storageCPUs = []struct {
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

// processor reads cores of a node and their speed off the description of a system: a known
// processor, or a generation with the number of cores beside it.
func processor(system string) (cores int, factor float64, ok bool) {
	for _, c := range storageCPUs {
		if strings.Contains(system, c.word) {
			cores, factor = c.cores, c.factor
			break
		}
	}
	if cores == 0 {
		m := coreText.FindStringSubmatch(system)
		if m == nil {
			return 0, 0, false
		}
		cores, _ = strconv.Atoi(m[1])
		if e := epycText.FindStringSubmatch(system); e != nil {
			factor = epycFactor[e[1]+e[2]]
		} else if x := xeonText.FindStringSubmatch(system); x != nil {
			factor = xeonFactor[x[1]]
		}
		if factor == 0 || cores == 0 {
			return 0, 0, false
		}
	}
	if m := sockets.FindStringSubmatch(system); m != nil {
		s, _ := strconv.Atoi(m[1])
		cores *= max(s, 1)
	}
	return cores, factor, true
}

var nicText = regexp.MustCompile(`(?i)(?:(\d+)\s*x\s*)?(\d+)\s*(?:gbe|gb/s|gbps|g\b)`)

// portRate is the rate of a node's ports, one way, in bytes per second.
func portRate(network string) (float64, bool) {
	m := nicText.FindStringSubmatch(network)
	if m == nil {
		return 0, false
	}
	times, _ := strconv.ParseFloat(m[1], 64)
	gb, _ := strconv.ParseFloat(m[2], 64)
	return math.Max(times, 1) * gb / 8 * 1e9, gb > 0
}

// storageDrives are drives by a word of device columns; the first that fits counts, and a drive without a name
// is one of its class.
var storageDrives = []struct{ word, id string }{
	{"pm983", "nvme3-pm983"}, {"p4500", "nvme3-p4510"}, {"p4510", "nvme3-p4510"}, {"p4610", "nvme3-p4510"}, {"p3700", "nvme3-p4510"}, {"p4801x", "nvme3-p4510"},
	{"pm9a3", "nvme4-pm9a3"}, {"7450", "nvme4-7450pro"}, {"7400", "nvme4-7450pro"}, {"cd6", "nvme4-cd6"}, {"cm6", "nvme4-cd6"}, {"p5510", "nvme4-p5510"}, {"p5520", "nvme4-p5520"}, {"p5336", "nvme4-qlc-p5336"}, {"p5316", "nvme4-qlc-p5336"},
	{"9550", "nvme5-9550pro"}, {"cm7", "nvme5-cm7r"}, {"cd8", "nvme5-cm7r"}, {"pm1743", "nvme5-pm1743"}, {"ps1010", "nvme5-ps1010"}, {"d7-ps", "nvme5-ps1010"},
	{"7.2k", "hdd-7200-nl-20tb"}, {"7200", "hdd-7200-nl-20tb"}, {"hdd", "hdd-7200-nl-20tb"},
	{"pm893", "sata-ssd-pm893"}, {"pm883", "sata-ssd-pm893"}, {"sata ssd", "sata-ssd-pm893"},
	{"gen5", "nvme5-ps1010"}, {"gen4", "nvme4-pm9a3"}, {"15.36tb", "nvme4-pm9a3"}, {"nvme", "nvme4-pm9a3"},
}

func (k *stores) drive(device string) (storage.Drive, error) {
	device = strings.ToLower(device)
	for _, d := range storageDrives {
		if !strings.Contains(device, d.word) {
			continue
		}
		h, err := k.catalogue.Drive(d.id)
		if err != nil {
			return storage.Drive{}, err
		}
		return storage.NewDrive(h, nil)
	}
	return storage.Drive{}, fmt.Errorf("device %q is not in the catalogue", device)
}
