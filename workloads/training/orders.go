package training

import "fmt"

// Schedule is the order in which a pipeline works on its micro-batches.
type Schedule string

// The schedules, for p stages, M micro-batches and times F forward, B backward to the
// inputs and W to the weights, with what waits and what is held at the worst moment:
//
//   - 1F1B: (p-1)(F+B+W), p micro-batches.
//   - GPipe (Huang et al., arXiv:1811.06965), all forwards before all backwards: the same wait, all M.
//   - Interleaved (Narayanan et al., SC21): a v-th of the wait.
//   - ZB-H1 (Qi et al., ICLR 2024): W is put off until the stage would wait: (p-1)(F+B-W), as
//     1F1B, and on stage s what the weights need of s more.
//   - DualPipe (DeepSeek-V3, arXiv:2412.19437, table 2): micro-batches enter at both ends, each
//     rank holds two stages, and a forward runs beside a backward of the other direction and
//     hides its expert exchange: (p/2-1)(F&B+B-2W), p+1 micro-batches, parameters twice (the
//     paper's B holds W). Exact where B takes as long as F.
const (
	Schedule1F1B        Schedule = "1f1b"
	ScheduleGPipe       Schedule = "gpipe"
	ScheduleInterleaved Schedule = "interleaved"
	ScheduleZBH1        Schedule = "zb-h1"
	ScheduleDualPipe    Schedule = "dualpipe"
)

// usualSchedule is what frameworks run unless told otherwise.
func usualSchedule(virtual int) Schedule {
	if virtual > 1 {
		return ScheduleInterleaved
	}
	return Schedule1F1B
}

// splits says whether a schedule takes the backward pass in two parts.
func (k Schedule) splits() bool { return k == ScheduleZBH1 || k == ScheduleDualPipe }

// chunks is the number of chunks of layers that a stage holds.
func (k Schedule) chunks(virtual int) int {
	if k == ScheduleDualPipe {
		return 2
	}
	return virtual
}

// check says why a schedule of p stages, v virtual ones and m micro-batches does not exist:
// the field that is in the way, "" where nothing is.
func (k Schedule) check(p, v, m int) (field, reason string) {
	switch k {
	case Schedule1F1B, ScheduleGPipe, ScheduleInterleaved, ScheduleZBH1, ScheduleDualPipe:
	default:
		return "schedule", fmt.Sprintf("must be 1f1b, gpipe, interleaved, zb-h1 or dualpipe, is %q", string(k))
	}
	switch {
	case p == 1 && k != Schedule1F1B:
		return "schedule", fmt.Sprintf("%s orders the work of pipeline stages: pipeline is 1", k)
	case v == 1 && k == ScheduleInterleaved:
		return "schedule", "interleaved needs virtual > 1: with one chunk per stage it is 1f1b"
	case v > 1 && k != ScheduleInterleaved:
		return "schedule", fmt.Sprintf("%s works on one chunk per stage and direction: virtual %d exists under interleaved only", k, v)
	case v > 1 && m%p != 0:
		return "parallelism.virtual", fmt.Sprintf("the interleaved schedule needs micro-batches per replica (%d) in multiples of pipeline %d", m, p)
	case k == ScheduleDualPipe && p%2 != 0:
		return "schedule", fmt.Sprintf("dualpipe pairs each stage with its mirror: pipeline %d is odd", p)
	case k == ScheduleDualPipe && (m%2 != 0 || m < 2*p):
		return "schedule", fmt.Sprintf("dualpipe feeds both ends: micro-batches per replica (%d) must be even and at least 2 × pipeline = %d", m, 2*p)
	}
	return "", ""
}

// turn is one entry of a stage's list of work.
type turn struct {
	micro, chunk int
	pass         pass
}

// order is the work of one stage: its k-th turn, and their number.
func (k Schedule) order(p, v, m, stage int) (at func(int) turn, turns int) {
	var list []turn
	switch k {
	case ScheduleGPipe:
		return func(n int) turn {
			if n < m {
				return turn{n, 0, forward}
			}
			return turn{n - m, 0, backward}
		}, 2 * m
	case ScheduleZBH1:
		list = zbOrder(p, m, stage)
	case ScheduleDualPipe:
		list = dualOrder(p, m, stage)
	default:
		return func(n int) turn { return oneForwardOneBackward(p, v, m, stage, n) }, 2 * m * v
	}
	return func(n int) turn { return list[n] }, len(list)
}

