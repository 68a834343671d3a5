package validate

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"aisim/hardware"
)

// wires is what a row's fabric says of the network between hosts.
type wires struct {
	class      string  // link class of hardware/profile
	nics       int     // per host
	nicPerSec  float64 // bytes per second and NIC
	assumed    []string
	namesRDMA  bool // the text is about the network, not the scale-up fabric
	namesScale bool
	switched   bool // NVSwitch
}

var (
	timesRate = regexp.MustCompile(`(\d+)\s*[x×]\s*(\d+(?:\.\d+)?)\s*(?:gb/s|gbps|gbe|g\b)`)
	nodeRate  = regexp.MustCompile(`(\d+(?:\.\d+)?)\s*(?:gb/s|gbps)\s*(?:per|/)\s*(?:node|host|server|instance)`)
	oneRate   = regexp.MustCompile(`(\d+(?:\.\d+)?)\s*(?:gb/s|gbps|gbe)`)
)

// nicWords are generations of NICs by the words that tables use, in Gb/s.
var nicWords = []struct {
	word string
	gbps float64
}{{"xdr", 800}, {"cx8", 800}, {"connectx-8", 800}, {"ndr200", 200}, {"ndr", 400}, {"cx7", 400}, {"cx-7", 400}, {"connectx-7", 400}, {"hdr100", 100}, {"hdr", 200}, {"cx6", 200}, {"connectx-6", 200}, {"edr", 100}, {"cx5", 100}, {"qdr", 32}, {"fdr", 56}}

// wiresOf reads a fabric's name; what it does not say comes from the usual host of the chip.
func wiresOf(fabric, notes string, a *hardware.Accelerator, perHost int) wires {
	f := strings.ToLower(fabric)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(f, w) {
				return true
			}
		}
		return false
	}
	var w wires
	w.switched = has("nvswitch")
	w.namesScale = has("nvlink", "nvswitch", "xgmi", "infinity", "intra")
	switch {
	case has("efa"):
		w.class = "efa"
		if a.Year <= 2021 || has("p4d") {
			w.class = "efa1"
		}
	case has("roce", "oci", "rdma cluster", "spectrum"):
		w.class = "roce"
	case has("infiniband", " ib", "ib ", "ndr", "hdr", "xdr", "edr", "quantum", "cx7", "cx6", "cx-7", "connectx", "rdma", "ualink"):
		w.class = "ib"
	case has("tcpx", "gpudirect-tcp", "fastrak"):
		w.class = "tcpx"
	case has("slingshot"):
		w.class = "slingshot"
	case has("ethernet", "tcp", "gbe"):
		w.class = "ethernet"
	}
	w.namesRDMA = w.class != ""
	if w.class == "" {
		w.class = "ib"
		w.assumed = append(w.assumed, "network InfiniBand")
	}
	switch {
	case timesRate.MatchString(f):
		m := timesRate.FindStringSubmatch(f)
		w.nics, _ = strconv.Atoi(m[1])
		gbps, _ := strconv.ParseFloat(m[2], 64)
		w.nicPerSec = gbps * 1e9 / 8
	case nodeRate.MatchString(f):
		gbps, _ := strconv.ParseFloat(nodeRate.FindStringSubmatch(f)[1], 64)
		w.nics = max(1, min(perHost, 8))
		w.nicPerSec = gbps * 1e9 / 8 / float64(w.nics)
	case instanceRate(f+" "+strings.ToLower(notes), a) > 0:
		w.nics = max(1, min(perHost, 8))
		w.nicPerSec = instanceRate(f+" "+strings.ToLower(notes), a) / float64(w.nics)
		w.assumed = append(w.assumed, "the network of the cloud's instance, by the catalogue")
	default:
		for _, g := range nicWords {
			if strings.Contains(f, g.word) {
				w.nicPerSec = g.gbps * 1e9 / 8
				break
			}
		}
		if m := oneRate.FindStringSubmatch(f); w.nicPerSec == 0 && m != nil {
			gbps, _ := strconv.ParseFloat(m[1], 64)
			w.nicPerSec = gbps * 1e9 / 8
		}
	}
	if strings.Contains(f, "effectively one") {
		w.nics = 1
	}
	if w.nics <= 0 || w.nics > 64 {
		w.nics = max(1, perHost)
		w.assumed = append(w.assumed, fmt.Sprintf("%d NICs per host", w.nics))
	}
	if !(w.nicPerSec > 0) {
		w.nicPerSec = usualNIC(a)
		w.assumed = append(w.assumed, fmt.Sprintf("%g Gb/s per NIC", w.nicPerSec*8/1e9))
	}
	return w
}

// usualNIC is the NIC beside each chip in the reference hosts of its year (DGX-1 and
// DGX-2: 100, DGX A100: 200, DGX H100 and B200: 400, GB300: 800 Gb/s).
func usualNIC(a *hardware.Accelerator) float64 {
	gbps := 400.0
	switch {
	case a.Year <= 2019:
		gbps = 100
	case a.Year <= 2021:
		gbps = 200
	case strings.Contains(a.ID, "b300"):
		gbps = 800
	}
	return gbps * 1e9 / 8
}

var notWord = regexp.MustCompile(`[^a-z0-9]+`)

// instanceRate is the network of the cloud instance with chips a that a text names, in bytes
// per second and host: of the largest of its family where only that is named (p4d,
// a3-highgpu, nd96amsr); 0 where the text names none.
func instanceRate(text string, a *hardware.Accelerator) float64 {
	text = "-" + notWord.ReplaceAllString(text, "-") + "-"
	best := 0.0
	for _, e := range hardware.Default().Entries(hardware.KindInstance) {
		i, err := hardware.Default().Instance(e.ID)
		if err != nil || i.AcceleratorID != a.ID || i.Network.V <= best {
			continue
		}
		_, name, _ := strings.Cut(i.ID, "-")
		parts := strings.Split(name, "-")
		family := parts[0]
		if len(parts) > 2 && len(family) < 3 {
			family += "-" + parts[1] // a3-highgpu, bm-gpu
		}
		if strings.Contains(text, "-"+name+"-") || len(family) > 1 && family != "bm-gpu" && strings.Contains(text, "-"+family+"-") {
			best = i.Network.V
		}
	}
	return best
}
