package packet

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	"aisim/sim"
	"aisim/topology"
)

// wireTicks is ⌊bytes/rate⌋ in ticks of all packets of a message, in exact arithmetic.
func wireTicks(bytes int64, bytesPerSec float64) sim.Time {
	packets := (bytes + 4095) / 4096
	n := big.NewInt(bytes + 54*packets)
	n.Mul(n, big.NewInt(sim.TicksPerSecond))
	return sim.Time(n.Div(n, big.NewInt(int64(bytesPerSec))).Int64())
}

// On an idle network a message takes its serialisation, once, and the latency of every
// hop: to the tick, whatever the rate. 64 MiB at 1.6 Tb/s are 16,384 packets of 207.5
// ticks and would drift by 0.8 µs if each were rounded.
func TestIdleNetworkIsTheClosedForm(t *testing.T) {
	for _, rate := range []float64{12.5e9, 50e9, 100e9, 200e9, 46e9, 33333333333} {
		g := tree(t, 4, func(s *topology.Spec) { s.Hosts[0].NICBytesPerSec = rate })
		nics := g.NICs("host")
		for _, transport := range []string{"infiniband", "roce"} {
			for _, routing := range []string{"adaptive", "spray", "ecmp", "d-mod-k"} {
				for dst, hops := range map[int]sim.Time{1: 2, 2: 4, 15: 6} {
					for _, bytes := range []int64{1, 4096, 4097, 1<<20 + 3, 64 << 20} {
						if bytes > 1<<21 && (dst != 15 || testing.Short()) {
							continue
						}
						r := run(t, g, []Flow{{Src: nics[0], Dst: nics[dst], Bytes: bytes, StartSec: 1e-6}}, Options{Transport: transport, Routing: routing})
						got, _ := sim.FromSeconds(r.Flows[0].Sec())
						want := wireTicks(bytes, rate) + hops*sim.Microsecond
						if routing == "adaptive" || routing == "spray" {
							// Paths of one flow may meet again a packet later; none may be early.
							if got < want-1 || got > want+wireTicks(4096, rate) {
								t.Errorf("%s %s, %g B/s, %d bytes over %d hops: %d ticks, want %d", transport, routing, rate, bytes, hops, got, want)
							}
							continue
						}
						if got != want {
							t.Errorf("%s %s, %g B/s, %d bytes over %d hops: %d ticks, want %d", transport, routing, rate, bytes, hops, got, want)
						}
						if ack := r.Flows[0].AckedSec - r.Flows[0].FinishSec; math.Abs(ack-float64(hops)*1e-6-58/rate) > 3e-10 {
							t.Errorf("%s: last acknowledgement after %g s", transport, ack)
						}
					}
				}
			}
		}
	}
}

// Links of different rates: the slowest gives the serialisation, and a fast link behind a
// slow one sends no byte before it has it.
func TestIdleNetworkOfMixedRates(t *testing.T) {
	for _, x := range []struct{ nic, port float64 }{{25e9, 50e9}, {25e9, 100e9}} {
		g := tree(t, 4, func(s *topology.Spec) {
			s.Hosts[0].NICBytesPerSec, s.SwitchBytesPerSec = x.nic, x.port
		})
		nics := g.NICs("host")
		for _, bytes := range []int64{1000, 4096, 1<<20 + 100} {
			r := run(t, g, []Flow{{Src: nics[0], Dst: nics[15], Bytes: bytes}}, Options{Routing: "d-mod-k"})
			got, _ := sim.FromSeconds(r.Flows[0].Sec())
			// A packet waits before the first fast link until it can be sent in one piece.
			first := min(bytes, 4096)
			want := wireTicks(bytes, x.nic) + 6*sim.Microsecond + wireTicks(first, x.nic) - wireTicks(first, x.port)
			// The lag of cut-through is taken in whole ticks at two of the links.
			if got < want-2 || got > want+2 {
				t.Errorf("%v: %d bytes: %d ticks, want %d", x, bytes, got, want)
			}
		}
	}
}

