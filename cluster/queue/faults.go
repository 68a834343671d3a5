package queue

// nextFault draws the next failure of a node, or of a leaf, of the pool.
func (w *world) nextFault(pl *pool, leaf bool) {
	perDay, id := w.Faults.PerNodeDay*float64(pl.Nodes), int32(0)
	if leaf {
		perDay, id = w.Faults.PerLeafDay*float64(pl.nodes.leaves), 1
	}
	if perDay > 0 {
		w.heap.Push(event{sec: w.now + pl.faults.Exp(86400/perDay), kind: evFail, pool: pl.number, id: id})
	}
}

// fault takes a node, or all of a leaf, out of the pool; their jobs go back to the queue
// with what was saved.
func (w *world) fault(pl *pool, leaf bool) {
	first, last := 0, 0
	if leaf {
		l := pl.faults.Intn(pl.nodes.leaves)
		first, last = l*pl.nodes.leafNodes, min((l+1)*pl.nodes.leafNodes, pl.Nodes)
	} else {
		first = pl.faults.Intn(pl.Nodes)
		last = first + 1
	}
	for i := first; i < last; i++ {
		repair := pl.faults.Exp(w.Faults.RepairSec + 1e-9)
		if pl.nodes.down[i] {
			continue
		}
		pl.lost += int(pl.nodes.free[i])
		pl.nodes.fail(i)
		w.heap.Push(event{sec: w.now + repair, kind: evRepair, pool: pl.number, id: int32(i)})
	}
	var hit []int32
	for _, j := range pl.running {
		for _, g := range w.st[j].grants {
			if int(g.node) >= first && int(g.node) < last {
				hit = append(hit, j)
				break
			}
		}
	}
	for _, j := range hit {
		w.out.Failures++
		w.stop(j, false)
	}
}

// window closes nodes when it begins, those with the most free GPUs, and opens them when it
// ends; jobs that still run there run on. An id of −1 only wakes the scheduler.
func (w *world) window(pl *pool, id int, phase int32) {
	pl.touched = true
	if id < 0 {
		return
	}
	n := pl.nodes
	if phase == 1 {
		for _, i := range w.closed[id] {
			pl.kept -= int(n.free[i])
			pl.closed[i] = false
			n.repair(int(i))
		}
		return
	}
	for free := n.perNode; free >= 0 && len(w.closed[id]) < w.Windows[id].Nodes; free-- {
		for i := n.sets[free].first(0); i >= 0 && len(w.closed[id]) < w.Windows[id].Nodes; i = n.sets[free].first(i) {
			pl.kept += int(n.free[i])
			pl.closed[i] = true
			n.fail(i)
			w.closed[id] = append(w.closed[id], int32(i))
		}
	}
	w.heap.Push(event{sec: w.Windows[id].UntilSec, kind: evWindow, pool: pl.number, id: int32(id), run: 1})
}
