package scenarios

import (
	"aisim/cluster/faas"
	"aisim/internal/units"
)

// Function is a serverless function: instances that start on demand and go when idle.
type Function struct {
	ID             string       `toml:"id"`
	Name           string       `toml:"name"`
	RequestsPerSec float64      `toml:"rate"`
	WarmSec        float64      `toml:"time"`
	CV             float64      `toml:"cv"`
	Chain          []StartStage `toml:"start"`
	KeepAliveSec   float64      `toml:"keep_alive"`
	ReapSec        float64      `toml:"reap"`
	LifetimeSec    float64      `toml:"lifetime"`
	Concurrency    int          `toml:"concurrency"`
	MinInstances   int          `toml:"min_instances"`
	MaxInstances   *int         `toml:"max_instances"`
	Requests       int          `toml:"requests"`
	USDPerRequest  float64      `toml:"price_request"`
	USDPerHourBusy *float64     `toml:"price_busy"`
	USDPerHourIdle *float64     `toml:"price_idle"`
	Reserved       *Reserved    `toml:"reserved"`
}

// StartStage is one stage of a cold start.
type StartStage struct {
	Name        string   `toml:"name"`
	Sec         float64  `toml:"time"`
	CV          float64  `toml:"cv"`
	Bytes       float64  `toml:"bytes"`
	BytesPerSec *float64 `toml:"rate"`
}

// Reserved is the machine that a function could run on instead.
type Reserved struct {
	USDPerHour  float64 `toml:"price"`
	Instance    string  `toml:"instance"` // catalogue id; gives the price
	Purchase    string  `toml:"purchase"`
	Slots       int     `toml:"slots"`
	Utilisation float64 `toml:"utilisation"`
}

var functionKeys = []Key{
	{Path: "function", Doc: "A serverless function: instances start on demand through a chain of stages and go when they have been idle. It runs beside the cluster, on a provider's machines.", Items: within(0, 64)},
	{Path: "function.id", Doc: "Name that metrics refer to.", Required: true, Example: `"thumbnail"`},
	{Path: "function.name", Doc: "Title, as reports print it.", Default: `""`},
	{Path: "function.rate", Doc: "Mean rate of its requests, which come independently of each other.", Required: true, Dim: units.Rate, Range: above(0, 1e6), Example: `"2/s"`},
	{Path: "function.time", Doc: "Mean time of a request on a warm instance.", Required: true, Dim: units.Time, Range: above(0, day), Example: `"300 ms"`},
	{Path: "function.cv", Doc: "Standard deviation of that time over its mean; 1 draws exponential times, others log-normal ones.", Dim: units.Ratio, Range: within(0, 10), Default: `1`, Why: "exponential times, as the published model of the measured experiments takes them"},
	{Path: "function.start", Doc: "Stages of a cold start, one after the other: machine, image, runtime, weights, capture.", Required: true, Items: within(1, 16), Example: `[{ name = "runtime", time = "230 ms", cv = 0.62 }]`},
	{Path: "function.start.name", Doc: "Name of the stage.", Required: true, Example: `"image"`},
	{Path: "function.start.time", Doc: "Its mean time besides the bytes.", Dim: units.Time, Range: within(0, day), Default: `"0 s"`},
	{Path: "function.start.cv", Doc: "Standard deviation over mean of that time, log-normal; 0 is fixed.", Dim: units.Ratio, Range: within(0, 10), Default: `0`},
	{Path: "function.start.bytes", Doc: "Bytes that it moves: an image, weights.", Dim: units.Bytes, Range: within(0, 1e15), Default: `"0 B"`},
	{Path: "function.start.rate", Doc: "Rate at which they come.", Dim: units.BytesPerSec, Range: above(0, 1e13), Derived: "needed with bytes", Example: `"1 GB/s"`},
	{Path: "function.keep_alive", Doc: "How long an idle instance is kept.", Dim: units.Time, Range: within(0, 7*day), Default: `"6 min"`, Why: "5 to 7 min were observed on AWS Lambda, 20 min on Azure"},
	{Path: "function.reap", Doc: "The platform looks for idle instances once per so long.", Dim: units.Time, Range: within(0, day), Default: `"120 s"`, Why: "chosen on the measured AWS Lambda experiments, docs/models/faas.md"},
	{Path: "function.lifetime", Doc: "Age at which an instance takes no more requests, in use or not; 0 is no limit.", Dim: units.Time, Range: within(0, 365*day), Default: `"2 h"`, Why: "AWS Lambda ends instances in use every two hours, docs/models/faas.md"},
	{Path: "function.concurrency", Doc: "Requests at a time in one instance.", Range: within(1, 10000), Default: `1`, Why: "AWS Lambda's rule"},
	{Path: "function.min_instances", Doc: "Instances kept warm whatever happens; 0 scales to zero.", Range: within(0, 100000), Default: `0`},
	{Path: "function.max_instances", Doc: "Most instances; requests beyond wait.", Range: within(1, 1000000), Derived: "no limit", Example: `1000`},
	{Path: "function.requests", Doc: "Requests that are simulated.", Range: within(100, 10_000_000), Default: `200000`},
	{Path: "function.price_request", Doc: "Price of a request.", Dim: units.Money, Range: within(0, 1000), Default: `"0 USD"`, Example: `"0.0000002 USD"`},
	{Path: "function.price_busy", Doc: "Price of an instance that serves.", Dim: units.MoneyPerHour, Range: within(0, 1e5), Derived: "no bill is made", Example: `"0.06 USD/h"`},
	{Path: "function.price_idle", Doc: "Price of each of min_instances.", Dim: units.MoneyPerHour, Range: within(0, 1e5), Derived: "nothing, on top of the requests", Example: `"0.015 USD/h"`},
	{Path: "function.reserved", Doc: "A machine that the function could run on instead."},
	{Path: "function.reserved.price", Doc: "Its price. Give this or instance.", Group: "price", Dim: units.MoneyPerHour, Range: above(0, 1e5), Derived: "the instance's", Example: `"0.17 USD/h"`},
	{Path: "function.reserved.instance", Doc: "Instance of a cloud, whose price it is.", Group: "price", Ref: "instance", Derived: "price says what it costs", Example: `"aws-p5-4xlarge"`},
	{Path: "function.reserved.purchase", Doc: "How the instance is bought.", Enum: []string{"on-demand", "one-year", "three-year"}, Default: `"on-demand"`, Why: "the list price"},
	{Path: "function.reserved.slots", Doc: "Requests that it serves at a time.", Required: true, Range: within(1, 100000), Example: `4`},
	{Path: "function.reserved.utilisation", Doc: "To which it may be filled.", Dim: units.Ratio, Range: above(0, 1), Default: `0.7`, Why: "assumed: room for bursts"},
}

