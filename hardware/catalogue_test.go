package hardware

import (
	"encoding/csv"
	"errors"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"aisim/internal/measured"
	"aisim/internal/result"
)

// The row counts of the tables that the catalogue was made from, and of the rows kept by hand.
var rowCounts = map[string]struct {
	csv  string
	rows int
}{
	KindAccelerator: {"accelerators.csv", 119 + 14}, KindServer: {"servers.csv", 41}, KindInterconnect: {"interconnects.csv", 85},
	KindDrive: {"storage_devices.csv", 30}, KindInstance: {"cloud_instances.csv", 148}, KindModel: {"models.csv", 133 + 55},
	KindPower: {"power_carbon.csv", 184}, KindFact: {"operations-facts.csv", 222},
}

func TestEveryRowIsAnEntry(t *testing.T) {
	for _, kind := range Kinds() {
		want := rowCounts[kind]
		if got := len(Default().Entries(kind)); got != want.rows {
			t.Errorf("%s: %d entries, want %d", kind, got, want.rows)
		}
	}
	if got := len(Default().Entries("")); got != 962+69 {
		t.Errorf("all kinds: %d entries, want 1031", got)
	}
	if got := Default().Entries("spaceship"); got != nil {
		t.Errorf("unknown kind has %d entries", len(got))
	}
}

// Every number of every CSV cell is in the catalogue, in SI units.
func TestEveryCellIsAValue(t *testing.T) {
	c := Default()
	for _, kind := range Kinds() {
		if kind == KindPower {
			continue // its ids are made; the generator's test compares the text
		}
		f, err := os.Open(measured.Path(t, "catalogue/"+rowCounts[kind].csv))
		if err != nil {
			t.Fatal(err)
		}
		records, err := csv.NewReader(f).ReadAll()
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		table, err := c.tables[kind]()
		if err != nil {
			t.Fatal(err)
		}
		cells := 0
		for _, rec := range records[1:] {
			r := table.byID[rec[0]]
			if r == nil {
				t.Errorf("%s %s: not in the catalogue", kind, rec[0])
				continue
			}
			for i, column := range records[0] {
				if _, numeric := table.units[column]; numeric && strings.TrimSpace(rec[i]) != "" {
					cells++
					if !r.value(column).Known() {
						t.Errorf("%s %s: %s lost", kind, rec[0], column)
					}
				}
			}
		}
		if cells == 0 {
			t.Errorf("%s: no numeric cell seen", kind)
		}
	}
}

func TestEveryValueHasAPedigree(t *testing.T) {
	c := Default()
	values := 0
	for _, kind := range Kinds() {
		table, err := c.tables[kind]()
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range table.ids {
			for _, column := range table.columns {
				v := table.byID[id].value(column)
				if !v.Known() {
					continue
				}
				values++
				switch v.Kind {
				case result.Measured, result.Datasheet, result.Derived, result.Assumed:
				default:
					t.Errorf("%s %s %s: pedigree %q", kind, id, column, v.Kind)
				}
				if v.Source == "" || v.Date == "" {
					t.Errorf("%s %s %s: source %q date %q", kind, id, column, v.Source, v.Date)
				}
				if exact := unitSI[table.units[column]].exact; !exact && v.RelSD <= 0 || v.RelSD > 1 || math.IsNaN(v.V) {
					t.Errorf("%s %s %s: %g sd %g", kind, id, column, v.V, v.RelSD)
				}
				if strings.HasPrefix(v.Source, "ASSUMPTION") && v.Kind != result.Assumed {
					t.Errorf("%s %s %s: ASSUMPTION marked %s", kind, id, column, v.Kind)
				}
			}
		}
	}
	if values < 4900 {
		t.Errorf("%d values, want over 4900", values)
	}
}

