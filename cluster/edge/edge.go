// Package edge has the closed forms of fleets of sites behind wide-area links: the wait on
// a link, what an outage leaves to send, how long an update of the models takes, and what
// sending samples back for retraining costs.
//
// Sources: the M/D/1 queue (Pollaczek–Khinchine); queueing models of this kind place the
// crossover between computing on a device and offloading within 2.2 % of measurements
// (arXiv 2504.15162).
package edge

import "math"

// LinkSec is the mean time of a message on a link that carries rate messages per second
// of so many bytes each: its transmission and the wait of an M/D/1 queue. +Inf when the
// link is full.
func LinkSec(bytes, bytesPerSec, rate float64) float64 {
	s := bytes / bytesPerSec
	rho := rate * s
	if rho >= 1 {
		return math.Inf(1)
	}
	return s + rho*s/(2*(1-rho))
}

// Outage is what breaks of a link of the given availability leave behind: how often it breaks
// per year, what a site must buffer, and how long it takes to send that beside what
// comes in. rate is the share of the link in use, in bytes per second.
func Outage(availability, meanSec, rate, bytesPerSec float64) (perYear, bufferBytes, catchUpSec float64) {
	const year = 365 * 86400
	perYear = (1 - availability) * year / meanSec
	bufferBytes = rate * meanSec
	if rate >= bytesPerSec {
		return perYear, bufferBytes, math.Inf(1)
	}
	return perYear, bufferBytes, bufferBytes / (bytesPerSec - rate)
}

// RolloutSec is how long an update reaches all sites: stages are the shares of the fleet that
// have it at their end, each held for hold seconds; the sites of a stage load it at once over
// their own links, of which a share is free, from a source that sends at most so many bytes per
// second in all.
func RolloutSec(stages []float64, hold, bytes float64, sites int, linkBytesPerSec, sourceBytesPerSec float64) float64 {
	t, done := 0.0, 0.0
	for _, share := range stages {
		n := math.Ceil(share*float64(sites)) - done
		if n <= 0 {
			continue
		}
		done += n
		rate := math.Min(linkBytesPerSec, sourceBytesPerSec/n)
		t += bytes/rate + hold
	}
	return t
}
