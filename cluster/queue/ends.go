package queue

import "sort"

// ends are the times at which running jobs are expected to end, in order, in blocks so
// that adding, removing and asking when enough GPUs are free stay cheap at tens of
// thousands of jobs.
type ends struct {
	blocks []endBlock
	size   int
}

type end struct {
	sec  float64
	job  int32
	gpus int32
}

type endBlock struct {
	list []end
	gpus int
}

const blockSize = 256

func endBefore(a, b end) bool { return a.sec < b.sec || a.sec == b.sec && a.job < b.job }

// find is the block that an end is or belongs in.
func (e *ends) find(x end) int {
	k := sort.Search(len(e.blocks), func(i int) bool {
		l := e.blocks[i].list
		return len(l) == 0 || !endBefore(l[len(l)-1], x)
	})
	return min(k, len(e.blocks)-1)
}

func (e *ends) add(x end) {
	e.size++
	if len(e.blocks) == 0 {
		e.blocks = append(e.blocks, endBlock{list: make([]end, 0, 2*blockSize)})
	}
	b := &e.blocks[e.find(x)]
	i := sort.Search(len(b.list), func(i int) bool { return endBefore(x, b.list[i]) })
	b.list = append(b.list, end{})
	copy(b.list[i+1:], b.list[i:])
	b.list[i] = x
	b.gpus += int(x.gpus)
	if len(b.list) < 2*blockSize {
		return
	}
	k := e.find(x)
	if len(e.blocks[k].list) < 2*blockSize {
		return
	}
	upper := endBlock{list: append(make([]end, 0, 2*blockSize), e.blocks[k].list[blockSize:]...)}
	for _, y := range upper.list {
		upper.gpus += int(y.gpus)
	}
	e.blocks[k].list = e.blocks[k].list[:blockSize]
	e.blocks[k].gpus -= upper.gpus
	e.blocks = append(e.blocks, endBlock{})
	copy(e.blocks[k+2:], e.blocks[k+1:])
	e.blocks[k+1] = upper
}

func (e *ends) remove(x end) {
	k := e.find(x)
	b := &e.blocks[k]
	i := sort.Search(len(b.list), func(i int) bool { return !endBefore(b.list[i], x) })
	if i == len(b.list) || b.list[i].job != x.job {
		panic("queue: invariant: an end that is not kept is removed")
	}
	b.list = append(b.list[:i], b.list[i+1:]...)
	b.gpus -= int(x.gpus)
	e.size--
	if len(b.list) == 0 {
		e.blocks = append(e.blocks[:k], e.blocks[k+1:]...)
	}
}

// when so many GPUs more have been given back, and how many have by then.
func (e *ends) when(gpus int) (sec float64, freed int, ok bool) {
	for i := range e.blocks {
		b := &e.blocks[i]
		if freed+b.gpus < gpus {
			freed += b.gpus
			continue
		}
		for _, x := range b.list {
			freed += int(x.gpus)
			sec = x.sec
			if freed >= gpus {
				return sec, freed, true
			}
		}
	}
	return 0, freed, false
}