// functions checks what no single key of a function shows.
func (c *checker) functions() {
	for i := range c.sc.Functions {
		f := &c.sc.Functions[i]
		if !c.id("function", f.ID) {
			continue
		}
		at := "function." + f.ID
		whole := true
		for k := range f.Chain {
			if s := &f.Chain[k]; s.Bytes > 0 && s.BytesPerSec == nil {
				c.bad(at+".start", "", `write rate = "1 GB/s"`, "stage %s moves bytes at no rate", s.Name)
				whole = false
			}
		}
		if f.USDPerHourIdle != nil && f.MinInstances == 0 {
			c.bad(at+".price_idle", "", "give min_instances", "changes nothing, because no instance is kept warm")
		}
		if r := f.Reserved; r != nil {
			c.reservedPrice(r, at+".reserved")
		}
		if f.Reserved != nil && f.USDPerHourBusy == nil {
			c.lacks(at, "price_busy", "a reserved machine is compared with it")
		}
		if err := f.config().Check(); err != nil && whole {
			c.bad(at, "", "more instances, or fewer requests", "%s", err)
		}
	}
}

// reservedPrice takes the price of a reserved machine from the catalogue.
func (c *checker) reservedPrice(r *Reserved, at string) {
	switch {
	case r.Instance == "" && c.sc.IsSet(at+".purchase"):
		c.bad(at+".purchase", "", "give instance", "changes nothing, because no instance is bought")
	case r.Instance == "" && r.USDPerHour == 0:
		c.lacks(at, "price", "what the machine costs; this or instance")
	case r.Instance != "":
		inst, err := c.refs.Instance(r.Instance)
		if err != nil {
			return // reported when it was bound
		}
		price := inst.Price(r.Purchase)
		if !price.Known() {
			c.bad(at+".purchase", "", `give price = "… USD/h"`, "the catalogue has no %s price of %s", r.Purchase, r.Instance)
		}
		r.USDPerHour = price.V
	}
}

// config is the function in the terms of its model.
func (f *Function) config() faas.Config {
	c := faas.Config{RatePerSec: f.RequestsPerSec, WarmSec: f.WarmSec, ServiceCV: f.CV, KeepAliveSec: f.KeepAliveSec, ReapSec: f.ReapSec, LifetimeSec: f.LifetimeSec,
		Concurrency: f.Concurrency, MinInstances: f.MinInstances, Requests: f.Requests}
	if f.MaxInstances != nil {
		c.MaxInstances = *f.MaxInstances
	}
	for _, s := range f.Chain {
		stage := faas.Stage{Name: s.Name, Sec: s.Sec, CV: s.CV, Bytes: s.Bytes}
		if s.BytesPerSec != nil {
			stage.BytesPerSec = *s.BytesPerSec
		}
		c.Chain = append(c.Chain, stage)
	}
	return c
}

// PlayedFunction is a function and what it costs.
type PlayedFunction struct {
	*Function
	*faas.Outcome
	Priced    bool
	HourlyUSD float64
	BreakEven float64 // requests per second above which reserved machines cost less; +Inf never, 0 not asked
}

// PlayFunctions simulates the functions of the scenario.
func (sc *Scenario) PlayFunctions() ([]PlayedFunction, error) {
	var out []PlayedFunction
	for i := range sc.Functions {
		f := &sc.Functions[i]
		o, err := faas.Simulate(f.config(), sc.Seed)
		if err != nil {
			return nil, sc.problemOf("function."+f.ID, err)
		}
		p := PlayedFunction{Function: f, Outcome: o}
		if f.USDPerHourBusy != nil {
			price := faas.Price{PerRequest: f.USDPerRequest, PerBusySecond: *f.USDPerHourBusy / 3600}
			if f.USDPerHourIdle != nil {
				price.PerIdleSecond = *f.USDPerHourIdle / 3600
			}
			p.Priced, p.HourlyUSD = true, price.HourlyUSD(o, f.MinInstances)
			if r := f.Reserved; r != nil {
				if p.BreakEven, err = price.BreakEven(f.WarmSec, r.USDPerHour, r.Slots, r.Utilisation); err != nil {
					return nil, sc.problemOf("function."+f.ID+".reserved", err)
				}
			}
		}
		out = append(out, p)
	}
	return out, nil
}
