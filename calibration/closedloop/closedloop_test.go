package closedloop

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"testing"

	"github.com/klauspost/compress/zstd"

	"aisim/calibration/probe"
	"aisim/hardware"
	"aisim/hardware/profile"
)

// The training is real: the loss falls to a tenth within a pass over the data, and what a
// checkpoint holds is on disk.
func TestTheNetworkLearns(t *testing.T) {
	n, err := newNetwork(t.TempDir(), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := n.close(); err != nil {
			t.Error(err)
		}
	}()
	first := 0.0
	for i := range samples / batch {
		if err := n.read(); err != nil {
			t.Fatal(err)
		}
		n.decode()
		n.learn()
		if i == 0 {
			first = n.loss
		}
	}
	if !(n.loss < first/10) {
		t.Errorf("loss %g at first, %g after a pass", first, n.loss)
	}
	if err := n.checkpoint(); err != nil {
		t.Fatal(err)
	}
}

// The pipeline is real: what was sealed opens to what zstd packed, and that to the text.
func TestTheChunksComeBack(t *testing.T) {
	c, err := newChunks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.close(); err != nil {
			t.Error(err)
		}
	}()
	k := &c.chunk
	if err := c.read(k); err != nil {
		t.Fatal(err)
	}
	c.protect(k)
	block, _ := aes.NewCipher(make([]byte, 32))
	gcm, _ := cipher.NewGCM(block)
	packed, err := gcm.Open(nil, make([]byte, gcm.NonceSize()), k.sealed, nil)
	if err != nil {
		t.Fatal(err)
	}
	dec, _ := zstd.NewReader(nil)
	defer dec.Close()
	text, err := dec.DecodeAll(packed, nil)
	if err != nil || !bytes.Equal(text, probe.Text(23, textBytes)[:chunkBytes]) {
		t.Errorf("%d bytes came back, %v", len(text), err)
	}
	for _, run := range []func() error{func() error { return c.send(k) }, func() error { return c.pass(alone) }, c.overlap} {
		if err := run(); err != nil {
			t.Error(err)
		}
	}
	c.at = 2 * textBytes // a stage that fails ends the others
	if err := c.overlap(); err == nil {
		t.Error("read behind the end of the file")
	}
}

func host() *profile.Profile {
	known := func(v float64) profile.Param { return profile.Param{V: v, RelSD: 0.05, Source: "test"} }
	p, err := profile.ForFamily("cpu", "this-host")
	if err != nil {
		panic(err)
	}
	p.Chip = &profile.Chip{Name: "x", Kind: "cpu", Family: "cpu", Peak: map[string]profile.Param{"fp64": known(1e10)}, MemoryBytesPerSec: known(2e10)}
	p.Drives = map[string]profile.Drive{driveID: {ID: driveID, ReadBytesPerSec: known(1e9), WriteBytesPerSec: known(5e8), ReadLatencySec: known(1e-4), WriteLatencySec: known(1e-3), CapacityBytes: known(1e12)}}
	p.Host = map[string]profile.HostOp{}
	for _, name := range []string{probe.OpAES, probe.OpZstd, probe.OpTCP, probe.OpDecode, probe.OpEncode, probe.OpRested, probe.OpBehind, probe.OpHandOff} {
		p.Host[name] = profile.HostOp{Name: name, BytesPerSec: known(2e8), FixedSec: known(1e-5), Ratio: known(3)}
	}
	return p
}

// Every constant of the profile reaches the prediction that stands on it, in the right direction.
func TestPredictionsFollowTheProfile(t *testing.T) {
	at := func(change func(*profile.Profile)) map[string]float64 {
		p := host()
		change(p)
		m, err := newMachine(p, 2, hardware.NominalDraw)
		if err != nil {
			t.Fatal(err)
		}
		out, err := m.predict()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	base := at(func(*profile.Profile) {})
	for name, c := range map[string]struct {
		change func(*profile.Profile)
		slower []string
	}{
		"compute": {func(p *profile.Profile) { p.Chip.Peak["fp64"] = profile.Param{V: 5e9, Source: "test"} }, []string{learnBatch, trainRun}},
		"memory":  {func(p *profile.Profile) { p.Chip.MemoryBytesPerSec.V /= 2 }, []string{learnBatch, trainRun}},
		"reads":   {func(p *profile.Profile) { d := p.Drives[driveID]; d.ReadLatencySec.V *= 9; p.Drives[driveID] = d }, []string{readBatch, trainRun, oneChunk, allChunks}},
		"zstd":    {func(p *profile.Profile) { h := p.Host[probe.OpZstd]; h.BytesPerSec.V /= 2; p.Host[probe.OpZstd] = h }, []string{protect, oneChunk, allChunks}},
		"ratio":   {func(p *profile.Profile) { h := p.Host[probe.OpZstd]; h.Ratio.V /= 2; p.Host[probe.OpZstd] = h }, []string{oneChunk, allChunks}},
		"aes":     {func(p *profile.Profile) { h := p.Host[probe.OpAES]; h.BytesPerSec.V /= 2; p.Host[probe.OpAES] = h }, []string{oneChunk, allChunks}},
		"files": {func(p *profile.Profile) {
			h := p.Host[probe.OpRested]
			h.FixedSec.V *= 9999
			p.Host[probe.OpRested] = h
		}, []string{saveState, trainRun}},
		"numbers": {func(p *profile.Profile) {
			h := p.Host[probe.OpDecode]
			h.BytesPerSec.V /= 2
			p.Host[probe.OpDecode] = h
		}, []string{learnBatch, trainRun}},
		"threads": {func(p *profile.Profile) {
			h := p.Host[probe.OpHandOff]
			h.FixedSec.V *= 99
			p.Host[probe.OpHandOff] = h
		}, []string{overlapped}},
		"tcp": {func(p *profile.Profile) { h := p.Host[probe.OpTCP]; h.FixedSec.V *= 9; p.Host[probe.OpTCP] = h }, []string{oneChunk, allChunks}},
	} {
		got := at(c.change)
		for _, what := range c.slower {
			if !(got[what] > 1.001*base[what]) {
				t.Errorf("%s: %s takes %g, took %g", name, what, got[what], base[what])
			}
		}
	}
	if got := at(func(p *profile.Profile) { p.Drives = nil }); len(got) != 2 || got[learnBatch] != base[learnBatch] || got[protect] != base[protect] {
		t.Errorf("without a disk: %v", got)
	}
	all, err := predictAll(host(), 2)
	if err != nil {
		t.Fatal(err)
	}
	for what, p := range all {
		if !(p.Low < p.Sec && p.Sec < p.High) {
			t.Errorf("%s: %+v", what, p)
		}
	}
}
