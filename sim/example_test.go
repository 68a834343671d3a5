package sim_test

import (
	"fmt"

	"aisim/sim"
)

// The two kinds of event of a queue, and the only entity.
const (
	arrive sim.Kind = iota
	leave
	counter sim.Entity = 0
)

// mm1 is the queue M/M/1: customers arrive at random, wait in line, and one
// server serves them in order.
type mm1 struct {
	arrivals, services sim.Stream
	interval, service  float64 // means, in seconds
	line               []sim.Time
	sojourn            sim.Tally
	length             sim.Level
}

func (q *mm1) Handle(ctx *sim.Context) {
	for ctx.Next() {
		switch ev := ctx.Event(); ev.Kind {
		case arrive:
			q.line = append(q.line, ev.Time)
			if len(q.line) == 1 {
				ctx.Send(counter, ctx.Ticks(q.services.Exp(q.service)), leave, 0)
			}
			ctx.Send(counter, ctx.Ticks(q.arrivals.Exp(q.interval)), arrive, 0)
		case leave:
			q.sojourn.Add((ev.Time - q.line[0]).Seconds())
			if q.line = q.line[1:]; len(q.line) > 0 {
				ctx.Send(counter, ctx.Ticks(q.services.Exp(q.service)), leave, 0)
			}
		}
		q.length.Set(ctx.Now(), float64(len(q.line)))
	}
}

func Example() {
	q := &mm1{
		arrivals: sim.NewStream(1, "arrivals"), services: sim.NewStream(1, "services"),
		interval: 1.0, service: 0.5,
	}
	engine, _ := sim.New(sim.Config{Entities: 1}, q)
	engine.Schedule(0, counter, arrive, 0)
	if err := engine.Run(10 * sim.Day); err != nil {
		fmt.Println(err)
	}
	// Theory: sojourn 1/(μ−λ) = 1 s, customers present ρ/(1−ρ) = 1.
	fmt.Printf("sojourn %.1f s, customers %.1f\n", q.sojourn.Mean(), q.length.Mean(engine.Now()))
	// Output: sojourn 1.0 s, customers 1.0
}