// oneForwardOneBackward is the n-th turn under 1F1B (v = 1) and its interleaved form.
func oneForwardOneBackward(p, v, m, stage, n int) turn {
	w := warmup(p, v, m, stage)
	dir, at := forward, n
	if n >= w {
		n -= w
		switch steady := m*v - w; {
		case n < 2*steady && n%2 == 0:
			at = w + n/2
		case n < 2*steady:
			dir, at = backward, n/2
		default:
			dir, at = backward, n-steady
		}
	}
	micro, chunk := virtual(p, v, m, at, dir)
	return turn{micro, chunk, dir}
}

// zbOrder is ZB-H1: 1F1B, where stage s puts off the weight gradients of s micro-batches,
// so that every stage holds p of them at most, and does those while 1F1B would wait.
func zbOrder(p, m, stage int) []turn {
	list := make([]turn, 0, 3*m)
	w := warmup(p, 1, m, stage)
	for i := range w {
		list = append(list, turn{i, 0, forward})
	}
	for i := range m {
		if w+i < m {
			list = append(list, turn{w + i, 0, forward})
		}
		list = append(list, turn{i, 0, inputGrad})
		if i >= stage {
			list = append(list, turn{i - stage, 0, weightGrad})
		}
	}
	for i := max(0, m-stage); i < m; i++ {
		list = append(list, turn{i, 0, weightGrad})
	}
	return list
}

// dualOrder is DualPipe in its eight phases. A stage's near direction is the one that
// enters at its own half.
func dualOrder(p, m, stage int) []turn {
	half, edge := p/2, min(stage, p-1-stage)
	var list, off []turn // off: weight gradients put off
	var done [2][2]int   // by whether backward, chunk
	near, far := 0, 1
	if stage >= half {
		near, far = 1, 0
	}
	add := func(ps pass, chunk int) {
		n := &done[0][chunk]
		if ps.back() {
			n = &done[1][chunk]
		}
		list = append(list, turn{chunk*m/2 + *n, chunk, ps})
		*n++
	}
	split := func(chunk int) {
		add(inputGrad, chunk)
		last := list[len(list)-1]
		off = append(off, turn{last.micro, chunk, weightGrad})
	}
	weights := func() {
		list, off = append(list, off[0]), off[1:]
	}
	pair := func(fore, back int) {
		add(pairedForward, fore)
		add(paired, back)
	}
	for range 2 * (half - edge - 1) {
		add(forward, near)
	}
	for range edge + 1 {
		add(forward, near)
		add(forward, far)
	}
	for range half - edge - 1 {
		split(far)
		weights()
		add(forward, far)
	}
	for i := range m/2 - p + edge + 1 {
		if i == 0 && edge == half-1 { // the middle's first backward needs the forward before it
			add(forward, near)
			add(backward, far)
		} else {
			pair(near, far)
		}
		pair(far, near)
	}
	for range half - edge - 1 {
		add(backward, far)
		pair(far, near)
	}
	for i := range 2 * (edge + 1) { // the second half of these puts its weight gradients off
		chunk := far
		if i%2 == 1 {
			chunk = near
		}
		if i > edge {
			split(chunk)
		} else {
			add(backward, chunk)
		}
	}
	for range half - edge - 1 {
		weights()
		split(near)
	}
	for len(off) > 0 {
		weights()
	}
	return list
}

// inFlight is the number of micro-batches that chunk c of stage s holds activations
// of when the most are held. What weights still need of micro-batches whose backward
// pass is split is Config.held's.
func (k Schedule) inFlight(p, v, m, s, c int) int {
	switch k {
	case ScheduleGPipe:
		return m
	case ScheduleZBH1:
		return min(p-s, m)
	case ScheduleDualPipe:
		if c == 1 {
			s = p - 1 - s
		}
		return p - s // p+1 over both chunks
	}
	held := min(warmup(p, v, m, s)+1, m*v)
	if v == 1 {
		return held
	}
	// Its warm-up and one more forward.
	full := held / (p * v) // groups that went through all chunks
	rest := held - full*p*v
	return full*p + min(max(rest-c*p, 0), p)
}
