// Package parquet writes columns of numbers and texts as one Parquet file. It is the only
// place that knows the library.
package parquet

import (
	"bytes"
	"fmt"

	"github.com/parquet-go/parquet-go"
)

// Column is one column: one of the slices is set. Known marks the values of Floats that
// are there; nil for all.
type Column struct {
	Name   string
	Ints   []int64
	Texts  []string
	Floats []float64
	Known  []bool
}

func (c *Column) rows() int { return max(len(c.Ints), len(c.Texts), len(c.Floats)) }

// Encode makes a file of the columns, in their order: the same columns give the same
// bytes. Columns of unequal length or of equal names are an error.
func Encode(cols []Column) ([]byte, error) {
	group := parquet.Group{}
	fields := make([]parquet.Node, len(cols))
	for i := range cols {
		c := &cols[i]
		if c.rows() != cols[0].rows() {
			return nil, fmt.Errorf("parquet: column %q has %d rows, %q has %d", c.Name, c.rows(), cols[0].Name, cols[0].rows())
		}
		if group[c.Name] != nil {
			return nil, fmt.Errorf("parquet: two columns are called %q", c.Name)
		}
		switch {
		case c.Texts != nil:
			fields[i] = parquet.String()
		case c.Floats != nil:
			fields[i] = parquet.Optional(parquet.Leaf(parquet.DoubleType))
		default:
			fields[i] = parquet.Leaf(parquet.Int64Type)
		}
		group[c.Name] = fields[i]
	}
	schema := parquet.NewSchema("aisim", group)
	place := map[string]int{} // the library sorts columns by name
	for k, path := range schema.Columns() {
		place[path[0]] = k
	}
	var b bytes.Buffer
	w := parquet.NewGenericWriter[any](&b, schema, parquet.Compression(&parquet.Zstd), parquet.CreatedBy("aisim", "1", ""))
	row := make(parquet.Row, len(cols))
	for i := range cols[0].rows() {
		for k := range cols {
			c := &cols[k]
			at := place[c.Name]
			switch {
			case c.Texts != nil:
				row[at] = parquet.ByteArrayValue([]byte(c.Texts[i])).Level(0, 0, at)
			case c.Floats != nil && (c.Known == nil || c.Known[i]):
				row[at] = parquet.DoubleValue(c.Floats[i]).Level(0, 1, at)
			case c.Floats != nil:
				row[at] = parquet.NullValue().Level(0, 0, at)
			default:
				row[at] = parquet.Int64Value(c.Ints[i]).Level(0, 0, at)
			}
		}
		if _, err := w.WriteRows([]parquet.Row{row}); err != nil {
			return nil, fmt.Errorf("parquet: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	return b.Bytes(), nil
}
