package execution

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aisim/internal/measured"
)

// simaiExample writes the workload of SimAI's published run of 9,216 GPUs: six layers of
// gradients, 24 micro-batches of 8 mixture layers each, and a tail (facts of
// example/workload_analytical.txt).
func simaiExample() string {
	var b strings.Builder
	n := 0
	layer := func(name string, fc int, f string, fb int, ic int, i string, ib int, wc int, w string, wb int) {
		fmt.Fprintf(&b, "%s\t-1\t%d\t%s\t%d\t%d\t%s\t%d\t%d\t%s\t%d\t100\n", name, fc, f, fb, ic, i, ib, wc, w, wb)
		n++
	}
	const none = "NONE"
	layer("grad_gather", 1, none, 0, 1, none, 0, 1, "ALLGATHER", 2807758848)
	layer("grad_param_comm", 1, none, 0, 1, none, 0, 1, "REDUCESCATTER", 5615517696)
	layer("grad_param_compute", 1, none, 0, 29700224, none, 0, 1, none, 0)
	layer("embedding_grads", 1, none, 0, 1, "ALLREDUCE", 50331648, 1, none, 0)
	layer("moe_grad_norm1", 1, none, 0, 1, none, 0, 1, "ALLGATHER_DP_EP", 19327352832)
	layer("moe_grad_norm2", 1, none, 0, 1, none, 0, 1, "REDUCESCATTER_DP_EP", 38654705664)
	for g := range 24 {
		weight := 875420
		if g == 0 {
			weight = 15091072
		}
		layer("embedding_layer", 622731, "ALLREDUCE", 50331648, 1, none, 0, weight, none, 0)
		for range 8 {
			layer("attention_column", 1750840, "ALLGATHER", 50331648, 875420, "REDUCESCATTER", 0, 875420, none, 0)
			layer("attention_row", 1750840, "REDUCESCATTER", 50331648, 875420, "ALLGATHER", 50331648, 875420, none, 0)
			layer("mlp_moelayer", 7956367, "ALLGATHER", 1572864, 7956367, "ALLGATHER", 1572864, 1, none, 0)
			for _, p := range [][3]any{{"ALLTOALL", "ALLTOALL", 25165824}, {"ALLTOALL_EP", "ALLTOALL_EP", 100663296}, {"ALLGATHER", "REDUCESCATTER", 201326592}, {"REDUCESCATTER", "ALLGATHER", 201326592}, {"ALLTOALL_EP", "ALLTOALL_EP", 100663296}, {"ALLTOALL", "ALLTOALL", 25165824}} {
				layer("mlp_moelayer", 1, p[0].(string), p[2].(int), 1, p[1].(string), p[2].(int), 1, none, 0)
			}
		}
		layer("final_column", 875420, "ALLGATHER", 50331648, 875420, "REDUCESCATTER", 0, 875420, none, 0)
	}
	for i := range 3 {
		layer(fmt.Sprintf("cross_entropy%d", i+1), 0, "ALLREDUCE", 16384, 0, none, 0, 0, none, 0)
	}
	for i := range 4 {
		layer(fmt.Sprintf("optimizer%d", i+1), 0, "ALLREDUCE", 4, 0, none, 0, 0, none, 0)
	}
	return fmt.Sprintf("HYBRID_TRANSFORMER_FWD_IN_BCKWD model_parallel_NPU_group: 2 ep: 16 pp: 12 vpp: 8 ga: 24 all_gpus: 9216 checkpoints: 0 checkpoint_initiates: 0 pp_comm 251658240\n%d\n", n) + b.String()
}

