package validate

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"aisim/internal/measured"
)

// Issue 3/8 on the shared table of other chips.
func TestOtherChipsTable(t *testing.T) {
	r := sharedReport(t, "other-chips", "other-chips.csv")
	hold(t, r, []limit{{"family", "FPGA", 0.10, 0.60}, {"family", "Inferentia LLM decode", 0.04, 0.20}, {"family", "Inferentia LLM prefill", 0.15, 0.30},
		{"family", "Coral", 0.20, 0.80}, {"family", "Jetson", 0.20, 0.60}, {"family", "MLPerf", 0.08, 0.35}})
	if s := r.Summary; *s.MedianAbsError > 0.20 || *s.P90AbsError > 0.80 || float64(s.Predicted) < 0.95*float64(s.Total) {
		t.Errorf("all: median %.3f p90 %.3f, %d of %d", *s.MedianAbsError, *s.P90AbsError, s.Predicted, s.Total)
	}
	// Rows that no fit saw: 90 % intervals hold 85 to 95 % of them.
	for _, h := range r.HeldOut {
		if h.Inside != nil && h.Cases >= 100 && (*h.Inside < 0.85 || *h.Inside > 0.97) {
			t.Errorf("%s held out: 90 %% intervals hold %.3f", h.Class, *h.Inside)
		}
		if h.Class == "all of them" && (*h.HeldOut > 0.20 || *h.HeldOutP90 > 0.80 || *h.Rank < 0.97 || *h.Inside > 0.95) {
			t.Errorf("held out: median %.3f, p90 %.3f, rank %.3f, inside %.3f", *h.HeldOut, *h.HeldOutP90, *h.Rank, *h.Inside)
		}
	}
	twice(t, "other-chips", "other-chips.csv", r)
	document(t, "validation-other-chips.md", r, "family and metric", "chip", "rung")
}

const otherHeader = "id,chip,model,batch,precision,metric,value,unit,notes\n"

const dpuRows = `a,AMD/Xilinx ZCU102,net (pt_net_imagenet_224_224_8G),,int8 (DPU),throughput_fps,200,frames/s,"end-to-end, ZCU102 board with a 3 * B4096 @ 281MHz DPU configuration"
b,AMD/Xilinx ZCU104,net (pt_net_imagenet_224_224_8G),,int8 (DPU),throughput_fps,150,frames/s,"end-to-end, ZCU104 board with a 2 * B4096 @ 300MHz DPU configuration"
`

// A DPU row is anchored by the other board and never by itself.
func TestAnchors(t *testing.T) {
	r := reportOf(t, "other-chips", otherHeader+dpuRows)
	for _, c := range r.Cases {
		if c.Status != Predicted || c.Rung != "the model on a board of another build" {
			t.Errorf("%s: %s %s %s", c.ID, c.Status, c.Rung, c.Reason)
		}
	}
	first := *r.Cases[0].Predicted
	moved := reportOf(t, "other-chips", otherHeader+strings.Replace(dpuRows, ",200,", ",900,", 1))
	if *moved.Cases[0].Predicted != first {
		t.Error("a row's own measurement moved its prediction")
	}
	if *moved.Cases[1].Predicted <= *r.Cases[1].Predicted {
		t.Error("a faster anchor did not make the other board faster")
	}
	alone := reportOf(t, "other-chips", otherHeader+strings.SplitAfter(dpuRows, "\n")[0])
	if alone.Cases[0].Rung != "operations alone" {
		t.Errorf("without an anchor: %s", alone.Cases[0].Rung)
	}
}

// Boards and chips that the shared table does not hold are predicted from what is known of
// their kind, with the interval of a guess.
func TestBoardsUnseen(t *testing.T) {
	const net = "net (pt_net_imagenet_224_224_8G)"
	pe := func(id, engines string) string {
		return id + ",AMD/Xilinx VCK5000," + net + ",,int8,throughput_fps,2000,frames/s,VCK5000 with DPUCVDX8H running at " + engines + "@350 MHz\n"
	}
	for _, c := range []struct{ rows, rung string }{
		{pe("a", "4PE"), "operations alone"},
		{pe("a", "4PE") + pe("b", "8PE"), "the model on another board of the build"},
		{"a,Jetson Nano,ResNet50 224,1,fp16,throughput_fps,30,frames/s,\n", "operations, one rate per chip"},
		{"a,NVIDIA T4,ResNet50 224,1,fp16,throughput_fps,300,frames/s,\n", "operations and launches"},
		{"a,Intel Movidius NCS2,MobileNet v2 224,1,int8,throughput_fps,2000,frames/s,\n", ""},
		{"a,AMD Alveo U55C,ResNet50 224,1,int8,throughput_fps,900,frames/s,\n", "generic operator, datasheet roofline"},
	} {
		got := reportOf(t, "other-chips", otherHeader+c.rows).Cases[0]
		if c.rung == "" {
			if got.Status != Refused || !strings.Contains(got.Reason, "memory bandwidth") {
				t.Errorf("%s: %s %s", c.rows, got.Status, got.Reason)
			}
			continue
		}
		if got.Status != Predicted || got.Rung != c.rung || !(*got.Predicted > 0) {
			t.Errorf("%s: %s %q %s, want %q", c.rows, got.Status, got.Rung, got.Reason, c.rung)
		}
	}
	four, eight := reportOf(t, "other-chips", otherHeader+pe("a", "4PE")), reportOf(t, "other-chips", otherHeader+pe("a", "8PE"))
	if *eight.Cases[0].Predicted <= *four.Cases[0].Predicted {
		t.Error("twice the engines are no faster")
	}
}

