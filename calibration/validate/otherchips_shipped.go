package validate

import (
	_ "embed"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// boardsCSV are the networks of the Vitis AI 2.5 model zoo with the frames per second that each
// board reached: a network that a table holds on one board alone is anchored by them. Written
// by make chips.
//
//go:embed boards.csv
var boardsCSV string

// shippedBoards are the rows of boardsCSV by network.
var shippedBoards = sync.OnceValue(func() map[string][]boardRow {
	t, err := ReadTable(strings.NewReader(boardsCSV), "network", "chip", "build", "fps")
	if err != nil {
		panic("validate: invariant: boards.csv: " + err.Error())
	}
	out := map[string][]boardRow{}
	for _, row := range t.Rows {
		fps, _, err := row.Number("fps")
		b, berr := boardOf(row.Text("chip"), "("+row.Text("network")+")", row.Text("build"))
		if err != nil || berr != nil || fps <= 0 {
			panic("validate: invariant: boards.csv holds a row that is not one of a DPU: " + row.Text("network"))
		}
		b.sec = 1 / fps
		out[b.network] = append(out[b.network], b)
	}
	return out
})

// Boards writes boardsCSV from a table of other chips: its DPU rows that are not excluded, by
// network.
func Boards(table io.Reader) ([]byte, error) {
	t, err := ReadTable(table, "chip", "model", "metric", "value", "notes")
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, row := range t.Rows {
		b, err := readBoard(row)
		fps, ok, verr := row.Number("value")
		if err != nil || verr != nil || !ok || fps <= 0 || row.Text("use") == UseExclude || !isRate(row.Text("metric")) {
			continue
		}
		build := buildText.FindString(row.Text("notes"))
		if clock := dpuClock.FindString(row.Text("notes")); clock != "" {
			build += " " + clock
		}
		chip, _, _ := strings.Cut(row.Text("chip"), " (")
		lines = append(lines, fmt.Sprintf("%s,%s,%s,%s\n", inParentheses.FindStringSubmatch(b.model)[1], chip, build, row.Text("value")))
	}
	slices.Sort(lines)
	return []byte("network,chip,build,fps\n" + strings.Join(lines, "")), nil
}

// buildText is what of a row's notes says which engines worked.
var buildText = regexp.MustCompile(dpuCores.String() + "|" + dpuAIEs.String() + "|" + dpuKernels.String())
