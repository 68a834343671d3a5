package scenarios

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"aisim/internal/units"
)

var rewrite = flag.Bool("rewrite", false, "rewrite golden files")

// Every field has an entry in the dictionary and the other way round; every
// default and example binds to its field within its own range.
func TestDictionaryAndTypesAgree(t *testing.T) {
	seen := map[string]bool{}
	for i := range dictionary {
		k := &dictionary[i]
		if seen[k.Path] {
			t.Errorf("%s stands twice in the dictionary", k.Path)
		}
		seen[k.Path] = true
		if fieldTypes[k.Path] == nil {
			t.Errorf("%s is in the dictionary but bound to no field", k.Path)
			continue
		}
		if !strings.HasSuffix(k.Doc, ".") || len(k.Doc) < 5 {
			t.Errorf("%s: doc %q is no sentence", k.Path, k.Doc)
		}
		kind := kindOf(k.Path)
		if kind == "quantity" && k.Dim == units.None {
			t.Errorf("%s has no dimension", k.Path)
		}
		if (kind == "quantity" || kind == "number" || kind == "whole") && !k.Range.set && k.Path != "seed" {
			t.Errorf("%s has no range", k.Path)
		}
		if kind != "table" && kind != "tables" && !k.Required && k.Default == "" && k.Derived == "" && k.Group == "" && k.Example == "" && len(k.Enum) == 0 {
			t.Errorf("%s: nothing says what holds without it", k.Path)
		}
		for _, text := range []string{k.Default, k.Example} {
			if text == "" || kind == "table" || kind == "tables" {
				continue
			}
			var tree map[string]any
			if _, err := toml.Decode("v = "+text, &tree); err != nil {
				t.Errorf("%s: %s is not TOML: %v", k.Path, text, err)
				continue
			}
			b := &binder{sc: &Scenario{source: &source{origins: map[string]origin{}}}, refs: catalogue()}
			field := reflect.New(fieldTypes[k.Path]).Elem()
			b.value(newTree(tree["v"], "v", "default", "", index{}), k, k.Path, field, selection{})
			for _, p := range b.problems {
				t.Errorf("%s: %s does not bind: %s", k.Path, text, p)
			}
		}
	}
	for path := range fieldTypes {
		if keyByPath[path] == nil {
			t.Errorf("%s is bound to a field but not in the dictionary", path)
		}
	}
	for table, key := range selectors {
		if k := keyByPath[joinKey(table, key)]; k == nil || len(k.Enum) == 0 {
			t.Errorf("selector %s.%s has no fixed values", table, key)
		}
	}
	for i := range dictionary {
		k := &dictionary[i]
		for _, v := range strings.Fields(k.Only) {
			found := false
			for at := parentPath(k.Path); at != ""; at = parentPath(at) {
				if s := selectors[at]; s != "" && contains(keyByPath[joinKey(at, s)].Enum, v) {
					found = true
				}
			}
			if !found {
				t.Errorf("%s: no selector around it has the value %q", k.Path, v)
			}
		}
	}
}

func TestReferenceIsCurrent(t *testing.T) {
	path := filepath.Join("..", "docs", "scenario.md")
	want := Reference()
	if *rewrite {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("docs/scenario.md is not what the dictionary says: run go generate ./scenarios (%v)", err)
	}
}

func TestSchemaIsWholeAndPlain(t *testing.T) {
	var root map[string]any
	if err := json.Unmarshal(Schema(), &root); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	var walk func(o map[string]any, path string)
	walk = func(o map[string]any, path string) {
		if items, ok := o["items"].(map[string]any); ok {
			walk(items, path)
		}
		if p, ok := o["pattern"].(string); ok {
			if _, err := regexp.Compile(p); err != nil {
				t.Errorf("%s: pattern: %v", path, err)
			}
		}
		properties, _ := o["properties"].(map[string]any)
		for name, v := range properties {
			at := joinKey(path, name)
			found[at] = true
			sub := v.(map[string]any)
			if sub["description"] == nil {
				t.Errorf("%s has no description", at)
			}
			walk(sub, at)
		}
	}
	walk(root, "")
	for i := range dictionary {
		if !found[dictionary[i].Path] {
			t.Errorf("the schema lacks %s", dictionary[i].Path)
		}
	}
}

// The schema's patterns take the quantities that units.Parse takes.
func TestSchemaPatternsTakeExamples(t *testing.T) {
	for i := range dictionary {
		k := &dictionary[i]
		kind := kindOf(k.Path)
		if kind != "quantity" && kind != "number" {
			continue
		}
		pattern := regexp.MustCompile(scalarSchema(k, kind)["pattern"].(string))
		for _, text := range []string{k.Default, k.Example} {
			if s, ok := strings.CutPrefix(text, `"`); ok {
				if s = strings.TrimSuffix(s, `"`); !pattern.MatchString(s) {
					t.Errorf("%s: pattern %s refuses %q", k.Path, pattern, s)
				}
			}
		}
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
