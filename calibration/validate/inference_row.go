package validate

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"aisim/hardware"
	"aisim/workloads"
	"aisim/workloads/serving"
)

// service is a row of inference measurements, understood.
type service struct {
	chip     string
	arch     workloads.Architecture
	engine   serving.EngineProfile
	weights  hardware.DType
	cache    hardware.DType
	pools    []layout // one, or prefill and decode
	replicas int      // of pools[0] where it is one pool; else 1
	load     load
	limits   limits
	waits    bool // the engine is a version that plans a step after the last
	assumed  []string
	kind     string
}

// layout is how one worker is spread over chips.
type layout struct{ workers, tp, pp, adp, ep int }

func (l layout) chips() int { return l.tp * l.pp * l.adp }

// load is what the service is asked to do.
type load struct {
	shape    loadShape
	isl, osl float64
	uniform  bool    // lengths spread over 0.8 to 1 of the stated ones
	inStep   bool    // waves of equal requests stay together
	spread   bool    // isl and osl are means of a mixed workload
	inFlight float64 // over the whole deployment
	requests int     // 0: by the load
	rate     float64 // per second over the whole deployment
}

type loadShape uint8

const (
	closedLoop loadShape = iota
	staticBatch
	offline
	openLoop
)

// limits are settings of the engine that a row may state.
type limits struct {
	maxSeqs, budget int
	fraction        float64
	stream          int // tokens that are sent together
}

func (s *service) assume(format string, args ...any) {
	s.assumed = append(s.assumed, fmt.Sprintf(format, args...))
}

var (
	versionNumber = regexp.MustCompile(`(\d+)\.(\d+)`)
	patchNumber   = regexp.MustCompile(`^(\d+)\.(\d+)\.(\d+)`)
	eraNote       = regexp.MustCompile(`\b(20\d\d)-era`)
	seqsNote      = regexp.MustCompile(`max_num_seqs\s*=?\s*(\d+)`)
	budgetNote    = regexp.MustCompile(`max_num_batched_tokens\s*=?\s*(\d+)`)
	fractionNote  = regexp.MustCompile(`gpu_memory_utilization\s*=?\s*(0?\.\d+)`)
	requestsNote  = regexp.MustCompile(`n_req\s*[~=]+\s*(\d+)`)
	batchNote     = regexp.MustCompile(`batch_size=(\d+)`)
	meanLength    = regexp.MustCompile(`^(?:mean\s+)?(\d+(?:\.\d+)?)$`)
)

func noted(re *regexp.Regexp, s string) float64 {
	if m := re.FindStringSubmatch(s); m != nil {
		v, _ := strconv.ParseFloat(m[1], 64)
		return v
	}
	return 0
}

// engineID is the profile of an engine as a table names it.
func engineID(name, version, notes string) (id, assumed string, err error) {
	n := strings.ToLower(name)
	switch {
	case strings.Contains(n, "sglang"):
		return "sglang", "", nil
	case strings.Contains(n, "trtllm"), strings.Contains(n, "tensorrt-llm"), strings.Contains(n, "trt-llm"), strings.Contains(n, "nim"):
		return "trtllm", "", nil
	case strings.Contains(n, "tensorrt"), strings.Contains(n, "trt"):
		return "trtllm", "TensorRT as TensorRT-LLM", nil
	case strings.Contains(n, "vllm"):
		if version == "" {
			version = strings.TrimLeft(strings.TrimPrefix(n, "vllm"), " v")
		}
		if era := noted(eraNote, notes); era > 0 && era <= 2023 {
			return "vllm-eager", "", nil
		}
		if m := versionNumber.FindStringSubmatch(version); m != nil {
			major, _ := strconv.Atoi(m[1])
			minor, _ := strconv.Atoi(m[2])
			switch {
			case major == 0 && minor <= 2:
				return "vllm-eager", "", nil
			case major == 0 && minor < 8:
				return "vllm-v0", "", nil
			}
			return "vllm", "", nil
		}
		return "vllm", "scheduler V1 (the version of vLLM is not given)", nil
	}
	return "", "", fmt.Errorf("engine %q has no profile: expected vLLM, SGLang or TensorRT-LLM", name)
}

