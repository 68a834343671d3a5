package reports

import (
	"math"
	"strings"

	"aisim/internal/result"
	"aisim/reports/number"
)

func ledgerSection(run *result.Run) (section, bool) {
	s := section{id: "ledger", number: "7", name: "Ledger"}
	l := &run.Ledger
	if len(l.Lines) == 0 && len(l.Units) == 0 && run.Energy == nil && l.NoPrices == "" {
		return refused(run, nil, s, "ledger")
	}
	p := &page{}
	s.question = "What does it cost, draw and emit?"
	switch l.Mode {
	case "rent":
		s.question += " The machine is rented; there is no capital."
	case "buy":
		s.question += " Capital is spread over its life as an annuity; basis states life, rate and residual value."
	}
	if l.NoPrices != "" {
		s.finding = "No prices are given"
		p.raw(`<p class="cap" style="margin:0 0 14px">No prices given: `, esc(l.NoPrices), "</p>")
	} else if len(l.Lines) > 0 {
		s.finding = ledgerFinding(l)
		p.costTable(l)
	}
	p.raw(`<div class="two" style="margin-top:18px"><div>`)
	p.unitTables(l)
	p.raw("</div><div>")
	if run.Energy != nil {
		p.energyTable(run.Energy)
	}
	p.raw("</div></div>")
	if s.finding == "" && run.Energy != nil {
		s.finding = "The meter reads " + number.Of(run.Energy.MWMean*1e6, "W") + " on average"
	}
	s.body = p.String()
	return s, s.finding != ""
}

// ledgerFinding is "40.9 M USD: 57 % is the servers, 6 % electricity".
func ledgerFinding(l *result.Ledger) string {
	total, top, power := 0.0, 0, 0.0
	for i, x := range l.Lines {
		total += x.USD
		if x.USD > l.Lines[top].USD {
			top = i
		}
		if x.Kind == result.KindPower {
			power += x.USD
		}
	}
	if total <= 0 {
		return "The period costs nothing"
	}
	head, _, _ := strings.Cut(l.Lines[top].Item, ":")
	f := number.Format{Div: 0.01, Unit: "%"}
	out := number.Of(total, "USD") + ": " + f.With(l.Lines[top].USD/total) + " is " + lowerFirst(clip(head, 28))
	if power > 0 && l.Lines[top].Kind != result.KindPower {
		out += ", " + f.With(power/total) + " electricity"
	}
	return out
}

func (p *page) costTable(l *result.Ledger) {
	usd := make([]float64, len(l.Lines))
	shares := make([]float64, len(l.Lines))
	var sum float64
	for i, x := range l.Lines {
		usd[i] = x.USD
		sum += x.USD
	}
	total := l.TotalUSD.Value
	if !finite(total) || math.Abs(total-sum) > 1e-6*math.Abs(sum) {
		total = sum // the printed column ends in what it adds up to
	}
	for i := range usd {
		if total != 0 {
			shares[i] = usd[i] / total
		}
	}
	c := number.NewColumn(usd, total, "USD")
	pc := number.Percents(shares, 1)
	head := "Cost of the period"
	if l.Period != "" {
		head = "Cost of " + l.Period
	}
	cols := []column{{head: head}, {head: "basis", wide: true, muted: true}, {head: c.Unit, number: true},
		{head: "share", number: true}, {head: "90 % interval", number: true, wide: true}, {head: "", number: true}}
	var rows []tableRow
	for i, x := range l.Lines {
		iv := "no interval"
		if x.High > x.Low {
			iv = c.Interval(x.Low, x.High)
		}
		rows = append(rows, cells(txt(x.Item), txt(basis(x)), txt(c.Cells[i]), txt(pc[i]), txt(strings.TrimSuffix(iv, number.Gap+c.Unit)), marked(x.Pedigree)))
	}
	iv := "no interval"
	if hasInterval(l.TotalUSD) {
		iv = strings.TrimSuffix(c.Interval(l.TotalUSD.Low, l.TotalUSD.High), number.Gap+c.Unit)
	}
	rows = append(rows, totalCells(txt("Total"), txt(""), txt(c.Total), txt("100.0"+number.Gap+"%"), txt(iv), txt("")))
	p.table("", cols, rows)
}

// basis is quantity and rate, with the terms on which capital is spread.
func basis(x result.LedgerLine) string {
	b := x.Basis
	if x.CapexUSD <= 0 || strings.Contains(b, "residual") {
		return b
	}
	terms := []string{number.Short(x.CapexUSD, "USD") + " capital"}
	if x.Life > 0 {
		terms = append(terms, trimZeros(x.Life)+number.Gap+"y")
	}
	if x.Rate > 0 {
		terms = append(terms, number.Short(x.Rate, "ratio")+" a year")
	}
	if x.Residual > 0 {
		terms = append(terms, "residual "+number.Short(x.Residual, "ratio"))
	}
	if b != "" {
		return b + "; " + strings.Join(terms, ", ")
	}
	return strings.Join(terms, ", ")
}

