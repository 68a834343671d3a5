// Command gen makes the embedded catalogue from the CSV files of the shared
// data: every row of every file, each value with where it comes from.
//
//	go run ./hardware/catalogue/gen [-data ../shared/data/catalogue] [-out hardware/catalogue]
package main

import (
	"bytes"
	"encoding/csv"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

// compiled is when the shared tables were put together: their newest price list
// is of 2026-08-03 and their notes speak of 2026-08.
const compiled = "2026-08"

func main() {
	data := flag.String("data", filepath.Join("..", "shared", "data", "catalogue"), "folder with the CSV files")
	out := flag.String("out", filepath.Join("hardware", "catalogue"), "folder for the TOML files")
	flag.Parse()
	for _, t := range tables {
		f, err := os.Open(filepath.Join(*data, t.csv))
		if err != nil {
			fmt.Fprintln(os.Stderr, "gen:", err)
			os.Exit(1)
		}
		text, rows, err := generate(t, f)
		f.Close()
		if err == nil {
			err = os.WriteFile(filepath.Join(*out, t.kind+".toml"), text, 0o644)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "gen:", err)
			os.Exit(1)
		}
		fmt.Fprintf(os.Stderr, "%s: %d rows\n", t.kind, rows)
	}
}

// generate turns one CSV file into its TOML text and returns the number of rows.
func generate(t table, r io.Reader) ([]byte, int, error) {
	records, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", t.csv, err)
	}
	if len(records) < 2 {
		return nil, 0, fmt.Errorf("%s: no rows", t.csv)
	}
	if err := checkColumns(t, records[0]); err != nil {
		return nil, 0, err
	}
	rows := make([]map[string]string, 0, len(records)-1)
	for _, rec := range records[1:] {
		row := make(map[string]string, len(rec))
		for i, col := range records[0] {
			row[col] = strings.TrimSpace(rec[i])
		}
		rows = append(rows, row)
	}
	giveIDs(t, rows)
	if t.kind == "power" {
		splitUnits(rows)
	}

	var body bytes.Buffer
	sources := &sourceList{index: map[string]int{}}
	for _, row := range rows {
		if err := writeRow(&body, t, row, sources); err != nil {
			return nil, 0, fmt.Errorf("%s: %s: %w", t.csv, row["id"], err)
		}
	}
	var head bytes.Buffer
	fmt.Fprintf(&head, "# Made by hardware/catalogue/gen from %s; do not edit by hand.\n", t.csv)
	fmt.Fprintf(&head, "# A row's pedigree, source (src, an index into sources from 0), date and sd hold for all\n")
	fmt.Fprintf(&head, "# of its values except those named under except.\n")
	fmt.Fprintf(&head, "# A row without a date of its own holds for the date of the table.\n")
	fmt.Fprintf(&head, "schema = \"aisim.catalogue/v1\"\nkind = %q\nrows = %d\ndate = %q\n", t.kind, len(rows), compiled)
	head.WriteString("sources = [\n")
	for _, s := range sources.list {
		fmt.Fprintf(&head, "  %s,\n", quote(s))
	}
	head.WriteString("]\n\n[units]\n")
	for _, u := range t.units {
		fmt.Fprintf(&head, "%s = %s\n", u[0], quote(u[1]))
	}
	return append(head.Bytes(), body.Bytes()...), len(rows), nil
}

// checkColumns refuses a CSV with a column that no rule covers, so that
// nothing is dropped in silence.
func checkColumns(t table, header []string) error {
	known := map[string]bool{"id": true, "notes": true, "source": true, "price_year": true, "quantity": t.kind == "fact", "year": true}
	for _, c := range t.text {
		known[c] = true
	}
	for _, u := range t.units {
		known[u[0]] = true
	}
	for _, c := range header {
		if !known[c] {
			return fmt.Errorf("%s: column %q has no rule", t.csv, c)
		}
	}
	return nil
}

var notSlug = regexp.MustCompile(`[^a-z0-9.]+`)

