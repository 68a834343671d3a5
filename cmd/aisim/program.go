package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"aisim/internal/result"
	"aisim/planner"
	"aisim/scenarios"
)

// program is one call of the command line with the world around it.
type program struct {
	args           []string
	stdin          io.Reader
	stdout, stderr io.Writer
	build          build
	evaluate       func(context.Context, *scenarios.World, planner.Options) (*result.Run, error)
	signals        func() (<-chan os.Signal, func()) // starts listening; the function stops it
	kill           func(code int)                    // ends the process at once
	scene          string                            // what is running, for the report of a panic
}

// execute runs one command line and returns the exit code.
func execute(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{args: args, stdin: stdin, stdout: stdout, stderr: stderr,
		build: readBuild(), evaluate: planner.Evaluate, signals: listen, kill: os.Exit}
	return p.execute()
}

func (p *program) execute() (code int) {
	defer func() {
		if fault := recover(); fault != nil {
			p.panicked(fault, debug.Stack())
			code = exitFailed
		}
	}()
	root := p.root()
	root.SetArgs(p.args)
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	err := root.Execute()
	if err != nil {
		fmt.Fprintln(p.stderr, p.message(root, err))
	}
	return exitCode(err)
}

// panicked says how to see the fault again. A panic is a bug, never the user's.
func (p *program) panicked(fault any, stack []byte) {
	scene := p.scene
	if scene == "" {
		scene = shellLine(append([]string{"aisim"}, p.args...))
	}
	fmt.Fprintf(p.stderr, "aisim: internal fault: %v\n  at:  %s, revision %s\n  fix: report this with the command: %s\n\n%s",
		fault, p.build.Version, p.build.Revision, scene, stack)
}

// message is what stderr gets for an error.
func (p *program) message(root *cobra.Command, err error) string {
	var f *fault
	var invalid *scenarios.Invalid
	switch {
	case errors.As(err, &f):
		return f.Error()
	case errors.As(err, &invalid):
		return invalid.Error()
	}
	what := err.Error()
	if name, ok := unknownCommand(what); ok {
		return unknown(root, name).Error()
	}
	return (&fault{what: what, where: "aisim", fix: "aisim --help lists the commands"}).Error()
}

// unknownCommand takes the name out of cobra's message for one that does not exist.
func unknownCommand(message string) (string, bool) {
	rest, ok := strings.CutPrefix(message, `unknown command "`)
	if !ok {
		return "", false
	}
	name, _, _ := strings.Cut(rest, `"`)
	return name, true
}

// unknown is the error for a subcommand that does not exist.
func unknown(parent *cobra.Command, name string) error {
	fix := parent.CommandPath() + " --help lists the commands"
	if near := parent.SuggestionsFor(name); len(near) > 0 {
		fix = "did you mean " + strings.Join(near, " or ") + "? " + fix
	}
	return usage(parent.CommandPath(), fix, "unknown command %q", name)
}

// root is the whole tree of commands.
func (p *program) root() *cobra.Command {
	root := p.group("aisim", "Predict how fast, dependable and dear an AI datacenter will be", `aisim simulates AI datacenters: accelerators, fabrics, storage, training and serving,
failures, power and money. It answers what will be got, what limits it, what it costs,
what happens when things break, and what to change first.

A SCENARIO is a TOML file, the name of a built-in scenario, or - for standard input.
Results go to stdout, everything else to stderr. Exit codes: 0 fine, 1 the run failed,
2 the command line makes no sense, 3 the scenario is invalid, 4 a goal was not met,
5 input data cannot be read, 130 and 143 interrupted.`,
		`  aisim run llama3-70b-serving
  aisim run llama3-405b-16k-h100 -o out
  aisim check my-cluster.toml`)
	root.SilenceUsage, root.SilenceErrors = true, true
	root.DisableSuggestions, root.SuggestionsMinimumDistance = true, 2
	root.CompletionOptions.DisableDefaultCmd = true
	root.Args = nil // cobra then names unknown commands before it trips over their flags
	root.SetHelpCommand(helpCommand())
	root.SetUsageTemplate(usageTemplate)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		what, _, _ := strings.Cut(err.Error(), ": strconv.") // the user did not write Go
		return usage(cmd.CommandPath(), cmd.CommandPath()+" --help lists the flags", "%s", what)
	})
	root.AddCommand(p.run(), p.plan(), p.compare(), p.sweep(), p.sensitivity(), p.check(), p.explain(), p.report(), p.catalog(), p.topology(), p.crush(), p.trace(), p.calibrate(),
		p.validate(), p.bench(), p.schema(), p.doctor(), p.version(), p.completion())
	return root
}

// usageTemplate is cobra's, without saying that a group can be run by itself.
const usageTemplate = `Usage:
  {{if .HasAvailableSubCommands}}{{.CommandPath}} COMMAND{{else}}{{.UseLine}}{{end}}
{{if .HasExample}}
Examples:
{{.Example}}
{{end}}{{if .HasAvailableSubCommands}}
Commands:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}
{{end}}{{if .HasAvailableLocalFlags}}
Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}
{{end}}`

// helpCommand lets `aisim help run` mean `aisim run --help`.
func helpCommand() *cobra.Command {
	return &cobra.Command{Use: "help [COMMAND]", Hidden: true, Short: "Print the help of a command", Example: "  aisim help run",
		RunE: func(cmd *cobra.Command, args []string) error {
			at, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return unknown(cmd.Root(), strings.Join(args, " "))
			}
			return at.Help()
		}}
}

// group is a command that only holds others.
func (p *program) group(use, short, long, example string) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Long: long, Example: example, Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknown(cmd, args[0])
			}
			return usage(cmd.CommandPath(), cmd.CommandPath()+" --help lists the commands", "name a command")
		}}
}

// exactly wants the arguments that the words name; words in brackets may be absent.
func exactly(words ...string) cobra.PositionalArgs {
	least := 0
	for _, w := range words {
		if !strings.HasPrefix(w, "[") {
			least++
		}
	}
	return func(cmd *cobra.Command, args []string) error {
		help := cmd.CommandPath() + " --help says what it takes"
		switch {
		case len(args) < least:
			return usage(cmd.CommandPath(), help, "%s is missing", words[len(args)])
		case len(args) > len(words) && len(words) == 0:
			return usage(cmd.CommandPath(), help, "unexpected %q: no arguments are taken", args[0])
		case len(args) > len(words):
			return usage(cmd.CommandPath(), help, "unexpected %q after %s", args[len(words)], strings.Join(words, " "))
		}
		return nil
	}
}

// print puts the result on stdout.
func (p *program) print(data []byte) error {
	if _, err := p.stdout.Write(data); err != nil {
		return &fault{exitFailed, "the result cannot be written: " + err.Error(), "standard output", ""}
	}
	return nil
}

// note tells the user something beside the result.
func (p *program) note(format string, args ...any) {
	fmt.Fprintf(p.stderr, "aisim: "+format+"\n", args...)
}
