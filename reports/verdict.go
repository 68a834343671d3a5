package reports

import (
	"math"
	"sort"
	"strings"

	"aisim/internal/result"
	"aisim/reports/number"
)

// Thresholds of the verdict's sentences.
const (
	worthSaying   = 0.03 // a loss below this share of the time is not the surprise
	mostlyKnown   = 0.60 // below this measured share the evidence is the caveat
	surelyNoWorth = 0.10 // P(worth) at or below which a purchase is named
	freeShare     = 0.0005
)

// Verdict is the first page's text on one workload: result and money, what
// bounds it, the largest surprise, the best change, the main caveat. It is empty
// for a run that was stopped.
func Verdict(run *result.Run, w *result.Workload) words {
	v := compose(run, w, false)
	if v.count() > longestVerdict {
		v = compose(run, w, true)
	}
	return v
}

// compose writes the sentences in their order. A brief text leaves out the
// comparison of losses, and then every sentence that would pass the limit.
func compose(run *result.Run, w *result.Workload, brief bool) words {
	var v words
	if !run.Complete {
		v.say("The run was stopped, so there is no verdict; the figures below are of the part that was simulated.")
		return v
	}
	if !fits(w) {
		verdictNoFit(&v, w)
		return v
	}
	if refused := refusedWorkload(run, w); refused != "" {
		v.say(refused)
		v.say(" No goal is set.")
		return v
	}
	if w.Kind == "serving" {
		verdictServing(&v, run, w)
	} else {
		verdictTraining(&v, run, w)
	}
	v.say(" No goal is set.")
	for _, next := range []func(*words){
		func(v *words) { verdictBound(v, w) },
		func(v *words) { verdictSurprise(v, w, brief) },
		func(v *words) {
			if len(run.Levers) > 0 && len(run.Workloads) == 1 {
				verdictLever(v, run)
			} else {
				verdictElasticity(v, run, w)
			}
		},
		func(v *words) { verdictNotWorth(v, run) },
		func(v *words) { verdictEvidence(v, run) },
	} {
		before := len(v)
		next(&v)
		if brief && v.count() > longestVerdict {
			v = v[:before]
		}
	}
	return v
}

// longestVerdict is the most words that a verdict may have; a sentence that
// would pass it is left out.
const longestVerdict = 75

// VerdictText is the verdict as plain text.
func VerdictText(run *result.Run, w *result.Workload) string {
	return Verdict(forDisplay(run), w).String()
}

func verdictNoFit(v *words, w *result.Workload) {
	worst := w.Memory[0]
	for _, m := range w.Memory {
		if m.TotalGiB-m.UsableGiB > worst.TotalGiB-worst.UsableGiB {
			worst = m
		}
	}
	v.say("The model ")
	v.strong("does not fit")
	v.say(": " + lowerFirst(worst.Name) + " needs " + gib(worst.TotalGiB) + " of " + gib(worst.UsableGiB) + ", ")
	v.strong(gib(worst.TotalGiB-worst.UsableGiB) + " over")
	v.say(". Nothing else was simulated.")
}

// refusedWorkload is the refusal that stops the whole workload, if any.
func refusedWorkload(run *result.Run, w *result.Workload) string {
	for _, r := range run.Refused {
		if r.Section == "step" && (r.Workload == "" || r.Workload == w.ID) {
			return "aisim refuses to predict this run: " + strings.TrimSuffix(r.What, ".") + ". " + sentence(r.Measure)
		}
	}
	return ""
}

func sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.TrimSuffix(s, ".") + "."
}

// machineOf is the machine that a sentence speaks of.
func machineOf(run *result.Run) string {
	m := clip(run.Scenario.Machine, 56)
	if m == "" {
		return "machine"
	}
	return m
}

// verb agrees with a machine that starts with a count.
func verb(machine, many string) string {
	head, _, _ := strings.Cut(machine, " ")
	if head == "1" || head == "" || head[0] < '0' || head[0] > '9' {
		return many + "s"
	}
	return many
}

// subject is the machine with its verb, or the workload where it shares the machine.
func subject(run *result.Run, w *result.Workload, many string) string {
	if len(run.Workloads) > 1 {
		return upperFirst(clip(w.ID, 40)) + " " + many + "s"
	}
	m := machineOf(run)
	return "The " + m + " " + verb(m, many)
}

func verdictTraining(v *words, run *result.Run, w *result.Workload) {
	v.say(subject(run, w, "train") + " ")
	if _, n, ok := first(run, w, result.MetricTokens, result.MetricSamples, result.MetricSteps); ok {
		v.strong(valueText(n))
	} else {
		v.say("for a result that is not known")
	}
	if d, ok := metric(run, w, result.MetricDuration); ok {
		v.say(" in " + spanText(d))
	}
	verdictMoney(v, run, w, result.MetricCostPerMTokens)
	v.say(".")
}

