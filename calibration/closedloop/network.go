package closedloop

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"aisim/calibration/probe"
	"aisim/sim"
)

// The network: images of 24×24 into ten classes over two hidden layers.
const (
	batch   = 32
	samples = 2048
)

var widths = []int{576, 192, 96, 10}

// network is a multi-layer perceptron in float64 that learns by momentum.
type network struct {
	threads  int
	data     *probe.File
	dir      string
	buf      []byte // of one batch as it lies on disk
	weights  []blas64.General
	velocity []blas64.General
	grad     []blas64.General
	act      []blas64.General // activations, the input first
	delta    []blas64.General
	labels   []int
	at       int
	out      []byte // of a checkpoint
	loss     float64
}

// recordBytes is a sample on disk: its label and its pixels as float64.
func recordBytes() int { return 8 * (1 + widths[0]) }

// batchBytes is a batch on disk, rounded up to whole pages for reads past the cache.
func batchBytes() int { return (batch*recordBytes() + 4095) / 4096 * 4096 }

// newNetwork writes a data set of ten noisy prototypes and makes a network for it.
func newNetwork(dir string, threads int) (*network, error) {
	n := &network{threads: threads, dir: dir, buf: probe.Aligned(batchBytes()), labels: make([]int, batch)}
	draw := sim.NewStream(11, "closedloop/data")
	f, err := probe.OpenFile(filepath.Join(dir, "aisim-loop-data.dat"), os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return nil, err
	}
	n.data = f
	prototypes := make([][]float64, widths[len(widths)-1])
	for c := range prototypes {
		prototypes[c] = make([]float64, widths[0])
		for i := range prototypes[c] {
			prototypes[c][i] = draw.Normal(0, 1)
		}
	}
	for b := range samples / batch {
		for s := range batch {
			row := n.buf[s*recordBytes():]
			label := draw.Intn(len(prototypes))
			binary.LittleEndian.PutUint64(row, uint64(label))
			for i, v := range prototypes[label] {
				binary.LittleEndian.PutUint64(row[8*(i+1):], math.Float64bits(v+draw.Normal(0, 1)))
			}
		}
		if _, err := f.WriteAt(n.buf, int64(b*len(n.buf))); err != nil {
			return nil, errors.Join(err, n.close())
		}
	}
	if err := f.Sync(); err != nil {
		return nil, errors.Join(err, n.close())
	}
	matrix := func(r, c int) blas64.General {
		return blas64.General{Rows: r, Cols: c, Stride: c, Data: make([]float64, r*c)}
	}
	n.act = append(n.act, matrix(batch, widths[0]))
	for l := 1; l < len(widths); l++ {
		w := matrix(widths[l-1], widths[l])
		for i := range w.Data {
			w.Data[i] = draw.Normal(0, math.Sqrt(2/float64(widths[l-1]))) // He et al., 2015
		}
		n.weights = append(n.weights, w)
		n.velocity = append(n.velocity, matrix(w.Rows, w.Cols))
		n.grad = append(n.grad, matrix(w.Rows, w.Cols))
		n.act = append(n.act, matrix(batch, widths[l]))
		n.delta = append(n.delta, matrix(batch, widths[l]))
	}
	n.out = probe.Aligned((8*n.params() + 4095) / 4096 * 4096)
	return n, nil
}

func (n *network) params() int {
	sum := 0
	for _, w := range n.weights {
		sum += len(w.Data)
	}
	return sum
}

