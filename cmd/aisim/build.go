package main

import "runtime/debug"

// build says which aisim this is. Version and Revision are in every result.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Time     string `json:"revision_time,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// readBuild reads what the Go tool stamped into the binary.
func readBuild() build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return build{Version: "devel", Revision: "unknown"}
	}
	return buildOf(info)
}

func buildOf(info *debug.BuildInfo) build {
	b := build{Version: info.Main.Version, Revision: "unknown", Go: info.GoVersion}
	if b.Version == "" || b.Version == "(devel)" {
		b.Version = "devel"
	}
	dirty, system, arch := "", "", ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			if s.Value == "true" {
				dirty = "-dirty"
			}
		case "GOOS":
			system = s.Value
		case "GOARCH":
			arch = s.Value
		}
	}
	if b.Revision != "unknown" {
		b.Revision = b.Revision[:min(12, len(b.Revision))] + dirty
	}
	b.Platform = system + "/" + arch
	return b
}
