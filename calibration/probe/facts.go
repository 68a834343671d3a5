package probe

import (
	"bufio"
	"os"
	"runtime"
	"strconv"
	"strings"

	"aisim/calibration/ingest"
)

// Facts describe the host: its processor, threads and memory, where the system tells.
func Facts(threads int) *ingest.Device {
	d := &ingest.Device{Name: runtime.GOARCH + " processor", More: []ingest.Field{
		{Name: "threads", Value: ingest.Is(float64(threads))}, {Name: "system", Text: runtime.GOOS + "/" + runtime.GOARCH}}}
	if s := valueOf("/proc/cpuinfo", "model name"); s != "" {
		d.Name = s
	}
	if kib, err := strconv.ParseFloat(strings.TrimSuffix(valueOf("/proc/meminfo", "MemTotal"), " kB"), 64); err == nil {
		d.MemTotalBytes = ingest.Is(kib * 1024)
	}
	if d.Host, _ = os.Hostname(); d.Host == "" {
		d.Host = "localhost"
	}
	return d
}

// valueOf is the value of a "key : value" line, "" where there is none.
func valueOf(file, key string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if k, v, ok := strings.Cut(sc.Text(), ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// Load is how many threads wanted a processor in the last minute; ok is false where the system
// does not tell.
func Load() (threads float64, ok bool) {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0, false
	}
	first, _, _ := strings.Cut(string(b), " ")
	v, err := strconv.ParseFloat(first, 64)
	return v, err == nil
}