// A network whose answer is a picture is held up by the host of an embedded board, one that
// names a picture is not.
func TestHostOfBoard(t *testing.T) {
	fps := func(task string) float64 {
		r := reportOf(t, "other-chips", otherHeader+"a,AMD/Xilinx VCK190,net (pt_net_"+task+"_512_1024_8G),,int8,throughput_fps,100,frames/s,Versal board with 192 AIEs running at 1250 MHz\n")
		return *r.Cases[0].Predicted
	}
	if mask, label := fps("cityscapes"), fps("imagenet"); mask > label/2 {
		t.Errorf("%g frames/s of masks, %g of labels", mask, label)
	}
}

func TestOtherChipsRefusals(t *testing.T) {
	for _, c := range []struct{ row, want string }{
		{"a,Coral Edge TPU,Frobnet,1,int8,latency_ms,3,ms,", "operations are not known"},
		{"a,Coral Edge TPU,VGG16 224,1,int8,colour,3,ms,", "metric"},
		{"a,Coral Edge TPU,VGG16 224,1,int8,latency_ms,3,s,", "unit"},
		{"a,Abacus,ResNet50 224,1,int8,throughput_fps,3,frames/s,", "catalogue"},
		{"a,NVIDIA H100-SXM-80GB,MLPerf frob,,,samples_per_s,3,samples/s,scenario Offline; 8 accelerators", "no reference"},
	} {
		got := reportOf(t, "other-chips", otherHeader+c.row+"\n").Cases[0]
		if got.Status != Refused || !strings.Contains(got.Reason, c.want) {
			t.Errorf("%s: %s %q, want %q", c.row, got.Status, got.Reason, c.want)
		}
	}
}

// What is shipped is what make chips writes.
func TestShippedChips(t *testing.T) {
	text, err := os.ReadFile(measured.Path(t, "validation/other-chips.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func(io.Reader) ([]byte, error){"boards.csv": Boards, "forms.toml": FitForms} {
		want, err := write(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		have, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		// What rests on the step model of serving moves with it.
		served := regexp.MustCompile(`\["nim request"\][^\[]*`)
		if !bytes.Equal(served.ReplaceAll(have, nil), served.ReplaceAll(want, nil)) {
			t.Errorf("%s is not what make chips writes", name)
		}
	}
}

// A network that the table holds on one board is anchored by what is shipped of others, never by what
// is shipped of its own board.
func TestShippedAnchors(t *testing.T) {
	row := func(chip, build string) Case {
		return reportOf(t, "other-chips", otherHeader+"a,"+chip+",resnet50_v1 (tf_resnetv1_50_imagenet_224_224_6.97G),,int8,throughput_fps,100,frames/s,\"Board with "+build+" running at 300MHz\"\n").Cases[0]
	}
	if c := row("Alveo U55C", "11 DPUCAHX8H-DWC kernels"); c.Rung != "the model on another board of the build" {
		t.Errorf("U55C: %s %s", c.Rung, c.Reason)
	}
	for _, name := range []string{"AMD/Xilinx U200", "Alveo U200", "U200 (rev 2)"} {
		if c := row(name, "2 DPUCADF8H kernels"); *c.Predicted == 947 {
			t.Errorf("%s is anchored by itself", name)
		}
	}
}

// Names of chips as other tables have them.
func TestChipNames(t *testing.T) {
	for name, want := range map[string]string{
		"NVIDIA A100-SXM4-80GB": "nvidia-a100-sxm-80", "NVIDIA H100 80GB HBM3": "nvidia-h100-sxm", "h100_sxm": "nvidia-h100-sxm", "GH200 144GB": "nvidia-gh200-144",
		"Tesla T4": "nvidia-t4", "L40": "nvidia-l40", "NVIDIA L4": "nvidia-l4", "L40S": "nvidia-l40s", "A10": "nvidia-a10", "A10G": "nvidia-a10g", "AMD MI300X-NPS1-SPX-192GB-750W": "amd-mi300x",
		"Intel(R) Gaudi(R) 2": "intel-gaudi2", "Gaudi-3": "intel-gaudi3", "TPUv5p": "google-tpu-v5p", "tpu-v5-lite": "google-tpu-v5e", "Google TPU Trillium": "google-tpu-v6e",
		"CPU INTEL(R) XEON(R) 6980P": "intel-xeon-6980p-gnr", "AMD EPYC 9654": "amd-epyc-9654-genoa", "NVIDIA Grace": "nvidia-grace", "NVIDIA GH200-GraceHopper-Superchip-96GB": "nvidia-gh200-96",
		"Jetson Orin Nano 8GB (Super, 25 W)": "nvidia-jetson-orin-nano-super", "Orin AGX": "nvidia-jetson-agx-orin-64", "Ascend 910B": "huawei-ascend-910b", "Hailo-8": "hailo-8",
		"GTX 1080 Ti": "nvidia-gtx-1080ti", "TitanXP": "nvidia-titan-xp", "Intel Movidius NCS2": "intel-movidius-ncs2", "Coral Dev Board": "google-edge-tpu", "Cloud AI 100": "qualcomm-cloud-ai-100", "GPT4-box": "", "RTX 3050": "", "Z80": "",
	} {
		if id, _ := chipOf(name); id != want {
			t.Errorf("%s is %q, want %q", name, id, want)
		}
	}
	if _, assumed := chipOf("V100-PCIE-16GB"); !strings.Contains(assumed, "V100 PCIe") {
		t.Errorf("another part is taken in silence: %q", assumed)
	}
}
