package profile

import "strings"

// LinkClass maps a link's name in the catalogue (an accelerator's scale-up
// link, or an interconnect's or instance's standard) to the class whose
// constants hold for it; "" when the name is empty.
func LinkClass(name string) string {
	n := strings.ToLower(name)
	for _, rule := range linkNames {
		if strings.HasPrefix(n, rule.prefix) {
			return rule.class
		}
	}
	for _, rule := range linkNames {
		if len(rule.prefix) >= 5 && strings.Contains(n, rule.prefix) {
			return rule.class
		}
	}
	switch n {
	case "", "none":
		return ""
	}
	return "other"
}

// linkNames is ordered: more particular names first.
var linkNames = []struct{ prefix, class string }{
	{"nvlink-c2c", "nvlink-c2c"},
	{"nvlink-bridge-a100", "nvlink3"},
	{"nvlink1", "nvlink1"}, {"nvlink2", "nvlink2"}, {"nvlink3", "nvlink3"}, {"nvlink4", "nvlink4"}, {"nvlink5", "nvlink5"}, {"nvlink6", "nvlink6"},
	{"nvswitch1", "nvlink2"}, {"nvswitch2", "nvlink3"}, {"nvswitch3", "nvlink4"}, {"nvswitch4", "nvlink5"},
	{"infinity-fabric", "xgmi"}, {"infinity fabric", "xgmi"}, {"xgmi", "xgmi"},
	{"xe-link", "xe-link"},
	{"tpu-ici", "ici"}, {"ici", "ici"},
	{"tpu-dcn", "ethernet"},
	{"neuronlink", "neuronlink"},
	{"gaudi", "gaudi-roce"}, {"roce-", "gaudi-roce"}, {"on-die roce", "gaudi-roce"},
	{"hccs", "hccs"},
	{"pcie", "pcie"},
	{"efa-v1", "efa1"}, {"efa v1", "efa1"}, {"efa1", "efa1"}, {"efa", "efa"},
	{"gcp-tcpx", "tcpx"}, {"tcpx", "tcpx"}, {"gpudirect", "tcpx"},
	{"slingshot", "slingshot"}, {"cn5000", "slingshot"}, {"omni", "slingshot"},
	{"infiniband", "ib"}, {"qm", "ib"}, {"q34", "ib"}, {"sb7", "ib"}, {"cx", "ib"}, {"connectx", "ib"},
	{"roce", "roce"}, {"eth-", "roce"}, {"pollara", "roce"}, {"vulcano", "roce"}, {"bluefield", "roce"},
	{"ethernet", "roce"}, {"100gbe", "ethernet"}, {"4x200gbe", "ethernet"}, {"12x100gbe", "ethernet"},
}