// Facts that people will look up, in SI units, with the marks of their rows.
func TestKnownEntries(t *testing.T) {
	c := Default()
	h100, err := c.Accelerator("nvidia-h100-sxm")
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][2]float64{
		"bf16":           {h100.Peak[BF16].V, 989e12},
		"fp16 from bf16": {h100.Peak[FP16].V, 989e12},
		"fp8":            {h100.Peak[FP8].V, 1979e12},
		"memory":         {h100.Memory.V, 80 << 30},
		"bandwidth":      {h100.MemoryBandwidth.V, 3.35e12},
		"scale-up":       {h100.ScaleUpBandwidth.V, 900e9},
		"price":          {h100.Price.V, 33600},
	} {
		if got[0] != got[1] {
			t.Errorf("H100 %s = %g, want %g", name, got[0], got[1])
		}
	}
	if h100.Peak[FP16].Kind != result.Derived || h100.Price.Kind != result.Derived || !strings.Contains(h100.Price.Source, "Epoch AI") {
		t.Errorf("H100 pedigrees: fp16 %s, price %s %q", h100.Peak[FP16].Kind, h100.Price.Kind, h100.Price.Source)
	}
	v100, err := c.Accelerator("nvidia-v100-sxm2-32")
	if err != nil {
		t.Fatal(err)
	}
	if v100.Peak[BF16].Known() || v100.Peak[FP16].V != 125e12 {
		t.Errorf("V100: bf16 %v, fp16 %v: its column is the fp16 rate", v100.Peak[BF16], v100.Peak[FP16])
	}
	if !strings.Contains(v100.Source, "from memory") {
		t.Errorf("V100 source lost its mark: %q", v100.Source)
	}
	h200, _ := c.Accelerator("nvidia-h200-sxm")
	if h200.Idle.Kind != result.Measured || h200.Idle.V != 80 {
		t.Errorf("H200 idle %+v", h200.Idle)
	}
	qm, err := c.Interconnect("qm9700-ndr")
	if err != nil {
		t.Fatal(err)
	}
	if qm.Ports != 64 || qm.PortBandwidth.V != 50e9 || math.Abs(qm.HopLatency.V-200e-9) > 1e-15 {
		t.Errorf("QM9700: %d ports, %g B/s, %g s", qm.Ports, qm.PortBandwidth.V, qm.HopLatency.V)
	}
	drive, err := c.Drive("nvme4-pm9a3")
	if err != nil {
		t.Fatal(err)
	}
	if drive.Capacity.V != 7.68e12 || drive.SeqWrite.V != 4e9 || drive.RandWrite.V != 200e3 {
		t.Errorf("PM9A3: %+v", drive)
	}
	if s3, _ := c.Drive("aws-s3-standard"); s3.PricePerTB.Unit != "USD/TB-month" {
		t.Errorf("S3 price unit %q", s3.PricePerTB.Unit)
	}
	nd, err := c.Instance("azure-nd96isr-h100-v5")
	if err != nil {
		t.Fatal(err)
	}
	if nd.OnDemand.V != 98.32 || nd.OnDemand.Unit != "USD/h" || nd.PerChip {
		t.Errorf("ND96isr H100 v5: %+v", nd.OnDemand)
	}
	if tpu, _ := c.Instance("gcp-tpu-v5p-chip"); !tpu.PerChip || tpu.Spot.RelSD != 0.25 {
		t.Errorf("TPU v5p instance: per chip %v, spot sd %g", tpu.PerChip, tpu.Spot.RelSD)
	}
	if dec, _ := c.Fact("spark_sort_per_core"); dec.Kind != result.Assumed || dec.RelSD != 0.15 {
		t.Errorf("spark_sort_per_core: %+v", dec)
	}
	if sha, _ := c.Fact("sha256_16k"); sha.Kind != result.Measured || sha.RelSD != 0.02 {
		t.Errorf("sha256_16k: %+v", sha)
	}
	if n := len(c.Facts("max_matmul_efficiency")); n != 15 {
		t.Errorf("%d matmul facts, want 15", n)
	}
}

// Parameter counts computed from the cards' widths meet the published ones, so
// that the widths read from notes and the derived GatedFFN are right.
func TestModelCardsAddUp(t *testing.T) {
	c := Default()
	for _, e := range c.Entries(KindModel) {
		m, err := c.Model(e.ID)
		if err != nil {
			t.Fatal(err)
		}
		if m.Kind != "llm-dense" && m.Kind != "llm-moe" || strings.Contains(m.Notes, "nominal") {
			continue
		}
		matrices := 2.0
		if m.GatedFFN {
			matrices = 3
		}
		if r := m.count(matrices) / m.Params.V; r < 0.97 || r > 1.03 {
			t.Errorf("%s: widths give %.3f of the published parameters", e.ID, r)
		}
	}
	v3, err := c.Model("deepseek-v3-671b")
	if err != nil {
		t.Fatal(err)
	}
	if v3.MLA == nil || v3.MLA.KVLora != 512 || v3.MLA.QLora != 1536 || v3.MLA.QKRope != 64 || v3.FirstDenseLayers != 3 || v3.DenseFFN != 18432 {
		t.Errorf("DeepSeek-V3 notes: %+v %+v", v3, v3.MLA)
	}
	for id, gated := range map[string]bool{"llama3.1-405b": true, "gpt3-175b": false, "palm-540b": true} {
		if m, err := c.Model(id); err != nil || m.GatedFFN != gated {
			t.Errorf("%s: gated %v, %v", id, m != nil && m.GatedFFN, err)
		}
	}
	if g, _ := c.Model("gpt-oss-120b"); g.Window != 128 {
		t.Errorf("gpt-oss window %d", g.Window)
	}
}