func (n *network) close() error {
	err := errors.Join(n.data.Close(), os.Remove(n.data.Name()))
	for _, name := range []string{"weights", "velocity"} {
		if e := os.Remove(filepath.Join(n.dir, "aisim-loop-"+name+".dat")); e != nil && !errors.Is(e, os.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// read takes the next batch from disk into the input.
func (n *network) read() error {
	if _, err := n.data.ReadAt(n.buf, int64(n.at*len(n.buf))); err != nil {
		return err
	}
	n.at = (n.at + 1) % (samples / batch)
	return nil
}

// decode turns a batch's bytes into numbers.
func (n *network) decode() {
	x := n.act[0]
	probe.Parallel(n.threads, batch, func(from, to int) {
		for s := from; s < to; s++ {
			row := n.buf[s*recordBytes():]
			n.labels[s] = int(binary.LittleEndian.Uint64(row))
			probe.Decode(x.Data[s*x.Stride:s*x.Stride+x.Cols], row[8:])
		}
	})
}

// learn is one step on the batch that was read: forward, softmax, backward, momentum.
func (n *network) learn() {
	last := len(n.weights) - 1
	for l, w := range n.weights {
		blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, n.act[l], w, 0, n.act[l+1])
		if l < last {
			rectify(n.act[l+1].Data)
		}
	}
	n.softmax()
	for l := last; l >= 0; l-- {
		blas64.Gemm(blas.Trans, blas.NoTrans, 1.0/batch, n.act[l], n.delta[l], 0, n.grad[l])
		if l > 0 {
			blas64.Gemm(blas.NoTrans, blas.Trans, 1, n.delta[l], n.weights[l], 0, n.delta[l-1])
			mask(n.delta[l-1].Data, n.act[l].Data)
		}
	}
	for l := range n.weights {
		w, v, g := n.weights[l].Data, n.velocity[l].Data, n.grad[l].Data
		probe.Parallel(n.threads, len(w), func(from, to int) { momentum(w[from:to], v[from:to], g[from:to]) })
	}
}

// train is the run that is predicted whole: steps with their reads, and checkpoints.
func (n *network) train(lap func(name string, f func() error) error) error {
	for s := range steps {
		if err := lap(readBatch, n.read); err != nil {
			return err
		}
		if err := lap(learnBatch, func() error { n.decode(); n.learn(); return nil }); err != nil {
			return err
		}
		if (s+1)%every == 0 {
			if err := lap(saveState, n.checkpoint); err != nil {
				return err
			}
		}
	}
	return nil
}

func rectify(x []float64) {
	for i, v := range x {
		x[i] = max(v, 0)
	}
}

func mask(delta, act []float64) {
	for i, v := range act {
		if v <= 0 {
			delta[i] = 0
		}
	}
}

// momentum is Sutskever et al.'s form without Nesterov's look ahead, rate 0.02 and memory 0.9.
func momentum(w, v, g []float64) {
	v, g = v[:len(w)], g[:len(w)]
	for i := range w {
		u := 0.9*v[i] - 0.02*g[i]
		v[i] = u
		w[i] += u
	}
}

// softmax leaves the gradient of the cross entropy in the last delta.
func (n *network) softmax() {
	y, d := n.act[len(n.act)-1], n.delta[len(n.delta)-1]
	n.loss = 0
	for s := range batch {
		row, out := y.Data[s*y.Stride:s*y.Stride+y.Cols], d.Data[s*d.Stride:s*d.Stride+d.Cols]
		top, sum := math.Inf(-1), 0.0
		for _, v := range row {
			top = max(top, v)
		}
		for i, v := range row {
			out[i] = math.Exp(v - top)
			sum += out[i]
		}
		for i := range out {
			out[i] /= sum
		}
		n.loss -= math.Log(out[n.labels[s]]) / batch
		out[n.labels[s]]--
	}
}

// checkpoint writes weights and velocities, each on the device when it returns.
func (n *network) checkpoint() error {
	for i, tensors := range [][]blas64.General{n.weights, n.velocity} {
		at := 0
		for _, t := range tensors {
			probe.Encode(n.out[at:], t.Data)
			at += 8 * len(t.Data)
		}
		if err := probe.WriteFile(filepath.Join(n.dir, "aisim-loop-"+[]string{"weights", "velocity"}[i]+".dat"), n.out); err != nil {
			return err
		}
	}
	return nil
}
