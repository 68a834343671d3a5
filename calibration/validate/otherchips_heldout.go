package validate

import (
	"math"
	"slices"
)

// unseen predicts every row without its source: the constants of its form are fitted again on the rows
// of the others. Rows whose constants come from other tables, or from the anchor alone, stand as they
// are; those that are the reference of others cannot be held out.
func (k *otherChips) unseen(t *Table, r *Report) []HeldOut {
	rows := map[string]Row{}
	for _, row := range t.Rows {
		rows[row.Text("id")] = row
	}
	byClass := map[string][]*heldCase{}
	byForm := map[*form][]*heldCase{}
	var classes []string
	var all []*heldCase
	for i := range r.Cases {
		c := &r.Cases[i]
		e, ok := k.estimates[c.ID+"/"+c.Metric]
		if c.Use != UseGate || c.Error == nil || !ok {
			continue
		}
		h := &heldCase{c: c, e: e, row: rows[c.ID]}
		class := e.group + ", " + c.Metric
		if byClass[class] == nil {
			classes = append(classes, class)
		}
		byClass[class] = append(byClass[class], h)
		if e.form != nil {
			byForm[e.form] = append(byForm[e.form], h)
		}
		all = append(all, h)
	}
	for _, class := range classes {
		sources(byClass[class])
	}
	for _, f := range forms {
		holdOutForm(f, byForm[f])
	}
	var out []HeldOut
	for _, class := range classes {
		cases := byClass[class]
		for _, h := range cases {
			if h.e.form == nil && !h.e.reference {
				h.predicted = h.e.value // nothing of it was fitted on the table
			}
		}
		out = append(out, summed(class, cases))
	}
	out = append(out, summed("all of them", all))
	if alone := withoutAnchors(all); len(alone) > 1 {
		out = append(out, summed("FPGA, each row by its own operations, without anchors", alone))
	}
	return out
}

// withoutAnchors are the DPU rows as if no other board had run their network, under the constants that
// boards other than theirs give.
func withoutAnchors(all []*heldCase) []*heldCase {
	var out []*heldCase
	for _, h := range all {
		b, err := readBoard(h.row)
		if err != nil || b.ops == 0 {
			continue
		}
		x := h.x
		if x == nil { // anchored within its build, which no constant enters
			x = dpuForm.values()
		}
		e := aloneBoard(b)
		c := *h.c
		c.Error = errorOf(c.scale, e.value, *c.Measured)
		out = append(out, &heldCase{c: &c, e: e, row: h.row, source: h.row.Text("chip"), predicted: e.at(x)})
	}
	return out
}

// heldCase is a case with what it is held out by.
type heldCase struct {
	c         *Case
	e         estimate
	row       Row
	source    string
	predicted float64   // 0: there is no other source
	x         []float64 // the form's constants without the source
}

// sources are the chips of a class, its models where the class is of one chip, or its settings where it is of one model.
func sources(cases []*heldCase) {
	for _, column := range []string{"chip", "model", "notes"} {
		several := false
		for _, h := range cases {
			h.source = h.row.Text(column)
			several = several || h.source != cases[0].source
		}
		if several {
			return
		}
	}
}

func names(cases []*heldCase) []string {
	var out []string
	for _, h := range cases {
		if !slices.Contains(out, h.source) {
			out = append(out, h.source)
		}
	}
	return out
}

func holdOutForm(f *form, cases []*heldCase) {
	all := names(cases)
	if len(all) < 2 {
		return
	}
	for _, name := range all {
		var others []formRow
		for _, h := range cases {
			if h.source != name {
				others = append(others, formRow{h.e.at, h.c.scale, *h.c.Measured})
			}
		}
		x := f.fitted(others, f.starts())
		for _, h := range cases {
			if h.source == name {
				h.predicted, h.x = h.e.at(x), x
			}
		}
	}
}

// summed are the figures of a class. A class of one source has nothing to hold out: beside its
// error stands that of the line rates alone.
func summed(class string, cases []*heldCase) HeldOut {
	h := HeldOut{Class: class, Cases: len(cases), Sources: len(names(cases))}
	var fitted, errors, line, predicted, measured []float64
	inside := 0.0
	for _, x := range cases {
		fitted = append(fitted, math.Abs(*x.c.Error))
		if x.c.RooflineError != nil {
			line = append(line, math.Abs(*x.c.RooflineError))
		}
		if x.predicted <= 0 {
			continue
		}
		errors = append(errors, math.Abs(*errorOf(x.c.scale, x.predicted, *x.c.Measured)))
		predicted, measured = append(predicted, x.predicted), append(measured, *x.c.Measured)
		if math.Abs(math.Log(x.predicted / *x.c.Measured)) <= z90*math.Max(x.e.sd, x.e.held) {
			inside++
		}
	}
	h.Fitted = middle(fitted)
	if len(errors) == 0 {
		h.HeldOut, h.LineRatesOnly = middle(line), true
		return h
	}
	h.HeldOut, h.HeldOutP90, h.Rank, h.Inside = middle(errors), quantile(errors, 0.9), spearman(predicted, measured), ptr(inside/float64(len(errors)))
	return h
}
