package scenarios

import (
	"math"
	"strings"
	"testing"

	"aisim/cluster/access"
)

func playFuture(t *testing.T, name string, sets ...string) *Future {
	t.Helper()
	sc, err := Load(name, sets)
	if err != nil {
		t.Fatal(err)
	}
	w, err := Assemble(sc, Options{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := w.NewBench().Sample(0).Play(nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Requests wait for the check, the token and the key as the closed form says: 1 ms and
// 47 us always, 50 ms and 30 ms for the shares that the caches do not know.
func TestSecurityOnTheRequestPath(t *testing.T) {
	short := []string{`workload.chat.duration="3 min"`}
	with := func(sets ...string) *Future { return playFuture(t, "llama3-70b-serving", append(short, sets...)...) }
	plain := with()
	f := with(`security={token={clients=1000,life="1 min",provider_time="50 ms"},keys={count=200,cache="10 s",time="30 ms",quota="1000000/s"}}`)
	s := f.Secured[0]
	reqs, _ := f.Sample.Requests(0)
	rate := float64(len(reqs)-1) / (reqs[len(reqs)-1].ArriveSec - reqs[0].ArriveSec)
	token, key := access.MissShare(rate/1000, 60), access.MissShare(rate/200, 10)
	if math.Abs(s.Token.MissShare/token-1) > 0.01 || math.Abs(s.Keys.MissShare/key-1) > 0.01 {
		t.Errorf("misses %g of tokens and %g of keys, want %g and %g at %g/s", s.Token.MissShare, s.Keys.MissShare, token, key, rate)
	}
	want := 0.001047 + 0.05*s.Token.MissShare + 0.03*s.Keys.MissShare
	if math.Abs(s.MeanSec()/want-1) > 0.001 {
		t.Errorf("mean of %g s, want %g", s.MeanSec(), want)
	}
	// The same arrivals at the router: the difference is the front's, sampled.
	if got := f.Served[0].TTFT.Mean - plain.Served[0].TTFT.Mean; math.Abs(got/want-1) > 0.05 {
		t.Errorf("first tokens come %g s later, want %g", got, want)
	}
	for _, c := range []struct {
		set  string
		more bool
	}{
		{`security={check="10 ms",token={clients=1000,life="1 min"}}`, true},
		{`security={token={clients=1000,life="1 min",verify="5 ms"}}`, true},
		{`security={token={clients=1000,life="1 h"}}`, false},
		{`security={token={clients=10,life="1 min"}}`, false},
		{`security={token={clients=1000,life="1 min",provider_time="2 s"}}`, true},
		{`security={token={clients=1000,life="1 min",provider_rate="13/s"}}`, true},
		{`security={token={clients=1000,life="1 min"},keys={count=100}}`, true},
	} {
		base := with(`security={token={clients=1000,life="1 min"}}`).Secured[0].MeanSec()
		if got := with(c.set).Secured[0].MeanSec(); got == base || (got > base) != c.more {
			t.Errorf("%s: from %g to %g s, want more: %v", c.set, base, got, c.more)
		}
	}
}

func TestSecurityRefuses(t *testing.T) {
	for set, want := range map[string]string{
		`security={keys={count=5,cache="0 s",quota="1/s"}}`:   "ask for a larger quota",
		`security={token={clients=5},audit={store="nought"}}`: "nought",
	} {
		sc, err := Load("llama3-70b-serving", []string{set})
		if err == nil {
			_, err = Assemble(sc, Options{})
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", set, err, want)
		}
	}
}

// Ciphers bound a checkpoint where they are the slowest: by hand from the cores.
func TestEncryptionOfStores(t *testing.T) {
	base := []string{"cluster.nodes=128", "workload.pretrain.batch.global=256", "storage.checkpoints.nodes=68"}
	write := func(sets ...string) float64 {
		f := playFuture(t, "llama3-405b-16k-h100", append(base, sets...)...)
		rate, err := f.Cluster.Phases.Alone(f.Cluster.Training[0].Checkpoint.Write)
		if err != nil {
			t.Fatal(err)
		}
		return rate
	}
	plain := write()
	for _, c := range []struct {
		set  string
		want float64
	}{
		{`storage.checkpoints.encryption={at_rest="client",client_cores=1}`, math.Min(plain, 128*4.6e9)},
		{`storage.checkpoints.encryption={in_flight="tls",client_cores=1,server_cores=64}`, math.Min(plain, 128*4.6e9/2.5)},
		{`storage.checkpoints.encryption={in_flight="tls",client_cores=64,server_cores=1}`, math.Min(plain, 68*4.6e9/2.5)},
		{`storage.checkpoints.encryption={at_rest="self-encrypting"}`, plain},
	} {
		if got := write(c.set); math.Abs(got/c.want-1) > 0.01 {
			t.Errorf("%s: %g B/s, want %g (plain %g)", c.set, got, c.want, plain)
		}
	}
	if a, b := write(`storage.checkpoints.encryption={at_rest="dm-crypt",server_cores=1}`), write(`storage.checkpoints.encryption={at_rest="dm-crypt",server_cores=2}`); a >= b {
		t.Errorf("dm-crypt on one core lets %g B/s through, on two %g", a, b)
	}
	if got := write(`storage.checkpoints.encryption={in_flight="ipsec"}`); got > plain {
		t.Errorf("headers make the wires faster: %g B/s, %g plain", got, plain)
	}
}

// The audit log is written beside everything else, all the time.
func TestAuditLogIsALoad(t *testing.T) {
	sets := []string{`workload.chat.duration="1 min"`}
	f := playFuture(t, "llama3-70b-serving", append(sets, `security={audit={store="models",record="1 MB"}}`)...)
	if f.Cluster.Steady == 0 {
		t.Fatal("nothing is written")
	}
	rate, err := f.logged(0)
	if err != nil || rate <= 0 {
		t.Fatal(rate, err)
	}
	ph, err := f.Cluster.Phases.At(f.Cluster.Steady)
	if err != nil {
		t.Fatal(err)
	}
	if got := ph.BytesPerSec[len(ph.BytesPerSec)-1]; math.Abs(got/(rate*1e6)-1) > 1e-6 {
		t.Errorf("%g B/s of records, want %g", got, rate*1e6)
	}
	if store, bytes := f.AuditBytes(100); store != "models" || math.Abs(bytes/(100*rate*1e6)-1) > 1e-9 {
		t.Errorf("%s holds %g B after 100 s", store, bytes)
	}
	if _, bytes := playFuture(t, "llama3-70b-serving", append(sets, `security={audit={store="models",record="1 MB",retention="50 s"}}`)...).AuditBytes(100); math.Abs(bytes/(50*rate*1e6)-1) > 1e-9 {
		t.Errorf("kept for 50 s it holds %g B", bytes)
	}
}