func TestUnknownIDsSuggest(t *testing.T) {
	c := Default()
	for _, test := range []struct {
		ask  func(string) error
		id   string
		near string
	}{
		{func(id string) error { _, err := c.Accelerator(id); return err }, "h100-sxm", "nvidia-h100-sxm"},
		{func(id string) error { _, err := c.Server(id); return err }, "dgx-h10", "dgx-h100"},
		{func(id string) error { _, err := c.Model(id); return err }, "lama3.1-405b", "llama3.1-405b"},
		{func(id string) error { _, err := c.Interconnect(id); return err }, "QM9700", "qm9700-ndr"},
		{func(id string) error { _, err := c.Drive(id); return err }, "nvme4-pm9a4", "nvme4-pm9a3"},
		{func(id string) error { _, err := c.Instance(id); return err }, "aws-p5-48xlarg", "aws-p5-48xlarge"},
		{func(id string) error { _, err := c.Grid(id); return err }, "us-east-11", "us-east-1"},
		{func(id string) error { _, err := c.Show(id); return err }, "dgx-h1000", "dgx-h100"},
	} {
		err := test.ask(test.id)
		var unknown *UnknownError
		if !errors.As(err, &unknown) || !strings.Contains(err.Error(), test.near) {
			t.Errorf("%q: %v, want a hint at %s", test.id, err, test.near)
		}
	}
	if _, err := c.Server(""); err == nil {
		t.Error("empty id found a server")
	}
}

func TestPowerAndPrices(t *testing.T) {
	c := Default()
	grid, err := c.Grid("aws/us-east-1")
	if err != nil || grid.V != 415.8 || grid.Unit != "gCO2e/kWh" {
		t.Errorf("us-east-1: %+v %v", grid, err)
	}
	if old, err := c.Grid("US-VA"); err != nil || old.RelSD != 0.20 {
		t.Errorf("Virginia 2016 grid: %+v %v", old, err)
	}
	us, err := c.Electricity("US")
	if err != nil || math.Abs(us.V-0.081) > 1e-12 || us.Unit != "USD/kWh" || us.Kind != result.Derived {
		t.Errorf("US electricity: %+v %v", us, err)
	}
	if pue, err := c.PUE("AWS"); err != nil || pue.V != 1.14 {
		t.Errorf("AWS PUE, newest year: %+v %v", pue, err)
	}
	if e, err := c.Embodied("NVIDIA HGX H100 8-GPU baseboard"); err != nil || e.V != 1312 {
		t.Errorf("HGX embodied: %+v %v", e, err)
	}
	if u, err := c.PowerChain("UPS efficiency double conversion"); err != nil || u.Unit != "ratio" {
		t.Errorf("UPS: %+v %v", u, err)
	}

	listed, err := c.ServerPrice("dgx-b200")
	if err != nil || listed.V != 515000 || listed.Kind != result.Datasheet {
		t.Errorf("dgx-b200: %+v %v", listed, err)
	}
	for _, id := range []string{"dgx-h100", "mi300x-8x", "cpu-genoa-2s"} {
		p, err := c.ServerPrice(id)
		if err != nil || p.Kind != result.Assumed || p.Note == "" || p.RelSD < 0.15 {
			t.Errorf("%s: a price by rule must be marked: %+v %v", id, p, err)
		}
	}
	for _, id := range []string{"gb300-nvl72", "storage-nvme-24"} {
		if p, err := c.ServerPrice(id); err == nil {
			t.Errorf("%s: priced at %g out of nothing", id, p.V)
		}
	}
}

func TestServerPower(t *testing.T) {
	c := Default()
	dgx, err := c.ServerPower("dgx-h100")
	if err != nil || dgx.Max.V != 10200 || dgx.Host.V != 10200-8*700 || dgx.Max.Kind != result.Datasheet {
		t.Errorf("dgx-h100: %+v %v", dgx, err)
	}
	// Four TPU v5p at the noted estimate of 540 W, times 1.7.
	tpu, err := c.ServerPower("tpu-v5p-host")
	if err != nil || math.Abs(tpu.Max.V-4*540*1.7) > 1e-9 || tpu.Max.Kind != result.Assumed {
		t.Errorf("tpu-v5p-host: %+v %v", tpu, err)
	}
	if _, err := c.ServerPower("tpu-v5e-host"); err == nil {
		t.Error("a TPU v5e host has no known power")
	}
	if w, err := c.ServerPower("storage-nvme-24"); err != nil || w.Host.V != 900 {
		t.Errorf("storage-nvme-24: %+v %v", w, err)
	}
}

