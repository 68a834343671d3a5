package validate

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"aisim/storage"
)

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