func trimZeros(v float64) string {
	s := number.Fixed(v, 1)
	return strings.TrimSuffix(s, ".0")
}

func (p *page) unitTables(l *result.Ledger) {
	if len(l.Units) > 0 && l.NoPrices == "" {
		var rows []tableRow
		for _, u := range l.Units {
			n := u.Value
			n.Unit = strings.TrimPrefix(n.Unit, "USD/")
			if strings.HasPrefix(u.Value.Unit, "USD/") || u.Value.Unit == "" || u.Value.Unit == "USD" {
				n.Unit = "USD/x" // the name says per what
			}
			f := formatOf(n)
			f.Unit = ""
			iv := "no interval"
			if hasInterval(n) {
				iv = f.Interval(n.Low, n.High)
			}
			rows = append(rows, cells(txt(u.Name), txt(f.Value(n.Value)), txt(iv), marked(pedigreeOf(u.Value))))
		}
		p.table("", []column{{head: "Unit cost"}, {head: "USD", number: true}, {head: "90 % interval", number: true}, {head: "", number: true}}, rows)
	}
	if len(l.Carbon) > 0 {
		var rows []tableRow
		for _, c := range l.Carbon {
			n := carbonUnit(c.Value)
			f := formatOf(n)
			iv := "no interval"
			if hasInterval(n) {
				iv = strings.TrimSuffix(f.Interval(n.Low, n.High), number.Gap+f.Unit)
			}
			rows = append(rows, cells(noted(c.Name, c.Basis), txt(f.With(n.Value)), txt(iv), marked(pedigreeOf(c.Value))))
		}
		p.table("", []column{{head: "Carbon"}, {head: "emitted", number: true}, {head: "90 % interval", number: true}, {head: "", number: true}}, rows)
	}
}

// energyRow is one printed line of the tree from device to meter.
type energyRow struct {
	name     string
	mw, mwh  int64 // in printed units
	parent   bool
	depth    int
	lastNote string
}

// energyTable prints the tree, children before the node that sums them, each
// column apportioned from the meter down so that it adds up as printed.
func (p *page) energyTable(root *result.EnergyNode) {
	powerUnit, energyUnit := number.For(root.MWMean*1e6, 0, 0, "W"), number.For(root.MWh*1e6, 0, 0, "Wh")
	powerUnit.Decimals, energyUnit.Decimals = 2, 2
	stepMW, stepMWh := powerUnit.Div*1e-6/100, energyUnit.Div*1e-6/100
	var rows []energyRow
	energyRows(root, units(root.MWMean, stepMW), units(root.MWh, stepMWh), stepMW, stepMWh, 0, &rows)
	var out []tableRow
	for _, r := range rows {
		c := []cell{noted(r.name, r.lastNote), txt(cents(r.mw)), txt(cents(r.mwh))}
		if r.parent {
			out = append(out, totalCells(c...))
		} else {
			out = append(out, cells(c...))
		}
	}
	p.table("", []column{{head: "Energy, from device to meter"}, {head: powerUnit.Unit + " mean", number: true}, {head: energyUnit.Unit, number: true}}, out)
}

// units is v in whole printed units, 0 where it cannot be printed.
func units(v, step float64) int64 {
	u := math.Round(v / step)
	if !finite(u) || math.Abs(u) > 1e15 {
		return 0
	}
	return int64(u)
}

func cents(n int64) string {
	if n == 0 {
		return "0"
	}
	return (number.Format{Div: 1, Decimals: 2}).Value(float64(n) / 100)
}

func energyRows(n *result.EnergyNode, mw, mwh int64, stepMW, stepMWh float64, depth int, out *[]energyRow) {
	if len(n.Children) == 0 {
		*out = append(*out, energyRow{name: n.Name, mw: mw, mwh: mwh, depth: depth})
		return
	}
	a, b := make([]float64, len(n.Children)), make([]float64, len(n.Children))
	var sumA, sumB float64
	for i, c := range n.Children {
		a[i], b[i] = c.MWMean, c.MWh
		sumA, sumB = sumA+c.MWMean, sumB+c.MWh
	}
	note := ""
	goalA, goalB := mw, mwh
	var remainder *energyRow
	if math.Abs(sumA-n.MWMean) > 1e-6*math.Abs(n.MWMean)+1e-12 || math.Abs(sumB-n.MWh) > 1e-6*math.Abs(n.MWh)+1e-12 {
		goalA, goalB = units(sumA, stepMW), units(sumB, stepMWh)
		remainder = &energyRow{name: "Not itemised", mw: mw - goalA, mwh: mwh - goalB}
	} else if depth == 0 {
		note = "sum of all parts, no remainder"
	}
	ua, ub := number.Apportion(a, goalA, stepMW), number.Apportion(b, goalB, stepMWh)
	for i := range n.Children {
		energyRows(&n.Children[i], ua[i], ub[i], stepMW, stepMWh, depth+1, out)
	}
	if remainder != nil {
		*out = append(*out, *remainder)
	}
	*out = append(*out, energyRow{name: n.Name, mw: mw, mwh: mwh, parent: true, depth: depth, lastNote: note})
}
