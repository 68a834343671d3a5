package sim

// Level follows a quantity that holds its value between changes (a queue's
// length, watts drawn, chips in use) and gives its time-weighted average. The
// zero value is the level 0 from time 0 on.
type Level struct {
	value    float64
	integral float64 // value × seconds up to last
	last     Time
	max      float64
}

// Set changes the level at time t. Times must not decrease; an earlier t counts
// as the time of the last change.
func (l *Level) Set(t Time, value float64) {
	if t > l.last {
		l.integral += l.value * (t - l.last).Seconds()
		l.last = t
	}
	l.value = value
	l.max = max(l.max, value)
}

// Add changes the level at time t by the given amount.
func (l *Level) Add(t Time, amount float64) { l.Set(t, l.value+amount) }

// Value returns the present level.
func (l *Level) Value() float64 { return l.value }

// Max returns the highest level seen, at least 0.
func (l *Level) Max() float64 { return l.max }

// Integral returns the integral from time 0 to t, in units of the level times
// seconds.
func (l *Level) Integral(t Time) float64 {
	return l.integral + l.value*max(t-l.last, 0).Seconds()
}

// Mean returns the time-weighted average from time 0 to t, or the present level
// if no time has passed.
func (l *Level) Mean(t Time) float64 {
	if t <= 0 {
		return l.value
	}
	return l.Integral(t) / max(t, l.last).Seconds()
}
