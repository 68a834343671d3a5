package scenarios

import (
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

const indexed = `# comment with [brackets] = and "quotes"
version = 1
"quoted key" = 'literal # no comment'
a.b . "c.d" = "x"

[cluster]
nodes = 4 # comment
text  = """
two [lines] = 1
"quotes" inside \""" and out"""
raw = '''
'a' # = ['''

  [cluster.fabric]
  list = [ 1.0,
    7.0, # seven
  ]
  µ = 1
`

const indexedTables = `
[[workload]]
id = "t"
batch = { global = 64, inner = { deep = [ { x = 1 }, { x = 2 } ] } }
[workload.checkpoint]
to = "pool"
[[workload.notes]]
n = 1
[[workload.notes]]
n = 2
[[workload]]
id = "u"
when = 2026-01-01T00:00:00Z
[workload.checkpoint]
to = "other"
`

func TestIndexPlaces(t *testing.T) {
	// The quoted key in this text is not bare ASCII, which the decoder refuses
	// elsewhere; the index alone is under test.
	idx := newIndex(strings.ReplaceAll(indexed, "µ", "mu"))
	for path, want := range map[string]place{
		"version":                {position{2, 1}, position{2, 11}, "1"},
		`"quoted key"`:           {position{3, 1}, position{3, 16}, "'literal # no comment'"},
		"a":                      {position{4, 1}, position{4, 1}, ""},
		"a.b":                    {position{4, 1}, position{4, 1}, ""},
		`a.b."c.d"`:              {position{4, 1}, position{4, 15}, `"x"`},
		"cluster":                {position{6, 2}, position{6, 2}, ""},
		"cluster.nodes":          {position{7, 1}, position{7, 9}, "4"},
		"cluster.raw":            {position{11, 1}, position{11, 7}, "'''\n'a' # = ['''"},
		"cluster.fabric":         {position{14, 4}, position{14, 4}, ""},
		"cluster.fabric.list":    {position{15, 3}, position{15, 10}, "[ 1.0,\n    7.0, # seven\n  ]"},
		"cluster.fabric.list[0]": {position{15, 12}, position{15, 12}, "1.0"},
		"cluster.fabric.list[1]": {position{16, 5}, position{16, 5}, "7.0"},
		"cluster.fabric.mu":      {position{18, 3}, position{18, 8}, "1"},
	} {
		if got, ok := idx[path]; !ok || got != want {
			t.Errorf("%s: %+v, want %+v", path, got, want)
		}
	}
	idx = newIndex(indexedTables)
	for path, want := range map[string]position{
		"workload":                          {2, 3},
		"workload[0]":                       {2, 3},
		"workload[0].id":                    {3, 6},
		"workload[0].batch.global":          {4, 20},
		"workload[0].batch.inner.deep[1].x": {4, 60},
		"workload[0].checkpoint.to":         {6, 6},
		"workload[0].notes[1].n":            {10, 5},
		"workload[1].id":                    {12, 6},
		"workload[1].when":                  {13, 8},
		"workload[1].checkpoint.to":         {15, 6},
		"workload[0].batch.inner.deep[0]":   {4, 43},
		"workload[1].checkpoint":            {14, 2},
		"workload[0].notes":                 {7, 3},
		"workload[0].batch.inner":           {4, 32},
		"workload[0].batch.inner.deep[0].x": {4, 49},
	} {
		if got, ok := idx[path]; !ok || got.value != want {
			t.Errorf("%s: %+v, want %+v", path, got.value, want)
		}
	}
}

// Columns count characters, not bytes.
func TestIndexCountsCharacters(t *testing.T) {
	idx := newIndex("a = { \"größe\" = \"ü\", b = 1 }\n")
	if got := idx["a.b"].value; got != (position{1, 26}) {
		t.Errorf("a.b stands at %+v, want 1:26", got)
	}
	if _, ok := idx[`a."größe"`]; !ok {
		t.Error("the quoted key has no place")
	}
}

// Every key that the decoder finds has a place.
func FuzzIndex(f *testing.F) {
	f.Add(indexed)
	f.Add(indexedTables)
	f.Add("a = [[1, 2], [], [{ b = '' }]]\n[x.'y z'.\"\\u0041\"]\nq = -inf\n")
	f.Add("a = \"\"\"x\\\n  \"\"\"\"\"\nb = ''''''\n")
	f.Fuzz(func(t *testing.T, text string) {
		idx := newIndex(text) // must stand any text
		var values map[string]any
		if _, err := toml.Decode(text, &values); err != nil || strings.HasPrefix(text, "\xef\xbb\xbf") || strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
			return
		}
		lines := strings.Count(text, "\n") + 1
		var walk func(n *node, path string)
		walk = func(n *node, path string) {
			for key, item := range n.table {
				if strings.ContainsAny(key, "\\\"'\x1b") || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
					continue // escapes in keys may be spelt in several ways
				}
				at := joinKey(path, key)
				if p, ok := idx[at]; !ok || p.value.line < 1 || p.value.line > lines {
					t.Errorf("%s has no place in %q", at, text)
				}
				walk(item, at)
			}
		}
		walk(newTree(values, "", "f", "", idx), "")
	})
}
