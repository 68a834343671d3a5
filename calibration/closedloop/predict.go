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
	device  *hardware.Device
	calls   *hardware.Calls
	draw    hardware.Draw
	cores   int
	disk    *storage.System // nil: not measured
	pipe    bool            // whether the host operations of the pipeline were measured
	serial  bool            // whether those of files of numbers were
	rested  bool            // whether writes to a disk that rested were
	handOff bool            // whether threads that wait were woken
	host    func(name string, bytes float64) float64
	ratio   float64 // of the compressor
}

// driveID names the probe's disk in the profile.
const driveID = "probed-disk"

func newMachine(p *profile.Profile, cores int, draw hardware.Draw) (*machine, error) {
	chip := hardware.FromProfile(p)
	if chip == nil {
		return nil, fmt.Errorf("the profile does not hold the machine itself")
	}
	m := &machine{draw: draw, cores: cores}
	var err error
	if m.calls, err = hardware.NewCalls(p); err != nil {
		return nil, err
	}
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
	have := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(name string) bool { _, ok := p.Host[name]; return !ok })
	}
	m.pipe, m.serial = have(probe.OpAES, probe.OpZstd, probe.OpTCP), have(probe.OpDecode, probe.OpEncode)
	m.rested, m.handOff = have(probe.OpRested, probe.OpBehind), have(probe.OpHandOff)
	value := func(name string, q profile.Param) float64 {
		return draw("host/"+name, hardware.Value{V: q.V, RelSD: q.RelSD})
	}
	m.host = func(name string, bytes float64) float64 {
		h := p.Host[name]
		sec := h.Sec(bytes)
		h.BytesPerSec.V, h.FixedSec.V = value(name+"/rate", h.BytesPerSec), value(name+"/fixed", h.FixedSec)
		if e, ok := m.calls.At(name, -1, bytes); ok { // what was measured around this size, moved as the constants are
			return e.Sec * h.Sec(bytes) / sec
		}
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
	overlapped = "pipeline, a thread a stage"
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
	if m.serial {
		out[learnBatch] = learn
	}
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
	out[readBatch] = read
	if m.serial && m.rested {
		// Weights, after the steps since the last checkpoint, then velocities.
		file := float64((8*int(params) + 4095) / 4096 * 4096)
		out[saveState] = m.host(probe.OpRested, file) + m.host(probe.OpBehind, file) + 2*m.host(probe.OpEncode, wordBytes*params)
		run, err := tandem.Run([]tandem.Stage{{Name: readBatch, Sec: read}, {Name: learnBatch, Sec: learn}}, steps, 1)
		if err != nil {
			return nil, err
		}
		out[trainRun] = run.Sec + steps/every*out[saveState]
	}
	if !m.pipe {
		return out, nil
	}
	if read, err = m.disk.Latency(storage.Read, chunkBytes, 0); err != nil {
		return nil, err
	}
	const copies = 2 // of what is sent: behind its length, and that as a whole
	stages := []tandem.Stage{{Name: "read", Sec: read}, {Name: "compress", Sec: m.host(probe.OpZstd, chunkBytes)},
		{Name: "encrypt", Sec: m.host(probe.OpAES, packed)}, {Name: "send", Sec: m.device.Elementwise(copies*2*packed).Sec + m.host(probe.OpTCP, packed)}}
	one, err := tandem.Run(stages, 1, 1)
	if err != nil {
		return nil, err
	}
	const items = textBytes / chunkBytes
	all, err := tandem.Run(stages, items, 1)
	if err != nil {
		return nil, err
	}
	out[oneChunk], out[allChunks] = one.Sec, all.Sec
	// A thread for reading, one for compressing, one for the rest. Reading waits for the disk; what
	// computes shares the cores.
	if m.cores > 1 && !m.handOff {
		return out, nil
	}
	stages[1].Thread, stages[2].Thread, stages[3].Thread = 1, 2, 2
	if m.cores > 1 { // the thread before wakes the one behind, the one behind the one that waits for room
		wake := m.host(probe.OpHandOff, probe.HandOffBytes)
		stages[0].Sec, stages[1].Sec, stages[3].Sec = stages[0].Sec+wake, stages[1].Sec+2*wake, stages[3].Sec+wake
	}
	if all, err = tandem.Run(stages, items, 1); err != nil {
		return nil, err
	}
	computing := all.Busy[1] + all.Busy[2] + all.Busy[3]
	out[overlapped] = math.Max(all.Sec, computing/float64(m.cores))
	return out, nil
}

// wordBytes is a float64.
const wordBytes = 8.0

// inPlace is the share of its bytes that an update in place costs of those of STREAM, which does not
// count that a line is read before it is written (McCalpin: write allocate): triad and add count three
// of four.
const inPlace = 0.75

// gemm is a multiplication of a kind that the probe measured, from the grid of its calls.
func (m *machine) gemm(op string, rows, cols, inner float64) float64 {
	op = "gemm " + op + " fp64"
	e, ok := m.calls.At(op, -1, rows, cols, inner)
	if !ok {
		return m.device.GEMM(rows, cols, inner, hardware.FP64).Sec
	}
	return e.Sec * m.draw("call/"+op, hardware.Value{V: 1, RelSD: e.RelSD})
}

// learn is a step on a batch in memory, operator by operator, and the number of parameters.
func (m *machine) learn() (sec, params float64) {
	d := m.device
	if m.serial {
		sec = m.host(probe.OpDecode, wordBytes*batch*float64(widths[0]))
	}
	for l := 1; l < len(widths); l++ {
		in, wide := float64(widths[l-1]), float64(widths[l])
		params += in * wide
		behind := "" // a rectifier, whose zeros the library may pass over
		if l > 1 {
			behind = " rectified"
		}
		sec += m.gemm("nn"+behind, batch, wide, in)                      // forward
		sec += m.gemm("tn"+behind, in, wide, batch)                      // gradient of the weights
		sec += d.Elementwise(inPlace * 2 * wordBytes * batch * wide).Sec // rectifier, or softmax
		if l > 1 {
			sec += m.gemm("nt", batch, in, wide)                           // gradient of the input
			sec += d.Elementwise(inPlace * 3 * wordBytes * batch * in).Sec // its mask
		}
		sec += d.Optimizer(inPlace * 5 * wordBytes * in * wide).Sec // three read, two written
	}
	return sec, params
}

// draws of the profile that intervals are made of.
const draws = 200

// Prediction is a time with its 90 % interval, in seconds.
type Prediction struct{ Sec, Low, High float64 }

func predictAll(p *profile.Profile, cores int) (map[string]Prediction, error) {
	all := map[string][]float64{}
	var nominal map[string]float64
	for replica := range draws + 1 {
		m, err := newMachine(p, cores, hardware.NewDraw(1, replica))
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
