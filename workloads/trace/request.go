package trace

import (
	"errors"
	"fmt"
	"math"
)

// Request is one request of a service, free of pointers so that a million of
// them are one array.
type Request struct {
	ArriveSec float64 // seconds from the start of the trace
	Prompt    int32   // prompt tokens (samples, for a service that is no language model)
	Output    int32   // tokens to generate, at least 1
	HashStart int32   // first block of this prompt in Trace.Hashes
	HashCount int32   // number of its blocks; 0 when the trace has no hashes
	// Back is how many places before it the turn stands whose answer this one waits for, in
	// a talk of several turns; 0 for the first. ArriveSec is then when it would come if
	// answers took no time, and HashCount counts the blocks of the answer too.
	Back     int32
	ThinkSec float32 // from that answer to this request
	// Adapter is the number of the low-rank adapter that it brings, from 1; 0 for the model itself.
	Adapter int32
}

// Trace is a sequence of requests in order of arrival.
type Trace struct {
	Name        string
	Requests    []Request
	Hashes      []int64     // prefix block ids of all requests, one after the other
	BlockTokens int         // tokens that one hash stands for; 0 when there are no hashes
	Adapters    []string    // low-rank adapters that requests name, in order of first mention
	Rejected    []Rejection // requests of the file that were left out, by reason
}

// Limits bounds what a reader accepts. The zero value means DefaultLimits.
type Limits struct {
	Requests  int // requests in one trace
	Tokens    int // tokens of one prompt or one output
	LineBytes int // bytes of one line
	Hashes    int // prefix hashes in one trace
}

// DefaultLimits holds ten million requests (320 MB of Request) with contexts
// of up to ten million tokens.
var DefaultLimits = Limits{Requests: 10_000_000, Tokens: 10_000_000, LineBytes: 4 << 20, Hashes: 400_000_000}

func (l Limits) orDefault() Limits {
	if l.Requests <= 0 {
		l.Requests = DefaultLimits.Requests
	}
	if l.Tokens <= 0 {
		l.Tokens = DefaultLimits.Tokens
	}
	if l.LineBytes <= 0 {
		l.LineBytes = DefaultLimits.LineBytes
	}
	if l.Hashes <= 0 {
		l.Hashes = DefaultLimits.Hashes
	}
	return l
}

// ErrEmpty is wrapped by the error for a trace without any request.
var ErrEmpty = errors.New("no requests in the trace")

// Error is a fault in a trace with its place.
type Error struct {
	File string
	Line int
	Msg  string // what was found and what was expected
	Err  error  // cause, may be nil
}

// Error returns "file:line: message".
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s:%d: %s: %v", e.File, e.Line, e.Msg, e.Err)
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Duration returns the time of the last arrival in seconds.
func (t *Trace) Duration() float64 {
	if len(t.Requests) == 0 {
		return 0
	}
	return t.Requests[len(t.Requests)-1].ArriveSec
}

// Rate returns the mean arrivals per second between the first and the last
// arrival, 0 when they coincide.
func (t *Trace) Rate() float64 { return Rate(t.Requests) }

// Rate returns the mean arrivals per second of requests in order of arrival.
func Rate(reqs []Request) float64 {
	if len(reqs) < 2 {
		return 0
	}
	span := reqs[len(reqs)-1].ArriveSec - reqs[0].ArriveSec
	if span <= 0 {
		return 0
	}
	return float64(len(reqs)-1) / span
}

// Rescale returns a copy of reqs in which time runs factor times faster, so
// that the mean rate is multiplied by factor. Lengths and the shape of the
// load stay. The factor must be positive and finite.
func Rescale(reqs []Request, factor float64) ([]Request, error) {
	if !(factor > 0) || math.IsInf(factor, 0) {
		return nil, fmt.Errorf("rescale factor %v: expected a positive number", factor)
	}
	out := make([]Request, len(reqs))
	for i, r := range reqs {
		r.ArriveSec /= factor
		out[i] = r
	}
	return out, nil
}

// RejectedCount is how many requests of the file were left out.
func (t *Trace) RejectedCount() int {
	n := 0
	for _, x := range t.Rejected {
		n += x.Count
	}
	return n
}

// Summary describes a trace in a few numbers.
type Summary struct {
	Requests                 int
	DurationSec, RatePerSec  float64
	GapCV                    float64 // standard deviation of the gaps over their mean
	PromptMean, OutputMean   float64 // tokens
	PromptMax, OutputMax     int32
	PromptTokens, OutTokens  int64
	DistinctBlocks, AllBlock int // prefix blocks, distinct and all
}

// Summarise returns the summary of t.
func (t *Trace) Summarise() Summary {
	s := Summary{Requests: len(t.Requests), DurationSec: t.Duration(), RatePerSec: t.Rate(), AllBlock: len(t.Hashes)}
	var gaps, squares float64
	for i, r := range t.Requests {
		s.PromptTokens += int64(r.Prompt)
		s.OutTokens += int64(r.Output)
		s.PromptMax = max(s.PromptMax, r.Prompt)
		s.OutputMax = max(s.OutputMax, r.Output)
		if i > 0 {
			g := r.ArriveSec - t.Requests[i-1].ArriveSec
			gaps += g
			squares += g * g
		}
	}
	if n := float64(len(t.Requests)); n > 0 {
		s.PromptMean, s.OutputMean = float64(s.PromptTokens)/n, float64(s.OutTokens)/n
	}
	if n := float64(len(t.Requests) - 1); n > 0 && gaps > 0 {
		m := gaps / n
		s.GapCV = math.Sqrt(max(0, squares/n-m*m)) / m
	}
	if len(t.Hashes) > 0 {
		seen := make(map[int64]struct{}, len(t.Hashes)/2)
		for _, h := range t.Hashes {
			seen[h] = struct{}{}
		}
		s.DistinctBlocks = len(seen)
	}
	return s
}

// Busiest is the densest run of n requests, re-based to start at zero.
func Busiest(reqs []Request, n int) []Request {
	if len(reqs) <= n {
		return reqs
	}
	best, at := math.Inf(1), 0
	for i := 0; i+n <= len(reqs); i++ {
		if d := reqs[i+n-1].ArriveSec - reqs[i].ArriveSec; d < best {
			best, at = d, i
		}
	}
	out := append([]Request(nil), reqs[at:at+n]...)
	for k := range out {
		out[k].ArriveSec -= reqs[at].ArriveSec
	}
	return out
}