func TestShow(t *testing.T) {
	fields, err := Default().Show("accelerator/nvidia-a100-sxm-80")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]Field{}
	for _, f := range fields {
		names[f.Name] = f
	}
	if f := names["mem_bw_GBps"]; FormatValue(f.Value) != "2.039 TB/s" || f.Value.Source == "" {
		t.Errorf("bandwidth shown as %s from %q", FormatValue(f.Value), f.Value.Source)
	}
	if f := names["memory_gib"]; FormatValue(f.Value) != "80 GiB" {
		t.Errorf("memory shown as %s", FormatValue(f.Value))
	}
	if names["notes"].Text == "" || names["source"].Text == "" {
		t.Error("notes or source not shown")
	}
}

// All tables parse in under 60 ms on two cores; the bound here leaves room for
// a busy machine and still catches a parser of another order of growth.
func TestParseIsQuick(t *testing.T) {
	start := time.Now()
	for _, kind := range Kinds() {
		text, err := catalogueFiles.ReadFile("catalogue/" + kind + ".toml")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseTable(kind, string(text)); err != nil {
			t.Fatal(err)
		}
	}
	if d := time.Since(start); d > 500*time.Millisecond {
		t.Errorf("the catalogue took %v to parse", d)
	}
	if len(Default().SHA256()) != 64 {
		t.Error("no digest")
	}
}

func BenchmarkParseCatalogue(b *testing.B) {
	for b.Loop() {
		for _, kind := range kinds {
			text, _ := catalogueFiles.ReadFile("catalogue/" + kind + ".toml")
			if _, err := parseTable(kind, string(text)); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func FuzzParseTable(f *testing.F) {
	f.Add(`schema = "aisim.catalogue/v1"` + "\nkind = \"drive\"\nrows = 1\ndate = \"2026\"\nsources = [\"x\"]\n[units]\ncapacity_tb = \"TB\"\n[[row]]\nid = \"a\"\npedigree = \"datasheet\"\nsrc = 0\ncapacity_tb = 1\n")
	f.Add(`rows = 1`)
	f.Add("[[row]]\nid = 3")
	f.Fuzz(func(t *testing.T, text string) {
		table, err := parseTable(KindDrive, text)
		if err != nil {
			return
		}
		for _, id := range table.ids {
			for _, column := range table.columns {
				if v := table.byID[id].value(column); v.Known() && (math.IsNaN(v.V) || v.V < 0) {
					t.Fatalf("%s %s = %g", id, column, v.V)
				}
			}
		}
	})
}

func TestParseTableRefuses(t *testing.T) {
	head := "schema = \"aisim.catalogue/v1\"\nkind = \"drive\"\nrows = 1\ndate = \"2026\"\nsources = [\"x\"]\n[units]\ncapacity_tb = \"TB\"\n"
	row := "[[row]]\nid = \"a\"\npedigree = \"datasheet\"\nsrc = 0\n"
	for name, text := range map[string]string{
		"schema":           "schema = \"other\"\nkind = \"drive\"\n",
		"row count":        head,
		"unit":             strings.Replace(head, "\"TB\"", "\"barrels\"", 1) + row,
		"no id":            head + "[[row]]\npedigree = \"datasheet\"\nsrc = 0\n",
		"pedigree":         head + "[[row]]\nid = \"a\"\npedigree = \"rumour\"\nsrc = 0\n",
		"source index":     head + "[[row]]\nid = \"a\"\npedigree = \"datasheet\"\nsrc = 1\n",
		"negative":         head + row + "capacity_tb = -1\n",
		"text for number":  head + row + "capacity_tb = \"big\"\n",
		"column unit":      head + row + "speed = 3\n",
		"except":           head + row + "[row.except]\ncapacity_tb = { pedigree = \"measured\", src = 0 }\n",
		"twice":            strings.Replace(head, "rows = 1", "rows = 2", 1) + row + row,
		"infinite":         head + row + "capacity_tb = inf\n",
		"relative sd of 9": head + strings.Replace(row, "src = 0", "src = 0\nsd = 9", 1) + "capacity_tb = 1\n",
	} {
		if _, err := parseTable(KindDrive, text); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
