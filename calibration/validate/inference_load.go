package validate

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// load is what the service is asked to do.
type load struct {
	shape            loadShape
	isl, osl         float64
	islSpan, oslSpan float64 // half widths of lengths given as a range, as shares of the middle
	uniform          bool    // lengths spread over 0.8 to 1 of the stated ones
	inStep           bool    // waves of equal requests stay together
	islMean, oslMean bool    // means of a mixed workload
	inFlight         float64 // over the whole deployment
	requests         int     // 0: by the load
	rate             float64 // per second over the whole deployment
	gapCV            float64 // coefficient of variation of the times between arrivals
}

// spread says whether lengths are means of a mixed workload.
func (l *load) spread() bool { return l.islMean || l.oslMean }

type loadShape uint8

const (
	closedLoop loadShape = iota
	staticBatch
	offline
	openLoop
)

// loadWord is a rule that turns what tables call a load into its kind.
type loadWord struct {
	words *regexp.Regexp
	kind  loadKind
}

type loadKind uint8

const (
	unknownLoad loadKind = iota
	fixedBatch
	batchLoad
	concurrencyLoad
	offlineLoad
	singleStream
	poissonLoad
	gammaLoad
	steadyLoad
)

// loadWords: the first rule that fits wins.
var loadWords = []loadWord{
	{regexp.MustCompile(`static batch`), fixedBatch},
	{regexp.MustCompile(`single[- _]?stream|^latency$|^batch[- _]?1$`), singleStream},
	{regexp.MustCompile(`offline|saturat|throughput|burst|^inf|=\s*inf|num_(prompts|requests)`), offlineLoad},
	{regexp.MustCompile(`concurren|closed|users?\b|clients?\b|^vus?$|in.flight`), concurrencyLoad},
	{regexp.MustCompile(`^(batch([- _]?size)?|bs)$`), batchLoad},
	{regexp.MustCompile(`gamma`), gammaLoad},
	{regexp.MustCompile(`constant|uniform|fixed rate|deterministic`), steadyLoad},
	{regexp.MustCompile(`poisson|\b[rq]ps\b|req(uest)?s?/s|request[- _]?rate|^rate$|open`), poissonLoad},
}

func loadKindOf(text string) loadKind {
	for _, rule := range loadWords {
		if rule.words.MatchString(text) {
			return rule.kind
		}
	}
	return unknownLoad
}

var (
	plainLength = regexp.MustCompile(`^(about|approx\.?|~|≈|mean|avg\.?|average)?[\s=:]*(\d+(?:\.\d+)?)(k?)(?:\s*tokens)?$`)
	rangeLength = regexp.MustCompile(`^(\d+)\s*(?:-|–|to|\.\.)\s*(\d+)$`)
	gapNote     = regexp.MustCompile(`cv\s*=?\s*(\d+(?:\.\d+)?)`)
)

// length reads a number of tokens: 1024, "1k", "~1000", "mean 220", "1024-2048".
func (s *service) length(column, text string) (tokens, span float64, mean bool, err error) {
	t := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(text), ",", ""))
	switch m := plainLength.FindStringSubmatch(t); {
	case t == "":
		return 0, 0, false, fmt.Errorf("%s is blank: the lengths are not known", column)
	case m != nil:
		tokens, _ = strconv.ParseFloat(m[2], 64)
		if m[3] != "" {
			tokens *= 1024
			s.assume("%s %s is %g tokens", column, text, tokens)
		}
		if mean = m[1] == "mean" || strings.HasPrefix(m[1], "av"); !mean && m[1] != "" {
			s.assume("%s of %g tokens", column, tokens)
		}
	default:
		m := rangeLength.FindStringSubmatch(t)
		if m == nil {
			return 0, 0, false, fmt.Errorf("%s is %q, want a number of tokens, a range or a mean", column, text)
		}
		a, _ := strconv.ParseFloat(m[1], 64)
		b, _ := strconv.ParseFloat(m[2], 64)
		if b < a {
			return 0, 0, false, fmt.Errorf("%s is %q: the range ends before it begins", column, text)
		}
		tokens, span = (a+b)/2, (b-a)/max(a+b, 1)
		s.assume("%s evenly over %g to %g tokens", column, a, b)
	}
	if tokens < 1 {
		return 0, 0, false, fmt.Errorf("%s is %g, want at least 1 token", column, tokens)
	}
	return tokens, span, mean, nil
}

// readLoad reads lengths and load.
func (s *service) readLoad(row Row, gpus int, version string) error {
	l := &s.load
	var err error
	if l.isl, l.islSpan, l.islMean, err = s.length("isl", row.Text("isl")); err != nil {
		return err
	}
	if l.osl, l.oslSpan, l.oslMean, err = s.length("osl", row.Text("osl")); err != nil {
		return err
	}
	text := strings.ToLower(row.Text("load_type"))
	kind := loadKindOf(text)
	if strings.Contains(strings.ToLower(row.Text("workload")), "static batch") {
		kind = fixedBatch
	}
	value, given, err := row.Number("load_value")
	if v := strings.ToLower(row.Text("load_value")); err != nil && strings.HasPrefix(v, "inf") && kind >= poissonLoad {
		kind, value, given, err = offlineLoad, 0, false, nil // all at once
	}
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
	switch kind {
	case fixedBatch:
		if !given {
			return fmt.Errorf("the size of the static batch is not given")
		}
		l.shape, l.inFlight = staticBatch, value
	case singleStream:
		l.inFlight = 1
	case concurrencyLoad, batchLoad:
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
			} else if kind == batchLoad {
				l.inFlight = value * float64(s.pools[0].adp)
			}
		}
		ref := row.Text("ref")
		l.inStep = s.engine.ID == "sglang" && staysInStep(version)
		l.uniform = strings.Contains(ref, "cfg") || strings.Contains(ref, "2026_") || strings.Contains(ref, "gap_analysis")
	case offlineLoad:
		l.shape = offline
		switch {
		case given:
			l.inFlight = value
		case l.requests > 0:
			l.inFlight = float64(l.requests)
		default:
			l.inFlight = 2000
			s.assume("2000 requests")
		}
	case poissonLoad, gammaLoad, steadyLoad:
		if !given {
			return fmt.Errorf("the request rate is not given")
		}
		l.shape, l.rate, l.gapCV = openLoop, value, 1
		switch {
		case kind == steadyLoad:
			l.gapCV = 0
		case kind == gammaLoad:
			if l.gapCV = noted(gapNote, text); l.gapCV == 0 {
				return fmt.Errorf("load_type %q: the coefficient of variation is needed, as in \"gamma cv=2\"", row.Text("load_type"))
			}
		case !strings.Contains(text, "poisson"):
			s.assume("Poisson arrivals")
		}
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
		return fmt.Errorf("load_type %q is not known: expected concurrency, batch, static batch, saturated offline, or a Poisson, gamma or constant rate", row.Text("load_type"))
	}
	return nil
}

func leadingNumber(s string) int {
	n, _ := strconv.Atoi(strings.SplitN(s, " ", 2)[0])
	return n
}
