package serving

// Front is what a request passes before it is sent on: the check of a token and of rights, and
// with a probability each the calls that a cache does not answer. Requests come as they
// leave the front (Poisson arrivals stay Poisson when each is put off by a time of its
// own); their clients have waited for it by then.
type Front struct {
	FixedSec float64
	Calls    []FrontCall
}

// FrontCall is a call that a share of the requests makes.
type FrontCall struct{ Share, Sec float64 }

// sec is the front's time of request i: the same whatever else is simulated.
func (f *Front) sec(i int32) float64 {
	t := f.FixedSec
	x := uint64(i)
	for k := range f.Calls {
		// splitmix64, one number for each request and call
		x += 0x9e3779b97f4a7c15
		z := x
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		z ^= z >> 31
		if float64(z>>11)/(1<<53) < f.Calls[k].Share {
			t += f.Calls[k].Sec
		}
	}
	return t
}
