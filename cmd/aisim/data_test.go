package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aisim/internal/measured"
)

// Input data that cannot be read is exit code 5 wherever it is named.
func TestUnreadableData(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	backwards := put("backwards.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.68,374,44\n2023-11-16 18:15:40.00,396,109\n")
	for name, c := range map[string]struct {
		args []string
		word string
	}{
		"trace of a service": {runArgs("serving", "--set", "workload.chat.trace="+backwards), "backwards.csv:3"},
		"trace info":         {[]string{"trace", "info", backwards}, "backwards.csv:3"},
		"no trace":           {[]string{"trace", "info", filepath.Join(dir, "absent")}, "no such file"},
		"no run":             {[]string{"explain", filepath.Join(dir, "absent")}, "no such file or folder"},
		"folder without run": {[]string{"report", dir}, "no result.json"},
		"torn run":           {[]string{"report", put("torn.json", `{"schema":"aisim.run/v1"`)}, "unexpected end"},
		"run of another age": {[]string{"explain", put("old.json", `{"schema":"aisim.run/v0"}`)}, "aisim.run/v0"},
		"no profile":         {runArgs("training", "--profile", filepath.Join(dir, "absent")), "no such file"},
		"profile":            {runArgs("training", "--profile", put("bad.cal.toml", "schema = 1")), "profile"},
	} {
		t.Run(name, func(t *testing.T) {
			out, errs := aisim(t, exitData, c.args...)
			if out != "" || !strings.Contains(errs, c.word) || !strings.Contains(errs, "\n  at:  ") {
				t.Errorf("stdout %q, stderr %s", out, errs)
			}
		})
	}
}

// A profile changes the answer for its chip, and is refused for another.
func TestProfile(t *testing.T) {
	profile := func(chip string) string {
		path := filepath.Join(t.TempDir(), "mine.cal.toml")
		text := "schema = \"aisim.profile/v1\"\nid = \"mine\"\nhardware = \"" + chip + "\"\nsource = \"a test\"\ndate = \"2026-01-01\"\nrung = \"fitted efficiency\"\n[eff]\ngemm = { any = { v = 0.3, sd = 0.02, source = \"a test\" } }\n"
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	before, _ := aisim(t, 0, runArgs("training", "--format", "json")...)
	after, _ := aisim(t, 0, runArgs("training", "--format", "json", "--profile", profile("nvidia-a100-sxm-80"))...)
	if before == after {
		t.Error("the profile changes nothing")
	}
	_, errs := aisim(t, exitData, runArgs("training", "--profile", profile("nvidia-h100-sxm"))...)
	if !strings.Contains(errs, "nvidia-h100-sxm") || !strings.Contains(errs, "nvidia-a100-sxm-80") {
		t.Errorf("stderr: %s", errs)
	}
}

func TestTraceInfo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "two.csv")
	if err := os.WriteFile(path, []byte("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:40.00,100,40\n2023-11-16 18:15:50.00,300,60\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out, _ := aisim(t, 0, "trace", "info", path)
	for _, word := range []string{"requests", "2", "10 s", "200 tokens on average, 300 at most, 400 in all"} {
		if !strings.Contains(out, word) {
			t.Errorf("%q is not in\n%s", word, out)
		}
	}
	out, _ = aisim(t, 0, "trace", "info", path, "--format", "json", "--layout", "azure")
	if !strings.Contains(out, `"output_tokens": 100`) {
		t.Error(out)
	}
}

// The published conversation trace of Azure holds 19,366 requests.
func TestTraceInfoOfAPublishedTrace(t *testing.T) {
	path := measured.Path(t, "inference/azure-llm-2023/AzureLLMInferenceTrace_conv.csv")
	if out, _ := aisim(t, 0, "trace", "info", path, "--format", "json"); !strings.Contains(out, `"requests": 19366`) {
		t.Error(out)
	}
}
