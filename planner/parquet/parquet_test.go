package parquet

import (
	"bytes"
	"math"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// What is written reads back: values, texts and what is not there, in order.
func TestColumnsReadBack(t *testing.T) {
	cols := []Column{{Name: "b", Ints: []int64{1, 2, 3}}, {Name: "a", Texts: []string{"x", "", "ü"}}, {Name: "c [s]", Floats: []float64{0.1, 0, math.MaxFloat64}, Known: []bool{true, false, true}}}
	data, err := Encode(cols)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]parquet.Row, 3)
	if n, _ := f.RowGroups()[0].Rows().ReadRows(rows); n != 3 {
		t.Fatalf("%d rows", n)
	}
	place := map[string]int{}
	for k, p := range f.Schema().Columns() {
		place[p[0]] = k
	}
	for i, row := range rows {
		if row[place["b"]].Int64() != cols[0].Ints[i] || row[place["a"]].String() != cols[1].Texts[i] {
			t.Errorf("row %d: %v", i, row)
		}
		if v := row[place["c [s]"]]; v.IsNull() == cols[2].Known[i] || cols[2].Known[i] && v.Double() != cols[2].Floats[i] {
			t.Errorf("row %d: %v", i, v)
		}
	}
	again, _ := Encode(cols)
	if !bytes.Equal(data, again) {
		t.Error("the same columns give other bytes")
	}
	if _, err := Encode(append(cols, Column{Name: "d", Ints: []int64{1}})); err == nil {
		t.Error("columns of unequal length are taken")
	}
	if _, err := Encode(append(cols, cols[0])); err == nil {
		t.Error("two columns of one name are taken")
	}
}
