package validate

import "strings"

// chipNames turns what tables call a chip into catalogue ids: the first rule whose words
// all occur in the lower-case name wins.
var chipNames = []struct {
	words []string
	id    string
}{
	{[]string{"gb300"}, "nvidia-gb300"}, {[]string{"gb200"}, "nvidia-gb200"}, {[]string{"gh200"}, "nvidia-gh200-96"},
	{[]string{"b300"}, "nvidia-b300-sxm"}, {[]string{"b200"}, "nvidia-b200-sxm"}, {[]string{"b100"}, "nvidia-b100"},
	{[]string{"h200", "nvl"}, "nvidia-h200-nvl"}, {[]string{"h200"}, "nvidia-h200-sxm"},
	{[]string{"h800"}, "nvidia-h800-sxm"}, {[]string{"h20"}, "nvidia-h20"},
	{[]string{"h100", "pcie"}, "nvidia-h100-pcie"}, {[]string{"h100", "nvl"}, "nvidia-h100-nvl-94"}, {[]string{"h100"}, "nvidia-h100-sxm"},
	{[]string{"a800"}, "nvidia-a800-sxm-80"}, {[]string{"a100", "pcie"}, "nvidia-a100-pcie-80"}, {[]string{"a100", "40"}, "nvidia-a100-sxm-40"}, {[]string{"a100"}, "nvidia-a100-sxm-80"},
	{[]string{"v100", "32"}, "nvidia-v100-sxm2-32"}, {[]string{"v100"}, "nvidia-v100-sxm2-16"},
	{[]string{"p100", "pcie"}, "nvidia-p100-pcie-16"}, {[]string{"p100"}, "nvidia-p100-sxm2-16"},
	{[]string{"l40s"}, "nvidia-l40s"}, {[]string{"l40"}, "nvidia-l40"}, {[]string{"l4"}, "nvidia-l4"}, {[]string{"a10g"}, "nvidia-a10g"}, {[]string{"a6000"}, "nvidia-rtx-a6000"}, {[]string{"6000", "ada"}, "nvidia-rtx-6000-ada"}, {[]string{"t4"}, "nvidia-t4"}, {[]string{"a30"}, "nvidia-a30"}, {[]string{"a40"}, "nvidia-a40"}, {[]string{"a10"}, "nvidia-a10"},
	{[]string{"b60"}, "intel-arc-pro-b60"},
	{[]string{"rtx", "pro", "6000"}, "nvidia-rtx-pro-6000-server"}, {[]string{"5090"}, "nvidia-rtx-5090"}, {[]string{"4090"}, "nvidia-rtx-4090"},
	{[]string{"mi355"}, "amd-mi355x"}, {[]string{"mi350"}, "amd-mi350x"}, {[]string{"mi325"}, "amd-mi325x"}, {[]string{"mi300a"}, "amd-mi300a"}, {[]string{"mi300"}, "amd-mi300x"},
	{[]string{"mi250x"}, "amd-mi250x"}, {[]string{"mi250"}, "amd-mi250"}, {[]string{"mi210"}, "amd-mi210"}, {[]string{"mi100"}, "amd-mi100"},
	{[]string{"gaudi3"}, "intel-gaudi3"}, {[]string{"gaudi 3"}, "intel-gaudi3"}, {[]string{"gaudi2"}, "intel-gaudi2"}, {[]string{"gaudi 2"}, "intel-gaudi2"},
	{[]string{"max 1550"}, "intel-max-1550"}, {[]string{"max-1550"}, "intel-max-1550"}, {[]string{"pvc"}, "intel-max-1550"},
	{[]string{"trainium2"}, "aws-trainium2"}, {[]string{"trn2"}, "aws-trainium2"}, {[]string{"trainium"}, "aws-trainium1"}, {[]string{"trn1"}, "aws-trainium1"},
	{[]string{"tpu", "v5p"}, "google-tpu-v5p"}, {[]string{"tpu", "v5e"}, "google-tpu-v5e"}, {[]string{"tpu", "v6e"}, "google-tpu-v6e"}, {[]string{"tpu", "v4"}, "google-tpu-v4"},
}

// nvlinkChips say which chip a row that names only the link stands for.
const unnamedNVLink = "nvidia-h100-sxm"

// chipID is the catalogue id of a chip's name in a table; "" where no rule fits. assumed
// says what was taken for granted.
func chipID(name string) (id, assumed string) {
	n := strings.ToLower(name)
	for _, rule := range chipNames {
		all := true
		for _, w := range rule.words {
			all = all && strings.Contains(n, w)
		}
		if all {
			return rule.id, ""
		}
	}
	if strings.Contains(n, "nvlink") || strings.Contains(n, "nvswitch") {
		return unnamedNVLink, "chip " + unnamedNVLink + " (the row names only NVLink)"
	}
	return "", ""
}
