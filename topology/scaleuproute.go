package topology

// scaleUp routes inside a domain; ok is false when failed links leave no way.
func (r *router) scaleUp(src, dst NodeID, w float64, out []Share) ([]Share, float64, bool) {
	g := r.g
	gr := &g.groups[g.owner[src]]
	a, b := int(g.index[src]), int(g.index[dst])
	lat := gr.ScaleUp.LatencySec
	switch gr.suKind {
	case "switch":
		up, down := gr.suFirst+LinkID(2*a), gr.suFirst+LinkID(2*b)+1
		if g.failed[up] || g.failed[down] {
			return out, 0, false
		}
		return append(out, Share{up, w}, Share{down, w}), 2 * lat, true
	case "mesh":
		m := gr.perDomain
		x, y := a%m, b%m
		if y > x {
			y--
		}
		id := gr.suFirst + LinkID(a/m*m*(m-1)+x*(m-1)+y)
		if g.failed[id] {
			return r.detour(gr, src, dst, w, out)
		}
		return append(out, Share{id, w}), lat, true
	}
	if g.anyScaleUp {
		return r.detour(gr, src, dst, w, out)
	}
	n := len(gr.dims)
	hops, stride := 0, 1
	for d := n - 1; d >= 0; d-- {
		stride *= gr.dims[d]
	}
	at := a
	for d := range n {
		size := gr.dims[d]
		stride /= size
		x, y := at/stride%size, b/stride%size
		if x == y {
			continue
		}
		fwd := (y - x + size) % size
		if gr.ScaleUp.NoWrap {
			if y > x {
				out = gr.line(at, d, stride, fwd, 0, w, out)
			} else {
				out = gr.line(at, d, stride, size-fwd, 1, w, out)
			}
			hops += max(y-x, x-y)
		} else {
			back := size - fwd
			switch {
			case fwd == back && g.mode != dModK:
				out = gr.line(at, d, stride, fwd, 0, w/2, out)
				out = gr.line(at, d, stride, back, 1, w/2, out)
			case fwd <= back:
				out = gr.line(at, d, stride, fwd, 0, w, out)
			default:
				out = gr.line(at, d, stride, back, 1, w, out)
			}
			hops += min(fwd, back)
		}
		at += (y - x) * stride
	}
	return out, float64(hops) * lat, true
}

// line follows a torus dimension for some hops.
func (gr *group) line(at, d, stride, hops, dir int, w float64, out []Share) []Share {
	n, size := len(gr.dims), gr.dims[d]
	x := at / stride % size
	base := at - x*stride
	for range hops {
		out = append(out, Share{gr.neighbour[((base+x*stride)*n+d)*2+dir], w})
		x = (x + 1 - 2*dir + size) % size
	}
	return out
}

// detour is a breadth-first search over the live links of a domain: the first shortest
// path in link order.
func (r *router) detour(gr *group, src, dst NodeID, w float64, out []Share) ([]Share, float64, bool) {
	g := r.g
	if r.seen == nil {
		r.seen = make([]int32, len(g.kind))
		r.via = make([]LinkID, len(g.kind))
	}
	r.stamp++
	r.queue = append(r.queue[:0], src)
	r.seen[src] = r.stamp
	for head := 0; head < len(r.queue); head++ {
		n := r.queue[head]
		if n == dst {
			break
		}
		for _, id := range g.Out(n) {
			to := g.to[id]
			if g.level[id] == ScaleUpLevel && !g.failed[id] && r.seen[to] != r.stamp {
				r.seen[to] = r.stamp
				r.via[to] = id
				r.queue = append(r.queue, to)
			}
		}
	}
	if r.seen[dst] != r.stamp {
		return out, 0, false
	}
	lat := 0.0
	for n := dst; n != src; n = g.from[r.via[n]] {
		out = append(out, Share{r.via[n], w})
		lat += g.lat[r.via[n]]
	}
	return out, lat, true
}
