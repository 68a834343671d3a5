package scenarios

import (
	"strings"

	"aisim/hardware"
)

// hostMemoryBytesPerSec is the memory bandwidth of a server's processors together: the
// scenario's, or what the catalogue's processor of that name streams; 0 where it has none or the
// server's name stands for several.
func (w *World) hostMemoryBytesPerSec() float64 {
	if given := w.Scenario.Cluster.Override.HostMemBytesPerSec; given != nil {
		return *given
	}
	name := processorModel(w.Server.CPU)
	if name == "" {
		return 0
	}
	for _, e := range w.Catalogue.Entries("accelerator") {
		for word := range strings.SplitSeq(e.ID, "-") {
			if processorModel(word) != name {
				continue
			}
			dev, err := w.Catalogue.Device(e.ID, nil, hardware.NominalDraw)
			if err == nil && dev.Kind == "cpu" {
				return float64(w.Server.CPUSockets) * dev.MemBytesPerSec * dev.Eff.Memory.V
			}
		}
	}
	return 0
}

// processorModel is what tells a processor from its kin: the last word of its name in small
// letters, of a number of four digits no suffix ("Xeon Platinum 8480C": 8480).
func processorModel(name string) string {
	words := strings.Fields(strings.ToLower(name))
	if len(words) == 0 || len(words) > 3 || strings.Contains(name, "/") {
		return ""
	}
	last := words[len(words)-1]
	if digits := len(last) - len(strings.TrimLeft(last, "0123456789")); digits == 4 {
		return last[:4]
	}
	return last
}
