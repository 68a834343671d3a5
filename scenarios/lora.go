package scenarios

import (
	"fmt"
	"math"
	"slices"

	"aisim/cluster"
	"aisim/internal/result"
	"aisim/sim"
	"aisim/storage"
	"aisim/workloads/serving"
	"aisim/workloads/trace"
)

// lora checks what the keys of adapters say of one another.
func (c *checker) lora(w *Workload, at string) {
	l := w.LoRA
	if l == nil {
		if w.Router == serving.AdapterAware {
			c.bad(at+".router", "", "describe the adapters in "+at+".lora", "routes by adapters, and the workload has none")
		}
		return
	}
	at += ".lora"
	if l.From != "" {
		c.store(at+".from", l.From)
	}
	for i, m := range l.Modules {
		if !slices.Contains(serving.AdapterModules, m) || slices.Contains(l.Modules[:i], m) {
			c.bad(fmt.Sprintf("%s.modules[%d]", at, i), "q | k | v | o | gate | up | down, each once", "", "%q is not one of a layer's matrices, or stands twice", m)
		}
	}
	if w.Trace == "" && l.Adapters == nil {
		c.lacks(at, "adapters", "how many there are; only a trace can name them")
	}
	if l.Adapters == nil {
		return
	}
	n := *l.Adapters
	if len(l.Shares) > 0 && len(l.Shares) != n {
		c.bad(at+".shares", fmt.Sprintf("%d entries", n), "", "has %d entries for %d adapters", len(l.Shares), n)
	}
	if c.sc.IsSet(at+".max_loras") && l.MaxLoRAs > n {
		c.bad(at+".max_loras", fmt.Sprintf("1 to %d", n), "", "the chips keep more adapters than the %d that there are", n)
	}
	if l.Host == nil {
		if l.From != "" {
			c.bad(at+".from", "", "give host = … the adapters that the host's memory keeps", "changes nothing: all adapters lie in the host's memory")
		}
		return
	}
	switch slots := min(l.MaxLoRAs, n); {
	case *l.Host < slots || *l.Host > n:
		c.bad(at+".host", fmt.Sprintf("%d to %d", slots, n), "", "the host's memory keeps those on the chips too, %d, and there are %d", slots, n)
	case *l.Host < n && l.From == "":
		c.lacks(at, "from", fmt.Sprintf("the store of the %d adapters that the host's memory does not keep", n-*l.Host))
	}
}

// besideByDefault are the engines that load adapters beside their steps.
var besideByDefault = []string{"trtllm"}

// adapters is a service's adapters; their number and places are set again by a trace that names them.
func (w *World) adapters(wl *Workload) serving.Adapters {
	l := wl.LoRA
	if l == nil {
		return serving.Adapters{}
	}
	a := serving.Adapters{Count: 1, Rank: l.Rank, Modules: l.Modules, StoreSec: l.OpenSec, Beside: l.Loading == "beside" || l.Loading == "" && slices.Contains(besideByDefault, wl.Engine)}
	if l.Adapters != nil {
		a.Count = *l.Adapters
	}
	l.places(&a)
	return a
}

// places are where the adapters lie. The rate of the store is known when it is built.
func (l *LoRA) places(a *serving.Adapters) {
	a.Slots = min(l.MaxLoRAs, a.Count)
	if l.Host != nil && *l.Host < a.Count {
		a.Host, a.StoreBytesPerSec = max(*l.Host, a.Slots), math.Inf(1)
	}
}

// placeAdapters settles the adapters of a placed service, whose requests are known: those that a
// trace names, and whether the host's memory holds what it should.
func (w *World) placeAdapters(p *Placed) error {
	l, t := p.LoRA, p.Requests.Recorded
	key := "workload." + p.ID + ".lora"
	names := 0
	if t != nil {
		names = len(t.Adapters)
	}
	if l == nil {
		if names > 0 {
			w.Warnings = append(w.Warnings, result.Warning{What: fmt.Sprintf("the trace of %s names %d adapters, and the workload has none", p.ID, names),
				Why: "workload." + p.ID + ".lora is not given", Effect: "the model itself serves them"})
		}
		return nil
	}
	a := &p.Serving.Adapters
	switch {
	case l.Adapters == nil && names == 0:
		return Problems(w.Scenario.ProblemAt(key+".adapters", "", "", "give adapters = …", "the trace names no adapters"))
	case names > 0:
		for _, k := range []string{"zipf", "shares", "base"} {
			if w.Scenario.IsSet(key + "." + k) {
				return Problems(w.Scenario.ProblemAt(key+"."+k, "", "", "remove it", "changes nothing: the trace names the adapter of each request"))
			}
		}
		if l.Adapters == nil {
			a.Count = names
			l.places(a)
		} else if names > a.Count {
			return Problems(w.Scenario.ProblemAt(key+".adapters", fmt.Sprint(a.Count), fmt.Sprintf("%d or more", names), "leave it out", fmt.Sprintf("the trace names %d", names)))
		}
	default:
		p.Requests.adapters = newAdapterDraw(l, a.Count)
	}
	if a.Host > 0 && l.From == "" {
		return Problems(w.Scenario.ProblemAt(key+".from", "", "a store", "", fmt.Sprintf("%d of the %d adapters lie in no memory", a.Count-a.Host, a.Count)))
	}
	if err := p.Serving.Validate(); err != nil {
		return Problems(w.Scenario.ProblemAt(key, "", "", "", err.Error()))
	}
	whole, _ := a.Bytes(&p.Arch, max(1, p.Serving.TP), max(1, p.Serving.PP))
	kept := a.Host
	if kept == 0 {
		kept = a.Count
	}
	each := max(1, w.Server.AcceleratorCount/(max(1, p.Serving.TP)*max(1, p.Serving.PP)))
	each = min(each*max(1, p.each), p.Serving.Replicas)
	if need, ram := float64(kept)*whole*float64(each), w.Server.RAM.V; ram > 0 && need > ram {
		return Problems(w.Scenario.ProblemAt(key+".host", "", fmt.Sprintf("up to %.0f", math.Floor(ram/whole/float64(each))), "give host and from, or a smaller rank",
			fmt.Sprintf("%d replicas of a node keep %d adapters of %.3g GB each, %.0f GB, and its memory is %.0f GB", each, kept, whole/1e9, need/1e9, ram/1e9)))
	}
	return nil
}

// adapterDraw gives requests their adapters.
type adapterDraw struct {
	base float64
	upTo []float64 // cumulative popularity, the last is 1
}

func newAdapterDraw(l *LoRA, count int) *adapterDraw {
	d := &adapterDraw{base: l.Base, upTo: make([]float64, count)}
	sum := 0.0
	for k := range d.upTo {
		if len(l.Shares) > 0 {
			sum += l.Shares[k]
		} else {
			sum += math.Pow(float64(k+1), -l.Zipf)
		}
		d.upTo[k] = sum
	}
	for k := range d.upTo {
		d.upTo[k] /= sum
	}
	return d
}

// draw sets the adapters of requests in order; turns of a talk have one.
func (d *adapterDraw) draw(reqs []trace.Request, stream sim.Stream) {
	for i := range reqs {
		u, v := stream.Float64(), stream.Float64()
		switch back := int(reqs[i].Back); {
		case back > 0 && back <= i:
			reqs[i].Adapter = reqs[i-back].Adapter
		case u < d.base:
			reqs[i].Adapter = 0
		default:
			k, _ := slices.BinarySearch(d.upTo, v)
			reqs[i].Adapter = int32(min(k, len(d.upTo)-1)) + 1
		}
	}
}

// storedAdapters says whether adapters of a placed service lie in a store.
func (p *Placed) storedAdapters() bool { return p.LoRA != nil && p.Serving.Adapters.Host > 0 }

// moveAdapter adds the load of one adapter by one replica of service i to the transfers.
func (f *Future) moveAdapter(i int, transfers *[]cluster.Transfer) error {
	p := &f.World.Placed[i]
	if !p.storedAdapters() {
		return nil
	}
	c := p.Serving
	whole, _ := c.Adapters.Bytes(&p.Arch, max(1, c.TP), max(1, c.PP))
	clients := f.ports(i, p.LoRA.From)
	one := clients[:max(1, len(clients)/c.Replicas)]
	var err error
	f.adapterLoads[i], err = f.move(i, p.LoRA.From, "adapter load", storage.Read, one, whole, whole, 0, transfers)
	return err
}

// rateAdapters finds the rates at which replicas read adapters from their stores.
func (f *Future) rateAdapters() (err error) {
	for i := range f.World.Placed {
		if f.World.Placed[i].storedAdapters() && err == nil {
			f.adapterRates[i], err = f.Cluster.Phases.Alone(f.adapterLoads[i])
		}
	}
	return err
}
