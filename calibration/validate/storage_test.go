package validate

import (
	"math"
	"os"
	"strings"
	"testing"

	"aisim/internal/measured"
	"aisim/storage/loader"
)

// Issue 6/8 on the shared table of storage systems.
func TestStorageTable(t *testing.T) {
	r := sharedReport(t, "storage", "storage.csv")
	hold(t, r, []limit{{"class", "large I/O", 0.05, 0.15}, {"class", "small I/O", 0.08, 0.20}, {"class", "recovery", 0.08, 0.15},
		{"class", "MLPerf unet3d", 0.05, 0.10}, {"class", "MLPerf resnet50", 0.05, 0.10}, {"class", "MLPerf cosmoflow", 0.05, 0.15}, {"class", "one OSD", 0.05, 0.10}})
	if s := r.Summary; *s.MedianAbsError > 0.05 || *s.P90AbsError > 0.25 {
		t.Errorf("all: median %.3f p90 %.3f", *s.MedianAbsError, *s.P90AbsError)
	}
	for _, c := range r.Cases {
		if c.scale == Size && strings.Contains(c.Metric, "size") && math.Abs(*c.Error) > 0.01 {
			t.Errorf("%s: a checkpoint is %+.1f %% off", c.ID, 100**c.Error)
		}
	}
	twice(t, "storage", "storage.csv", r)
	document(t, "validation-storage.md", r, "class", "metric")
}

// How many accelerators a system supports, from another measured point of its own: pairs of the table with one
// workload and the same hosts. A point that ended above its floor is a lower bound.
func TestAcceleratorsSupported(t *testing.T) {
	f, err := os.Open(measured.Path(t, "validation/storage.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	table, err := ReadTable(f)
	if err != nil {
		t.Fatal(err)
	}
	kind, err := newStorage()
	if err != nil {
		t.Fatal(err)
	}
	k := kind.(*stores)
	k.study(table)
	var errs []float64
	for _, p := range k.points {
		w, err := loader.Find(p.workload)
		if err != nil {
			t.Fatal(err)
		}
		if s, from, err := k.calibrated(p, w); err == nil && from.accelerator != p.accelerator {
			step, _ := w.StepSec(p.accelerator)
			got := float64(s.Supported(w, step))
			t.Logf("%s %s %s, %s: %g of %s at %.3f → %g; submitted %g at %.3f", p.system, p.hosts, p.workload, p.accelerator, from.n, from.accelerator, from.utilisation, got, p.n, p.utilisation)
			errs = append(errs, math.Abs(got/p.n-1))
		}
	}
	if m := middle(errs); m == nil || len(errs) < 10 || *m > 0.10 {
		t.Errorf("%d pairs, median error %v", len(errs), percent(m))
	} else {
		t.Logf("%d pairs, median error %s", len(errs), percent(m))
	}
}

// The closed loop of one queue: the limits are those of its service and its delay.
func TestClosedRate(t *testing.T) {
	if got, want := closedRate(1, 1e-3, 9e-3), 100.0; math.Abs(got/want-1) > 1e-12 {
		t.Errorf("one request: %g per second, want %g", got, want)
	}
	if got, want := closedRate(1e4, 1e-3, 9e-3), 1000.0; math.Abs(got/want-1) > 1e-6 {
		t.Errorf("many requests: %g per second, want %g", got, want)
	}
}

const storageHeader = "id,system,nodes,osds,device,network,replication,workload,block_size,clients,metric,value,unit\n"

func TestStorageRefusalsAndSensitivity(t *testing.T) {
	base := "a,Ceph Reef Dell R6515 EPYC7742 64C,10,60,Samsung PM983 4TB,1x100GbE,rep3,fio librbd write,4MB,60 procs qd128 colocated,throughput,25,GB/s"
	value := func(row string) float64 {
		c := reportOf(t, "storage", storageHeader+row+"\n").Cases[0]
		if c.Predicted == nil {
			t.Fatalf("%s: %s", row, c.Reason)
		}
		return *c.Predicted
	}
	was := value(base)
	for _, c := range []struct {
		from, to string
		up       bool
	}{{",10,60,", ",20,120,", true}, {"1x100GbE", "2x100GbE", true}, {"rep3", "rep2", true}, {"rep3,", "rep3 LUKS,", false}} {
		if now := value(strings.Replace(base, c.from, c.to, 1)); (now > was) != c.up || now == was {
			t.Errorf("%s → %s: from %g to %g", c.from, c.to, was, now)
		}
	}
	// The same row in other words.
	for from, to := range map[string]string{"rep3": "3x replication", ",rep3,": ",replica 3,", "librbd write,4MB,": "librbd 4MB write,,"} {
		if now := value(strings.Replace(base, from, to, 1)); now != was {
			t.Errorf("%s → %s: from %g to %g", from, to, was, now)
		}
	}
	if a, b := value(strings.Replace(base, "rep3", "EC6+2", 1)), value(strings.Replace(base, "rep3", "6+2 EC", 1)); a != b || a == was {
		t.Errorf("6+2 in two ways: %g and %g, three copies %g", a, b, was)
	}
	for _, c := range []struct{ from, to, want string }{
		{"1x100GbE", "", "network"}, {",60,", ",,", "OSDs"}, {"EPYC7742", "Z80", "processor"}, {"Samsung PM983 4TB", "drum", "device"}, {"rep3", "raid5", "replication"}, {"rep3,", "rep3 rot13,", "effect"},
	} {
		got := reportOf(t, "storage", storageHeader+strings.Replace(base, c.from, c.to, 1)+"\n").Cases[0]
		if got.Status != Refused || !strings.Contains(got.Reason, c.want) {
			t.Errorf("%s → %s: %s %q, want %q", c.from, c.to, got.Status, got.Reason, c.want)
		}
	}
}
