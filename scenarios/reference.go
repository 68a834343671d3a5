package scenarios

import (
	"fmt"
	"strings"

	"aisim/internal/units"
)

//go:generate go test -run TestReferenceIsCurrent -rewrite .

// Reference is the Markdown reference of the language (docs/scenario.md), made
// from the dictionary.
func Reference() string {
	var b strings.Builder
	b.WriteString(referenceHead)
	b.WriteString("\n## Top level\n")
	referenceTable(&b, "")
	for i := range dictionary {
		k := &dictionary[i]
		switch kindOf(k.Path) {
		case "table":
			fmt.Fprintf(&b, "\n## `[%s]`\n\n%s%s\n", k.Path, k.Doc, conditions(k))
			referenceTable(&b, k.Path)
		case "tables":
			fmt.Fprintf(&b, "\n## `[[%s]]`\n\n%s%s\n", k.Path, k.Doc, conditions(k))
			referenceTable(&b, k.Path)
		}
	}
	b.WriteString("\n## Units\n\n| what | units | example |\n|---|---|---|\n")
	for d := units.Time; d.Example() != ""; d++ {
		fmt.Fprintf(&b, "| %s | %s | `\"%s\"` |\n", d, strings.Join(d.Units(), ", "), d.Example())
	}
	b.WriteString("\nA day is 86,400 s and a year 365 days. GB is 1e9 bytes, GiB 2^30; b is a bit, B a byte, and case matters.\n")
	b.WriteString("\n## Built-in scenarios\n\n| id | title | what it answers |\n|---|---|---|\n")
	for _, s := range Builtins() {
		fmt.Fprintf(&b, "| [`%s`](../scenarios/library/%s.toml) | %s | %s |\n", s.ID, s.ID, cell(s.Title), cell(s.Description))
	}
	return b.String()
}

// referenceTable lists the keys of one table that are not tables themselves.
func referenceTable(b *strings.Builder, table string) {
	head := "\n| key | value | when absent | meaning |\n|---|---|---|---|\n"
	for i := range dictionary {
		k := &dictionary[i]
		kind := kindOf(k.Path)
		if parentPath(k.Path) != table || kind == "table" || kind == "tables" {
			continue
		}
		name := strings.TrimPrefix(strings.TrimPrefix(k.Path, table), ".")
		fmt.Fprintf(b, "%s| `%s` | %s | %s | %s%s |\n", head, name, valueText(k, kind), absentText(k), cell(k.Doc), cell(conditions(k)))
		head = ""
	}
}

const referenceHead = `# The scenario language

<!-- Made from the dictionary in scenarios/keys_*.go by "go generate ./scenarios"; do not edit by hand. -->

A scenario is one TOML file that says what machine there is, what it is asked to do, what breaks and what
everything costs. ` + "`aisim check FILE`" + ` reads it and lists every fault with line, column, allowed range and a hint;
` + "`aisim schema`" + ` prints the same dictionary as JSON Schema for editors.

- **Quantities carry their unit** in the text: ` + "`\"400 Gb/s\"`, `\"80 GiB\"`, `\"1.5 us\"`, `\"54d\"`" + `. A bare number is allowed
  only for counts and ratios, and a ratio may be written ` + "`\"7 %\"`" + `.
- **Unknown keys are errors**, as are keys that would change nothing: a key of another kind of workload, store or
  topology, a price of what is not there.
- **Defaults are assumptions.** Every default that takes effect is listed in the report with its source.
- **Include.** ` + "`include = [\"prices.toml\", \"builtin:llama3-70b-serving\"]`" + ` reads those first and lays this file over them: tables
  key by key, entries of ` + "`[[storage]]` and `[[workload]]`" + ` by their id, everything else as a whole. Of keys that exclude each
  other the later one wins. Paths are relative to the file; circles, more than 8 levels, more than 64 files and files
  above 1 MiB are refused.
- **Overrides.** ` + "`--set cluster.nodes=64`" + ` lays one value over the file; ` + "`--set workload.ID.key=value`" + ` and
  ` + "`--set storage.ID.key=value`" + ` address an entry by its id. Text and quantities need no quotes. An override replaces the
  keys that it excludes: ` + "`--set workload.pretrain.steps=100`" + ` drops the file's duration.
- **Placement.** Workloads take nodes in file order: first those with ` + "`first_node`, then those with `nodes`" + ` in the first gap
  that holds them, then the one without in the largest gap.
`

// conditions says for which selector a key stands and what it excludes.
func conditions(k *Key) string {
	var parts []string
	if k.Only != "" {
		parts = append(parts, " Only for "+orList(strings.Fields(k.Only))+".")
	}
	if k.Required {
		parts = append(parts, " Required.")
	}
	return strings.Join(parts, "")
}

func valueText(k *Key, kind string) string {
	var text string
	switch kind {
	case "text":
		text = "text"
		if k.Ref != "" {
			text = "id of a " + k.Ref
		}
		if k.File {
			text = "path"
		}
		if len(k.Enum) > 0 {
			return code(k.Enum...)
		}
	case "flag":
		return code("true", "false")
	case "list":
		text = "list of " + map[string]string{"text": "texts", "number": "numbers", "whole": "whole numbers"}[elementKind(fieldTypes[k.Path].Elem())]
	case "quantity":
		text = k.Dim.String()
		if k.AlsoDim != units.None {
			text += " or " + k.AlsoDim.String()
		}
		for _, w := range k.Words {
			text += " or " + code(w)
		}
	case "number":
		text = "number"
		if k.Dim == units.Ratio {
			text = "ratio"
		}
		if k.Bool {
			text += " or flag"
		}
	default:
		text = "whole number"
	}
	if k.Range.set {
		text += ", " + k.Range.text(k.Dim)
	}
	return cell(text)
}

func absentText(k *Key) string {
	switch {
	case k.Default == `""`:
		return "empty"
	case k.Default != "":
		text := "`" + k.Default + "`"
		if k.Why != "" {
			text += ": " + cell(k.Why)
		}
		return text
	case k.Required:
		return "refused"
	case k.Derived != "":
		return cell(k.Derived)
	}
	return "–"
}

func code(words ...string) string { return "`" + strings.Join(words, "` `") + "`" }

func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }
