package validate

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"aisim/internal/measured"
)

func evaluate(t *testing.T, table string) *Report {
	t.Helper()
	r, err := Evaluate("collectives", strings.NewReader(table))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The gate of issue 2/8 on the shared table.
func TestCollectivesGate(t *testing.T) {
	f, err := os.Open(measured.Path(t, "validation/collectives.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := Evaluate("collectives", f)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][2]float64{">= 64 MiB": {0.03, 0.08}, "1-64 MiB": {0.05, 0.12}, "< 1 MiB": {0.12, 0.35}}
	seen := 0
	for _, g := range r.Groups {
		most, ok := want[g.Key]
		if g.By != "size" || !ok {
			continue
		}
		seen++
		t.Logf("%-10s %3d rows, median %.1f %%, p90 %.1f %%, inside %.0f %%; roofline %.1f %%", g.Key, g.Total, 100**g.MedianAbsError, 100**g.P90AbsError, 100**g.InsideInterval, 100**g.RooflineMedian)
		if *g.MedianAbsError > most[0] || *g.P90AbsError > most[1] || g.Refused > 0 {
			t.Errorf("%s: median %.3f, p90 %.3f, %d refused; want %.2f, %.2f, none", g.Key, *g.MedianAbsError, *g.P90AbsError, g.Refused, most[0], most[1])
		}
		if *g.RooflineMedian < *g.MedianAbsError {
			t.Errorf("%s: a plain roofline does better", g.Key)
		}
	}
	if seen != len(want) {
		t.Errorf("%d of %d size classes", seen, len(want))
	}
	if *r.Summary.InsideInterval < 0.85 {
		t.Errorf("%.2f inside the 90 %% interval", *r.Summary.InsideInterval)
	}
}

const header = "id,use,op,algo,chips,nodes,chip,fabric,size_bytes,busbw_GBps,algbw_GBps,time_us,notes,source\n"

func TestRowsOfAllSorts(t *testing.T) {
	r := evaluate(t, header+
		`rate,,all_reduce,NCCL auto,8,1,H100-SXM-80GB,NVSwitch,17179869184,480,,,,s
time,gate,all_gather,NCCL auto,16,2,H100-SXM-80GB,IB NDR 8x400 Gb/s,1073741824,,,3000,,s
rack,gate,all_reduce,NCCL auto,72,18,GB200,NVL72,17179869184,840,,,,s
mesh,gate,all_reduce,RCCL,8,1,MI300X,xGMI,17179869184,312.9,,,,s
ratio,gate,all_reduce,NCCL auto,,,H100,OCI RDMA,1073741824,449.51,239.74,,,s
out,exclude,all_reduce,NCCL,8,1,H100,,1,1,1,1,,s
info,info,all_reduce,NCCL,8,1,H100,NVSwitch,1024,,,17,,s
alien,gate,all_reduce,NCCL,8,1,Z80,NVSwitch,1024,,,17,,s
what,gate,gossip,NCCL,8,1,H100,NVSwitch,1024,,,17,,s
none,gate,all_reduce,NCCL,8,1,H100,NVSwitch,1024,,,,,s
torn,gate,all_reduce,NCCL,8,1,H100,NVSwitch,12k,,,17,,s
neg,gate,all_reduce,NCCL,-8,1,H100,NVSwitch,1024,,,17,,s
one,gate,all_reduce,NCCL,,1,H100,NVSwitch,1024,,,17,,s
use,maybe,all_reduce,NCCL,8,1,H100,NVSwitch,1024,,,17,,s
`)
	by := map[string]Case{}
	for _, c := range r.Cases {
		by[c.ID] = c
	}
	for id, want := range map[string]Status{"rate": Predicted, "time": Predicted, "rack": Predicted, "mesh": Predicted, "ratio": Predicted, "info": Predicted,
		"alien": Refused, "what": Refused, "none": Refused, "one": Refused, "torn": Failed, "neg": Failed, "use": Failed} {
		c := by[id]
		if c.Status != want || want != Predicted && c.Reason == "" {
			t.Errorf("%s is %s (%s), want %s", id, c.Status, c.Reason, want)
		}
		if want == Predicted && !(*c.Low < *c.Predicted && *c.Predicted < *c.High) {
			t.Errorf("%s: %g is not inside %g to %g", id, *c.Predicted, *c.Low, *c.High)
		}
	}
	if r.Skipped != 1 || r.Summary.Total != 11 || r.Summary.Predicted != 5 {
		t.Errorf("skipped %d, total %d, predicted %d", r.Skipped, r.Summary.Total, r.Summary.Predicted)
	}
	// Rates are inverted before the error is taken.
	rate := by["rate"]
	if e := *rate.Measured / *rate.Predicted - 1; math.Abs(*rate.Error-e) > 1e-12 {
		t.Errorf("error %g of a rate, want %g", *rate.Error, e)
	}
	if len(by["ratio"].Assumed) == 0 || !strings.Contains(by["ratio"].Assumed[0], "16 chips") {
		t.Errorf("assumed %v", by["ratio"].Assumed)
	}
	// A rack of 72 is one domain: nothing crosses a NIC.
	if !strings.Contains(by["rack"].Note, "scaleup") {
		t.Errorf("the rack: %s", by["rack"].Note)
	}
	data, err := json.Marshal(r)
	if err != nil || !strings.Contains(string(data), `"schema":"aisim.validate/v1"`) {
		t.Errorf("%v, %.80s", err, data)
	}
	if text := string(r.Text()); !strings.Contains(text, "all gate cases") {
		t.Error("no summary in the text")
	}
}

// What should matter moves the answer in the right direction.
func TestColumnsMatter(t *testing.T) {
	sec := func(row string) float64 {
		c := evaluate(t, header+row).Cases[0]
		if c.Status != Predicted {
			t.Fatalf("%s: %s", row, c.Reason)
		}
		return *c.Predicted
	}
	base := sec("x,gate,all_reduce,NCCL auto,16,2,H100,IB 8x400 Gb/s,1073741824,,,1,,s\n")
	for what, slower := range map[string]string{
		"older chip":   "x,gate,all_reduce,NCCL auto,16,2,A100-SXM,IB 8x400 Gb/s,1073741824,,,1,,s\n",
		"slower NICs":  "x,gate,all_reduce,NCCL auto,16,2,H100,IB 8x100 Gb/s,1073741824,,,1,,s\n",
		"EFA":          "x,gate,all_reduce,NCCL auto,16,2,H100,EFA 3200 Gb/s per node,1073741824,,,1,,s\n",
		"more bytes":   "x,gate,all_reduce,NCCL auto,16,2,H100,IB 8x400 Gb/s,2147483648,,,1,,s\n",
		"more hosts":   "x,gate,all_reduce,NCCL auto,64,8,H100,IB 8x400 Gb/s,1073741824,,,1,,s\n",
		"a ring":       "x,gate,all_reduce,NCCL Ring,16,2,H100,IB 8x400 Gb/s,1073741824,,,1,,s\n",
		"all-to-all":   "x,gate,alltoall,NCCL auto,16,2,H100,IB 8x400 Gb/s,1073741824,,,1,,s\n",
		"one NIC each": "x,gate,all_reduce,NCCL auto,16,2,H100,IB 1x400 Gb/s,1073741824,,,1,,s\n",
	} {
		if got := sec(slower); got <= base {
			t.Errorf("%s: %g µs, not slower than %g", what, got, base)
		}
	}
}

func TestUnreadable(t *testing.T) {
	for table, want := range map[string]string{
		"":                             "empty",
		"id,size\n":                    "no column op, chip",
		"op,chip,op\n":                 "twice",
		"op,chip\n\"torn\n":            "line",
		"op,chip\na,b,c,d\n":           "4 cells under 2 columns",
		"op,chip\nall_reduce,\"x\"y\n": "line 2",
	} {
		if _, err := Evaluate("collectives", strings.NewReader(table)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error with %q", table, err, want)
		}
	}
	if _, err := Evaluate("tea leaves", strings.NewReader(header)); err == nil || !strings.Contains(err.Error(), "collectives") {
		t.Errorf("%v", err)
	}
}

func FuzzCollectives(f *testing.F) {
	f.Add(header + "x,gate,all_reduce,NCCL auto,16,2,H100,IB 8x400 Gb/s,1073741824,,,1,,s\n")
	f.Add(header + "x,info,moe_dispatch,low-latency,64,8,H800,CX7,,48,,173,FLOOR,s\n")
	f.Add("op,chip,chips,nodes\np2p,NVLink,3,2\n")
	f.Fuzz(func(t *testing.T, table string) {
		if len(table) > 4096 {
			return
		}
		r, err := Evaluate("collectives", strings.NewReader(table))
		if err != nil {
			return
		}
		if _, err := json.Marshal(r); err != nil {
			t.Fatal(err)
		}
		r.Text()
	})
}