// A port that a full buffer's worth of credits cannot keep busy runs at buffer per round
// trip; and a knob that should matter does.
func TestCreditsLimitThroughput(t *testing.T) {
	g := tree(t, 4)
	nics := g.NICs("host")
	flows := []Flow{{Src: nics[0], Dst: nics[1], Bytes: 8 << 20}}
	free := run(t, g, flows, Options{}).MaxSec
	last := free
	for _, packets := range []int64{16, 8, 4} {
		buffer := packets * 65 * 64
		got := run(t, g, flows, Options{BufferBytes: buffer, CreditBytes: 1}).MaxSec
		// A packet's room comes back after its way, its transmission and the credit's way.
		want := 2048.0 / float64(packets) * (2e-6 + 4150/50e9)
		if packets*830 < 20830 && math.Abs(got/want-1) > 0.02 {
			t.Errorf("%d packets of buffer: %g s, want %g", packets, got, want)
		}
		if got <= last {
			t.Errorf("%d packets of buffer: %g s, not slower than %g with more", packets, got, last)
		}
		last = got
	}
	if batch := run(t, g, flows, Options{BufferBytes: 40 * 65 * 64, CreditBytes: 30 * 65 * 64}).MaxSec; batch <= free {
		t.Errorf("coarse credits: %g s, want more than %g", batch, free)
	}
}

// Chips send through the NICs of their hosts, striped over rails, or within their domain.
func TestChipsUseTheirNICsAndDomain(t *testing.T) {
	g, err := topology.Build(topology.Spec{
		Hosts: []topology.HostGroup{{Name: "gpu", Count: 8, ChipsPerHost: 2, NICs: 4, NICBytesPerSec: 50e9,
			ScaleUp: topology.ScaleUp{Kind: "switch", BytesPerSec: 400e9, LatencySec: 0.5e-6}}},
		Topology: "rail-optimised", Radix: 8, LinkLatencySec: 1e-6,
	})
	if err != nil {
		t.Fatal(err)
	}
	chips := g.Chips("gpu")
	const bytes = 8 << 20
	r := run(t, g, []Flow{{Src: chips[0], Dst: chips[1], Bytes: bytes}, {Src: chips[0], Dst: chips[4], Bytes: bytes}}, Options{})
	if got, want := r.Flows[0].Sec(), wireTicks(bytes, 400e9).Seconds()+1e-6; math.Abs(got/want-1) > 0.01 {
		t.Errorf("within the domain: %g s, want %g", got, want)
	}
	if got, want := r.Flows[1].Sec(), wireTicks(bytes/2, 50e9).Seconds()+2e-6; math.Abs(got/want-1) > 0.02 {
		t.Errorf("over two rails: %g s, want %g", got, want)
	}
}

func TestRatioIsExact(t *testing.T) {
	for _, rate := range []float64{1e5, 12.5e9, 50e9, 200e9, 33333333333, 1.5e9 + 0.25, 1e9 / 3} {
		num, den := ratio(rate)
		got := float64(num) / float64(den)
		if want := 1e10 / rate; math.Abs(got/want-1) > 1e-12 {
			t.Errorf("%g B/s: %d/%d ticks per byte, want %g", rate, num, den, want)
		}
		whole, rem := ticks(4150, num, den)
		if got, want := float64(whole)+float64(rem)/float64(den), 4150*1e10/rate; math.Abs(got/want-1) > 1e-12 {
			t.Errorf("%g B/s: %g ticks, want %g", rate, got, want)
		}
	}
}

func TestHistogram(t *testing.T) {
	var h, o histogram
	for v := range uint64(10001) {
		if v%2 == 0 {
			h.add(v)
		} else {
			o.add(v)
		}
	}
	h.merge(&o)
	p := h.percentiles(2)
	if p.Count != 10001 || p.Mean != 10000 || p.Max != 20000 {
		t.Errorf("%+v", p)
	}
	for q, got := range map[float64]float64{0.5: p.P50, 0.9: p.P90, 0.99: p.P99, 0.999: p.P999} {
		if want := q * 20000; got < want || got > want*(1+1.0/32)+2 {
			t.Errorf("quantile %g: %g, want %g to 1/32 above", q, got, want)
		}
	}
	if fmt.Sprint((&histogram{}).percentiles(1)) != fmt.Sprint(Percentiles{}) {
		t.Error("an empty histogram has percentiles")
	}
}
