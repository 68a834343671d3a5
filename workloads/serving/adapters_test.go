package serving

import (
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"aisim/hardware"
	"aisim/sim"
	"aisim/workloads/arrivals"
)

// adapted is Llama 3.1 8B on one H100 with adapters.
func adapted(t testing.TB, a Adapters) (Config, Machine) {
	return Config{Arch: arch(t, "llama3.1-8b"), Engine: engine(t, "vllm"), Precision: hardware.BF16, KVPrecision: hardware.BF16,
		TP: 1, Replicas: 1, Router: LeastOutstanding, Adapters: a}, Machine{Device: device(t, "nvidia-h100-sxm")}
}

// zipfAdapters gives each request an adapter, the k-th with a chance in proportion to 1/k^s.
func zipfAdapters(reqs []Request, n int, s float64, seed uint64) (shares []float64) {
	shares = make([]float64, n)
	sum := 0.0
	for k := range shares {
		shares[k] = math.Pow(float64(k+1), -s)
		sum += shares[k]
	}
	for k := range shares {
		shares[k] /= sum
	}
	stream := sim.NewStream(seed, "adapters")
	for i := range reqs {
		u, k := stream.Float64(), 0
		for ; k < n-1 && u >= shares[k]; k++ {
			u -= shares[k]
		}
		reqs[i].Adapter = int32(k + 1)
	}
	return shares
}

// The sizes are those of fine-tuning tools: rank 16 on all seven matrices of Llama 3.1 8B is
// 41,943,040 parameters, on q and v 6,815,744. They come out of the cache, and half of each matrix
// cut over two chips is A or B whole: a chip holds more than half.
func TestAdapterMemory(t *testing.T) {
	a := Adapters{Count: 20, Rank: 16, Slots: 8}
	c, m := adapted(t, a)
	if whole, chip := a.Bytes(&c.Arch, 1, 1); whole != 2*41943040 || chip != whole {
		t.Errorf("an adapter takes %v B, %v B on the chip", whole, chip)
	}
	qv := Adapters{Count: 1, Rank: 16, Slots: 1, Modules: []string{"q", "v"}}
	if whole, _ := qv.Bytes(&c.Arch, 1, 1); whole != 2*6815744 {
		t.Errorf("q and v take %v B", whole)
	}
	// Two chips, by hand for one layer: q 4096 + 4096/2, k and v 4096 + 1024/2 each, o 4096/2 + 4096,
	// gate and up 4096 + 14336/2 each, down 14336/2 + 4096.
	if _, chip := a.Bytes(&c.Arch, 2, 1); chip != 2*16*32*(6144+2*4608+6144+2*11264+11264) {
		t.Errorf("a chip of two holds %v B", chip)
	}
	with, err := PlanMemory(c, m)
	if err != nil {
		t.Fatal(err)
	}
	c.Adapters = Adapters{}
	without, err := PlanMemory(c, m)
	if err != nil {
		t.Fatal(err)
	}
	if lost := without.Cache - with.Cache; math.Abs(lost-8*2*41943040) > 1 {
		t.Errorf("8 slots take %v B from the cache", lost)
	}
	c.Adapters = Adapters{Count: 900, Rank: 16, Slots: 900}
	if _, err := PlanMemory(c, m); err == nil || !strings.Contains(err.Error(), "GB slots of adapters") {
		t.Errorf("75 GB of slots are refused with the arithmetic, got %v", err)
	}
}

