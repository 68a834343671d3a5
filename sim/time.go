package sim

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Time is a point on the simulation clock, in ticks of 100 ps since the start
// of the run. The range of int64 holds 29.2 years, so packets and campaigns
// share one clock.
type Time int64

// Duration is a difference of two times, in ticks of 100 ps.
type Duration = Time

// The usual spans in ticks.
const (
	Nanosecond  Duration = 10
	Microsecond          = 1000 * Nanosecond
	Millisecond          = 1000 * Microsecond
	Second               = 1000 * Millisecond
	Minute               = 60 * Second
	Hour                 = 60 * Minute
	Day                  = 24 * Hour
)

// TicksPerSecond is the resolution of the clock as a float64.
const TicksPerSecond = 1e10

// Never is the last representable time. Run(Never) runs until no event is left.
const Never Time = math.MaxInt64

// ErrOverflow is wrapped by every error about a time beyond the clock's range.
var ErrOverflow = errors.New("beyond the clock's range of 29.2 years")

// FromSeconds converts seconds to ticks, rounding to the nearest tick. It
// fails on NaN and on values that the clock cannot hold.
func FromSeconds(sec float64) (Time, error) {
	ticks := math.Round(sec * TicksPerSecond)
	// 2^63 is a float64; the largest float64 below it is 2^63-1024.
	if !(ticks > -(1<<63) && ticks < 1<<63) {
		return 0, fmt.Errorf("sim: time of %g s: %w", sec, ErrOverflow)
	}
	return Time(ticks), nil
}

// Seconds returns the time in seconds. Above 2^53 ticks (10.4 days) the result is
// rounded to the nearest float64.
func (t Time) Seconds() float64 { return float64(t) / TicksPerSecond }

// Add returns t+d, or an error wrapping ErrOverflow.
func (t Time) Add(d Duration) (Time, error) {
	s := t + d
	if (s < t) != (d < 0) {
		return 0, fmt.Errorf("sim: time %d + %d ticks: %w", int64(t), int64(d), ErrOverflow)
	}
	return s, nil
}

// Mul returns t·n, or an error wrapping ErrOverflow.
func (t Time) Mul(n int64) (Time, error) {
	p := int64(t) * n
	if t != 0 && (p/int64(t) != n || (t == -1 && n == math.MinInt64)) {
		return 0, fmt.Errorf("sim: time %d × %d ticks: %w", int64(t), n, ErrOverflow)
	}
	return Time(p), nil
}

// String prints the time in the style of time.Duration; below a microsecond it
// shows tenths of a nanosecond.
func (t Time) String() string {
	if t == Never {
		return "never"
	}
	if t > -Microsecond && t < Microsecond {
		return fmt.Sprintf("%gns", float64(t)/float64(Nanosecond))
	}
	if t > -Day && t < Day {
		return time.Duration(t / Nanosecond).String()
	}
	return fmt.Sprintf("%.6gd", float64(t)/float64(Day))
}
