package rounds

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Throughputs are measured steps a second of each type of job on each kind of GPU, by the
// number of GPUs.
type Throughputs struct {
	Types []string // in the order of the file, from which types are drawn
	rate  map[string]map[typeKey]float64
}

type typeKey struct {
	name string
	gpus int
}

var gavelKey = regexp.MustCompile(`^\('(.*)', (\d+)\)$`)

// ReadThroughputs reads Gavel's table: kind of GPU, then "('job type', GPUs)", then "null"
// for steps a second alone.
func ReadThroughputs(path string) (*Throughputs, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("rounds: the measured throughputs: %w", err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		r = z
	}
	t := &Throughputs{rate: map[string]map[typeKey]float64{}}
	if err := t.decode(json.NewDecoder(r)); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(t.Types) == 0 {
		return nil, fmt.Errorf("%s: no type of job", path)
	}
	return t, nil
}

// decode walks the objects in order, which maps would lose.
func (t *Throughputs) decode(d *json.Decoder) error {
	return fields(d, func(kind string) error {
		t.rate[kind] = map[typeKey]float64{}
		return fields(d, func(key string) error {
			var row map[string]json.RawMessage
			if err := d.Decode(&row); err != nil {
				return err
			}
			m := gavelKey.FindStringSubmatch(key)
			alone, ok := row["null"]
			if m == nil || !ok {
				return fmt.Errorf("%s: %q is no \"('job type', GPUs)\" with a throughput alone", kind, key)
			}
			var v float64
			if err := json.Unmarshal(alone, &v); err != nil || !(v >= 0) {
				return fmt.Errorf("%s: %q: throughput %s", kind, key, alone)
			}
			n, err := strconv.Atoi(m[2])
			if err != nil {
				return fmt.Errorf("%s: %q: %w", kind, key, err)
			}
			t.rate[kind][typeKey{m[1], n}] = v
			if n == 1 && !slices.Contains(t.Types, m[1]) {
				t.Types = append(t.Types, m[1])
			}
			return nil
		})
	})
}

// fields calls take with each key of an object; take reads the value.
func fields(d *json.Decoder, take func(key string) error) error {
	open, err := d.Token()
	if err != nil {
		return err
	}
	if open != json.Delim('{') {
		return fmt.Errorf("%v where an object should begin", open)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		if err := take(key.(string)); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// distributed says whether a type was measured on several GPUs of the kind.
func (t *Throughputs) distributed(kind, name string) bool {
	_, ok := t.rate[kind][typeKey{name, 2}]
	return ok
}
