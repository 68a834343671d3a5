package scenarios

import (
	"embed"
	"fmt"
	"sort"
	"strings"

	"github.com/BurntSushi/toml"
)

//go:embed library
var library embed.FS

// Builtin is one scenario that comes with aisim.
type Builtin struct {
	ID, Title, Description string
}

// Builtins lists the embedded scenarios by id.
func Builtins() []Builtin {
	var out []Builtin
	for _, id := range builtinIDs() {
		text, err := BuiltinText(id)
		if err != nil {
			continue
		}
		var head struct {
			Name        string `toml:"name"`
			Description string `toml:"description"`
		}
		if _, err := toml.Decode(string(text), &head); err != nil {
			continue // a test loads every one of them
		}
		out = append(out, Builtin{ID: id, Title: head.Name, Description: head.Description})
	}
	return out
}

// BuiltinText is the TOML text of an embedded scenario, to be copied.
func BuiltinText(id string) ([]byte, error) {
	if strings.ContainsAny(id, `/\.`) {
		return nil, fmt.Errorf("no built-in scenario is called %q", id)
	}
	text, err := library.ReadFile("library/" + id + ".toml")
	if err != nil {
		return nil, fmt.Errorf("no built-in scenario is called %q", id)
	}
	return text, nil
}

func builtinIDs() []string {
	entries, err := library.ReadDir("library")
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), ".toml"); ok {
			out = append(out, id)
		}
	}
	sort.Strings(out)
	return out
}
