package closedloop

import (
	"fmt"
	"math"
	"slices"

	"aisim/calibration/probe"
	"aisim/hardware"
	"aisim/hardware/profile"
	"aisim/storage"
	"aisim/workloads/tandem"
)

// machine is the host under one draw of its profile's constants.
type machine struct {
	device *hardware.Device
	disk   *storage.System // nil: not measured
	pipe   bool            // whether the host operations of the pipeline were measured
	host   func(name string, bytes float64) float64
	ratio  float64 // of the compressor
}

// driveID names the probe's disk in the profile.
const driveID = "probed-disk"

func newMachine(p *profile.Profile, draw hardware.Draw) (*machine, error) {
	chip := hardware.FromProfile(p)
	if chip == nil {
		return nil, fmt.Errorf("the profile does not hold the machine itself")
	}
	m := new(machine)
	var err error
	if m.device, err = hardware.NewDevice(chip, p, draw); err != nil {
		return nil, err
	}
	sheet := &hardware.Drive{ID: driveID, Kind: "ssd"}
	sheet.Measured(p)
	if sheet.SeqRead.Known() && sheet.SeqWrite.Known() && sheet.ReadLatency.Known() && sheet.WriteLatency.Known() {
		drive, err := storage.NewDrive(sheet, draw)
		if err != nil {
			return nil, err
		}
		if m.disk, err = storage.NewNVMe(storage.NVMeSpec{ID: "disk", Nodes: 1, DrivesPerNode: 1, Drive: drive}); err != nil {
			return nil, err
		}
	}
	m.pipe = true
	for _, name := range []string{probe.OpAES, probe.OpZstd, probe.OpTCP} {
		_, ok := p.Host[name]
		m.pipe = m.pipe && ok
	}
	value := func(name string, q profile.Param) float64 {
		return draw("host/"+name, hardware.Value{V: q.V, RelSD: q.RelSD})
	}
	m.host = func(name string, bytes float64) float64 {
		h := p.Host[name]
		h.BytesPerSec.V, h.FixedSec.V = value(name+"/rate", h.BytesPerSec), value(name+"/fixed", h.FixedSec)
		return h.Sec(bytes)
	}
	m.ratio = math.Max(1, value("zstd/ratio", p.Host[probe.OpZstd].Ratio))
	return m, nil
}

// Names of what is predicted and measured.
const (
	readBatch  = "read a batch"
	learnBatch = "forward, backward, update"
	saveState  = "checkpoint"
	trainRun   = "training run"
	protect    = "compress and encrypt a chunk"
	oneChunk   = "pipeline, one chunk"
	allChunks  = "pipeline, whole file"
)

// steps and saves of the run that is predicted whole.
const (
	steps = 64
	every = 32
)

// predict gives the seconds of every part and of the whole; what stands on something that was
// not measured is left out.
func (m *machine) predict() (map[string]float64, error) {
	out := map[string]float64{}
	learn, params := m.learn()
	out[learnBatch] = learn
	packed := chunkBytes / m.ratio
	if m.pipe {
		guard := []tandem.Stage{{Name: "compress", Sec: m.host(probe.OpZstd, chunkBytes)}, {Name: "encrypt", Sec: m.host(probe.OpAES, packed)}}
		one, err := tandem.Run(guard, 1, 1)
		if err != nil {
			return nil, err
		}
		out[protect] = one.Sec
	}
	if m.disk == nil {
		return out, nil
	}
	read, err := m.disk.Latency(storage.Read, float64(batchBytes()), 0)
	if err != nil {
		return nil, err
	}
	write, err := m.disk.Latency(storage.Write, float64((8*int(params)+4095)/4096*4096), 0)
	if err != nil {
		return nil, err
	}
	out[readBatch] = read
	out[saveState] = 2 * (write + m.device.Elementwise(2*wordBytes*params).Sec) // weights, velocities
	run, err := tandem.Run([]tandem.Stage{{Name: readBatch, Sec: read}, {Name: learnBatch, Sec: learn}}, steps, 1)
	if err != nil {
		return nil, err
	}
	out[trainRun] = run.Sec + steps/every*out[saveState]
	if !m.pipe {
		return out, nil
	}
	if read, err = m.disk.Latency(storage.Read, chunkBytes, 0); err != nil {
		return nil, err
	}
	stages := []tandem.Stage{{Name: "read", Sec: read}, {Name: "compress", Sec: m.host(probe.OpZstd, chunkBytes)},
		{Name: "encrypt", Sec: m.host(probe.OpAES, packed)}, {Name: "send", Sec: m.host(probe.OpTCP, packed)}}
	one, err := tandem.Run(stages, 1, 1)
	if err != nil {
		return nil, err
	}
	all, err := tandem.Run(stages, textBytes/chunkBytes, 1)
	if err != nil {
		return nil, err
	}
	out[oneChunk], out[allChunks] = one.Sec, all.Sec
	return out, nil
}

// wordBytes is a float64.
const wordBytes = 8.0

// learn is a step on a batch in memory, operator by operator, and the number of parameters.
func (m *machine) learn() (sec, params float64) {
	d := m.device
	sec = d.Elementwise(2 * wordBytes * batch * float64(widths[0])).Sec // decoding
	for l := 1; l < len(widths); l++ {
		in, wide := float64(widths[l-1]), float64(widths[l])
		params += in * wide
		sec += d.GEMM(batch, wide, in, hardware.FP64).Sec      // forward
		sec += d.GEMM(in, wide, batch, hardware.FP64).Sec      // gradient of the weights
		sec += d.Elementwise(2 * wordBytes * batch * wide).Sec // rectifier, or softmax
		if l > 1 {
			sec += d.GEMM(batch, in, wide, hardware.FP64).Sec    // gradient of the input
			sec += d.Elementwise(2 * wordBytes * batch * in).Sec // its mask
		}
		sec += d.Optimizer(5 * wordBytes * in * wide).Sec // three read, two written
	}
	return sec, params
}

// draws of the profile that intervals are made of.
const draws = 200

// Prediction is a time with its 90 % interval, in seconds.
type Prediction struct{ Sec, Low, High float64 }

func predictAll(p *profile.Profile) (map[string]Prediction, error) {
	all := map[string][]float64{}
	var nominal map[string]float64
	for replica := range draws + 1 {
		m, err := newMachine(p, hardware.NewDraw(1, replica))
		if err != nil {
			return nil, err
		}
		one, err := m.predict()
		if err != nil {
			return nil, err
		}
		if replica == 0 {
			nominal = one
		}
		for k, v := range one {
			all[k] = append(all[k], v)
		}
	}
	out := map[string]Prediction{}
	for k, v := range all {
		slices.Sort(v)
		out[k] = Prediction{nominal[k], v[len(v)*5/100], v[len(v)*95/100]}
	}
	return out, nil
}
