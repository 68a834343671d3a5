package arrivals

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aisim/internal/measured"
	"aisim/sim"
)

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Two clients whose rates, burstiness and lengths change with the window come as written.
func TestServeGen(t *testing.T) {
	dir := write(t, map[string]string{
		"a-trace.csv":    "0,20,2,Gamma,0.25,9\n1000,0,0,,0,0\n2000,5,1,,0,0\n",
		"a-dataset.json": `{"0": {"input_tokens": "{10: 0.5, 30: 0.5}", "output_tokens": "{7: 1.0}"}, "2000": {"input_tokens": "{50: 2}", "output_tokens": "{8: 1}"}, "4000": {"input_tokens": "{}", "output_tokens": "{}"}}`,
		"b-trace.csv":    "0,10,3,Weibull,0.5,1\n",
		"b-dataset.json": `{"0": {"text_tokens": "{5: 1}", "image_tokens": "{100: 1}", "image_count": "{0: 1, 2: 1}", "audio_tokens": "{0: 1}", "audio_count": "{0: 1}", "output_tokens": "{3: 1}"}}`,
	})
	clients, err := ReadServeGen(dir)
	if err != nil {
		t.Fatal(err)
	}
	g := ServeGen{Clients: clients, DurationSec: 3000}
	if got, want := g.MeanRate(), (20*1000+5*1000+10*3000)/3000.0; math.Abs(got-want) > 1e-9 {
		t.Errorf("rate %v, want %v", got, want)
	}
	reqs, err := g.Generate(sim.NewStream(1, "clients"))
	if err != nil {
		t.Fatal(err)
	}
	var first, quiet, third, images, b int
	prompt := 0.0
	for i, q := range reqs {
		if i > 0 && q.ArriveSec < reqs[i-1].ArriveSec {
			t.Fatal("out of order")
		}
		switch {
		case q.Output == 3:
			b++
			if q.Prompt == 205 {
				images++
			} else if q.Prompt != 5 {
				t.Fatalf("text of 5 and no or two images of 100: %d tokens", q.Prompt)
			}
		case q.ArriveSec < 1000:
			first++
			prompt += float64(q.Prompt)
		case q.ArriveSec < 2000:
			quiet++
		default:
			third++
			if q.Prompt != 50 || q.Output != 8 {
				t.Fatalf("lengths %d and %d from 2,000 s on", q.Prompt, q.Output)
			}
		}
	}
	// Counts of renewals: a standard deviation of cv·√n, 2·√20,000 and √5,000 and 2.2·√30,000.
	if math.Abs(float64(first)-20000) > 900 || quiet != 0 || math.Abs(float64(third)-5000) > 220 || math.Abs(float64(b)-30000) > 1200 {
		t.Errorf("%d, %d and %d requests of a, %d of b", first, quiet, third, b)
	}
	if math.Abs(prompt/float64(first)-20) > 0.3 || math.Abs(float64(images)/float64(b)-0.5) > 0.02 {
		t.Errorf("prompts of %v tokens, %d of %d with images", prompt/float64(first), images, b)
	}
	g.RatePerSec = 12
	if reqs, err = g.Generate(sim.NewStream(1, "clients")); err != nil || math.Abs(float64(len(reqs))-36000) > 1500 {
		t.Errorf("%d requests at 12/s for 3,000 s (%v)", len(reqs), err)
	}
	g = ServeGen{Clients: clients[:1], BeginSec: 1000, DurationSec: 1000}
	if _, err := g.Generate(sim.NewStream(1, "clients")); err == nil {
		t.Error("nobody sends anything, and nothing is said")
	}
}

// The published clients: rates and burstiness of windows are those of the records.
func TestServeGenRecords(t *testing.T) {
	clients, err := ReadServeGen(measured.Path(t, "inference/servegen"))
	if err != nil {
		t.Fatal(err)
	}
	if len(clients) != 8 {
		t.Fatalf("%d clients", len(clients))
	}
	for i := range clients {
		c := clients[i : i+1]
		g := ServeGen{Clients: c, BeginSec: 64800, DurationSec: 3600, Prompt: Lengths{Mean: 100}, Output: Lengths{Mean: 10}}
		if g.recorded() == 0 {
			continue
		}
		reqs, err := g.Generate(sim.NewStream(1, "clients"))
		if err != nil {
			t.Fatal(err)
		}
		n, want := float64(len(reqs)), g.MeanRate()*3600
		// cv of gaps up to 6: √n·cv is one standard deviation of the count.
		if math.Abs(n-want) > 4*6*math.Sqrt(want) {
			t.Errorf("%s: %v requests in an hour, recorded %v", c[0].Name, n, want)
		}
		if len(c[0].Lengths) > 0 && reqs[0].Prompt == 100 {
			t.Errorf("%s has lengths of its own", c[0].Name)
		}
	}
}

func TestServeGenRefusals(t *testing.T) {
	for name, x := range map[string]struct {
		trace, data, want string
	}{
		"no rows":       {"", "{}", "no windows"},
		"backwards":     {"600,1,1,,0,0\n0,1,1,,0,0\n", "{}", "a-trace.csv:2"},
		"pattern":       {"0,1,1,Pareto,1,1\n", "{}", "Pareto"},
		"negative":      {"0,-1,1,,0,0\n", "{}", "-1"},
		"shape":         {"0,1,1,Gamma,0,1\n", "{}", "shape"},
		"few fields":    {"0,1,1\n", "{}", "3 fields"},
		"json":          {"0,1,1,,0,0\n", "{", "a-dataset.json"},
		"distributions": {"0,1,1,,0,0\n", `{"0": {"input_tokens": "{5: x}", "output_tokens": "{1: 1}"}}`, "5: x"},
		"window":        {"0,1,1,,0,0\n", `{"soon": {}}`, "soon"},
	} {
		_, err := ReadServeGen(write(t, map[string]string{"a-trace.csv": x.trace, "a-dataset.json": x.data}))
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v, want %q", name, err, x.want)
		}
	}
	if _, err := ReadServeGen(t.TempDir()); err == nil {
		t.Error("an empty folder is taken")
	}
}

func FuzzServeGen(f *testing.F) {
	f.Add("0,1,1,Gamma,2,1\n600,2,1,,0,0", `{"0": {"input_tokens": "{5: 0.5}", "output_tokens": "{1: 1}"}}`)
	f.Fuzz(func(t *testing.T, rates, data string) {
		w, err := parseRates("f", strings.NewReader(rates))
		l, lerr := parseLengths("f", []byte(data))
		if err != nil || lerr != nil {
			return
		}
		g := ServeGen{Clients: []Client{{Name: "f", Rates: w, Lengths: l}}, DurationSec: 600, MaxRequests: 2000, Prompt: Lengths{Mean: 5}, Output: Lengths{Mean: 5}}
		reqs, err := g.Generate(sim.NewStream(1, "fuzz"))
		for _, q := range reqs {
			if err == nil && (q.Prompt < 1 || q.Output < 1 || q.ArriveSec < 0 || q.ArriveSec > 600) {
				t.Fatalf("request %+v", q)
			}
		}
	})
}
