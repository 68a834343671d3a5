package main

import (
	"errors"
	"fmt"
	"strings"

	"aisim/scenarios"
)

// Exit codes.
const (
	exitFailed     = 1
	exitUsage      = 2
	exitScenario   = 3
	exitGoal       = 4 // a goal was not met; the result was written
	exitData       = 5
	exitInterrupt  = 130
	exitTerminated = 143
)

// fault is an error as the user sees it: what went wrong, where, and how to go on.
type fault struct {
	code             int
	what, where, fix string
}

// Error is the three-line form; lines that say nothing are left out.
func (f *fault) Error() string {
	var b strings.Builder
	b.WriteString("aisim: " + strings.TrimSpace(f.what))
	if f.where != "" {
		b.WriteString("\n  at:  " + f.where)
	}
	if f.fix != "" {
		b.WriteString("\n  fix: " + f.fix)
	}
	return b.String()
}

// usage is a fault of the command line; the command's path is where.
func usage(where, fix, format string, args ...any) error {
	return &fault{exitUsage, fmt.Sprintf(format, args...), where, fix}
}

// exitCode maps any error of a command to the process's exit code. What is no fault
// of ours comes from the parser of the command line.
func exitCode(err error) int {
	var f *fault
	var invalid *scenarios.Invalid
	switch {
	case err == nil:
		return 0
	case errors.As(err, &f):
		return f.code
	case errors.As(err, &invalid):
		return exitScenario
	}
	return exitUsage
}

// withoutRoom cuts the name of the package off an error's text.
func withoutRoom(err error) string {
	text := err.Error()
	for _, room := range []string{"reports: ", "read run: ", "explain: ", "phold: ", "cephsim: ", "loader: "} {
		text = strings.TrimPrefix(text, room)
	}
	return text
}