func slug(s string) string {
	return strings.Trim(notSlug.ReplaceAllString(strings.ToLower(s), "-"), "-")
}

// giveIDs names the rows of files that have no id column: facts by their
// quantity, power rows by scope, name, region and metric, and by year where
// that is not unique.
func giveIDs(t table, rows []map[string]string) {
	switch t.kind {
	case "fact":
		for _, row := range rows {
			row["id"] = row["quantity"]
		}
	case "power":
		seen := map[string]int{}
		for _, row := range rows {
			parts := []string{slug(row["scope"]), slug(row["name"])}
			if r := slug(row["region"]); r != "" {
				parts = append(parts, r)
			}
			if row["scope"] == "operator" {
				parts = append(parts, row["metric"])
			}
			row["id"] = strings.Join(parts, "/")
			seen[row["id"]]++
		}
		for _, row := range rows {
			if seen[row["id"]] > 1 {
				row["id"] += "/" + slug(row["year"])
			}
		}
	}
}

// splitUnits settles the unit "ratio or kW" of the power chain by the row's own
// name: densities end in kW, efficiencies are ratios.
func splitUnits(rows []map[string]string) {
	for _, row := range rows {
		if row["unit"] != "ratio or kW" {
			continue
		}
		row["unit"] = "ratio"
		if strings.HasSuffix(row["name"], "kW") {
			row["unit"] = "kW"
		}
	}
}

type sourceList struct {
	list  []string
	index map[string]int
}

func (s *sourceList) of(text string) int {
	i, ok := s.index[text]
	if !ok {
		i = len(s.list)
		s.index[text] = i
		s.list = append(s.list, text)
	}
	return i
}

func writeRow(w *bytes.Buffer, t table, row map[string]string, sources *sourceList) error {
	p := rowPedigree(t, row)
	fmt.Fprintf(w, "\n[[row]]\nid = %s\npedigree = %q\nsrc = %d\n", quote(row["id"]), p.kind, sources.of(p.source))
	if p.date != "" {
		fmt.Fprintf(w, "date = %s\n", quote(p.date))
	}
	if p.sd > 0 {
		fmt.Fprintf(w, "sd = %s\n", number(p.sd))
	}
	if row["notes"] != "" {
		fmt.Fprintf(w, "note = %s\n", quote(strings.TrimLeft(row["notes"], "; ")))
	}
	for _, c := range t.text {
		if row[c] != "" {
			fmt.Fprintf(w, "%s = %s\n", textKey(c), quote(row[c]))
		}
	}
	if t.kind == "accelerator" && fp16Only(row) {
		fmt.Fprintf(w, "sixteen_bit = \"fp16\"\n")
	}
	if t.kind == "instance" && strings.Contains(row["instance"], "(per chip)") {
		fmt.Fprintf(w, "price_basis = \"chip\"\n")
	}
	var except []string
	for _, u := range t.units {
		col := u[0]
		if row[col] == "" {
			continue
		}
		v, err := strconv.ParseFloat(row[col], 64)
		if err != nil {
			return fmt.Errorf("column %s: %q is not a number", col, row[col])
		}
		fmt.Fprintf(w, "%s = %s\n", col, number(v))
		q := valuePedigree(t, row, col, p)
		if q == p || (u[1] == "" && q.kind == p.kind) {
			continue
		}
		e := fmt.Sprintf("%s = { pedigree = %q, src = %d", col, q.kind, sources.of(q.source))
		if q.date != p.date {
			e += ", date = " + quote(q.date)
		}
		if q.sd != p.sd {
			e += ", sd = " + number(q.sd)
		}
		except = append(except, e+" }")
	}
	sort.Strings(except)
	if len(except) > 0 {
		w.WriteString("[row.except]\n")
		for _, e := range except {
			w.WriteString(e + "\n")
		}
	}
	return nil
}

// textKey keeps a table's own kind column apart from the kind of the file.
func textKey(col string) string {
	if col == "kind" {
		return "class"
	}
	return col
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// quote writes a TOML basic string.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, "\\u%04X", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + `"`
}