// One request with an adapter that is not there takes the step, the load and the adapter's work;
// the next with the same adapter no load; both pay the work at every token. The load is the
// adapter's bytes over the host link and a small copy for each tensor.
func TestOneAdapter(t *testing.T) {
	c, m := adapted(t, Adapters{Count: 4, Rank: 16, Slots: 2, Host: 3, StoreBytesPerSec: 1e9, StoreSec: 0.05})
	p, err := Prepare(c, m)
	if err != nil {
		t.Fatal(err)
	}
	x := p.Model.adapters
	bytes := 2.0 * 41943040
	copies := 2 * 7 * 32 * m.Device.LaunchSec
	if want := bytes/m.Device.HostBytesPerSec + copies; math.Abs(x.loadSec/want-1) > 1e-9 {
		t.Errorf("a load takes %v s, %v s by hand", x.loadSec, want)
	}
	store := 0.05 + bytes/1e9
	const n, out = 100, 11
	reqs := []Request{{Prompt: n, Output: out}, {ArriveSec: 9, Prompt: n, Output: out, Adapter: 1}, {ArriveSec: 19, Prompt: n, Output: out, Adapter: 1}, {ArriveSec: 29, Prompt: n, Output: out, Adapter: 4}}
	for _, beside := range []bool{false, true} {
		p.Config.Adapters.Beside = beside
		f := runFleet(t, p, reqs, Options{})
		base := f.rec[0]
		first, decode := base.first-base.ready, base.finish-base.first
		for i, load := range []float64{0, x.loadSec, 0, x.loadSec + store} {
			rec := f.rec[i]
			work, each := x.step(1, n).sec, x.step(1, 1).sec*(out-1)
			if i == 0 {
				work, each = 0, 0
			}
			if got, want := rec.first-rec.ready, first+work+load; math.Abs(got-want) > 1e-9 {
				t.Errorf("beside %v, request %d: first token after %.9f s, want %.9f", beside, i, got, want)
			}
			if got, want := rec.finish-rec.first, decode+each; math.Abs(got-want) > 1e-9 {
				t.Errorf("beside %v, request %d: further tokens take %.9f s, want %.9f", beside, i, got, want)
			}
		}
		o, err := p.Simulate(reqs, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if u := o.Adapters; u.Asked != 3 || u.Hits != 1 || u.Loads != 2 || u.Fetched != 1 || math.Abs(u.WaitSec*4-2*x.loadSec-store) > 1e-7 {
			t.Errorf("beside %v: %+v", beside, u)
		}
	}
}

// TestCheLRU holds the hit rate of slots under requests of Zipf popularity against Che's
// approximation (Che, Tung and Wang 2002): an adapter is there with 1 − e^(−pT), T such that these
// chances add up to the slots. It is known to err by less than 1 % for a hundred items and more;
// 120,000 requests one after the other leave 0.3 %.
func TestCheLRU(t *testing.T) {
	for _, k := range []struct {
		count, slots int
		s            float64
	}{{100, 10, 1}, {100, 40, 0.8}, {1000, 64, 1.1}} {
		p := toyAdapters(toyService(toyEngine, 1, 1, 64, 5000), Adapters{Count: k.count, Slots: k.slots})
		reqs := poisson(t, 10, 12_000, fixed(4), fixed(1), 7)
		shares := zipfAdapters(reqs, k.count, k.s, 1)
		o, err := p.Simulate(reqs, Options{})
		if err != nil {
			t.Fatal(err)
		}
		low, high := 0.0, 1e9
		for range 200 {
			mid := (low + high) / 2
			sum := 0.0
			for _, q := range shares {
				sum -= math.Expm1(-q * mid)
			}
			if sum < float64(k.slots) {
				low = mid
			} else {
				high = mid
			}
		}
		che := 0.0
		for _, q := range shares {
			che -= q * math.Expm1(-q*low)
		}
		got := o.Adapters.HitRate()
		t.Logf("%d adapters, %d slots, exponent %v: hit rate %.4f, Che %.4f", k.count, k.slots, k.s, got, che)
		if math.Abs(got-che) > 0.01 {
			t.Errorf("%d adapters, %d slots: hit rate %.4f, Che's is %.4f", k.count, k.slots, got, che)
		}
		if want := o.Adapters.Asked - o.Adapters.Hits; o.Adapters.Loads != want {
			t.Errorf("%d loads for %d misses", o.Adapters.Loads, want)
		}
	}
}

// Classes with priorities, drafts of several tokens and a prefix cache beside adapters: runs and
// single steps agree, nothing is left behind, and the parts of the first token add up to it.
func TestAdaptersBesideTheRest(t *testing.T) {
	hashes := make([]int64, 400)
	for i := range hashes {
		hashes[i] = int64(i % 40)
	}
	for _, beside := range []bool{false, true} {
		for _, blocks := range []int{5000, 140} {
			e := toyEngine
			e.ReservePrompt = false
			reqs := poisson(t, 60, 40, arrivals.Lengths{Mean: 100, CV: 1}, arrivals.Lengths{Mean: 60, CV: 1}, 3)
			zipfAdapters(reqs, 12, 1, 2)
			for i := range reqs {
				reqs[i].Prompt = max(reqs[i].Prompt, 32)
				reqs[i].HashStart, reqs[i].HashCount = int32(i%10)*40, 2
			}
			var runs [2]played
			for i, every := range []bool{false, true} {
				p := toyAdapters(classed(toyService(e, 2, 16, 512, blocks), threeClasses), Adapters{Count: 12, Slots: 4, Host: 6, Beside: beside})
				p.Config.Prefix.Enabled = true
				p.Config.Arch.Layers, p.Config.Arch.KVHeads = 1, 1
				opt := Options{EveryStep: every, Hashes: hashes, HashTokens: e.BlockTokens, Outages: []Outage{{Replica: 1, Start: 10, End: 12}}}
				runs[i] = runFleet(t, p, reqs, opt)
				o, err := p.Simulate(reqs, opt)
				if err != nil {
					t.Fatal(err)
				}
				sum := 0.0
				for _, x := range o.E2EParts {
					sum += x.Seconds
				}
				if math.Abs(sum/o.E2E.Mean-1) > 1e-4 { // waits are kept in 32 bits
					t.Errorf("beside %v, %d blocks: the parts sum to %v s, the mean is %v s", beside, blocks, sum, o.E2E.Mean)
				}
				if !(o.Adapters.WaitSec > 0 && o.Adapters.HitRate() > 0 && o.PrefixHitRate() > 0) || o.Completed != len(reqs) {
					t.Errorf("beside %v, %d blocks: %+v, prefix %v, %d of %d", beside, blocks, o.Adapters, o.PrefixHitRate(), o.Completed, len(reqs))
				}
			}
			for i := range reqs {
				if x, y := &runs[0].rec[i], &runs[1].rec[i]; math.Abs(x.first-y.first) > 1e-9 || math.Abs(x.finish-y.finish) > 1e-9 || math.Abs(float64(x.placeSec-y.placeSec)) > 1e-5 {
					t.Fatalf("beside %v, %d blocks, request %d: %+v and %+v", beside, blocks, i, x, y)
				}
			}
		}
	}
}

// Blocks that one adapter computed are no use to another.
func TestAdaptersShareNoPrefix(t *testing.T) {
	p := toyAdapters(toyService(toyEngine, 1, 4, 512, 5000), Adapters{Count: 2, Slots: 2})
	p.Config.Prefix.Enabled = true
	p.Config.Arch.Layers, p.Config.Arch.KVHeads = 1, 1
	bs := int32(toyEngine.BlockTokens)
	hashes := []int64{1, 2, 3, 4}
	q := Request{Prompt: 5 * bs, Output: 2, HashCount: 4}
	var reqs []Request
	for i, a := range []int32{1, 2, 1, 0, 2} {
		q.ArriveSec, q.Adapter = float64(i), a
		reqs = append(reqs, q)
	}
	o, err := p.Simulate(reqs, Options{Hashes: hashes, HashTokens: int(bs)})
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(2 * 4 * bs); o.PrefixTokens[0] != want {
		t.Errorf("%d tokens found, want %d: those of the third and the last request", o.PrefixTokens[0], want)
	}
}

// A router that knows where adapters went needs fewer loads and waits less for them; more slots
// and more host memory do, too.
func TestAdapterKnobs(t *testing.T) {
	reqs := poisson(t, 150, 60, arrivals.Lengths{Mean: 100, CV: 1}, arrivals.Lengths{Mean: 30, CV: 1}, 3)
	zipfAdapters(reqs, 60, 1, 2)
	run := func(router string, a Adapters, workers int) *Outcome {
		p := toyAdapters(toyService(toyEngine, 8, 16, 512, 5000), a)
		p.Config.Router = router
		o, err := p.Simulate(reqs, Options{Workers: workers, Digest: true})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	for _, beside := range []bool{false, true} {
		a := Adapters{Count: 60, Slots: 6, Host: 20, Beside: beside}
		base, aware := run(LeastOutstanding, a, 1), run(AdapterAware, a, 1)
		if !(aware.Adapters.HitRate() > base.Adapters.HitRate()+0.2 && aware.Adapters.WaitSec < base.Adapters.WaitSec/2 && aware.Adapters.Loads < base.Adapters.Loads/2) {
			t.Errorf("beside %v: aware %+v, least outstanding %+v", beside, aware.Adapters, base.Adapters)
		}
		more := a
		more.Slots = 12
		if o := run(LeastOutstanding, more, 1); !(o.Adapters.HitRate() > base.Adapters.HitRate() && o.TTFT.Mean < base.TTFT.Mean) {
			t.Errorf("beside %v: 12 slots %+v, 6 %+v", beside, o.Adapters, base.Adapters)
		}
		more = a
		more.Host = 40
		if o := run(LeastOutstanding, more, 1); !(o.Adapters.Fetched < base.Adapters.Fetched && o.TTFT.Mean < base.TTFT.Mean) {
			t.Errorf("beside %v: 40 in the host's memory %+v, 20 %+v", beside, o.Adapters, base.Adapters)
		}
		for _, router := range []string{RoundRobin, AdapterAware} {
			one := run(router, a, 1)
			for _, workers := range []int{2, 5} {
				if o := run(router, a, workers); o.Digest != one.Digest || *o.Adapters != *one.Adapters || !slices.Equal(o.TTFTBy, one.TTFTBy) {
					t.Errorf("%s, beside %v: %d goroutines give another answer", router, beside, workers)
				}
			}
		}
	}
}

// TestAdaptersDoNotAllocate is TestEventsDoNotAllocate with adapters.
func TestAdaptersDoNotAllocate(t *testing.T) {
	if checked {
		t.Skip("checking invariants allocates")
	}
	reqs := poisson(t, 100, 200, arrivals.Lengths{Mean: 100, CV: 1}, arrivals.Lengths{Mean: 30, CV: 1}, 3)
	zipfAdapters(reqs, 60, 1, 2)
	for _, beside := range []bool{false, true} {
		p := toyAdapters(toyService(toyEngine, 8, 16, 512, 5000), Adapters{Count: 60, Slots: 6, Host: 20, Beside: beside})
		p.Config.Router = AdapterAware
		mallocs := func(n int) uint64 {
			var a, b runtime.MemStats
			runtime.ReadMemStats(&a)
			if _, err := p.Attainment(reqs[:n], Options{}); err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&b)
			return b.Mallocs - a.Mallocs
		}
		mallocs(len(reqs))
		if few, many := mallocs(len(reqs)/4), mallocs(len(reqs)); many > few+60 { // lists that grow
			t.Errorf("beside %v: %d requests made %d allocations, %d made %d", beside, len(reqs)/4, few, len(reqs), many)
		}
	}
}

// A draft verifies several rows of each sequence; its own matrices have no adapters.
func TestAdaptersWithADraft(t *testing.T) {
	c, m := adapted(t, Adapters{Count: 4, Rank: 16, Slots: 4})
	c.Router = AdapterAware
	c.Speculation = Speculation{Tokens: 2, Acceptance: 1}
	p, err := Prepare(c, m)
	if err != nil {
		t.Fatal(err)
	}
	c.Adapters, c.Router = Adapters{}, LeastOutstanding
	plain, err := Prepare(c, m)
	if err != nil {
		t.Fatal(err)
	}
	reqs := []Request{{Prompt: 64, Output: 31, Adapter: 1}}
	with, without := runFleet(t, p, reqs, Options{}).rec[0], runFleet(t, plain, []Request{{Prompt: 64, Output: 31}}, Options{}).rec[0]
	more := with.finish - with.first - (without.finish - without.first)
	if want := 10 * p.Model.adapters.step(1, 3).sec; math.Abs(more-want) > 1e-9 {
		t.Errorf("ten steps of three rows take %v s more, want %v", more, want)
	}
}

func TestAdapterRefusals(t *testing.T) {
	good := Adapters{Count: 4, Rank: 16, Slots: 2}
	for _, x := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.Adapters.Rank = 0 }, "rank 0"},
		{func(c *Config) { c.Adapters.Slots = 5 }, "5 adapters in the chips' memory"},
		{func(c *Config) { c.Adapters.Host = 1 }, "1 adapters in the host's memory"},
		{func(c *Config) { c.Adapters.Host = 3 }, "1 of 4 adapters lie in a store of 0 B/s"},
		{func(c *Config) { c.Adapters.Modules = []string{"w"} }, `adapters on "w"`},
		{func(c *Config) { c.Arch = arch(t, "mixtral-8x7b") }, "adapters on the experts"},
		{func(c *Config) { c.Arch = arch(t, "deepseek-v3-671b") }, "latent attention"},
		{func(c *Config) { c.Adapters = Adapters{}; c.Router = AdapterAware }, "without adapters"},
		{func(c *Config) {
			c.Prefix = PrefixCache{Enabled: true, Tiers: []Tier{{Name: "host", Bytes: 1e9, BytesPerSec: 1e9}}}
		}, "lower tiers"},
	} {
		c, _ := adapted(t, good)
		x.change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("expected %q, got %v", x.want, err)
		}
	}
	p := toyAdapters(toyService(toyEngine, 1, 4, 64, 500), good)
	if _, err := p.Simulate([]Request{{Prompt: 1, Output: 1, Adapter: 5}}, Options{}); err == nil {
		t.Error("an adapter that does not exist is served")
	}
}
