package storage

import (
	"fmt"
	"math"

	"aisim/internal/result"
)

// Defaults of an object store, as published for S3: 5,500 GET and 3,500 PUT
// per second of one partitioned prefix (AWS, Best practices design
// patterns), about 90 MB/s for one request stream and tens of streams from one
// client (the same guide's 85–90 MB/s per stream).
const (
	defaultStreamBytesPerSec = 90e6
	defaultStreams           = 64
	defaultGetPerSec         = 5500
	defaultPutPerSec         = 3500
	defaultPrefixes          = 100
	defaultPartBytes         = 64 << 20
)

// ObjectSpec says what an object store promises. Zero values take the default
// in brackets. Rates are bytes per second, one way.
type ObjectSpec struct {
	ID                   string
	BytesPerSec          float64 // all clients together; reads and writes share it
	PerClientBytesPerSec float64 // limit of one client [none but its links]
	StreamBytesPerSec    float64 // of one request after its first byte [90e6]
	Streams              int     // requests that one client keeps in flight [64]
	LatencySec           float64 // to the first byte
	Prefixes             int     // partitions that the keys are spread over [100]
	GetPerSec            float64 // per prefix [5500]
	PutPerSec            float64 // per prefix [3500]
	PartBytes            float64 // larger objects move in ranged parts of this size [64 MiB]
	Bytes                float64 // capacity that was bought [unlimited]
	Fill                 float64 // share of Bytes taken already
}

type object struct{ ObjectSpec }

// NewObject checks the specification and builds the store.
func NewObject(spec ObjectSpec) (*System, error) {
	o := &object{spec}
	def := func(p *float64, v float64) {
		if *p == 0 {
			*p = v
		}
	}
	def(&o.StreamBytesPerSec, defaultStreamBytesPerSec)
	def(&o.GetPerSec, defaultGetPerSec)
	def(&o.PutPerSec, defaultPutPerSec)
	def(&o.PartBytes, defaultPartBytes)
	if o.Streams == 0 {
		o.Streams = defaultStreams
	}
	if o.Prefixes == 0 {
		o.Prefixes = defaultPrefixes
	}
	fail := func(format string, args ...any) (*System, error) {
		return nil, fmt.Errorf("storage %q: "+format, append([]any{spec.ID}, args...)...)
	}
	switch {
	case !positive(o.BytesPerSec):
		return fail("bandwidth %g B/s: must be above 0", o.BytesPerSec)
	case o.PerClientBytesPerSec < 0 || math.IsNaN(o.PerClientBytesPerSec):
		return fail("per_client %g B/s: must be above 0", o.PerClientBytesPerSec)
	case !positive(o.StreamBytesPerSec) || !positive(o.GetPerSec) || !positive(o.PutPerSec) || !positive(o.PartBytes):
		return fail("stream rate %g B/s, %g GET/s, %g PUT/s, parts of %g B: all must be above 0", o.StreamBytesPerSec, o.GetPerSec, o.PutPerSec, o.PartBytes)
	case o.Streams < 1 || o.Prefixes < 1:
		return fail("%d streams, %d prefixes: at least 1 each", o.Streams, o.Prefixes)
	case !(o.LatencySec >= 0) || math.IsInf(o.LatencySec, 1):
		return fail("latency %g s: must be 0 or more", o.LatencySec)
	case !(o.Bytes >= 0):
		return fail("capacity %g B: must be 0 (unlimited) or more", o.Bytes)
	case !(o.Fill >= 0 && o.Fill <= 0.95):
		return fail("fill %g: allowed 0 to 0.95", o.Fill)
	}
	s := &System{id: o.ID, kind: Object, m: o}
	if o.LatencySec == 0 {
		s.warnings = append(s.warnings, "latency 0: first bytes of real stores take 8 to 200 ms")
	}
	return s, nil
}

func (o *object) pools() []pool {
	return []pool{
		{"object store bandwidth", KeyNetwork, o.BytesPerSec},
		{"request limit of the prefixes", KeyCPU, float64(o.Prefixes)}, // prefix-seconds per second
	}
}

// part is the size of one request of an object.
func (o *object) part(objectBytes float64) float64 {
	return objectBytes / math.Ceil(objectBytes/o.PartBytes)
}

func (o *object) weights(op Op, objectBytes float64, dst []float64) {
	rate := o.GetPerSec
	if op == Write {
		rate = o.PutPerSec
	}
	dst[0], dst[1] = 1, 1/(rate*o.part(objectBytes))
}

// perClient is streams × part / (latency + part/stream rate), at most the client's own limit.
func (o *object) perClient(_ Op, objectBytes float64, _ int) Stage {
	p := o.part(objectBytes)
	rate := float64(o.Streams) * p / (o.LatencySec + p/o.StreamBytesPerSec)
	if o.PerClientBytesPerSec > 0 {
		rate = math.Min(rate, o.PerClientBytesPerSec)
	}
	return Stage{"client request limit", KeyNetwork, rate}
}

func (o *object) wire(Op, float64) (internal, overhead float64) {
	return 0, 1 / NominalConstants().WireEta.Value
}

func (o *object) informative(Op, float64) []Stage { return nil }

func (o *object) latency(op Op, bytes, load float64) float64 {
	rate := o.GetPerSec
	if op == Write {
		rate = o.PutPerSec
	}
	return o.LatencySec + o.part(bytes)/o.StreamBytesPerSec + load/(2*(1-load))/rate
}

func (o *object) capacity() Capacity {
	if o.Bytes == 0 {
		inf := math.Inf(1)
		return Capacity{RawBytes: inf, UsableBytes: inf, NearfullBytes: inf, FreeBytes: inf, WorstShare: 1}
	}
	return Capacity{RawBytes: o.Bytes, UsableBytes: o.Bytes, NearfullBytes: o.Bytes, FreeBytes: o.Bytes * (1 - o.Fill), WorstShare: 1}
}

func (o *object) watts(float64) float64 { return 0 } // the provider's meter, not ours

func (o *object) devices() []Device { return nil }

func (o *object) assumptions() []result.Assumption {
	return []result.Assumption{
		{Name: "object.stream", Value: fmt.Sprintf("%.3g MB/s per stream, %d streams per client", o.StreamBytesPerSec/1e6, o.Streams), Pedigree: result.Assumed, Source: "AWS guide: 85–90 MB/s per GET stream"},
		{Name: "object.requests", Value: fmt.Sprintf("%d prefixes × %.0f GET/s, %.0f PUT/s", o.Prefixes, o.GetPerSec, o.PutPerSec), Pedigree: result.Assumed, Source: "AWS guide: floor per partitioned prefix"},
	}
}

func (o *object) scaled(f Scaling) model {
	n := *o
	n.BytesPerSec *= factor(f.Network)
	n.GetPerSec *= factor(f.CPU)
	n.PutPerSec *= factor(f.CPU)
	return &n
}
