package main

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func dataFile(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "..", "..", "shared", "data", "catalogue", name))
	if err != nil {
		t.Skipf("shared data absent: catalogue/%s", name)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// The committed files are what the generator makes of the tables, row for row.
func TestCommittedFilesAreCurrent(t *testing.T) {
	for _, table := range tables {
		want, rows, err := generate(table, dataFile(t, table.csv))
		if err != nil {
			t.Fatal(err)
		}
		records, err := csv.NewReader(dataFile(t, table.csv)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if rows != len(records)-1 {
			t.Errorf("%s: %d rows, the table has %d", table.kind, rows, len(records)-1)
		}
		got, err := os.ReadFile(filepath.Join("..", table.kind+".toml"))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s.toml differs from what its table gives: run go run ./hardware/catalogue/gen", table.kind)
		}
	}
}

// An exception that names no row or column would be a rule that does nothing.
func TestExceptionsApply(t *testing.T) {
	used := make([]bool, len(exceptions))
	for _, table := range tables {
		records, err := csv.NewReader(dataFile(t, table.csv)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range records[1:] {
			for i, e := range exceptions {
				for c, col := range records[0] {
					if rec[0] == e.id && col == e.col && rec[c] != "" {
						used[i] = true
					}
				}
			}
		}
	}
	for i, e := range exceptions {
		if !used[i] {
			t.Errorf("exception %s %s matches no value", e.id, e.col)
		}
	}
}

func TestGenerateRefuses(t *testing.T) {
	facts := tables[len(tables)-1]
	for name, text := range map[string]string{
		"empty":      "",
		"no rows":    "quantity,value,unit,context,source\n",
		"new column": "quantity,value,unit,context,source,mood\na,1,s,,x,good\n",
		"not number": "quantity,value,unit,context,source\na,fast,s,,x\n",
		"ragged":     "quantity,value,unit,context,source\na,1\n",
	} {
		if _, _, err := generate(facts, strings.NewReader(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestStatedRange(t *testing.T) {
	lo, hi, ok := statedRange("17 W twin-port; range 1100-1400")
	if !ok || lo != 1100 || hi != 1400 {
		t.Errorf("range: %g %g %v", lo, hi, ok)
	}
	if _, _, ok := statedRange("20 k - 30 k"); ok {
		t.Error("a dash alone is not a range")
	}
	// 300 wide around 1250 as a 90 % interval: 300/1250/3.29 = 0.073.
	if sd := rangeSD(1100, 1400, "1250"); sd != 0.073 {
		t.Errorf("sd %g, want 0.073", sd)
	}
}

func TestQuote(t *testing.T) {
	if got := quote("a \"b\" \\ \n"); got != `"a \"b\" \\ \u000A"` {
		t.Errorf("quote: %s", got)
	}
}
