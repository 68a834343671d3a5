package place

import (
	"testing"

	"pgregory.net/rapid"

	"aisim/sim"
)

func newTest(t *testing.T, policy Policy, mix []Pod, nodes ...Node) *Placer {
	t.Helper()
	c, err := NewCluster(nodes)
	if err != nil {
		t.Fatal(err)
	}
	s := sim.NewStream(1, "place")
	return NewPlacer(c, policy, mix, &s)
}

func node(cpu int64, gpus int, model string) Node {
	return Node{Name: "n", CPUMilli: cpu, MemMiB: 1 << 20, GPUs: gpus, Model: model}
}

func share(milli int) Pod { return Pod{CPUMilli: 1000, GPUs: 1, GPUMilli: milli} }
func whole(gpus int) Pod  { return Pod{CPUMilli: 1000, GPUs: gpus, GPUMilli: Milli} }

func place(t *testing.T, p *Placer, pod Pod) (int, uint16) {
	t.Helper()
	n, g, ok := p.Place(p.Class(pod))
	if !ok {
		t.Fatalf("%+v does not fit", pod)
	}
	return n, g
}

func TestBestFitTakesTheFullerNode(t *testing.T) {
	p := newTest(t, BestFit, nil, node(64000, 8, "A"), node(64000, 2, "A"))
	if n, _ := place(t, p, whole(1)); n != 1 {
		t.Errorf("node %d, want the small one", n)
	}
	p = newTest(t, WorstFit, nil, node(64000, 8, "A"), node(64000, 2, "A"))
	if n, _ := place(t, p, whole(1)); n != 0 {
		t.Errorf("worst fit: node %d, want the large one", n)
	}
}

func TestSharesJoinTheFullestGPU(t *testing.T) {
	p := newTest(t, BestFit, nil, node(64000, 2, "A"))
	place(t, p, share(400))
	place(t, p, whole(1))
	if _, g := place(t, p, share(500)); g != 1 {
		t.Errorf("mask %b, want the GPU with 600 left", g)
	}
	if _, _, ok := p.Place(p.Class(share(200))); ok {
		t.Error("200 thousandths were placed where 100 are left")
	}
}

func TestPackingPrefersSharedThenUsedThenIdle(t *testing.T) {
	p := newTest(t, Packing, nil, node(64000, 4, "A"), node(64000, 4, "A"))
	place(t, p, share(300)) // node 0, GPU 0
	if n, g := place(t, p, share(300)); n != 0 || g != 1 {
		t.Errorf("a share went to node %d, GPUs %b", n, g)
	}
	if n, _ := place(t, p, whole(3)); n != 0 {
		t.Errorf("three GPUs went to the idle node")
	}
	if n, _ := place(t, p, whole(2)); n != 1 {
		t.Errorf("two GPUs went to node %d", n)
	}
}

func TestClusteringKeepsKindsTogether(t *testing.T) {
	p := newTest(t, Clustering, nil, node(64000, 8, "A"), node(64000, 8, "A"))
	place(t, p, share(300))
	if n, _ := place(t, p, whole(2)); n != 1 {
		t.Error("two whole GPUs went beside a share though a node was idle")
	}
	if n, _ := place(t, p, whole(2)); n != 1 {
		t.Error("the second pair left the first")
	}
}

// A hand-worked case of FGD: shares of 500 are all that is asked for. On GPU 0 700 are
// left and on GPU 1 500: a share of 200 would leave 500 on the first, which a share can
// still use, and 300 on the second, which none can.
func TestFGDAvoidsUselessRests(t *testing.T) {
	mix := []Pod{share(500)}
	p := newTest(t, FGD, mix, node(64000, 2, "A"))
	p.c.take(0, &class{cpu: 1000, gpus: 1, milli: 300}, 1, 1)
	p.c.take(0, &class{cpu: 1000, gpus: 1, milli: 500}, 2, 1)
	p.changed(0)
	if _, g := place(t, p, share(200)); g != 1 {
		t.Errorf("mask %b, want GPU 0", g)
	}
	if f := p.Fragment(); f != 0 {
		t.Errorf("fragment %v, want none: both GPUs hold 500 free", f)
	}
}

func TestModelsAreObeyed(t *testing.T) {
	p := newTest(t, FirstFit, nil, node(64000, 8, "A"), node(64000, 8, "B"))
	pod := whole(1)
	pod.Models = []string{"B", "C"}
	if n, _ := place(t, p, pod); n != 1 {
		t.Errorf("node %d has another model", n)
	}
	pod.Models = []string{"C"}
	if _, _, ok := p.Place(p.Class(pod)); ok {
		t.Error("placed on a model that no node has")
	}
}

// What is placed and released leaves the cluster as it was, never holds more than a node
// has, and the cached scores agree with scores computed afresh.
func TestPlacedAndReleased(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		policy := Policy(rapid.IntRange(0, int(FGD)).Draw(rt, "policy"))
		var nodes []Node
		for range rapid.IntRange(1, 6).Draw(rt, "nodes") {
			nodes = append(nodes, node(rapid.Int64Range(1000, 64000).Draw(rt, "cpu"), rapid.IntRange(0, 8).Draw(rt, "gpus"), rapid.SampledFrom([]string{"A", "B"}).Draw(rt, "model")))
		}
		mix := []Pod{share(300), whole(1), whole(2), {CPUMilli: 500}}
		p := newTest(t, policy, mix, nodes...)
		type held struct {
			class, node int
			gpus        uint16
		}
		var in []held
		for range 40 {
			if len(in) > 0 && rapid.Bool().Draw(rt, "release") {
				i := rapid.IntRange(0, len(in)-1).Draw(rt, "which")
				p.Release(in[i].class, in[i].node, in[i].gpus)
				in = append(in[:i], in[i+1:]...)
				continue
			}
			pod := rapid.SampledFrom(append(mix, share(700), whole(4), Pod{CPUMilli: 100, GPUs: 1, GPUMilli: Milli, Models: []string{"B"}})).Draw(rt, "pod")
			k := p.Class(pod)
			if n, g, ok := p.Place(k); ok {
				in = append(in, held{k, n, g})
			}
			for n := range nodes {
				fresh := int16(infeasible)
				if p.c.fits(n, &p.classes[k]) {
					fresh = p.score(n, &p.classes[k])
				}
				p.refresh(&p.classes[k])
				if p.classes[k].scores[n] != fresh {
					rt.Fatalf("node %d: score %d is kept, %d is true", n, p.classes[k].scores[n], fresh)
				}
			}
		}
		for _, h := range in {
			p.Release(h.class, h.node, h.gpus)
		}
		for n, c := range nodes {
			if p.c.cpu[n] != c.CPUMilli || p.c.mem[n] != c.MemMiB || p.c.left[n] != int32(c.GPUs*Milli) {
				rt.Fatalf("node %d is not as it was", n)
			}
		}
	})
}

func BenchmarkPlace(b *testing.B) {
	var nodes []Node
	for i := range 1213 {
		nodes = append(nodes, node(96000, 1+i%8, "A"))
	}
	mix := []Pod{share(300), share(500), whole(1), whole(2), whole(8), {CPUMilli: 4000}}
	for b.Loop() {
		c, _ := NewCluster(nodes)
		s := sim.NewStream(1, "bench")
		p := NewPlacer(c, FGD, mix, &s)
		for i := range 10000 {
			p.Place(p.Class(mix[i%len(mix)]))
		}
	}
}
