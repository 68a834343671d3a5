package validate

import (
	"fmt"
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
	stored   bool   // the weights alone are in their format
	unfitted string // the engine, where no profile was fitted to it
	first    statistic
	each     statistic
	waits    bool // the engine is a version that plans a step after the last
	assumed  []string
	kind     string
}

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
	seqsNote     = regexp.MustCompile(`max_num_seqs\s*=?\s*(\d+)`)
	budgetNote   = regexp.MustCompile(`max_num_batched_tokens\s*=?\s*(\d+)`)
	fractionNote = regexp.MustCompile(`gpu_memory_utilization\s*=?\s*(0?\.\d+)`)
	requestsNote = regexp.MustCompile(`n_req\s*[~=]+\s*(\d+)`)
	batchNote    = regexp.MustCompile(`batch_size=(\d+)`)
)

func noted(re *regexp.Regexp, s string) float64 {
	if m := re.FindStringSubmatch(s); m != nil {
		v, _ := strconv.ParseFloat(m[1], 64)
		return v
	}
	return 0
}

// readService understands a row, or says why it cannot be predicted.
func (k *inference) readService(row Row) (*service, error) {
	s := &service{}
	id, assumed, err := servingChip(row.Text("hardware"))
	if err != nil {
		return nil, err
	}
	if assumed != "" {
		s.assumed = append(s.assumed, assumed)
	}
	s.chip = id
	if s.arch, assumed, err = k.architecture(row.Text("model")); err != nil {
		return nil, err
	}
	if assumed != "" {
		s.assumed = append(s.assumed, assumed)
	}
	engine, assumed, err := readEngine(row.Text("engine"), row.Text("engine_version"), row.Text("notes"))
	if err != nil {
		return nil, err
	}
	if assumed != "" {
		s.assumed = append(s.assumed, assumed)
	}
	if s.engine, err = serving.Engine(engine.id); err != nil {
		return nil, err
	}
	s.unfitted = engine.unfitted
	if err := s.precisions(row.Text("precision")); err != nil {
		return nil, err
	}
	if d, err := k.device(s.chip); err == nil && s.weights == hardware.BF16 && d.Supports(hardware.BF16) != nil && d.Supports(hardware.FP16) == nil &&
		!strings.Contains(strings.ToLower(row.Text("precision")), "bf") {
		s.weights, s.cache = hardware.FP16, hardware.FP16
	}
	gpus, _, err := row.Number("n_gpu")
	if err != nil {
		return nil, err
	}
	if err := s.layouts(row.Text("parallelism"), row.Text("mode"), int(gpus)); err != nil {
		return nil, err
	}
	if err := s.readLoad(row, int(gpus), engine.version); err != nil {
		return nil, err
	}
	notes := row.Text("notes")
	s.limits = limits{maxSeqs: int(noted(seqsNote, notes)), budget: int(noted(budgetNote, notes)), fraction: noted(fractionNote, notes)}
	for _, setting := range []struct {
		column string
		to     *int
	}{{"max_num_seqs", &s.limits.maxSeqs}, {"max_num_batched_tokens", &s.limits.budget}, {"stream_interval", &s.limits.stream}} {
		v, ok, err := row.Number(setting.column)
		if err != nil {
			return nil, err
		}
		if ok {
			*setting.to = int(v)
		}
	}
	if v, ok, err := row.Number("gpu_memory_fraction"); err != nil {
		return nil, err
	} else if ok {
		s.limits.fraction = v
	}
	k.seats(s, row)
	s.waits = engine.id == "vllm" && plansAfter(engine.version)
	if s.first, err = s.statisticOf("ttft_stat", row.Text("ttft_stat")); err != nil {
		return nil, err
	}
	if s.each, err = s.statisticOf("tpot_stat", row.Text("tpot_stat")); err != nil {
		return nil, err
	}
	if strings.Contains(row.Text("ttft_stat"), "queued_ts") {
		s.engine.Request.Value, s.engine.MoERequest.Value = 0, 0 // the clock starts in the engine
	}
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

// statistic is which figure of a latency's distribution a table gives.
type statistic uint8

const (
	ofMean statistic = iota
	ofMedian
	ofP90
	ofP95
	ofP99
)

var overRepeats = regexp.MustCompile(`of \d+ rep`)

// statisticOf reads ttft_stat and tpot_stat; a median over repeated runs is of their means.
func (s *service) statisticOf(column, text string) (statistic, error) {
	t := strings.ToLower(text)
	switch {
	case t == "", strings.Contains(t, "mean"), strings.Contains(t, "average"), strings.Contains(t, "avg"), overRepeats.MatchString(t):
		return ofMean, nil
	case strings.Contains(t, "median"), strings.Contains(t, "p50"):
		return ofMedian, nil
	case strings.Contains(t, "p90"):
		return ofP90, nil
	case strings.Contains(t, "p95"):
		return ofP95, nil
	case strings.Contains(t, "p99"):
		return ofP99, nil
	}
	return 0, fmt.Errorf("%s is %q: expected mean, median, p90, p95 or p99", column, text)
}

// of picks the figure.
func (k statistic) of(d *serving.Distribution) float64 {
	switch k {
	case ofMedian:
		return d.P50
	case ofP90:
		return d.P90
	case ofP95:
		return d.P95
	case ofP99:
		return d.P99
	}
	return d.Mean
}
