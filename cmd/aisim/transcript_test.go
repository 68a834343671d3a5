package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/spf13/cobra"
)

// TestTranscripts runs the command lines of testdata/transcripts and compares exit
// code and both streams; -rewrite records them.
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/transcripts", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd != "aisim" {
				d.Fatalf(t, "unknown directive %q", d.Cmd)
			}
			p, out, errs := call("", strings.Fields(d.Input)...)
			code := p.execute()
			var b strings.Builder
			b.WriteString(out.String())
			for _, line := range strings.SplitAfter(errs.String(), "\n") {
				if line != "" {
					b.WriteString("! " + line)
				}
			}
			fmt.Fprintf(&b, "exit %d\n", code)
			return b.String()
		})
	})
}

// TestEveryCommandIsDocumented walks the tree of commands: each has a text, an
// example, and its help in the transcripts.
func TestEveryCommandIsDocumented(t *testing.T) {
	golden, err := os.ReadFile("testdata/transcripts/help.txt")
	if err != nil {
		t.Fatal(err)
	}
	p, _, _ := call("")
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Hidden {
			return
		}
		if c.Short == "" || c.Long == "" || !strings.Contains(c.Example, "aisim") {
			t.Errorf("%s: text or example is missing", c.CommandPath())
		}
		for _, line := range strings.Split(c.Long+"\n"+c.Example, "\n") {
			if len(line) > 92 {
				t.Errorf("%s: a line of %d characters: %s", c.CommandPath(), len(line), line)
			}
		}
		words := strings.TrimPrefix(c.CommandPath(), "aisim")
		if !strings.Contains(string(golden), "aisim\n"+strings.TrimSpace(words+" --help")+"\n----") {
			t.Errorf("%s: its help is not in testdata/transcripts/help.txt", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(p.root())
}
