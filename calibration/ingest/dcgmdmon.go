package ingest

import (
	"bytes"
	"strings"
)

// dcgmDmon reads the table of `dcgmi dmon`: short names of fields, a line of units, a row per GPU (or
// instance of one) and period.
type dcgmDmon struct {
	*feed
	names []string
}

// dcgmShort are the short names with a place of their own, by the fields of the exporter.
var dcgmShort = map[string]string{
	"GPUTL": "DEV_GPU_UTIL", "MCUTL": "DEV_MEM_COPY_UTIL", "TMPTR": "DEV_GPU_TEMP", "MMTMP": "DEV_MEMORY_TEMP", "POWER": "DEV_POWER_USAGE", "PWRIN": "DEV_POWER_USAGE_INSTANT",
	"TOTEC": "DEV_TOTAL_ENERGY_CONSUMPTION", "SMCLK": "DEV_SM_CLOCK", "MMCLK": "DEV_MEM_CLOCK", "FBTTL": "DEV_FB_TOTAL", "FBFRE": "DEV_FB_FREE", "FBUSD": "DEV_FB_USED", "FBRSV": "DEV_FB_RESERVED",
	"GRACT": "PROF_GR_ENGINE_ACTIVE", "SMACT": "PROF_SM_ACTIVE", "SMOCC": "PROF_SM_OCCUPANCY", "TENSO": "PROF_PIPE_TENSOR_ACTIVE", "DRAMA": "PROF_DRAM_ACTIVE",
	"PMLMT": "DEV_POWER_MGMT_LIMIT", "XIDER": "DEV_XID_ERRORS", "EDVOL": "DEV_ECC_DBE_VOL_TOTAL",
}

func startsDCGMDmon(line []byte) bool {
	if len(line) == 0 || line[0] != '#' {
		return false
	}
	w := bytes.Fields(bytes.TrimLeft(line, "# "))
	return len(w) > 1 && string(w[0]) == "Entity"
}

func openDCGMDmon(f *feed) lineReader { return &dcgmDmon{feed: f} }

func (d *dcgmDmon) end() {}

func (d *dcgmDmon) take(line []byte) bool {
	if startsDCGMDmon(line) {
		d.names = strings.Fields(strings.TrimLeft(string(line), "# "))[1:]
		return true
	}
	w := strings.Fields(string(line))
	if len(w) == 0 || strings.EqualFold(w[0], "id") {
		return true
	}
	if !strings.HasPrefix(w[0], "GPU") || len(w) < 2 {
		return w[0] == "Switch" || w[0] == "CPU" || w[0] == "Link"
	}
	if len(w) != len(d.names)+2 {
		d.wrong("expected %d values as in the header, found %d: the line is cut", len(d.names), len(w)-2)
		return true
	}
	s := &Device{}
	if w[0] == "GPU" {
		s.Index, _ = number([]byte(w[1]))
	} else {
		s.More = append(s.More, Field{Name: w[0], Text: w[1]}) // an instance
	}
	for i, name := range d.names {
		v, err := number([]byte(w[i+2]))
		if err != nil {
			d.wrong("%s: expected a number, %v", name, err)
			continue
		}
		if !v.Known || isBlankDCGM(v.V) {
			continue
		}
		if place, ok := dcgmFields[dcgmShort[name]]; ok {
			*deviceFields[place.name].at(s) = v.Times(place.scale)
			continue
		}
		s.More = append(s.More, Field{Name: name, Value: v})
	}
	d.emit(s)
	return true
}
