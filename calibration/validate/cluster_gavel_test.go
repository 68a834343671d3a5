package validate

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"aisim/internal/measured"
)

// Rows word a run of Gavel's generator in many ways; all of these are one run.
func TestGavelRowsInAllWords(t *testing.T) {
	folder := filepath.Dir(measured.Path(t, "validation/cluster.csv"))
	const tail = "mean_jct_h,17,,h,paper\n"
	table := "id,use,kind,trace,nodes,policy,demand_pct,seeds,metric,value,spread,unit,source\n" +
		"a,gate,jct,\"Gavel generator, single-GPU, 1.2 jobs/h\",36 V100 + 36 P100 + 36 K80,fifo,,0," + tail +
		"b,gate,jct,\"continuous-single, lambda=3000\",v100:36|p100:36|k80:36,FIFO,,0," + tail +
		"c,gate,jct,\"gavel single, arrival rate 1.2\",36:36:36,FIFO (heterogeneity-agnostic),,0," + tail +
		"d,gate,jct,../jobs/gavel-philly/simulation_throughputs.json.gz (single-GPU),36xV100 36xP100 36xK80,first come first served,1.2,0," + tail +
		"g,gate,gavel-sweep,\"single-GPU, 1.2 jobs/h\",\"108 GPUs (36 V100, 36 P100, 36 K80)\",fifo,,1 seed," + tail +
		"e,gate,jct,\"Gavel generator, single-GPU, 1.2 jobs per hour\",v100=36.p100=36.k80=36,fifo,,0,avg_jct_s,61200,,s,paper\n" +
		"f,gate,jct,\"Gavel generator, multi-GPU, 0.4 jobs/h\",36 V100 + 36 P100 + 36 K80,fifo,,0," + tail
	r, err := EvaluateIn(folder, "cluster", strings.NewReader(table))
	if err != nil {
		t.Fatal(err)
	}
	first := 0.0
	for i, c := range r.Cases {
		if c.Status != Predicted {
			t.Errorf("%s: %s", c.ID, c.Reason)
			continue
		}
		v := *c.Predicted
		if c.ID == "e" {
			v /= 3600
		}
		switch {
		case i == 0:
			first = v
			if v < 15 || v > 20 {
				t.Errorf("%.1f h", v)
			}
		case c.ID == "f":
			if math.Abs(v-first) < 0.01 {
				t.Error("jobs of several GPUs make no difference")
			}
		case math.Abs(v/first-1) > 1e-9:
			t.Errorf("%s: %.3f h, as a says %.3f h", c.ID, v, first)
		}
	}
}

func TestGavelRefusals(t *testing.T) {
	folder := filepath.Dir(measured.Path(t, "validation/cluster.csv"))
	for row, want := range map[string]string{
		"gavel single,36 V100 + 36 P100 + 36 K80,fifo,,0,mean_jct_h":                 "arrival rate",
		"gavel 1 jobs/h,36 V100 + 36 P100 + 36 K80,allox,,0,mean_jct_h":              "not modelled",
		"gavel 1 jobs/h,36 V100 + 36 P100 + 36 K80,fifo,,9..2,mean_jct_h":            "seeds",
		"gavel 1 jobs/h,36 V100 + 36 P100 + 36 K80,fifo,,0,p99_wait":                 "metric",
		"gavel 1 jobs/h,36 V100 + 36 P100 + 36 K80,fifo,,0,makespan":                 "no makespan",
		"gavel 90 jobs/h,36 V100 + 36 P100 + 36 K80,fifo,,0,mean_jct_h":              "without end",
		"../jobs/gavel-philly/none.trace,36 V100 + 36 P100 + 36 K80,las,,0,makespan": "none.trace",
	} {
		r, err := EvaluateIn(folder, "cluster", strings.NewReader("id,kind,trace,nodes,policy,demand_pct,seeds,metric,value,unit\na,jct,"+row+",5,h\n"))
		if err != nil {
			t.Fatal(err)
		}
		if c := r.Cases[0]; c.Status == Predicted || !strings.Contains(c.Reason, want) {
			t.Errorf("%s: %s %q, want %q", row, c.Status, c.Reason, want)
		}
	}
}