// precisions reads the format of the weights; the cache follows the checkpoint.
func (s *service) precisions(text string) error {
	p := strings.ToLower(strings.TrimSpace(text))
	s.cache = hardware.FP8
	switch {
	case p == "":
		s.weights, s.cache = hardware.BF16, hardware.BF16
		s.assume("16-bit weights and cache (precision is blank)")
		return nil
	case strings.Contains(p, "w4a"), strings.Contains(p, "fp4"), strings.Contains(p, "int4"), p == "awq", p == "gptq":
		s.weights = hardware.FP4
	case strings.HasPrefix(p, "fp8"), strings.HasPrefix(p, "int8"), p == "w8a8", p == "sq":
		s.weights = hardware.FP8
	case strings.Contains(p, "16"), p == "half", p == "auto":
		s.weights, s.cache = hardware.BF16, hardware.BF16
		return nil
	default:
		return fmt.Errorf("precision %q is not known", text)
	}
	s.assume("8-bit cache beside %s weights", s.weights)
	return nil
}

// readService understands a row, or says why it cannot be predicted.
func (k *inference) readService(row Row) (*service, error) {
	s := &service{}
	id, assumed := chipID(strings.ReplaceAll(row.Text("hardware"), "_", " "))
	if id == "" {
		return nil, fmt.Errorf("chip %q is not in the catalogue", row.Text("hardware"))
	}
	if assumed != "" {
		s.assumed = append(s.assumed, assumed)
	}
	s.chip = id
	var err error
	if s.arch, assumed, err = k.architecture(row.Text("model")); err != nil {
		return nil, err
	}
	if assumed != "" {
		s.assumed = append(s.assumed, assumed)
	}
	engine, assumed, err := engineID(row.Text("engine"), row.Text("engine_version"), row.Text("notes"))
	if err != nil {
		return nil, err
	}
	if assumed != "" {
		s.assumed = append(s.assumed, assumed)
	}
	if s.engine, err = serving.Engine(engine); err != nil {
		return nil, err
	}
	if err := s.precisions(row.Text("precision")); err != nil {
		return nil, err
	}
	gpus, _, err := row.Number("n_gpu")
	if err != nil {
		return nil, err
	}
	if err := s.layouts(row.Text("parallelism"), row.Text("mode"), int(gpus)); err != nil {
		return nil, err
	}
	if err := s.readLoad(row, int(gpus)); err != nil {
		return nil, err
	}
	notes := row.Text("notes")
	s.limits = limits{maxSeqs: int(noted(seqsNote, notes)), budget: int(noted(budgetNote, notes)), fraction: noted(fractionNote, notes)}
	for column, to := range map[string]*int{"max_num_seqs": &s.limits.maxSeqs, "max_num_batched_tokens": &s.limits.budget, "stream_interval": &s.limits.stream} {
		if v, ok, err := row.Number(column); err != nil {
			return nil, err
		} else if ok {
			*to = int(v)
		}
	}
	if v, ok, err := row.Number("gpu_memory_fraction"); err != nil {
		return nil, err
	} else if ok {
		s.limits.fraction = v
	}
	k.seats(s, row)
	s.waits = engine == "vllm" && plansAfter(row.Text("engine_version"))
	s.kind = s.name()
	return s, nil
}

// name is the group of accuracy targets that a row belongs to.
func (s *service) name() string {
	dense := "dense"
	if s.arch.Experts > 0 {
		dense = "MoE"
	}
	switch {
	case len(s.pools) == 2:
		return "disaggregated"
	case s.load.shape == staticBatch:
		return "static batch"
	case s.load.shape == offline:
		return "offline throughput"
	case s.load.shape == openLoop:
		return "open loop"
	}
	return "aggregated " + dense
}

var (
	degree  = regexp.MustCompile(`^(tp|pp|adp|dp|moetp|ep)(\d*)$`)
	bigText = regexp.MustCompile(`^(?:(\d+)\s*DP\s*)?(\d+)\s*TP(?:_(\d+))?$`)
	upper   = regexp.MustCompile(`^(DEP|TEP|TP|DP|EP|PP)(\d+)$`)
	joined  = regexp.MustCompile(`([A-Za-z]+)\s*=?\s*(\d+)(?:x|,|\+)?`) // TP4PP2, TP=8, tp8ep8
	poolRE  = regexp.MustCompile(`P:\s*(\w*?)x\(([^)]*)\)\s*D:\s*(\w*?)x\(([^)]*)\)`)
)

