package validate

import (
	"strings"
	"testing"

	"aisim/hardware"
)

// What a fabric's words make of the network of a host with eight chips.
func TestWires(t *testing.T) {
	for _, x := range []struct {
		chip, fabric string
		class        string
		hostGbps     float64
	}{
		{"nvidia-a100-sxm-40", "NVSwitch + EFA 400 Gb/s (p4d)", "efa1", 400},
		{"nvidia-h100-sxm", "NVSwitch + GPUDirect-TCPX (a3-highgpu)", "tcpx", 1000},
		{"nvidia-h100-sxm", "NVSwitch + IB NDR 8x400 Gb/s", "ib", 3200},
		{"nvidia-h100-sxm", "EFA 3200 Gb/s per node", "efa", 3200},
		{"nvidia-v100-sxm2-32", "4x100 Gb/s EDR", "ib", 400},
		{"nvidia-h100-sxm", "InfiniBand", "ib", 3200},
		{"nvidia-h100-sxm", "p4d", "ib", 3200}, // an instance with other chips
	} {
		a, err := hardware.Default().Accelerator(x.chip)
		if err != nil {
			t.Fatal(err)
		}
		w := wiresOf(x.fabric, "", a, 8)
		if got := float64(w.nics) * w.nicPerSec * 8 / 1e9; w.class != x.class || got < 0.999*x.hostGbps || got > 1.001*x.hostGbps {
			t.Errorf("%s, %s: class %s, %g Gb/s a host, want %s and %g", x.chip, x.fabric, w.class, got, x.class, x.hostGbps)
		}
	}
}

// Words of a row that decide between links, and those that are refused.
func TestLinksByWords(t *testing.T) {
	predicted := func(chip, fabric, algo string) Case {
		return reportOf(t, "collectives", "id,use,op,algo,chips,nodes,chip,fabric,size_bytes,busbw_GBps,time_us\n"+
			"a,gate,all_reduce,"+algo+",4,1,"+chip+","+fabric+",1073741824,10,\n").Cases[0]
	}
	bus, links := predicted("V100", "PCIe", ""), predicted("V100", "NVLink2", "")
	if bus.Status != Predicted || links.Status != Predicted || *links.Predicted < 5**bus.Predicted {
		t.Errorf("over PCIe %+v, over NVLink %+v", bus.Predicted, links.Predicted)
	}
	if c := predicted("V100", "NVLink2", "Gloo"); c.Status != Refused || !strings.Contains(c.Reason, "Gloo") {
		t.Errorf("%s %q", c.Status, c.Reason)
	}
}
