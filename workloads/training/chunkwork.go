package training

// classWorks is the work of each class of the schedule.
func (j *Job) classWorks() []work {
	p, v := j.cfg.Parallel.PP, j.sched.v
	works := j.chunkWorks()
	if !j.cfg.Schedule.splits() {
		return works
	}
	of := func(ps pass, chunk, stage int) *work { return &works[(int(ps)*v+chunk)*p+stage] }
	works = append(works, make([]work, (int(numPasses)-2)*v*p)...)
	for c := range v {
		for s := range p {
			// Parts go with the inputs' share: the two are always both done.
			back, in := of(backward, c, s), of(inputGrad, c, s)
			*in = *back
			in.took.addTimes(-1, &back.weights)
			of(weightGrad, c, s).took = back.weights
			if j.cfg.Schedule == ScheduleDualPipe {
				*of(paired, c, s) = j.beside(of(forward, 1-c, s), back)
			}
		}
	}
	return works
}

// beside is a forward of one micro-batch and a backward of another, operators of one
// beside exchanges of the other: experts' exchanges stand still only as far as they take
// longer than all else (DeepSeek-V3, arXiv:2412.19437, section 3.2.1).
func (j *Job) beside(fore, back *work) work {
	pair := *fore
	pair.addTimes(1, back)
	seen := times(j.framework.EPExposed, pair.expert)
	pair.took.addTimes(-1, &seen)
	left := excess(pair.expert, pair.took)
	pair.took.add(&left)
	pair.part[partExpert] += left.sec - seen.sec
	pair.hidden[partExpert] += seen.sec - left.sec
	return pair
}

// chunkWorks is the work of each chunk, forward and whole backward.
func (j *Job) chunkWorks() []work {
	p, v := j.cfg.Parallel.PP, j.sched.v
	var layer [4][2]work
	var have [4]bool
	for i := range j.chunked {
		for k, n := range j.chunked[i].layers {
			if n > 0 && !have[k] {
				have[k] = true
				layer[k] = [2]work{j.layer(kindAt(k), false), j.layer(kindAt(k), true)}
			}
		}
	}
	var embed, head, mtp [2]work
	for dir := range 2 {
		embed[dir], head[dir] = j.edge(false, dir == 1), j.edge(true, dir == 1)
		if j.cfg.MTP > 0 {
			mtp[dir] = j.mtp(dir == 1)
		}
	}
	works := make([]work, 2*v*p)
	for g := range j.chunked {
		ch := &j.chunked[g]
		for dir := range 2 {
			w := &works[dir*v*p+g]
			for k, n := range ch.layers {
				if n > 0 {
					w.addTimes(float64(n), &layer[k][dir])
				}
			}
			if ch.embed {
				w.addTimes(1, &embed[dir])
			}
			if ch.head {
				w.addTimes(1, &head[dir])
			}
			if ch.mtp {
				w.addTimes(float64(j.cfg.MTP), &head[dir])
				w.addTimes(float64(j.cfg.MTP), &mtp[dir])
			}
		}
	}
	return works
}
