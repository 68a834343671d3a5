package validate

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// maxRows bounds a table.
const maxRows = 1 << 20

// Table is a CSV with a header. Columns are found by name, whatever their order.
type Table struct {
	Columns []string
	Rows    []Row
}

// Row is one line of a table.
type Row struct {
	Line  int
	cells []string
	index map[string]int
}

// Text is a cell without the blanks around it; "" where the column is absent.
func (r Row) Text(column string) string {
	if i, ok := r.index[column]; ok && i < len(r.cells) {
		return strings.TrimSpace(r.cells[i])
	}
	return ""
}

// Number is a cell as a number. ok is false where it is empty; text that is no finite
// number is an error.
func (r Row) Number(column string) (v float64, ok bool, err error) {
	s := strings.ReplaceAll(r.Text(column), ",", "")
	if s == "" {
		return 0, false, nil
	}
	v, err = strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, false, fmt.Errorf("line %d: %s is %q, want a number", r.Line, column, s)
	}
	return v, true, nil
}

// ReadTable reads a CSV that has the given columns. Errors name the line.
func ReadTable(r io.Reader, required ...string) (*Table, error) {
	c := csv.NewReader(r)
	c.FieldsPerRecord = -1
	c.TrimLeadingSpace = true
	header, err := c.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the table is empty: want a header with %s", strings.Join(required, ", "))
	}
	if err != nil {
		return nil, fmt.Errorf("the header: %w", err)
	}
	t := &Table{}
	index := map[string]int{}
	for i, h := range header {
		h = strings.TrimSpace(strings.TrimPrefix(h, "\ufeff"))
		if _, twice := index[h]; twice && h != "" {
			return nil, fmt.Errorf("line 1: column %q appears twice", h)
		}
		index[h] = i
		t.Columns = append(t.Columns, h)
	}
	var missing []string
	for _, name := range required {
		if _, ok := index[name]; !ok {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("line 1: no column %s; the header has %s", strings.Join(missing, ", "), strings.Join(t.Columns, ", "))
	}
	for {
		cells, err := c.Read()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := c.FieldPos(0)
		if len(cells) > len(header) {
			return nil, fmt.Errorf("line %d: %d cells under %d columns", line, len(cells), len(header))
		}
		if len(t.Rows) == maxRows {
			return nil, fmt.Errorf("line %d: more than %d rows", line, maxRows)
		}
		t.Rows = append(t.Rows, Row{Line: line, cells: cells, index: index})
	}
}
