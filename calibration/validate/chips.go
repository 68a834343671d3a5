package validate

import (
	"fmt"
	"strings"

	"aisim/hardware"
)

// chipName is a rule that turns what tables call a chip into a catalogue id: its words all occur
// in the name. A word that ends in a digit is not the beginning of a longer number (L4 is
// not L40). instead says which chip the row names, where the id is only the nearest to it.
type chipName struct {
	words, id string
	instead   string
}

// chipNames: the first rule that fits wins.
var chipNames = []chipName{
	{"gb300", "nvidia-gb300", ""}, {"gb200", "nvidia-gb200", ""}, {"gh200 144", "nvidia-gh200-144", ""}, {"gh200", "nvidia-gh200-96", ""},
	{"b300", "nvidia-b300-sxm", ""}, {"b200", "nvidia-b200-sxm", ""}, {"b100", "nvidia-b100", ""},
	{"h200 nvl", "nvidia-h200-nvl", ""}, {"h200", "nvidia-h200-sxm", ""},
	{"h800", "nvidia-h800-sxm", ""}, {"h20 3e", "nvidia-h20-141", ""}, {"h20 141", "nvidia-h20-141", ""}, {"h20e", "nvidia-h20-141", ""}, {"h20", "nvidia-h20", ""},
	{"h100 pcie", "nvidia-h100-pcie", ""}, {"h100 nvl", "nvidia-h100-nvl-94", ""}, {"h100", "nvidia-h100-sxm", ""},
	{"a800", "nvidia-a800-sxm-80", ""}, {"a100 pcie 40", "nvidia-a100-pcie-80", "A100 PCIe of 40 GB"}, {"a100 pcie", "nvidia-a100-pcie-80", ""},
	{"a100 40", "nvidia-a100-sxm-40", ""}, {"a100", "nvidia-a100-sxm-80", ""},
	{"v100 pcie", "nvidia-v100-sxm2-16", "V100 PCIe"}, {"v100 32", "nvidia-v100-sxm2-32", ""}, {"v100", "nvidia-v100-sxm2-16", ""},
	{"p100 pcie", "nvidia-p100-pcie-16", ""}, {"p100", "nvidia-p100-sxm2-16", ""},
	{"l40s", "nvidia-l40s", ""}, {"l40", "nvidia-l40", ""}, {"l20", "nvidia-l20", ""}, {"l4", "nvidia-l4", ""}, {"a10g", "nvidia-a10g", ""}, {"a6000", "nvidia-rtx-a6000", ""}, {"6000 ada", "nvidia-rtx-6000-ada", ""},
	{"t4", "nvidia-t4", ""}, {"a30", "nvidia-a30", ""}, {"a40", "nvidia-a40", ""}, {"a10", "nvidia-a10", ""},
	{"p40", "nvidia-p40", ""}, {"tesla p4", "nvidia-p4", ""}, {"m40", "nvidia-m40", ""}, {"titan xp", "nvidia-titan-xp", ""}, {"titanxp", "nvidia-titan-xp", ""}, {"titanx pascal", "nvidia-titan-x-pascal", ""}, {"titan x pascal", "nvidia-titan-x-pascal", ""}, {"1080", "nvidia-gtx-1080ti", ""},
	{"2080", "nvidia-rtx-2080ti", ""}, {"3090", "nvidia-rtx-3090", ""}, {"nvidia a2", "nvidia-a2", ""},
	{"b60", "intel-arc-pro-b60", ""},
	{"pro 6000 max q", "nvidia-rtx-pro-6000-server", "RTX PRO 6000 Max-Q of 300 W"}, {"rtx pro 6000", "nvidia-rtx-pro-6000-server", ""}, {"rtxpro6000", "nvidia-rtx-pro-6000-server", ""}, {"5090", "nvidia-rtx-5090", ""}, {"4090 laptop", "nvidia-rtx-4090", "RTX 4090 Laptop"}, {"4090d", "nvidia-rtx-4090d", ""}, {"4090 d", "nvidia-rtx-4090d", ""}, {"4090", "nvidia-rtx-4090", ""},
	{"mi355", "amd-mi355x", ""}, {"mi350", "amd-mi350x", ""}, {"mi325", "amd-mi325x", ""}, {"mi300a", "amd-mi300a", ""}, {"mi300", "amd-mi300x", ""},
	{"mi250x", "amd-mi250x", ""}, {"mi250", "amd-mi250", ""}, {"mi210", "amd-mi210", ""}, {"mi100", "amd-mi100", ""}, {"mi50", "amd-mi50-32", ""},
	{"gaudi3", "intel-gaudi3", ""}, {"gaudi2", "intel-gaudi2", ""},
	{"910b", "huawei-ascend-910b", ""}, {"910c", "huawei-ascend-910c", ""}, {"max 1550", "intel-max-1550", ""}, {"pvc", "intel-max-1550", ""},
	{"trainium3", "aws-trainium3", ""}, {"trn3", "aws-trainium3", ""}, {"trainium2", "aws-trainium2", ""}, {"trn2", "aws-trainium2", ""}, {"trainium", "aws-trainium1", ""}, {"trn1", "aws-trainium1", ""},
	{"tpu v5p", "google-tpu-v5p", ""}, {"v5p", "google-tpu-v5p", ""}, {"v5litepod", "google-tpu-v5e", ""}, {"v5e", "google-tpu-v5e", ""}, {"v6e", "google-tpu-v6e", ""}, {"tpu v5e", "google-tpu-v5e", ""}, {"tpu v5 lite", "google-tpu-v5e", ""}, {"tpu v6", "google-tpu-v6e", ""}, {"trillium", "google-tpu-v6e", ""},
	{"tpu v7", "google-tpu-v7", ""}, {"ironwood", "google-tpu-v7", ""}, {"tpu v4", "google-tpu-v4", ""}, {"tpu v3", "google-tpu-v3", ""}, {"tpu v2", "google-tpu-v2", ""},
}

