package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"aisim/hardware"
)

func (p *program) catalog() *cobra.Command {
	cmd := p.group("catalog", "Look things up in the catalogue of parts", `Catalog shows the parts that scenarios are made of: accelerators, servers, switches,
drives, cloud instances, models, and facts about power and operations, every number
with what it rests on.`, `  aisim catalog list --kind server
  aisim catalog show nvidia-h100-sxm`)
	cmd.AddCommand(p.catalogList(), p.catalogShow())
	return cmd
}

// catalogueEntry is one entry of `aisim catalog list --format json`.
type catalogueEntry struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	Summary string `json:"summary"`
}

func (p *program) catalogList() *cobra.Command {
	var kind, format string
	kinds := hardware.Kinds()
	cmd := &cobra.Command{Use: "list", Short: "List the entries of the catalogue",
		Long: `List prints the entries of the catalogue, or of one kind, with a line about each.`,
		Example: `  aisim catalog list --kind accelerator
  aisim catalog list --format csv`,
		Args: exactly(),
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			for _, k := range kinds {
				if kind == k || kind == "" {
					return nil
				}
			}
			return usage(cmd.CommandPath(), "use one of "+strings.Join(kinds, ", "), "no kind is called %q", kind)
		},
		RunE: func(*cobra.Command, []string) error {
			c := hardware.Default()
			entries := []catalogueEntry{}
			rows := [][]string{}
			for _, e := range c.Entries(kind) {
				entries = append(entries, catalogueEntry(e))
				rows = append(rows, []string{e.ID, e.Kind, e.Summary})
			}
			switch format {
			case "json":
				return p.print(asJSON(map[string]any{"schema": "aisim.catalog/v1", "sha256": c.SHA256(), "entries": entries}))
			case "csv":
				return p.print(asCSV(append([][]string{{"id", "kind", "summary"}}, rows...)))
			}
			return p.print(asTable(rows))
		}}
	cmd.Flags().StringVar(&kind, "kind", "", "only entries of `KIND`: "+strings.Join(kinds, ", "))
	_ = cmd.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(kinds, cobra.ShellCompDirectiveNoFileComp))
	addFormat(cmd, &format, "text", "json", "csv")
	return cmd
}

// catalogueField is one field of `aisim catalog show --format json`: text, or a number
// with what it rests on.
type catalogueField struct {
	Name     string   `json:"name"`
	Text     string   `json:"text,omitempty"`
	Value    *float64 `json:"value,omitempty"`
	Unit     string   `json:"unit,omitempty"`
	Pedigree string   `json:"pedigree,omitempty"`
	RelSD    float64  `json:"relative_sd,omitempty"`
	Date     string   `json:"date,omitempty"`
	Note     string   `json:"note,omitempty"`
	Source   string   `json:"source,omitempty"`
}

func (p *program) catalogShow() *cobra.Command {
	var format string
	cmd := &cobra.Command{Use: "show ID", Short: "Print every field of an entry with its source",
		Long: `Show prints every field of an entry: the value, what it rests on (measured, derived,
datasheet, assumed), its uncertainty as one standard deviation, and where it was read.
Where two kinds share an ID, write KIND/ID.`,
		Example: `  aisim catalog show nvidia-h100-sxm
  aisim catalog show model/gpt3-175b --format json`,
		Args: exactly("ID"),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var out []string
			if len(args) == 0 {
				for _, e := range hardware.Default().Entries("") {
					out = append(out, e.ID+"\t"+e.Summary)
				}
			}
			return out, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			fields, err := hardware.Default().Show(args[0])
			if err != nil {
				fix := "aisim catalog list prints all ids"
				var e *hardware.UnknownError
				if errors.As(err, &e) && len(e.Near) > 0 {
					fix = "did you mean " + strings.Join(e.Near, ", ") + "? " + fix
				}
				return usage(cmd.CommandPath(), fix, "the catalogue has no entry %q", args[0])
			}
			out := make([]catalogueField, len(fields))
			for i, f := range fields {
				out[i] = catalogueField{Name: f.Name, Text: f.Text}
				if v := f.Value; v.Known() {
					number := v.V
					out[i] = catalogueField{f.Name, f.Text, &number, v.Unit, string(v.Kind), v.RelSD, v.Date, v.Note, v.Source}
				}
			}
			if format == "json" {
				return p.print(asJSON(map[string]any{"schema": "aisim.catalog.entry/v1", "id": args[0], "fields": out}))
			}
			return p.print(asTable(fieldRows(fields, out)))
		}}
	addFormat(cmd, &format, "text", "json")
	return cmd
}

// fieldRows are the fields for a terminal, and below them the sources that they share.
func fieldRows(fields []hardware.Field, out []catalogueField) [][]string {
	var rows, sources [][]string
	seen := map[string]string{}
	for i, c := range out {
		if c.Value == nil {
			rows = append(rows, []string{c.Name, c.Text})
			continue
		}
		var parts []string
		for _, s := range []string{c.Source, c.Date, c.Note} {
			if s != "" {
				parts = append(parts, s)
			}
		}
		text := strings.Join(parts, "; ")
		mark := seen[text]
		if mark == "" && text != "" {
			mark = fmt.Sprintf("[%d]", len(sources)+1)
			seen[text] = mark
			sources = append(sources, []string{mark, text})
		}
		rows = append(rows, []string{c.Name, hardware.FormatValue(fields[i].Value), c.Pedigree, fmt.Sprintf("±%g %%", 100*c.RelSD), mark})
	}
	return append(rows, sources...)
}
