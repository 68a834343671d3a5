package validate

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Kind validates one sort of table. A new one is a file of its own whose init calls
// Register.
type Kind interface {
	// Name is the word on the command line: "collectives", "kernels", …
	Name() string
	// Columns are those without which a table cannot be read.
	Columns() []string
	// Predict turns a row into a case per measured metric. The use is already in the
	// case that it is given as a start.
	Predict(row Row, start Case) []Case
}

// studier is a kind that looks at the whole table before it predicts rows: some rows
// are anchored by measurements of the same model or system elsewhere in the table.
type studier interface{ study(*Table) }

// unseen is a kind that can predict a chip or board from others alone.
type unseen interface {
	unseen(*Table, *Report) []HeldOut
}

// Concurrent is a Kind whose rows may be predicted at the same time.
type Concurrent interface {
	Kind
	// Concurrent marks the kind; it does nothing.
	Concurrent()
}

// each calls f for 0..n-1, on all cores where the kind allows it.
func each(kind Kind, n int, f func(int)) {
	workers := 1
	if _, ok := kind.(Concurrent); ok {
		workers = min(n, runtime.GOMAXPROCS(0))
	}
	if workers <= 1 {
		for i := range n {
			f(i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wg.Wait()
}

// Schema of the report.
const Schema = "aisim.validate/v1"

var kinds = map[string]func() (Kind, error){}

// Register adds a kind; make is called once per table.
func Register(name string, make func() (Kind, error)) { kinds[name] = make }

// Names are the kinds that can be validated, sorted.
func Names() []string {
	var out []string
	for name := range kinds {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// located is a kind whose rows name files, relative to the table's folder.
type located interface{ in(folder string) }

// Evaluate reads a table of the named kind and predicts its rows. The error is that of
// a table that cannot be read; what fails on one row is in its case. Files that rows
// name are looked for in the current folder.
func Evaluate(name string, table io.Reader) (*Report, error) { return EvaluateIn(".", name, table) }

// EvaluateIn is Evaluate of a table in a folder, from which the paths in its rows start.
func EvaluateIn(folder, name string, table io.Reader) (*Report, error) {
	fresh, ok := kinds[name]
	if !ok {
		return nil, fmt.Errorf("validate: no kind %q (want one of %s)", name, strings.Join(Names(), ", "))
	}
	kind, err := fresh()
	if err != nil {
		return nil, fmt.Errorf("validate %s: %w", name, err)
	}
	t, err := ReadTable(table, kind.Columns()...)
	if err != nil {
		return nil, fmt.Errorf("validate %s: %w", name, err)
	}
	if k, ok := kind.(located); ok {
		k.in(folder)
	}
	if k, ok := kind.(studier); ok {
		k.study(t)
	}
	r := &Report{Schema: Schema, Kind: name, Cases: []Case{}}
	var rows []Row
	var starts []Case
	place := map[int]int{} // of the rows that are predicted among the cases
	out := [][]Case{}
	for _, row := range t.Rows {
		id := row.Text("id")
		if id == "" {
			id = fmt.Sprintf("line-%d", row.Line)
		}
		start := NewCase(id, row.Text("use"))
		switch start.Use {
		case UseExclude:
			r.Skipped++
			continue
		case UseGate, UseInfo:
			place[len(rows)] = len(out)
			rows, starts, out = append(rows, row), append(starts, start), append(out, nil)
		default:
			out = append(out, []Case{start.Fail(fmt.Errorf("line %d: use is %q, want gate, info or exclude", row.Line, start.Use))})
		}
	}
	each(kind, len(rows), func(i int) { out[place[i]] = kind.Predict(rows[i], starts[i]) })
	for _, cases := range out {
		r.Cases = append(r.Cases, cases...)
	}
	r.summarise()
	if k, ok := kind.(unseen); ok {
		r.HeldOut = k.unseen(t, r)
	}
	if k, ok := kind.(crossValidator); ok {
		r.HeldOut = heldOut(k, t, r)
	}
	if k, ok := kind.(ranker); ok {
		r.Rankings = k.ranked(t, r)
	}
	return r, nil
}