// moreChips are names that only tables of single chips use: processors, edge chips, ASIC.
var moreChips = []chipName{
	{"agx thor", "nvidia-jetson-agx-thor-t5000", ""}, {"t5000", "nvidia-jetson-agx-thor-t5000", ""}, {"agx orin 32", "nvidia-jetson-agx-orin-64", "AGX Orin of 32 GB"}, {"agx orin", "nvidia-jetson-agx-orin-64", ""}, {"orin agx", "nvidia-jetson-agx-orin-64", ""},
	{"orin nx 8gb", "nvidia-jetson-orin-nx-16", "Orin NX of 8 GB"}, {"orin nx", "nvidia-jetson-orin-nx-16", ""}, {"orin nano super", "nvidia-jetson-orin-nano-super", ""}, {"orin nano 4gb", "nvidia-jetson-orin-nano-8", "Orin Nano of 4 GB"}, {"orin nano", "nvidia-jetson-orin-nano-8", ""},
	{"xavier nx", "nvidia-jetson-xavier-nx-8", ""}, {"agx xavier", "nvidia-jetson-agx-xavier-32", ""}, {"jetson tx2", "nvidia-jetson-tx2", ""}, {"jetson nano", "nvidia-jetson-nano", ""},
	{"6980p", "intel-xeon-6980p-gnr", ""}, {"granite rapids", "intel-xeon-6980p-gnr", ""}, {"8480", "intel-xeon-8480p-spr", ""}, {"sapphire rapids", "intel-xeon-8480p-spr", ""},
	{"8592", "intel-xeon-8592p-emr", ""}, {"8490h", "intel-xeon-8480p-spr", "Xeon 8490H"}, {"8470", "intel-xeon-8480p-spr", "Xeon 8470"}, {"emerald rapids", "intel-xeon-8592p-emr", ""},
	{"7763", "amd-epyc-7763-milan", ""}, {"9654", "amd-epyc-9654-genoa", ""}, {"9755", "amd-epyc-9755-turin", ""}, {"9965", "amd-epyc-9965-turin-dense", ""},
	{"graviton4", "aws-graviton4", ""}, {"grace", "nvidia-grace", ""},
	{"inferentia2", "aws-inferentia2", ""}, {"inf2", "aws-inferentia2", ""}, {"inferentia", "aws-inferentia1", ""}, {"inf1", "aws-inferentia1", ""},
	{"edge tpu", "google-edge-tpu", ""}, {"coral", "google-edge-tpu", ""}, {"ncs2", "intel-movidius-ncs2", ""}, {"neural compute stick 2", "intel-movidius-ncs2", ""}, {"neural compute stick", "intel-movidius-ncs1", ""},
	{"alveo u50lv", "amd-alveo-u50", "U50LV"}, {"u50lv", "amd-alveo-u50", "U50LV"}, {"u55c", "amd-alveo-u55c", ""}, {"u50", "amd-alveo-u50", ""}, {"u200", "amd-alveo-u200", ""}, {"u250", "amd-alveo-u250", ""}, {"u280", "amd-alveo-u280", ""}, {"vck5000", "amd-versal-vck5000", ""},
	{"mtia v2", "meta-mtia-v2", ""}, {"mtia", "meta-mtia-v1", ""}, {"wse3", "cerebras-wse3", ""}, {"wse 3", "cerebras-wse3", ""}, {"wse2", "cerebras-wse2", ""}, {"wse 2", "cerebras-wse2", ""}, {"groq", "groq-lpu-v1", ""},
	{"gc200", "graphcore-gc200", ""}, {"bow ipu", "graphcore-bow", ""}, {"graphcore bow", "graphcore-bow", ""}, {"nnp t", "intel-nnp-t1000", ""}, {"nnp i1300", "intel-nnp-i1300", ""}, {"nnp i1100", "intel-nnp-i1100", ""}, {"gaudi", "intel-gaudi1-hl205", ""},
}

