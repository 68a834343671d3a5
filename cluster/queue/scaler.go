package queue

import (
	"fmt"
	"math"

	"aisim/cluster/provision"
)

// Scaler rents the nodes of a pool when jobs wait and gives them back when they are empty,
// as node autoscalers of Kubernetes do: one that looks every ScanSec (Cluster Autoscaler),
// or one that acts on every change (Karpenter). The first Min nodes stay.
type Scaler struct {
	Min     int
	ScanSec float64 // between two looks; 0 acts at once
	IdleSec float64 // that a node is empty before it goes
	Chain   provision.Chain
}

// checkScale says what is wrong with the autoscaler.
func (s *Spec) checkScale() error {
	x := s.Scale
	if x == nil {
		return nil
	}
	if x.Min < 0 || !(x.ScanSec >= 0) || !(x.IdleSec >= 0) {
		return fmt.Errorf("queue: an autoscaler of nodes that keeps %d, looks every %v s and waits %v s: want nothing negative", x.Min, x.ScanSec, x.IdleSec)
	}
	if s.Backfill == Conservative || len(s.Windows) > 0 {
		return fmt.Errorf("queue: conservative backfill and windows promise nodes that an autoscaler has not rented")
	}
	for _, p := range s.Pools {
		if x.Min > p.Nodes || len(p.Partitions) > 0 {
			return fmt.Errorf("queue: an autoscaler keeps %d nodes of pool %s, which has %d; pools with partitions are not scaled", x.Min, p.Name, p.Nodes)
		}
	}
	return x.Chain.Check()
}

// scaling is the state of a pool under a Scaler.
type scaling struct {
	on       int       // nodes that are rented: up, coming up or broken
	off      int       // GPUs of the others
	booting  int       // GPUs of nodes that come up
	starting int       // such nodes
	rented   []bool    // by node
	empty    []float64 // since when; valid while a node is wholly free
	scanning bool      // a look is due
}

// What an evNode event is.
const (
	nodeScan int32 = iota
	nodeReady
	nodeEmpty
)

// setScaling gives back all nodes but the first.
func (w *world) setScaling(pl *pool) {
	s := &scaling{on: w.Scale.Min, rented: make([]bool, pl.Nodes), empty: make([]float64, pl.Nodes)}
	for i := range pl.Nodes {
		if s.rented[i] = i < s.on; !s.rented[i] {
			pl.nodes.fail(i)
			s.off += pl.GPUsPerNode
		}
	}
	pl.scale = s
}

// scaleUp rents nodes for the jobs that wait, at once or at the next look.
func (w *world) scaleUp(pl *pool) {
	s := pl.scale
	if pl.waiting == 0 || s.off == 0 || s.scanning {
		return
	}
	if scan := w.Scale.ScanSec; scan > 0 {
		s.scanning = true
		w.heap.Push(event{sec: (math.Floor(w.now/scan) + 1) * scan, kind: evNode, pool: pl.number, run: nodeScan})
		return
	}
	w.rent(pl)
}

// rent asks for as many nodes as the waiting jobs lack GPUs for.
func (w *world) rent(pl *pool) {
	s := pl.scale
	lack := -pl.nodes.freeGPUs() - s.booting
	for l := range pl.lanes {
		for i := 0; i < pl.lanes[l].len() && lack < s.off; i++ {
			if j := pl.lanes[l].at(i); w.admissible(j) {
				lack += int(w.st[j].gpus)
			}
		}
	}
	n := min((lack+pl.GPUsPerNode-1)/pl.GPUsPerNode, s.off/pl.GPUsPerNode)
	if n <= 0 {
		return
	}
	ready := w.now + w.Scale.Chain.ReadySec(s.starting+n)
	for i := 0; i < pl.Nodes && n > 0; i++ {
		if s.rented[i] {
			continue
		}
		s.rented[i] = true
		s.on++
		s.starting++
		s.off -= pl.GPUsPerNode
		s.booting += pl.GPUsPerNode
		w.out.NodeStarts++
		w.heap.Push(event{sec: ready, kind: evNode, pool: pl.number, id: int32(i), run: nodeReady})
		n--
	}
}

// node is an event of the scaler.
func (w *world) node(pl *pool, id int, what int32) {
	s := pl.scale
	switch what {
	case nodeScan:
		s.scanning = false
		if pl.waiting > 0 {
			w.rent(pl)
		}
	case nodeReady:
		s.starting--
		s.booting -= pl.GPUsPerNode
		pl.nodes.repair(id)
		pl.touched = true
		w.emptied(pl, id)
	case nodeEmpty:
		n := pl.nodes
		switch {
		case n.down[id] || n.free[id] != n.perNode || s.on <= w.Scale.Min || w.now+1e-6 < s.empty[id]+w.Scale.IdleSec:
		case pl.waiting > 0: // for more nodes than there are: this one may be among them
			w.lookAt(pl, id, math.Max(w.Scale.IdleSec, 60))
		default:
			n.fail(id)
			s.rented[id] = false
			s.on--
			s.off += pl.GPUsPerNode
		}
	}
}

// emptied notes that a node is wholly free from now on.
func (w *world) emptied(pl *pool, id int) {
	if id < w.Scale.Min {
		return
	}
	pl.scale.empty[id] = w.now
	w.lookAt(pl, id, math.Max(w.Scale.IdleSec, 1e-3)) // what may start at this moment starts first
}

// lookAt looks after so long whether a node is still empty.
func (w *world) lookAt(pl *pool, id int, afterSec float64) {
	sec := w.now + afterSec
	if scan := w.Scale.ScanSec; scan > 0 {
		sec = math.Ceil(sec/scan) * scan
	}
	w.heap.Push(event{sec: sec, kind: evNode, pool: pl.number, id: int32(id), run: nodeEmpty})
}
