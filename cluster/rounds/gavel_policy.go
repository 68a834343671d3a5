package rounds

import (
	"fmt"
	"math"
	"strings"
)

// GavelPolicy gives jobs fractions of their time on each kind of GPU.
type GavelPolicy uint8

// The policies, heterogeneity-agnostic and, in pairs with them, aware of the measured speeds.
const (
	// GavelFIFO is the agnostic FIFO of the published simulator. In order of arrival a job
	// takes, to its end, the last kind in alphabetical order that has a GPU free: V100, then
	// P100, then K80. (A random kind is drawn and not used.) It takes it even where the kind
	// has fewer GPUs free than the job asks for; the jobs on a kind then take turns.
	GavelFIFO GavelPolicy = iota
	// GavelFIFORandom takes a random kind that has room, as the paper describes it.
	GavelFIFORandom
	// GavelFIFOPerf gives each job, in order of arrival and anew each time, its fastest kind
	// with room.
	GavelFIFOPerf
	// GavelLAS is least attained service: max–min fairness of GPU time.
	GavelLAS
	// GavelLASPerf is max–min fairness of throughput over that of a proportional share.
	GavelLASPerf
	// GavelFTF is finish-time fairness (Themis) that takes all kinds for the reference.
	GavelFTF
	// GavelFTFPerf is finish-time fairness over measured speeds.
	GavelFTFPerf
)

var gavelNames = []string{"fifo", "fifo-random", "fifo-perf", "las", "las-perf", "finish-time-fairness", "finish-time-fairness-perf"}

// String is the policy's name.
func (p GavelPolicy) String() string { return gavelNames[p] }

// aware says that the policy knows speeds: kinds are then offered the fastest first, else in
// random order.
func (p GavelPolicy) aware() bool {
	return p == GavelFIFOPerf || p == GavelLASPerf || p == GavelFTFPerf
}

func (p GavelPolicy) fifo() bool { return p <= GavelFIFOPerf }

var (
	gavelAware = []string{"hetero", "aware", "perf", "gavel"}
	gavelNot   = []struct{ word, why string }{
		{"pack", "it needs the times of jobs that share a GPU, in pairs"},
		{"spacesharing", "it needs the times of jobs that share a GPU, in pairs"},
		{"ss", "it needs the times of jobs that share a GPU, in pairs"},
		{"allox", "it is an assignment of jobs to places in the queues of single GPUs; jobs of several have none"},
		{"gandiva", "its packing tries pairs of jobs on a GPU"},
		{"waterfilling", "its bottlenecks are freed by a search over integers"},
		{"hierarchical", "the tree of entities is not given"},
		{"entity", "the tree of entities is not given"},
		{"makespan", "it minimises the end of all jobs, of which a steady state has none"},
		{"totalduration", "it minimises the end of all jobs, of which a steady state has none"},
		{"cost", "prices of the kinds are not given"},
		{"sumthroughput", "it starves jobs, so that means over a window of jobs do not exist"},
		{"slo", "deadlines are not given"},
	}
)