func verdictServing(v *words, run *result.Run, w *result.Workload) {
	offered, asked := metric(run, w, result.MetricOffered)
	att, hasAtt := metric(run, w, result.MetricAttainment)
	c, held := metric(run, w, result.MetricCapacity)
	switch {
	case held && c.Value <= 0:
		v.say(subject(run, w, "hold") + " the limits ")
		v.strong("at no load")
		if asked {
			v.say("; " + valueText(offered) + " are asked for")
		}
	case held:
		v.say(subject(run, w, "hold") + " the limits up to ")
		v.strong(valueText(c))
		if asked {
			v.say(", against " + valueText(offered) + " asked for")
		}
	default:
		v.say(subject(run, w, "serve") + " ")
		if asked {
			v.strong(valueText(offered))
		} else {
			v.strong(number.Int(w.Requests) + number.Gap + "requests")
		}
	}
	if hasAtt {
		v.say(", where ")
		v.strong(number.Percent(att.Value))
		v.say(" of requests are within them")
		if !held {
			(*v)[len(*v)-1].text = " of requests are within the limits"
		}
	}
	verdictMoney(v, run, w, result.MetricCostPerMOutput)
	v.say(".")
}

// verdictMoney says the cost and the unit cost, or that there are no prices.
func verdictMoney(v *words, run *result.Run, w *result.Workload, unitKey string) {
	if run.Ledger.NoPrices != "" {
		v.say("; no prices are given")
		return
	}
	cost, ok := costOf(run, w)
	if !ok {
		return
	}
	v.say(", for ")
	v.strong(valueText(cost))
	if sec, ok := metric(run, w, result.MetricSimulated); ok {
		v.say(" in " + spanText(sec))
	}
	if _, u, ok := first(run, w, unitKey, result.MetricCostPerMTokens, result.MetricCostPerMOutput, result.MetricCostPerMRequest); ok {
		v.say(" (" + valueText(u) + ")")
	}
}

// costOf is the workload's own cost, or the ledger's total when it is alone.
func costOf(run *result.Run, w *result.Workload) (result.Number, bool) {
	if n, ok := metric(run, w, result.MetricCost); ok {
		return n, true
	}
	if len(run.Workloads) == 1 && len(run.Ledger.Lines) > 0 && finite(run.Ledger.TotalUSD.Value) {
		n := run.Ledger.TotalUSD
		if n.Unit == "" {
			n.Unit = "USD"
		}
		return n, true
	}
	return result.Number{}, false
}

// share says a share in the words of the grammar.
func share(x float64) string {
	switch {
	case x >= 0.48 && x <= 0.52:
		return "half"
	case x >= 0.32 && x <= 0.35:
		return "a third"
	}
	return number.Format{Div: 0.01, Unit: "%"}.With(x)
}

// verdictBound names the part that takes most of a step or of a slow first token.
func verdictBound(v *words, w *result.Workload) {
	if w.Kind == "serving" {
		parts, at := ttftAt(w, "p95")
		if i, total := largestPart(parts); i >= 0 && total > 0 {
			v.say(" " + upperFirst(parts[i].Name) + " takes " + share(parts[i].Seconds/total) + " of the TTFT at " + at + ".")
		}
		return
	}
	if i, total := largestPart(w.Step); i >= 0 && total > 0 {
		f := number.Step(total, total, total)
		v.say(" " + upperFirst(w.Step[i].Name) + " takes " + share(w.Step[i].Seconds/total) + " of each " + f.With(total) + " step.")
	}
}

func largestPart(parts []result.StepPart) (int, float64) {
	best, total := -1, 0.0
	for i, s := range parts {
		total += s.Seconds
		if best < 0 || s.Seconds > parts[best].Seconds {
			best = i
		}
	}
	return best, total
}

// verdictSurprise says the largest loss of bought time, or the worst hour.
func verdictSurprise(v *words, w *result.Workload, brief bool) {
	best, next := -1, -1
	for i, l := range w.Losses {
		if best < 0 || l.Share > w.Losses[best].Share {
			best, next = i, best
		} else if next < 0 || l.Share > w.Losses[next].Share {
			next = i
		}
	}
	if best >= 0 && w.Losses[best].Share > worthSaying {
		v.say(" ")
		v.strong(upperFirst(w.Losses[best].Cause) + " takes " + number.Percent(w.Losses[best].Share) + " of all GPU time")
		if next >= 0 && w.Losses[next].Share > 0 && !brief {
			v.say(", more than " + lowerFirst(w.Losses[next].Cause) + " does")
		}
		v.say(".")
		return
	}
	if w.Serving == nil {
		return
	}
	if h, mean, ok := worstHour(w.Serving.Hours); ok && mean-h.Attainment > 0.01 {
		v.say(" Attainment falls to ")
		v.strong(number.Percent(h.Attainment))
		v.say(" in hour " + number.Int(h.Hour) + ".")
	}
}

// worstHour is the hour of least attainment and the mean over the others.
func worstHour(hours []result.HourPoint) (worst result.HourPoint, mean float64, ok bool) {
	if len(hours) < 2 {
		return worst, 0, false
	}
	at := 0
	var weighted, load float64
	for i, h := range hours {
		if h.Attainment < hours[at].Attainment {
			at = i
		}
		weighted += h.Attainment * h.RequestsPerSec
		load += h.RequestsPerSec
	}
	if load <= 0 {
		return worst, 0, false
	}
	return hours[at], weighted / load, true
}