// layouts reads the parallelism column in its three spellings.
func (s *service) layouts(text, mode string, gpus int) error {
	if m := poolRE.FindStringSubmatch(text); m != nil {
		for i := range 2 {
			n, err := strconv.Atoi(m[1+2*i])
			if err != nil || n < 1 {
				return fmt.Errorf("the numbers of workers of the pools are not recorded (%s)", text)
			}
			l, err := s.degrees(m[2+2*i])
			if err != nil {
				return err
			}
			l.workers = n
			s.pools = append(s.pools, l)
		}
		s.replicas = 1
		return nil
	}
	if strings.HasPrefix(strings.ToLower(mode), "disagg") {
		return fmt.Errorf("the pools of the disaggregated run are not described (parallelism %q)", text)
	}
	if m := bigText.FindStringSubmatch(text); m != nil {
		tp, _ := strconv.Atoi(m[2])
		dp, _ := strconv.Atoi(m[1])
		s.pools, s.replicas = []layout{{1, tp, 1, 1, 1}}, max(dp, 1)
		return nil
	}
	original := text
	text = joined.ReplaceAllString(text, "$1$2 ")
	l := layout{workers: 1, tp: 1, pp: 1, adp: 1, ep: 1}
	found := false
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '+' }) {
		m := upper.FindStringSubmatch(part)
		if m == nil {
			found = false
			break
		}
		found = true
		n, _ := strconv.Atoi(m[2])
		switch m[1] {
		case "DEP":
			l.adp, l.ep = n, n
		case "DP":
			l.adp = n
		case "TEP":
			l.tp, l.ep = n, n
		case "TP":
			l.tp = n
		case "EP":
			l.ep = n
		case "PP":
			l.pp = n
		}
	}
	if !found {
		var err error
		if l, err = s.degrees(text); err != nil {
			if l, err = s.degrees(original); err != nil {
				return err
			}
		}
		l.workers = 1
	}
	s.pools, s.replicas = []layout{l}, 1
	if gpus > 0 {
		if gpus%l.chips() != 0 {
			return fmt.Errorf("%d chips do not hold whole replicas of %d (parallelism %q)", gpus, l.chips(), original)
		}
		s.replicas = gpus / l.chips()
	}
	if s.arch.Experts == 0 && l.adp > 1 {
		s.replicas *= l.adp
		s.pools[0].adp, s.pools[0].ep = 1, 1
	}
	return nil
}

// degrees reads "tp8 pp1 adp1 moetp8 ep1". Where experts take more chips than attention
// says, tables of InferenceX multiplied degrees: tp k·k with moetp k and ep k are k
// chips, and adp k with ep k·k as well (inference notes, section 6).
func (s *service) degrees(text string) (layout, error) {
	l := layout{workers: 1, tp: 1, pp: 1, adp: 1, ep: 1}
	v := map[string]int{}
	for _, part := range strings.Fields(text) {
		m := degree.FindStringSubmatch(part)
		if m == nil {
			return l, fmt.Errorf("parallelism %q: %q is not understood", text, part)
		}
		if m[2] == "" {
			continue
		}
		n, err := strconv.Atoi(m[2])
		if err != nil || n > 4096 {
			return l, fmt.Errorf("parallelism %q: %q is out of range", text, part)
		}
		v[m[1]] = n
	}
	if len(v) == 0 {
		return l, fmt.Errorf("the layout is not described (parallelism %q)", text)
	}
	tp, adp, moetp, ep := max(v["tp"], 1), max(v["adp"], v["dp"], 1), v["moetp"], v["ep"]
	l.pp = max(v["pp"], 1)
	switch {
	case moetp > 1 && ep == moetp && tp == ep*ep && adp == 1:
		tp = ep
		s.assume("tp%d moetp%d ep%d is %d chips", ep*ep, moetp, ep, ep)
	case moetp > 1 && ep == moetp && adp == ep*ep && tp == 1:
		adp = ep
		s.assume("adp%d moetp%d ep%d is %d chips", ep*ep, moetp, ep, ep)
	case tp == adp && adp > 1 && ep == tp*adp:
		tp = 1
		s.assume("tp%d adp%d ep%d is %d chips with attention in %d groups", adp, adp, ep, adp, adp)
	case s.arch.Experts > 0 && moetp > 0 && ep > 0 && moetp*ep > tp*adp && tp*adp > 1 || s.arch.Experts > 0 && moetp > 1 && ep == 1 && moetp > tp*adp:
		return l, fmt.Errorf("parallelism %q: experts over %d chips, attention over %d", text, moetp*ep, tp*adp)
	}
	l.tp, l.adp = tp, adp
	if l.ep = min(max(ep, 1), tp*adp); ep == 0 && adp > 1 || tp*adp%l.ep != 0 {
		l.ep = tp * adp // not stated, or counted in another way
	}
	return l, nil
}

