package access

import (
	"math"
	"strings"
	"testing"

	"aisim/sim"
)

// A cache of Poisson requests: the share of misses is 1/(1 + λT), against a simulation of
// 100,000 requests.
func TestMissShare(t *testing.T) {
	const rate, life = 0.02, 300.0
	rng := sim.NewStream(1, "cache")
	now, until, misses := 0.0, 0.0, 0
	const n = 100_000
	for range n {
		now += rng.Exp(1 / rate)
		if now > until {
			misses++
			until = now + life
		}
	}
	if got, want := float64(misses)/n, MissShare(rate, life); math.Abs(got/want-1) > 0.02 {
		t.Errorf("misses %g, want %g", got, want)
	}
	if MissShare(5, 0) != 1 {
		t.Error("without a life something is found")
	}
}

// By hand: 900 misses a second at a quota of 1,000 wait 0.9/(2·1000·0.1) = 4.5 ms.
func TestQuota(t *testing.T) {
	p := Provider{Name: "the key service", Sec: 0.010, QuotaPerSec: 1000}
	u, err := p.Under(900)
	if err != nil || math.Abs(u.CallSec-0.0145) > 1e-12 || u.MissShare != 1 || math.Abs(u.Load-0.9) > 1e-12 {
		t.Errorf("%+v, %v", u, err)
	}
	if _, err := p.Under(1000); err == nil || !strings.Contains(err.Error(), "the key service") {
		t.Errorf("a quota that is exceeded: %v", err)
	}
	// 100 keys cached for 99 s at 100 requests a second: each is asked for once a second.
	p.LifeSec, p.Things = 99, 100
	if u, err = p.Under(100); err != nil || math.Abs(u.MissShare-0.01) > 1e-12 || math.Abs(u.CallsPerSec-1) > 1e-12 || u.MeanSec() > 0.00011 {
		t.Errorf("%+v, %v", u, err)
	}
}

// Core-seconds by hand: AES-GCM at 4.6 GB/s in the client and 2.5 times that for TLS; XTS at
// 7.61 GB/s on two copies of every byte; a tuned array's ceiling beyond.
func TestCiphers(t *testing.T) {
	l := Layers{AtRest: "client", InFlight: "tls"}
	if got, want := 4/l.ClientCoreSec(), 4*4.6e9/3.5; math.Abs(got/want-1) > 1e-12 {
		t.Errorf("four cores of a client encrypt %g B/s, want %g", got, want)
	}
	l = Layers{AtRest: "dm-crypt"}
	if got, want := l.ServerBytesPerSec(2, 2), 7.61e9; math.Abs(got/want-1) > 1e-12 {
		t.Errorf("two cores of a server write %g B/s, want %g", got, want)
	}
	if got, want := l.ServerBytesPerSec(1000, 1), 20*float64(1<<30); got != want {
		t.Errorf("an array lets %g B/s through, want %g", got, want)
	}
	l = Layers{AtRest: "self-encrypting", InFlight: "macsec"}
	if l.ClientCoreSec() != 0 || !math.IsInf(l.ServerBytesPerSec(1, 1), 1) || math.Abs(l.WireFactor()-1.00356) > 1e-5 {
		t.Errorf("drives and ports that encrypt by themselves: %g, %g, %g", l.ClientCoreSec(), l.ServerBytesPerSec(1, 1), l.WireFactor())
	}
}
