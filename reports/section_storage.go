package reports

import (
	"math"
	"strings"

	"aisim/internal/result"
	"aisim/reports/figure"
	"aisim/reports/number"
)

// maxPaths bounds the paths that are drawn; all stand in tables/storage.csv.
const maxPaths = 6

func storageSection(run *result.Run) (section, bool) {
	s := section{id: "storage", number: "6", name: "Storage"}
	if len(run.Storage) == 0 {
		return refused(run, nil, s, "storage")
	}
	var body strings.Builder
	for i, path := range run.Storage {
		if i == maxPaths {
			break
		}
		f := storageFigure(path)
		body.WriteString("<h3>" + esc(f.Title) + "</h3>" + f.HTML())
	}
	s.body = body.String()
	s.question = "What does storage cost the accelerators? Each stage of the path alone, and the rate that the path reaches. The narrowest stage is drawn larger."
	var check, input, other float64
	for _, path := range run.Storage {
		use := strings.ToLower(path.Use)
		switch {
		case strings.Contains(use, "checkpoint"):
			check += path.GPUShare
		case strings.Contains(use, "dataset"), strings.Contains(use, "input"):
			input += path.GPUShare
		default:
			other += path.GPUShare
		}
	}
	switch {
	case check > 0 || input > 0:
		s.finding = "Checkpoints take " + number.Percent(check) + " of GPU time, input " + number.Percent(input)
	case other > 0:
		s.finding = "Storage takes " + number.Percent(other) + " of GPU time"
	default:
		p := run.Storage[0]
		s.finding = upperFirst(clip(p.Use, 30)) + " takes " + number.Of(p.Seconds, "s")
	}
	return s, true
}

// storageFigure is a lollipop per stage on a log axis, the rate reached in red.
func storageFigure(path result.StoragePath) figure.Figure {
	title := upperFirst(path.Use) + ", " + path.Store
	if path.Workload != "" {
		title += ", " + path.Workload
	}
	f := figure.Figure{ID: "storage-" + path.Workload + "-" + path.Store + "-" + path.Use, Title: title, LabelRem: 15, ValueRem: 6, PrintLabelRem: 13, PrintValueRem: 5.4}
	lo, hi := path.Reached, path.Reached
	for _, st := range path.Stages {
		if st.BytesPerSec > 0 {
			lo, hi = math.Min(lo, st.BytesPerSec), math.Max(hi, st.BytesPerSec)
		}
	}
	a := figure.Log10(lo*0.95, hi*1.05, 6)
	for _, st := range path.Stages {
		value := number.Of(st.BytesPerSec, "B/s")
		d := figure.Drawing{Height: 16, Label: st.Stage + ": " + value}
		x := a.At(st.BytesPerSec)
		d.Line(0, 8, x, 8, "hair", 1.2)
		r := 3.2
		if st.Narrowest {
			r = 5
			d.Label += ", the narrowest stage"
		}
		if path.Reached > 0 {
			at := a.At(path.Reached)
			d.Line(at, -3, at, 19, "fail", 1.4)
		}
		d.Dot(x, 8, r, stagePaint(st.Stage))
		row := figure.Row{Label: st.Stage, Value: value, Draw: d}
		if st.Narrowest {
			row.LabelNote = "narrowest"
		}
		f.Rows = append(f.Rows, row)
	}
	f.Rows = append(f.Rows, a.Draw(func(v float64) string { return number.Short(v, "B/s") }))
	f.Caption = "Logarithmic axis. Red line: the rate reached, " + number.Of(path.Reached, "B/s")
	if path.Bytes > 0 {
		f.Caption += "; " + number.Short(path.Bytes, "B") + " take " + number.Short(path.Seconds, "s") + "."
	} else {
		f.Caption += ", a steady stream that the work asks for and no more."
	}
	if path.GPUShare > 0 {
		f.Caption += " " + number.Percent(path.GPUShare) + " of GPU time is lost to it."
	}
	return f
}

func stagePaint(stage string) figure.Paint {
	n := strings.ToLower(stage)
	switch {
	case strings.Contains(n, "nic"), strings.Contains(n, "link"), strings.Contains(n, "leaf"), strings.Contains(n, "spine"),
		strings.Contains(n, "network"), strings.Contains(n, "fabric"), strings.Contains(n, "wan"), strings.Contains(n, "core"):
		return "net"
	case strings.Contains(n, "cpu"), strings.Contains(n, "gpu"), strings.Contains(n, "pcie"), strings.Contains(n, "host"):
		return "comp2"
	}
	return "sto"
}