// readLoad reads lengths and load.
func (s *service) readLoad(row Row, gpus int) error {
	l := &s.load
	for _, f := range []struct {
		column string
		to     *float64
	}{{"isl", &l.isl}, {"osl", &l.osl}} {
		text := row.Text(f.column)
		m := meanLength.FindStringSubmatch(text)
		if m == nil {
			if text == "" {
				return fmt.Errorf("%s is blank: the lengths are not known", f.column)
			}
			return fmt.Errorf("%s is %q, want a number of tokens", f.column, text)
		}
		*f.to, _ = strconv.ParseFloat(m[1], 64)
		if *f.to < 1 {
			return fmt.Errorf("%s is %g, want at least 1 token", f.column, *f.to)
		}
		l.spread = l.spread || strings.HasPrefix(text, "mean")
	}
	value, given, err := row.Number("load_value")
	if err != nil {
		return err
	}
	if given && value <= 0 {
		return fmt.Errorf("load_value is %g, want a positive number", value)
	}
	batch := noted(batchNote, row.Text("notes"))
	if v, ok, err := row.Number("num_requests"); err != nil {
		return err
	} else if ok {
		l.requests = int(v)
	} else {
		l.requests = int(noted(requestsNote, row.Text("notes")))
	}
	switch kind := strings.ToLower(row.Text("load_type")); {
	case strings.Contains(strings.ToLower(row.Text("workload")), "static batch"):
		if !given {
			return fmt.Errorf("the size of the static batch is not given")
		}
		l.shape, l.inFlight = staticBatch, value
	case kind == "concurrency", kind == "batch":
		if !given && batch > 0 {
			value = batch * float64(s.pools[0].adp*s.replicas)
		}
		if value == 0 {
			return fmt.Errorf("the concurrency is not recorded")
		}
		l.inFlight = value
		if len(s.pools) == 1 && batch > 0 && gpus == 0 {
			// The deployment is as many replicas as make batch_size of the concurrency.
			if n := value / (batch * float64(s.pools[0].adp)); n >= 2 && n == math.Trunc(n) {
				s.replicas = int(n)
				s.assume("%d replicas, from concurrency over batch size", s.replicas)
			} else if kind == "batch" {
				l.inFlight = value * float64(s.pools[0].adp)
			}
		}
		ref := row.Text("ref")
		l.inStep = s.engine.ID == "sglang" && staysInStep(row.Text("engine_version"))
		l.uniform = strings.Contains(ref, "cfg") || strings.Contains(ref, "2026_") || strings.Contains(ref, "gap_analysis")
	case strings.Contains(kind, "offline"):
		l.shape = offline
		l.inFlight = value
		if !given {
			l.inFlight = 2000
			s.assume("2000 requests")
		}
	case strings.Contains(kind, "poisson"):
		if !given {
			return fmt.Errorf("the request rate is not given")
		}
		l.shape, l.rate = openLoop, value
		if m := bigText.FindStringSubmatch(row.Text("parallelism")); m != nil && m[3] != "" {
			// One shard of a data-parallel group was measured.
			l.rate /= float64(s.replicas)
			s.replicas = 1
		}
		if l.requests == 0 {
			l.requests = 300
			if n := leadingNumber(row.Text("workload")); n > 0 {
				l.requests = n
			} else {
				s.assume("300 requests")
			}
		}
	default:
		return fmt.Errorf("load_type %q is not known: expected concurrency, batch, saturated offline or a Poisson rate", row.Text("load_type"))
	}
	return nil
}

// staysInStep says whether closed loops of equal requests stay together: SGLang before
// 0.5.5 computes all waiting prompts before it decodes on, and measured loops of 0.5.1
// show whole waves, those of 0.5.6 and later none.
func staysInStep(version string) bool {
	m := patchNumber.FindStringSubmatch(version)
	if m == nil || m[1] != "0" {
		return false
	}
	minor, _ := strconv.Atoi(m[2])
	patch, _ := strconv.Atoi(m[3])
	return minor < 5 || minor == 5 && patch < 5
}

// plansAfter says whether a version of vLLM V1 plans a step after the last one has ended:
// asynchronous scheduling is the default from 0.14 on (its release notes). A row without a version
// is taken for one before; builds by night are of later ones.
func plansAfter(version string) bool {
	m := versionNumber.FindStringSubmatch(version)
	if m == nil {
		return version == ""
	}
	minor, _ := strconv.Atoi(m[2])
	return m[1] == "0" && minor < 14
}

func leadingNumber(s string) int {
	n, _ := strconv.Atoi(strings.SplitN(s, " ", 2)[0])
	return n
}
