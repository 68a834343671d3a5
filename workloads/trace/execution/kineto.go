package execution

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// DTypeBytes are the sizes of elements as torch names the types.
var DTypeBytes = map[string]float64{"float": 4, "float32": 4, "double": 8, "float64": 8, "half": 2, "float16": 2, "bfloat16": 2, "int": 4, "int32": 4, "long": 8, "int64": 8,
	"byte": 1, "char": 1, "int8": 1, "uint8": 1, "bool": 1, "short": 2, "int16": 2, "float8_e4m3fn": 1, "float8_e5m2": 1, "float8_e4m3fnuz": 1, "float8_e5m2fnuz": 1,
	"complexfloat": 8, "complexdouble": 16}

// kinetoEvent is what is read of an event.
type kinetoEvent struct {
	Ph   string
	Cat  string
	Name string
	Tid  json.RawMessage
	Ts   json.Number
	Dur  json.Number
	Args struct {
		Device      json.Number `json:"device"`
		Stream      json.RawMessage
		Correlation json.Number `json:"correlation"`
		Bytes       json.Number `json:"bytes"`
		Collective  string      `json:"Collective name"`
		DType       string      `json:"dtype"`
		In          json.Number `json:"In msg nelems"`
		Out         json.Number `json:"Out msg nelems"`
		GroupSize   json.Number `json:"Group size"`
		GroupName   string      `json:"Process Group Name"`
		Members     string      `json:"Process Group Ranks"`
	} `json:"args"`
}

// kineto reads a Chrome trace of PyTorch's profiler. Kernels, copies and memsets become
// nodes of their streams; calls of the runtime become nodes of their thread, with what
// the host did since the call before.
func (p *part) kineto(r *bufio.Reader) error {
	p.rank.Index = -1
	var spans []span
	devices := map[string]string{}
	d := json.NewDecoder(r)
	event := func() error {
		if len(spans) >= maxNodes {
			return fmt.Errorf("more than %d events", maxNodes)
		}
		e := new(kinetoEvent)
		if err := d.Decode(e); err != nil {
			var typed *json.UnmarshalTypeError
			if !errors.As(err, &typed) {
				return err
			}
			p.warnings.add("an event whose "+typed.Field+" has an unusual type: left out", p.rank.Name, int64(len(spans)), e.Name)
			return nil
		}
		s, ok := spanOf(e)
		if !ok {
			return nil
		}
		if s.end < s.start {
			p.warnings.add("an event with a negative duration: left out", p.rank.Name, int64(len(spans)), e.Name)
			return nil
		}
		if p.groups.Device == "" && !s.host {
			p.groups.Device = devices[e.Args.Device.String()]
		}
		spans = append(spans, s)
		return nil
	}
	err := object(d, event, func(key string) error {
		switch key {
		case "traceEvents":
			return array(d, event)
		case "deviceProperties":
			var list []struct {
				ID   json.Number
				Name string
			}
			if err := d.Decode(&list); err != nil {
				return err
			}
			for _, v := range list {
				devices[v.ID.String()] = v.Name
			}
		case "distributedInfo":
			var v struct {
				Rank  json.Number
				World json.Number `json:"world_size"`
			}
			if err := d.Decode(&v); err != nil {
				return err
			}
			if n, err := v.Rank.Int64(); err == nil && n >= 0 && n < maxRanks {
				p.rank.Index = int32(n)
			}
			n, _ := v.World.Int64()
			p.groups.World = int(min(max(n, 0), maxRanks))
		default:
			var skip json.RawMessage
			return d.Decode(&skip)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(spans) == 0 {
		return errors.New("no kernel, copy or call of the runtime in it")
	}
	p.groups.Timed = true
	newLinker(p, spans).link()
	return nil
}

// object walks over the keys of a JSON object, or over the elements of the list that
// stands in its place.
func object(d *json.Decoder, element func() error, each func(key string) error) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	if t == json.Delim('[') {
		return elements(d, element)
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		key, _ := t.(string)
		if err := each(key); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

func array(d *json.Decoder, each func() error) error {
	if t, err := d.Token(); err != nil {
		return err
	} else if t != json.Delim('[') {
		return fmt.Errorf("expected a list, found %v", t)
	}
	return elements(d, each)
}

func elements(d *json.Decoder, each func() error) error {
	for d.More() {
		if err := each(); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// span is what a device or a call of the runtime did, in nanoseconds.
type span struct {
	*kinetoEvent
	start, end  int64
	correlation int64
	stream      string
	host        bool
}

// spanOf keeps kernels, copies and those calls of the runtime that launch or wait.
func spanOf(e *kinetoEvent) (span, bool) {
	if e.Ph != "X" {
		return span{}, false
	}
	s := span{kinetoEvent: e}
	switch strings.ToLower(e.Cat) {
	case "kernel", "gpu_memcpy", "gpu_memset", "memcpy", "memset", "mtia_ccp_events":
		s.stream = strings.Trim(string(e.Args.Stream), `"`)
	case "cuda_runtime", "cuda_driver", "hip_runtime", "runtime", "privateuse1_runtime":
		s.host = true
		s.stream = strings.Trim(string(e.Tid), `"`)
	default:
		return s, false
	}
	start, ok := nanoseconds(e.Ts)
	if !ok {
		return s, false
	}
	dur, _ := nanoseconds(e.Dur)
	s.start, s.end = start, start+dur
	s.correlation, _ = e.Args.Correlation.Int64()
	return s, true
}

// nanoseconds of a decimal number of microseconds, without the loss of a double.
func nanoseconds(n json.Number) (int64, bool) {
	whole, frac, _ := strings.Cut(n.String(), ".")
	us, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || us > math.MaxInt64/1000 || us < math.MinInt64/1000 {
		f, err := n.Float64()
		if err != nil || math.Abs(f) > 1e15 {
			return 0, false
		}
		return int64(math.Round(f * 1000)), true
	}
	var ns int64
	for i := range 3 {
		ns *= 10
		if i < len(frac) && frac[i] >= '0' && frac[i] <= '9' {
			ns += int64(frac[i] - '0')
		}
	}
	return us*1000 + ns, true
}