// SimAI's published run: compute 4,542,795 us, exposed by group, total 7,545,619 us.
func TestSimAIExample(t *testing.T) {
	path := filepath.Join(t.TempDir(), "workload.txt")
	if err := os.WriteFile(path, []byte(simaiExample()), 0o644); err != nil {
		t.Fatal(err)
	}
	if f, err := Detect(path); f != FormatLayers || err != nil {
		t.Fatalf("detected %q, %v", f, err)
	}
	l, err := ReadLayers(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(l.List) != 1789 {
		t.Fatalf("%d layers", len(l.List))
	}
	r, err := SimAIDefault.Run(l)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string][2]float64{"compute": {r.ComputeNs, 4542795}, "exposed": {r.ExposedNs, 2656839}, "bubble": {r.BubbleNs, 345984}, "total": {r.TotalNs, 7545619},
		"TP": {r.GroupNs[0], 326686}, "EP": {r.GroupNs[1], 1222811}, "DP": {r.GroupNs[2], 40332}, "DP_EP": {r.GroupNs[3], 1067010}} {
		if math.Abs(c[0]/1000-c[1]) > 0.5 {
			t.Errorf("%s: %.1f us, SimAI prints %.0f", name, c[0]/1000, c[1])
		}
	}
	// The same layers as a trace: as much compute.
	tr := l.Trace()
	if err := tr.Check(); err != nil {
		t.Fatal(err)
	}
	var ns int64
	for i := range tr.Ranks[0].Nodes {
		if n := &tr.Ranks[0].Nodes[i]; n.Kind == Compute {
			ns += n.DurationNs
		}
	}
	if ns != l.ComputeNs() {
		t.Errorf("%d ns of compute as a trace, %d in the layers", ns, l.ComputeNs())
	}
	half := SimAIDefault
	half.NIC /= 2
	if slow, _ := half.Run(l); slow.TotalNs <= r.TotalNs {
		t.Error("half the network is not slower")
	}
}

// ASTRA-sim's regression: 1 MiB over a ring of 8.
func TestRingExample(t *testing.T) {
	if ns, err := RingDefault.AllReduceNs(1 << 20); ns != 117780 || err != nil {
		t.Errorf("%g ns, %v; ASTRA-sim's golden is 117,780", ns, err)
	}
}

// The trace of Chakra's own tests: 3,664 nodes, 21 collectives, 329,543 us on the device.
func TestChakraFeederTrace(t *testing.T) {
	tr, err := Read(measured.Path(t, "calibration/chakra/feeder_tests_trace.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	r := &tr.Ranks[0]
	var collectives, kernels int
	var device int64
	for i := range r.Nodes {
		n := &r.Nodes[i]
		if n.Kind == Collective {
			collectives++
		}
		if !n.Host && (n.Kind == Compute || n.Kind == Collective) {
			kernels++
			device += n.DurationNs
		}
	}
	dropped := 0
	for _, w := range tr.Warnings {
		if strings.HasSuffix(w.What, "the dependency is dropped") {
			dropped += w.Count
		}
	}
	if len(r.Nodes) != 3664 || collectives != 21 || len(r.Deps)+dropped != 185542 || kernels != 1216 || device != 329543000 || tr.Version != "1.0.1" {
		t.Errorf("%d nodes, %d collectives, %d + %d dependencies, %d kernels, %d ns of the device, version %q", len(r.Nodes), collectives, len(r.Deps), dropped, kernels, device, tr.Version)
	}
	res, err := tr.Replay(Machine{})
	if err != nil {
		t.Fatal(err)
	}
	if c := res.Ranks[0].ComputeNs; c > device || c < device*8/10 || res.TotalNs < c {
		t.Errorf("replayed in %d ns, computing in %d of them; %d were recorded", res.TotalNs, c, device)
	}
}

// A profile played on its own machine takes as long as it was recorded.
func TestKinetoReplaysItself(t *testing.T) {
	for _, name := range []string{"alexnet_trace", "mi250_minitoy_rocm62", "timeline_analysis_sampled_rank-0"} {
		tr, err := Read(measured.Path(t, "calibration/kineto/"+name+".json.gz"))
		if err != nil {
			t.Fatal(err)
		}
		r := &tr.Ranks[0]
		var span int64
		for i := range r.Nodes {
			span = max(span, r.Nodes[i].StartNs+r.Nodes[i].DurationNs)
		}
		res, err := tr.Replay(Machine{})
		if err != nil {
			t.Fatal(err)
		}
		if off := math.Abs(float64(res.TotalNs)/float64(span) - 1); off > 0.001 {
			t.Errorf("%s: replayed in %d us, recorded in %d", name, res.TotalNs/1000, span/1000)
		}
	}
}

func TestPyTorchOperators(t *testing.T) {
	tr, err := Read(measured.Path(t, "calibration/pytorch-et/benchmark_simple_add_et.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	var adds, bytes float64
	for i := range tr.Ranks[0].Nodes {
		if n := &tr.Ranks[0].Nodes[i]; tr.Ranks[0].NameOf(n) == "aten::add" {
			adds, bytes = adds+1, n.Bytes
		}
	}
	if adds != 2 || bytes != 3*256*256*4 {
		t.Errorf("%g additions of %g bytes, want 2 of three 256 x 256 matrices in 32 bits", adds, bytes)
	}
}