// nvlinkChips say which chip a row that names only the link stands for.
const unnamedNVLink = "nvidia-h100-sxm"

// chipID is the catalogue id of an accelerator's name in a table; "" where no rule fits. assumed
// says what was taken for granted.
func chipID(name string) (id, assumed string) {
	n := chipText(name)
	if id, assumed = matchChip(n, chipNames); id != "" {
		return id, assumed
	}
	if strings.Contains(n, "nvlink") || strings.Contains(n, "nvswitch") {
		return unnamedNVLink, "chip " + unnamedNVLink + " (the row names only NVLink)"
	}
	return "", ""
}

// chipOf is chipID with the chips that only tables of single chips name, and with all ids of
// the catalogue whose parts behind the maker's occur in the name; of several the longest.
func chipOf(name string) (id, assumed string) {
	if id, assumed = chipID(name); id != "" {
		return id, assumed
	}
	n := chipText(name)
	if id, assumed = matchChip(n, moreChips); id != "" {
		return id, assumed
	}
	for _, e := range hardware.Default().Entries(hardware.KindAccelerator) {
		maker, rest, _ := strings.Cut(e.ID, "-")
		if len(rest) < 3 && !strings.Contains(n, maker) {
			continue // hailo-8
		}
		if containsWords(n, strings.ReplaceAll(rest, "-", " ")) && len(e.ID) > len(id) {
			id = e.ID
		}
	}
	return id, ""
}

// servingChip is the chip of a row of serving runs, which must name one kind alone.
func servingChip(name string) (id, assumed string, err error) {
	for _, part := range strings.FieldsFunc(name, func(r rune) bool { return r == ',' || r == ';' || r == '+' || r == '&' }) {
		other, note := chipOf(part)
		switch {
		case other == "":
			continue // "80GB, SXM"
		case id != "" && other != id:
			return "", "", fmt.Errorf("%q names two kinds of chips, %s and %s: services of mixed chips are not predicted", name, id, other)
		}
		id, assumed = other, note
	}
	if id == "" {
		if id, assumed = chipOf(name); id == "" {
			return "", "", notInCatalogue(name)
		}
	}
	return id, assumed, nil
}

// notInCatalogue is the error of a chip that no rule knows, with what would make it known.
func notInCatalogue(name string) error {
	return fmt.Errorf("chip %q is not in the catalogue: its peak rates and memory bandwidth are not known (aisim catalog list --kind accelerator has the ids)", name)
}

func matchChip(name string, rules []chipName) (id, assumed string) {
	for _, r := range rules {
		if !containsWords(name, r.words) {
			continue
		}
		if r.instead != "" {
			return r.id, r.instead + " taken as " + r.id + ": it is not in the catalogue"
		}
		return r.id, ""
	}
	return "", ""
}

var chipSeparators = strings.NewReplacer("-", " ", "_", " ", "/", " ", ",", " ", ";", " ", "(r)", " ", "(tm)", " ", "(", " ", ")", " ", "+", " ", "tpuv", "tpu v")

// chipText is a name in lower case with spaces for all that separates its words.
func chipText(name string) string {
	words := strings.Join(strings.Fields(chipSeparators.Replace(strings.ToLower(name))), " ")
	return " " + strings.ReplaceAll(words, "gaudi ", "gaudi") + " "
}

// containsWords says whether all words occur in a text; one that ends in a digit with no further
// digit behind it, and a number by itself with none before it.
func containsWords(text, words string) bool {
	digit := func(b byte) bool { return b >= '0' && b <= '9' }
	for _, w := range strings.Fields(words) {
		found := false
		for at := 0; at < len(text) && !found; at++ {
			i := strings.Index(text[at:], w)
			if i < 0 {
				break
			}
			at += i
			end := at + len(w)
			found = !(digit(w[len(w)-1]) && end < len(text) && digit(text[end])) && !(digit(w[0]) && at > 0 && digit(text[at-1]))
			// A word of a letter and digits is a name of its own: the T4 is not in a GPT4.
			found = found && !(len(w) < 4 && at > 0 && text[at-1] >= 'a' && text[at-1] <= 'z')
		}
		if !found {
			return false
		}
	}
	return true
}
