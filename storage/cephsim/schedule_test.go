package cephsim

import (
	"math"
	"testing"
)

// Two classes that always wait, one server at the OSD's nominal speed: reservations share it as the
// profile says, wpq by its priorities; alone, a class is held by its limit only.
func TestSchedulerShares(t *testing.T) {
	for _, c := range []struct {
		name    Scheduler
		other   int
		clients float64 // share of the work
		all     float64 // work over the server's
	}{
		{Balanced, recovery, 0.5, 1}, {HighClient, recovery, 0.6, 1}, {HighRecovery, recovery, 0.3, 1},
		{QuincyBalanced, recovery, 0.5, 1}, {QuincyClient, recovery, 2.0 / 3, 1},
		{WeightedPriority, recovery, 63.0 / 66, 1}, {WeightedPriority, bestEffort, 63.0 / 68, 1},
		{Balanced, bestEffort, 0.5, 1}, // equal weights: a reservation is a floor, and not on top
	} {
		config := Config{Scheduler: c.name, SpeedIOPS: 20000, SpeedBytes: 1e9}
		d := newDiscipline(&config)
		var q queue
		cost := d.cost(4096)
		now, end := 0.0, 20.0
		served := [numClasses]float64{}
		for range 2 {
			q.push(clients, item{}, now)
			q.push(c.other, item{}, now)
		}
		for now < end {
			class, reserved, wake := d.pick(&q, now)
			if class < 0 {
				now = wake
				continue
			}
			d.take(&q, class, reserved, cost)
			q.push(class, item{}, now)
			served[class] += cost
			now += cost / config.SpeedBytes
		}
		total := served[clients] + served[c.other]
		if math.Abs(served[clients]/total-c.clients) > 0.02 || math.Abs(total/(end*config.SpeedBytes)-c.all) > 0.02 {
			t.Errorf("%s against class %d: clients have %.3f of the work, %.3f of the server busy; want %.3f, %.3f", c.name, c.other, served[clients]/total, total/(end*config.SpeedBytes), c.clients, c.all)
		}
	}
}

// Best effort alone stays below its limit, and the server waits.
func TestSchedulerLimit(t *testing.T) {
	config := Config{Scheduler: HighClient, SpeedIOPS: 20000, SpeedBytes: 1e9}
	d := newDiscipline(&config)
	var q queue
	now, served, waits := 0.0, 0.0, 0
	for range 3 {
		q.push(bestEffort, item{}, 0)
	}
	for now < 10 {
		class, reserved, wake := d.pick(&q, now)
		if class < 0 {
			now = wake
			waits++
			continue
		}
		d.take(&q, class, reserved, 1e6)
		q.push(class, item{}, now)
		served += 1e6
		now += 1e6 / config.SpeedBytes
	}
	if got := served / (now * config.SpeedBytes); math.Abs(got-0.7) > 0.01 || waits == 0 {
		t.Errorf("best effort has %.3f of the server, want its limit 0.7", got)
	}
}
