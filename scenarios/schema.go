package scenarios

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strings"

	"github.com/BurntSushi/toml"

	"aisim/internal/units"
)

// SchemaID names the JSON Schema of the language.
const SchemaID = "aisim.scenario/v1"

// Schema is the JSON Schema (draft 2020-12) of the language, made from the same
// dictionary that decoding uses. Editors that map TOML to JSON complete and
// check scenarios with it.
func Schema() []byte {
	root := tableSchema(reflect.TypeOf(Scenario{}), "")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = "urn:" + strings.ReplaceAll(SchemaID, "/", ":")
	root["title"] = "aisim scenario"
	root["description"] = "Machines, workloads and prices for aisim. Quantities carry their unit in the text: \"400 Gb/s\", \"80 GiB\", \"54d\"."
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic("scenarios: invariant: the schema is plain data: " + err.Error())
	}
	return append(out, '\n')
}

type object = map[string]any

// tableSchema describes a table with its keys, the keys that exclude each other
// and those that depend on the table's selector.
func tableSchema(t reflect.Type, pattern string) object {
	properties, required := object{}, []string{}
	groups := map[string][]string{}
	var groupOrder []string
	var keys []*Key
	for i := 0; i < t.NumField(); i++ {
		name := t.Field(i).Tag.Get("toml")
		if name == "" {
			continue
		}
		k := keyByPath[joinKey(pattern, name)]
		keys = append(keys, k)
		properties[name] = keySchema(k, t.Field(i).Type)
		if k.Required && k.Only == "" {
			required = append(required, name)
		}
		if k.Group != "" {
			if groups[k.Group] == nil {
				groupOrder = append(groupOrder, k.Group)
			}
			groups[k.Group] = append(groups[k.Group], name)
		}
	}
	out := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	var all []any
	for _, g := range groupOrder {
		names := groups[g]
		for i := range names {
			for j := i + 1; j < len(names); j++ {
				all = append(all, object{"not": object{"required": []string{names[i], names[j]}}})
			}
		}
	}
	all = append(all, selectorSchema(keys, pattern)...)
	if len(all) > 0 {
		out["allOf"] = all
	}
	return out
}

// selectorSchema says, for each value of a table's selector, which keys it
// forbids and which it needs.
func selectorSchema(keys []*Key, pattern string) []any {
	selector := selectors[pattern]
	if selector == "" {
		return nil
	}
	var out []any
	sk := keyByPath[joinKey(pattern, selector)]
	for _, value := range sk.Enum {
		forbidden, needed := object{}, []string{}
		for _, k := range keys {
			name := k.Path[len(pattern)+1:]
			switch {
			case !k.only(value):
				forbidden[name] = false
			case k.Only != "" && k.Required:
				needed = append(needed, name)
			}
		}
		then := object{}
		if len(forbidden) > 0 {
			then["properties"] = forbidden
		}
		if len(needed) > 0 {
			then["required"] = needed
		}
		if len(then) == 0 {
			continue
		}
		condition := object{"properties": object{selector: object{"const": value}}, "required": []string{selector}}
		if sk.Default == `"`+value+`"` {
			delete(condition, "required")
		}
		out = append(out, object{"if": condition, "then": then})
	}
	return out
}

// keySchema describes one key.
func keySchema(k *Key, t reflect.Type) object {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var out object
	switch kindOf(k.Path) {
	case "table":
		out = tableSchema(t, k.Path)
	case "tables":
		out = object{"type": "array", "items": tableSchema(t.Elem(), k.Path)}
	case "list":
		out = object{"type": "array", "items": scalarSchema(k, elementKind(t.Elem()))}
	default:
		out = scalarSchema(k, kindOf(k.Path))
	}
	if k.Items.set {
		out["minItems"], out["maxItems"] = int(k.Items.lo), int(k.Items.hi)
	}
	out["description"] = describe(k)
	if k.Default != "" {
		out["default"] = tomlValue(k.Default)
	}
	if k.Example != "" {
		out["examples"] = []any{tomlValue(k.Example)}
	}
	return out
}

func elementKind(t reflect.Type) string {
	if t == scalarType {
		return "any"
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Float64:
		return "number"
	}
	return "whole"
}

func scalarSchema(k *Key, kind string) object {
	switch kind {
	case "any":
		return object{}
	case "text":
		out := object{"type": "string"}
		if len(k.Enum) > 0 {
			out["enum"] = k.Enum
		} else if k.Ref != "" {
			out["minLength"] = 1
		}
		return out
	case "flag":
		return object{"type": "boolean"}
	case "quantity":
		names := k.Dim.Units()
		if k.AlsoDim != units.None {
			names = append(names, k.AlsoDim.Units()...)
		}
		pattern := quantityPattern(names, false)
		for _, w := range k.Words {
			pattern += "|^" + w + "$"
		}
		return object{"type": "string", "pattern": pattern}
	case "number":
		out := object{"type": []string{"number", "string"}, "pattern": quantityPattern(k.Dim.Units(), true)}
		if k.Bool {
			out["type"] = []string{"number", "string", "boolean"}
		}
		limits(out, k)
		return out
	default:
		out := object{"type": "integer"}
		limits(out, k)
		if fieldTypes[k.Path].Kind() == reflect.Uint64 {
			out["minimum"] = 0
		}
		return out
	}
}

func limits(out object, k *Key) {
	if !k.Range.set {
		return
	}
	low := "minimum"
	if k.Range.aboveLow {
		low = "exclusiveMinimum"
	}
	out[low], out["maximum"] = k.Range.lo, k.Range.hi
}

func quantityPattern(names []string, bare bool) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = regexp.QuoteMeta(n)
	}
	unit := "(" + strings.Join(quoted, "|") + ")"
	if bare {
		unit += "?"
	}
	return `^\s*[+-]?[0-9][0-9_]*(\.[0-9_]+)?([eE][+-]?[0-9]+)?\s*` + unit + `\s*$`
}

// describe is the documentation of a key with all that the schema's own words
// cannot say.
func describe(k *Key) string {
	parts := []string{k.Doc}
	if k.Dim != units.None && !k.Dim.Bare() {
		parts = append(parts, "Written as "+k.Dim.Article()+", like \""+k.Dim.Example()+"\".")
		if k.Range.set {
			parts = append(parts, "Allowed: "+k.Range.text(k.Dim)+".")
		}
	}
	if k.Only != "" {
		parts = append(parts, "Only for "+orList(strings.Fields(k.Only))+".")
	}
	if k.Derived != "" {
		parts = append(parts, "When absent: "+k.Derived+".")
	}
	if k.Why != "" && k.Default != "" {
		parts = append(parts, "The default rests on: "+k.Why+".")
	}
	return strings.Join(parts, " ")
}

// tomlValue reads the TOML text of a default or an example.
func tomlValue(text string) any {
	var tree map[string]any
	if _, err := toml.Decode("v = "+text, &tree); err != nil {
		panic("scenarios: invariant: not TOML: " + text)
	}
	return tree["v"]
}