// ParseGavelPolicy accepts the names of the paper and of its repository: "FIFO",
// "fifo_perf", "LAS", "max_min_fairness", "LAS (heterogeneity-aware)", "Gavel".
func ParseGavelPolicy(s string) (GavelPolicy, error) {
	flat := strings.NewReplacer("_", "", "-", "", " ", "", "(", "", ")", "", "/", "", "+", "", ",", "", ".", "", "–", "", "'", "").Replace(strings.ToLower(s))
	agnostic := strings.Contains(flat, "agnostic") || strings.Contains(flat, "unaware")
	words := strings.NewReplacer("heterogeneityagnostic", "", "heteroagnostic", "", "agnostic", "", "heterogeneityunaware", "", "unaware", "", "baseline", "", "policy", "").Replace(flat)
	for _, x := range gavelNot {
		if strings.Contains(words, x.word) && (x.word != "ss" || strings.HasSuffix(words, "ss") && !strings.Contains(words, "fairness")) {
			return 0, fmt.Errorf("policy %q on mixed GPUs is not modelled: %s (%s are)", s, x.why, strings.Join(gavelNames, ", "))
		}
	}
	aware := false
	for _, w := range gavelAware {
		aware = aware || strings.Contains(words, w)
	}
	aware = aware && !agnostic
	pick := func(plain, perf GavelPolicy) (GavelPolicy, error) {
		if aware {
			return perf, nil
		}
		return plain, nil
	}
	has := func(list ...string) bool {
		for _, w := range list {
			if strings.Contains(words, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("fifo", "firstin", "firstcome", "fcfs") && has("random"):
		return GavelFIFORandom, nil
	case has("fifo", "firstin", "firstcome", "fcfs"):
		return pick(GavelFIFO, GavelFIFOPerf)
	case has("finishtime", "themis", "ftf"):
		return pick(GavelFTF, GavelFTFPerf)
	case has("las", "leastattained", "maxmin", "minmax", "fairness"), words == "gavel":
		return pick(GavelLAS, GavelLASPerf)
	}
	return 0, fmt.Errorf("policy %q on mixed GPUs is not modelled (%s are)", s, strings.Join(gavelNames, ", "))
}

// allocate computes what each active job is to get of its time on each kind.
func (g *gavel) allocate() {
	for _, j := range g.active {
		j.known = true
		clear(j.share)
	}
	switch g.policy {
	case GavelFIFO, GavelFIFORandom:
		g.firstCome()
	case GavelFIFOPerf:
		g.firstComeFastest()
	default:
		g.fair()
		return
	}
	g.given = g.given[:0]
	for _, j := range g.active {
		for _, x := range j.share {
			if x > 0 {
				g.given = append(g.given, j)
			}
		}
	}
}

// firstCome keeps what was promised and promises kinds to the jobs that wait.
func (g *gavel) firstCome() {
	free := g.gpus()
	var waiting []*mixedJob
	for _, j := range g.active {
		if j.promise < 0 {
			waiting = append(waiting, j)
		}
	}
	// In order of arrival: what is done hands its kind to the head of the queue if that has
	// room by then, the rest keeps its own.
	for _, j := range g.promised {
		k := j.promise
		switch {
		case !j.done:
			free[k] -= j.gpus
		case len(waiting) > 0 && waiting[0].gpus <= free[k] && waiting[0].rate[k] > 0:
			waiting[0].promise = k
			free[k] -= waiting[0].gpus
			waiting = waiting[1:]
		}
	}
	var open []int // kinds with a free GPU, in alphabetical order
	for k := range free {
		if free[k] > 0 {
			open = append(open, k)
		}
	}
	for len(waiting) > 0 && len(open) > 0 {
		j := waiting[0]
		waiting = waiting[1:]
		var fit []int // of open
		for i, k := range open {
			if free[k] >= j.gpus {
				fit = append(fit, i)
			}
		}
		if len(fit) == 0 {
			break
		}
		drawn := fit[g.pick.below(len(fit))]
		k := open[len(open)-1]
		if g.policy == GavelFIFORandom {
			k = open[drawn]
		}
		if j.rate[k] <= 0 {
			continue
		}
		j.promise = k
		free[k] -= j.gpus
		if free[k] == 0 {
			open = append(open[:drawn], open[drawn+1:]...)
		}
	}
	g.promised = g.promised[:0]
	for _, j := range g.active {
		if j.promise >= 0 {
			j.share[j.promise] = 1
			g.promised = append(g.promised, j)
		}
	}
}

// firstComeFastest begins anew: in order of arrival each job gets its fastest kind with room.
func (g *gavel) firstComeFastest() {
	free := g.gpus()
	for _, j := range g.active {
		best := -1
		for k := range free {
			if free[k] >= j.gpus && free[k] > 0 && (best < 0 || j.rate[k] > j.rate[best]) {
				best = k
			}
		}
		if best < 0 {
			return
		}
		if j.rate[best] > 0 {
			j.share[best] = 1
			free[best] -= j.gpus
		}
	}
}

func (g *gavel) gpus() []int {
	free := make([]int, len(g.kinds))
	for k := range free {
		free[k] = g.kinds[k].GPUs
	}
	return free
}

// fair shares the machine by worth or by finish time. Jobs that are alike are one party.
func (g *gavel) fair() {
	if len(g.active) == 0 {
		return
	}
	total := 0.0
	for _, k := range g.kinds {
		total += float64(k.GPUs)
	}
	var parties []party
	of := make([]int, len(g.active))
	seen := map[typeKey]int{} // parties of least attained service
	for i, j := range g.active {
		p := party{count: 1, gpus: float64(j.gpus), worth: make([]float64, len(g.kinds))}
		proportional := 0.0
		for k := range g.kinds {
			p.worth[k] = 1
			if g.policy == GavelLASPerf || g.policy == GavelFTFPerf {
				p.worth[k] = j.rate[k]
			} else if g.policy == GavelFTF {
				p.worth[k] = j.ref
			}
			proportional += p.worth[k] * float64(g.kinds[k].GPUs) / total
		}
		if g.policy == GavelFTF || g.policy == GavelFTFPerf {
			g.isolate(j, &p)
			of[i] = len(parties)
			parties = append(parties, p)
			continue
		}
		key := typeKey{"", j.gpus}
		if g.policy == GavelLASPerf {
			key.name = j.key.name
		}
		at, ok := seen[key]
		if ok {
			parties[at].count++
		} else {
			for k := range p.worth {
				p.worth[k] *= p.gpus / proportional
			}
			at = len(parties)
			seen[key] = at
			parties = append(parties, p)
		}
		of[i] = at
	}
	shares := g.shares(parties)
	for i, j := range g.active {
		copy(j.share, shares[of[i]])
	}
}

// shares are fairShares, remembered under plain least attained service, where few sets of
// parties come again and again.
func (g *gavel) shares(parties []party) [][]float64 {
	if g.policy != GavelLAS {
		return fairShares(parties, g.gpus())
	}
	key := ""
	for i := range parties {
		key += fmt.Sprint(parties[i].count, " of ", parties[i].gpus, " ")
	}
	out, ok := g.known[key]
	if !ok {
		out = fairShares(parties, g.gpus())
		g.known[key] = out
	}
	return out
}

// isolate fills in what finish-time fairness compares with: the time that the job would take
// with its part of every kind, one in as many as there are jobs, as far as it is done counted
// at the parts that it had.
func (g *gavel) isolate(j *mixedJob, p *party) {
	part, rate := 0.0, 0.0
	for k := range g.kinds {
		x := float64(g.kinds[k].GPUs) / float64(len(g.active)) / p.gpus
		part += x
		rate += x * p.worth[k]
	}
	rate /= math.Max(1, part)
	if j.isolatedRate > 0 {
		j.isolatedSec += (j.leftThen - j.left) / j.isolatedRate
	}
	j.isolatedRate, j.leftThen = rate, j.left
	p.left, p.since = j.left, g.now-j.submit
	p.isolated = j.isolatedSec + j.left/rate
	// In rounds, so that the constraint's numbers stay near one.
	scale := p.left
	for k := range p.worth {
		p.worth[k] *= g.roundSec / scale
	}
	p.left = 1
	p.since, p.isolated = p.since/g.roundSec, p.isolated/g.roundSec
}
