package planner

import (
	"context"
	"math"
	"os"
	"strings"
	"testing"

	"aisim/scenarios"
)

// Every key of [economics] that the planner's ledger has taken on moves the answer, in its
// direction.
func TestEveryInputOfTheLedgerMatters(t *testing.T) {
	owned := []string{`workload.chat.duration="10 s"`, "workload.chat.warm=true", "replicas=1"}
	value := func(key string, sets ...string) float64 {
		p, err := Play(context.Background(), load(t, chat, append(owned, sets...)...), PlayOptions{Replicas: 1, Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		return p.Values(key)[0]
	}
	hours := "economics.electricity_by_hour=[0.05,0.05,0.05,0.05,0.05,0.05,0.05,0.05,0.15,0.15,0.15,0.15,0.15,0.15,0.15,0.15,0.15,0.15,0.15,0.15,0.05,0.05,0.05,0.05]"
	for _, c := range []struct {
		key  string
		sets []string
		sign float64
	}{
		{"ledger.total", []string{hours}, 1},
		{"ledger.total", []string{`economics.demand_charge="12 USD/kW-month"`}, 1},
		{"facility.power", []string{"economics.conversion=[0.96,0.985]"}, 1},
		{"facility.pue", []string{`economics.cooling={outdoor="35 C"}`}, 1},
		{"facility.pue", []string{`economics.cooling={outdoor="5 C",fixed=0.02}`}, -1},
		{"ledger.total", []string{`economics.water="1.8 L/kWh"`}, 1},
		{"ledger.capital", []string{"economics.spares=0.03"}, 1},
		{"ledger.capital", []string{`economics.hall="11 USD/W"`}, 1},
		{"ledger.capital", []string{`economics.burst={nodes=1,hours=0.2,price="55.04 USD/h"}`}, -1},
		{"facility.carbon", []string{"economics.carbon_by_hour=[500,500,500,500,500,500,500,500,500,500,500,500,500,500,500,500,500,500,500,500,500,500,500,500]"}, 1},
	} {
		if d := (value(c.key, c.sets...) - value(c.key)) * c.sign; d <= 0 {
			t.Errorf("%v: %s changed by %g", c.sets, c.key, d*c.sign)
		}
	}
	if d := value("ledger.total", hours, "economics.shift=0.5") - value("ledger.total", hours); d > 0 {
		t.Errorf("load that can wait costs %g more", d)
	}
	if d := value("ledger.total", `economics.water="1.8 L/kWh"`, `economics.water_price="9 USD/m3"`) - value("ledger.total", `economics.water="1.8 L/kWh"`); d <= 0 {
		t.Errorf("dearer water costs %g more", d)
	}
	if d := value("ledger.total", `economics.hall="11 USD/W"`, "economics.hall_years=30") - value("ledger.total", `economics.hall="11 USD/W"`); d >= 0 {
		t.Errorf("a hall that lasts costs %g more", d)
	}
	rented := []string{"economics.mode=rent", `economics.rent={instance="aws-p5-48xlarge",price="55 USD/h"}`}
	if d := value("ledger.total", append(rented, "economics.rent.used=0.5")...) - value("ledger.total", rented...); d >= 0 {
		t.Errorf("instances given back half of the time cost %g more", d)
	}
}

// Committed instances are paid in full, the others for the time they are used: by hand.
func TestCommitmentsInTheLedger(t *testing.T) {
	lines := func(sets ...string) map[string]float64 {
		t.Helper()
		rent := `economics.rent={instance="aws-p5-48xlarge",price="55 USD/h",used=0.5}`
		run := evaluate(t, load(t, planHead, append([]string{"replicas=1", "economics.mode=rent", rent}, sets...)...), 1)
		out := map[string]float64{}
		for _, l := range run.Ledger.Lines {
			out[l.Item] = l.USD
		}
		return out
	}
	all := lines()["Instances"]
	some := lines(`economics.rent.commitment=[{purchase="one-year",instances=1,price="33 USD/h"}]`)
	hours := some["Committed instances"] / 33
	if all <= 0 || math.Abs(some["Instances"]-(all-0.5*55*hours)) > 1e-6*all {
		t.Errorf("one committed of the instances: %g USD for the others, %g for all, over %g hours", some["Instances"], all, hours)
	}
	for set, want := range map[string]string{
		`economics.rent.commitment=[{purchase="one-year",instances=1000,price="33 USD/h"}]`: "the cluster needs",
		`economics.rent.quota=1`: "allows 1 instances",
	} {
		if _, err := scenarios.Parse("economics.toml", []byte(planHead), []string{"economics.mode=rent", `economics.rent={instance="aws-p5-48xlarge",price="55 USD/h"}`, set}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", set, err, want)
		}
	}
}

// Spot instances that are taken away cost a campaign its work: less goodput, a later end.
func TestInterruptionsCostWork(t *testing.T) {
	rent := []string{"economics.mode=rent", `economics.rent={instance="aws-p5-48xlarge",price="20 USD/h"}`}
	calm := evaluate(t, load(t, planHead, append(rent, "replicas=1")...), 1).Metrics
	hard := evaluate(t, load(t, planHead, append(rent, "replicas=1", `economics.rent.interruptions="0.1/h"`)...), 1).Metrics
	if !(hard["train.goodput"].Value < calm["train.goodput"].Value) || !(hard["train.finish"].Value > calm["train.finish"].Value) || !(hard["ledger.total"].Value > calm["ledger.total"].Value) {
		t.Errorf("interruptions: goodput %g to %g, finish %g to %g s", calm["train.goodput"].Value, hard["train.goodput"].Value, calm["train.finish"].Value, hard["train.finish"].Value)
	}
}

// A Lustre's metadata servers and every drive of a Gluster are paid for.
func TestFileServersAreInTheLedger(t *testing.T) {
	text, err := os.ReadFile("../scenarios/testdata/valid/lustre.toml")
	if err != nil {
		t.Fatal(err)
	}
	capital := func(sets ...string) float64 {
		sets = append(sets, "replicas=1", `workload.train.duration="10 min"`, "economics.prices.storage_node=\"15000 USD\"")
		p, err := Play(context.Background(), load(t, string(text), sets...), PlayOptions{Replicas: 1, Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		return p.Values("ledger.capital")[0]
	}
	two := capital()
	one := capital("storage.scratch.metadata.servers=1")
	three := capital("storage.scratch.metadata.servers=3")
	if d := (three - two) - (two - one); !(two > one) || d > 1 || d < -1 {
		t.Errorf("metadata servers add %g and %g USD of capital", two-one, three-two)
	}
	if more := capital("storage.home.nodes=6"); !(more > two) {
		t.Errorf("three more servers of Gluster: %g after %g USD", more, two)
	}
}
