package trace

import (
	"bytes"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// clientKeys and rateKeys are the settings by which benchmarks say what load they were.
var (
	clientKeys = []string{"max_concurrency", "concurrency", "num_concurrent_requests", "streams"}
	rateKeys   = []string{"request_rate", "rate", "qps"}
)

// loadOf says of a log without arrival times what load it was: Clients that each send their next
// request when they have an answer, or a mean rate. All at once is as many clients as requests.
func (l *Log) loadOf(requests int) bool {
	positive := func(keys []string) float64 {
		for _, key := range keys {
			if v, err := strconv.ParseFloat(l.Settings[key], 64); err == nil && v > 0 {
				return v
			}
		}
		return 0
	}
	clients, rate := positive(clientKeys), positive(rateKeys)
	switch {
	case clients >= 1 && (rate == 0 || math.IsInf(rate, 0)):
		l.Clients = int(math.Min(clients, float64(requests)))
	case math.IsInf(rate, 0):
		l.Clients = requests
	case rate > 0:
		l.RequestsPerSec = rate
	}
	return l.Clients > 0 || l.RequestsPerSec > 0
}

// untimed says that no request of a log has a time of arrival, and that it says what load it was.
func (l *Log) untimed(entries []entry) bool {
	for _, e := range entries {
		if _, ok := instant(flat("", e.value, map[string]any{}), arriveKeys); ok {
			return false
		}
	}
	return l.loadOf(len(entries))
}

// timed is a log whose requests have times of their own, as a load that is played needs them.
func (l *Log) timed() error {
	if l.Clients == 0 && l.RequestsPerSec == 0 {
		return nil
	}
	return &Error{File: l.Name, Line: 1, Msg: fmt.Sprintf("no request has an arrival time: expected one of %s, …; or give the lengths and the load in arrivals", join(arriveKeys))}
}

func join(keys []named) string {
	var names []string
	for _, k := range keys[:min(4, len(keys))] {
		names = append(names, k.key)
	}
	return strings.Join(names, ", ")
}

// dateLayouts are those of dates in logs; zones other than UTC are said.
var dateLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00"}

// instant reads a moment: seconds, or a date. Seconds from 1970 on are told from finer ticks of the
// same clock by their size.
func instant(v map[string]any, keys []named) (float64, bool) {
	for _, k := range keys {
		text, ok := v[k.key].(string)
		if !ok || len(text) < len("2006-01-02T15:04:05") {
			continue
		}
		for _, layout := range dateLayouts {
			if at, err := time.Parse(layout, text); err == nil {
				return float64(at.Unix()) + float64(at.Nanosecond())*1e-9, true
			}
		}
	}
	sec, ok := pick(v, keys)
	for _, ticks := range []float64{1e9, 1e6, 1e3} {
		if sec > ticks*1e9 { // 2001 in that unit; as seconds, the year 32,000 and more
			return sec / ticks, ok
		}
	}
	return sec, ok
}

// notNumbers are what Python writes where JSON has no number.
var notNumbers = regexp.MustCompile(`([:,\[]\s*)(-?Infinity|NaN)\b`)

// plainJSON gives such values as text.
func plainJSON(body []byte) []byte {
	if !bytes.Contains(body, []byte("Infinity")) && !bytes.Contains(body, []byte("NaN")) {
		return body
	}
	return notNumbers.ReplaceAll(body, []byte(`$1"$2"`))
}
