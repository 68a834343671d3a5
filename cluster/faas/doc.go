// Package faas runs functions whose instances come and go with the requests.
//
// A request takes the newest instance that has a free slot, else starts an instance
// (cold start), else waits where the number of instances is bounded. An instance that has
// been idle for the keep-alive is removed when the platform next looks, once per reap
// period; one that has come to the end of its life takes no more requests, as AWS Lambda
// ends instances every two hours. The cold start is a chain of stages: schedule, provision, pull the image, start
// the container, initialise, load weights, capture graphs; each a mean with a coefficient
// of variation, or bytes over a rate.
//
// Closed forms that the simulation is held to: with one slot and no limit the busy
// instances are those of M/G/∞, λE[S]; with an unbounded keep-alive none starts cold but
// the first; one instance with an exponential service is M/M/1, k are M/M/k; a function
// called less often than its keep-alive is cold with probability exp(−λT).
//
// Sources: Mahmoudi and Khazaei, SimFaaS (CLOSER 2021), for the scale-per-request
// rules; the stages and their means, docs/models/faas.md. Left out: placement of
// instances on hosts, burst limits of a region, provisioned snapshots.
package faas
