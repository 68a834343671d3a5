package queue

// nextFault draws the next failure of a node, or of a leaf, of the pool.
func (w *world) nextFault(pl *pool, leaf bool) {
	perDay, id := w.Faults.PerNodeDay*float64(pl.Nodes), int32(0)
	if leaf {
		perDay, id = w.Faults.PerLeafDay*float64(len(pl.nodes.leafFree)), 1
	}
	if perDay > 0 {
		w.push(event{sec: w.now + pl.faults.Exp(86400/perDay), kind: evFail, pool: pl.number, id: id})
	}
}

// fault takes a node, or all of a leaf, out of the pool; their jobs go back to the queue
// with what was saved.
func (w *world) fault(pl *pool, leaf bool) {
	first, last := 0, 0
	if leaf {
		l := pl.faults.Intn(len(pl.nodes.leafFree))
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
		w.push(event{sec: w.now + repair, kind: evRepair, pool: pl.number, id: int32(i)})
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

// window takes a window's nodes when it begins, as they fall free, and gives them back when
// it ends. An id of −1 only wakes the scheduler.
func (w *world) window(pl *pool, id int, phase int32) {
	pl.touched = true
	if id < 0 {
		return
	}
	x := w.Windows[id]
	gpus := x.Nodes * pl.GPUsPerNode
	switch {
	case phase == 1:
		pl.kept -= gpus
		pl.nodes.release(gpus, w.kept[id])
		for _, g := range w.kept[id] {
			if pl.nodes.down[g.node] {
				pl.lost += int(g.gpus)
			}
		}
	case w.now >= x.UntilSec:
		// Jobs that outran their estimates held the nodes for all of the window.
	case pl.nodes.fits(gpus) && pl.nodes.count[pl.nodes.perNode] >= x.Nodes:
		w.kept[id], _ = pl.nodes.take(gpus, nil)
		pl.kept += gpus
		w.push(event{sec: x.UntilSec, kind: evWindow, pool: pl.number, id: int32(id), run: 1})
	default:
		w.push(event{sec: w.now + 60, kind: evWindow, pool: pl.number, id: int32(id)})
	}
}
