package serving

import "math"

// What the chips of a replica say to one another in a step.

// exchanges sends the rows of an attention group to the chips that hold their
// experts and takes the results back: 8-bit rows out, 16-bit rows in, each to at
// most as many chips as it has experts.
func (b *stepBuilder) exchanges(rows float64) split {
	if b.c.AttentionDP == 1 {
		return split{}
	}
	e := &b.c.Engine
	rate := b.d.ScaleUpBytesPerSec
	if rate <= 0 {
		rate = b.d.HostBytesPerSec
	}
	chips := float64(b.c.TP * b.c.AttentionDP)
	to := math.Min(float64(b.c.Arch.ExpertsActive), chips-1)
	if b.m.Exchange != nil {
		values := rows / float64(b.c.TP) * to * float64(b.c.Arch.Hidden)
		t := b.m.Exchange(values) + b.m.Exchange(2*values)
		return split{sec: t, scaleup: t}
	}
	t := rows / float64(b.c.TP) * to * float64(b.c.Arch.Hidden) * (1 + 2) / (rate * e.LinkEfficiency.Value)
	// Latencies of gathers and scatters over 4 and 8 chips are 1.9 and 2.6 times that of the
	// link's class (NCCL tables of H100 and B200: 9 and 13, 14 and 19 µs), and each further
	// doubling is taken to add as much as that one.
	latency := b.linkSec * (1.2 + 0.18*math.Min(chips, 8) + 0.7*math.Max(0, math.Log2(chips/8)))
	return split{sec: 2*latency/b.host + t, scaleup: t}
}

// allReduces is the two all-reduces of a layer over the TP chips, each by the better of
// two kernels: one shot reads the other chips' buffers whole, two shots reduce and then
// gather a share each, at one and a half times the latency. The latency grows by 3 % per
// chip beyond two (tables of vLLM's kernels in graphs on H100, H200 and B200: 4.4 to 5.1
// and 7.0 to 7.8 µs over 2 to 8 chips, which are the latencies of the links' classes; one
// shot up to some 100 kB). The engine's constant is what ranks wait for each other.
func (b *stepBuilder) allReduces(bytes float64) split {
	if b.c.TP == 1 {
		return split{}
	}
	tp := float64(b.c.TP)
	latency := (b.linkSec*(1+0.03*(tp-2)) + b.c.Engine.AllReduce.Value) / b.host
	if b.m.AllReduce != nil {
		t := math.Max(0, b.m.AllReduce(bytes))
		return split{sec: latency + t, scaleup: t}.times(2)
	}
	rate := b.d.ScaleUpBytesPerSec
	if rate <= 0 {
		rate = b.d.HostBytesPerSec
	}
	rate *= b.c.Engine.LinkEfficiency.Value
	one, two := (tp-1)*bytes/rate, 2*(tp-1)/tp*bytes/rate
	best := split{sec: latency + one, scaleup: one}
	if t := 1.5*latency + two; t < best.sec {
		best = split{sec: t, scaleup: two}
	}
	if b.c.Engine.SwitchReduce && b.d.ScaleUpBytesPerSec > 0 {
		if t := math.Min(two, 1.5*bytes/rate) / libraryRate; librarySec/b.host+t < best.sec {
			best = split{sec: librarySec/b.host + t, scaleup: t}
		}
	}
	return best.times(2)
}

// Beyond some ten megabytes engines hand all-reduces to the library, which starts later and
// draws more of the links; from four chips on the switches add up, so that the time no longer
// grows with the chips (NCCL tables of H100, H200 and B200, 34 to 134 MB over 2, 4 and 8
// chips: 45 µs and 3.1 to 4.2, 1.9 to 2.3 µs per MB).
const librarySec, libraryRate = 45e-6, 1.35

// hop hands activations to the next pipeline stage.
func (b *stepBuilder) hop(bytes float64) split {
	rate := b.m.HopBytesPerSec
	if rate == 0 {
		rate = b.d.ScaleUpBytesPerSec
	}
	if rate == 0 {
		rate = b.d.HostBytesPerSec
	}
	if rate == 0 {
		return split{sec: b.m.HopLatencySec}
	}
	t := bytes / rate
	return split{sec: b.m.HopLatencySec + t, scaleup: t}
}
