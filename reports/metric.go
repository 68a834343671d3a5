package reports

import (
	"math"
	"strings"

	"aisim/internal/result"
	"aisim/reports/number"
)

// metric is a workload's metric under key, from the workload or from the run.
func metric(run *result.Run, w *result.Workload, key string) (result.Number, bool) {
	if w != nil {
		if n, ok := w.Metrics[key]; ok {
			return n, finite(n.Value)
		}
		if n, ok := run.Metrics[w.ID+"."+key]; ok {
			return n, finite(n.Value)
		}
		return result.Number{}, false
	}
	n, ok := run.Metrics[key]
	return n, ok && finite(n.Value)
}

// first is the first of several metrics that the run has.
func first(run *result.Run, w *result.Workload, keys ...string) (string, result.Number, bool) {
	for _, k := range keys {
		if n, ok := metric(run, w, k); ok {
			return k, n, true
		}
	}
	return "", result.Number{}, false
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// hasInterval says whether n's low and high mean anything.
func hasInterval(n result.Number) bool {
	return n.NoInterval == "" && finite(n.Low) && finite(n.High) && n.High > n.Low
}

// formatOf is the scale that n's value and interval share.
func formatOf(n result.Number) number.Format {
	if !hasInterval(n) {
		return number.For(n.Value, n.Value, n.Value, n.Unit)
	}
	return number.For(n.Value, n.Low, n.High, n.Unit)
}

// valueText is n's value with its unit.
func valueText(n result.Number) string { return formatOf(n).With(n.Value) }

// intervalText is n's interval, or why there is none.
func intervalText(n result.Number) string {
	if !hasInterval(n) {
		if n.NoInterval != "" {
			return "no interval: " + n.NoInterval
		}
		return "no interval"
	}
	return formatOf(n).Interval(n.Low, n.High)
}

// names are how reports call a metric in running text.
var names = map[string]string{
	result.MetricTokens:            "tokens",
	result.MetricSamples:           "samples",
	result.MetricSteps:             "steps",
	result.MetricDuration:          "time to finish",
	result.MetricSimulated:         "time simulated",
	result.MetricStepTime:          "step time",
	result.MetricGoodput:           "goodput",
	result.MetricMFU:               "MFU",
	result.MetricModelFlopsPerGPU:  "model FLOP/s per accelerator",
	result.MetricTokensPerSec:      "tokens per second",
	result.MetricFailures:          "failures",
	result.MetricGPUHours:          "GPU-hours",
	result.MetricCheckpointEvery:   "checkpoint interval",
	result.MetricCapacity:          "capacity",
	result.MetricSaturation:        "saturation",
	result.MetricHeadroom:          "headroom",
	result.MetricGoodRequests:      "requests per second within the limits",
	result.MetricGoodTokens:        "output tokens per second within the limits",
	result.MetricOffered:           "requests per second",
	result.MetricTTFTP95:           "TTFT p95",
	result.MetricTPOTP95:           "time per token p95",
	result.MetricLatencyP95:        "whole request p95",
	result.MetricAttainment:        "attainment",
	result.MetricOutputTokens:      "output tokens",
	result.MetricOutputTokenPerSec: "output tokens per second",
	result.MetricUtilisation:       "utilisation",
	result.MetricCost:              "cost",
	result.MetricCostPerMTokens:    "USD per M tokens",
	result.MetricCostPerMOutput:    "USD per M output tokens",
	result.MetricCostPerMRequest:   "USD per M requests",
	result.MetricPower:             "power",
	result.MetricLedgerTotal:       "total cost",
	result.MetricLedgerPerYear:     "cost of a year",
	result.MetricPerUser:           "tokens/s of one user",
	result.MetricPerAccelerator:    "tokens/s of one accelerator",
	result.MetricLedgerCapital:     "capital",
	result.MetricFacilityPower:     "power at the meter",
	result.MetricFacilityEnergy:    "energy at the meter",
	result.MetricFacilityCarbon:    "carbon",
}

// metricName is the running-text name of a key, or the key with its underscores opened.
func metricName(key string) string {
	if n, ok := names[key]; ok {
		return n
	}
	if _, rest, ok := strings.Cut(key, "."); ok {
		if n, ok := names[rest]; ok {
			return n
		}
	}
	return strings.ReplaceAll(key, "_", " ")
}

// lesser says that less of the metric is better.
func lesser(key string) bool {
	_, rest, ok := strings.Cut(key, ".")
	if !ok {
		rest = key
	}
	switch rest {
	case result.MetricStepTime, result.MetricDuration, result.MetricTTFTP95, result.MetricTPOTP95, result.MetricLatencyP95:
		return true
	}
	return strings.HasPrefix(rest, "usd") || strings.HasSuffix(rest, "cost") || strings.HasPrefix(rest, "ttft") ||
		strings.HasPrefix(rest, "tpot") || strings.HasPrefix(rest, "latency") || strings.HasSuffix(rest, "_time")
}

// resourceKind is the colour of an elasticity's resource.
func resourceKind(resource string) result.Kind {
	switch {
	case resource == "compute":
		return result.KindCompute
	case resource == "hbm", resource == "memory":
		return result.KindCompute2
	case resource == "scaleup":
		return result.KindScaleUp
	case strings.HasPrefix(resource, "storage"):
		return result.KindStorage
	case resource == "mtbf", resource == "recovery":
		return result.KindFailure
	case resource == "host", resource == "bubble", resource == "queue":
		return result.KindWait
	}
	return result.KindNetwork
}

// kindNames are the legend's words for the causes of time.
var kindNames = map[result.Kind]string{
	result.KindCompute:  "matrix work",
	result.KindCompute2: "other kernels",
	result.KindScaleUp:  "scale-up link",
	result.KindNetwork:  "scale-out network",
	result.KindWait:     "waiting",
	result.KindStorage:  "storage",
	result.KindFailure:  "failures",
	result.KindIT:       "accelerators and servers",
	result.KindIT2:      "network and storage",
	result.KindFacility: "facility and people",
	result.KindPower:    "electricity",
}

// kindOrder is the order of legends.
var kindOrder = []result.Kind{
	result.KindCompute, result.KindCompute2, result.KindScaleUp, result.KindNetwork, result.KindWait,
	result.KindStorage, result.KindFailure, result.KindIT, result.KindIT2, result.KindFacility, result.KindPower,
}