// verdictLever names the best change whose gain is beyond doubt.
func verdictLever(v *words, run *result.Run) {
	var best *result.Lever
	for i := range run.Levers {
		l := &run.Levers[i]
		if l.Together || !hasInterval(l.ObjectiveGain) || l.ObjectiveGain.Low <= 0 {
			continue
		}
		if best == nil || l.ObjectiveGain.Value > best.ObjectiveGain.Value {
			best = l
		}
	}
	if best != nil {
		v.say(" " + upperFirst(best.Action) + " is worth ")
		v.strong(number.Change(best.ObjectiveGain.Value) + " " + metricName(objective(run)))
		v.say(" for " + capital(best.CapitalUSD) + ".")
	}
}

// verdictNotWorth names a purchase that is surely not worth its price.
func verdictNotWorth(v *words, run *result.Run) {
	if len(run.Workloads) != 1 {
		return
	}
	for _, l := range run.NotWorth {
		if l.PWorth <= surelyNoWorth {
			v.say(" " + upperFirst(l.Action) + " is not worth its price.")
			return
		}
	}
}

// verdictElasticity says what more of the limiting resource gains, and what gains nothing.
func verdictElasticity(v *words, run *result.Run, w *result.Workload) {
	list := elasticities(run, w)
	if len(list) == 0 || list[0].Gain.Value <= freeShare {
		return
	}
	top := list[0]
	v.say(" " + number.Format{Div: 0.01, Unit: "%"}.With(top.Step) + " more " + lowerFirst(top.Name) + " gains ")
	v.strong(number.ChangeFine(top.Gain.Value) + " " + gainNoun(top.Metric))
	var free []string
	for _, e := range list {
		if e.Free && len(free) < 2 {
			free = append(free, lowerFirst(e.Name))
		}
	}
	if len(free) > 0 {
		v.say("; more " + strings.Join(free, " or ") + " gains nothing")
	}
	v.say(".")
}

// gainNoun is what a gain is a gain of: a time is gained as speed.
func gainNoun(key string) string {
	if lesser(key) {
		return "less " + metricName(key)
	}
	return metricName(key)
}

// verdictEvidence is the caveat when less than 60 % rests on measurements.
func verdictEvidence(v *words, run *result.Run) {
	if len(run.Rungs) == 0 {
		return
	}
	by := map[result.Pedigree]float64{}
	for _, r := range run.Rungs {
		by[r.Pedigree] += r.Share
	}
	known := by[result.Measured] + by[result.Derived]
	if known >= mostlyKnown {
		return
	}
	what := "datasheets"
	if by[result.Assumed] > by[result.Datasheet] {
		what = "assumptions"
	}
	n := by[result.Datasheet]
	if what == "assumptions" {
		n = by[result.Assumed]
	}
	if n > 0 {
		v.say(" " + number.Format{Div: 0.01, Unit: "%"}.With(n) + " of the predicted time rests on " + what + ".")
	}
}

// objective is the metric key that levers speak of: the first workload's.
func objective(run *result.Run) string {
	if len(run.Workloads) == 0 {
		return ""
	}
	return run.Workloads[0].Objective
}

// capital is money spent once, in words.
func capital(usd float64) string {
	switch {
	case usd == 0:
		return "no purchase"
	case usd < 0:
		return number.Of(-usd, "USD") + " less capital"
	}
	return number.Of(usd, "USD") + " more capital"
}

// elasticities are those of one workload, largest gain first.
func elasticities(run *result.Run, w *result.Workload) []result.Elasticity {
	var out []result.Elasticity
	for _, e := range run.Elasticities {
		if (e.Workload == w.ID || e.Workload == "") && finite(e.Gain.Value) {
			out = append(out, e)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Gain.Value > out[j].Gain.Value })
	return out
}

// spanText is a duration in words that fit a sentence: "54 days", "36.2 h".
func spanText(n result.Number) string {
	f := formatOf(n)
	s := f.Value(n.Value)
	if whole, frac, ok := strings.Cut(s, "."); ok && strings.Trim(frac, "0") == "" {
		s = whole
	}
	switch {
	case f.Unit == "d" && s == "1":
		return "1 day"
	case f.Unit == "d":
		return s + number.Gap + "days"
	}
	return s + number.Gap + f.Unit
}

func gib(v float64) string {
	return number.Format{Div: 1, Unit: "GiB", Decimals: 1}.With(math.Round(v*10) / 10)
}

func upperFirst(s string) string { return mapFirst(s, strings.ToUpper) }

// lowerFirst lowers the first letter unless the word is an acronym or a name.
func lowerFirst(s string) string {
	r := []rune(s)
	if len(r) > 1 && (r[1] < 'a' || r[1] > 'z') {
		return s
	}
	return mapFirst(s, strings.ToLower)
}

func mapFirst(s string, f func(string) string) string {
	r := []rune(s)
	if len(r) == 0 {
		return s
	}
	return f(string(r[:1])) + string(r[1:])
}
