// Package flow shares the capacities of a fabric, and of anything else that moves
// bytes, among concurrent transfers by exact weighted max–min fairness, and moves the
// transfers forward in time.
//
// A flow uses w_r units of resource r per byte and has a share φ (1 unless said) and
// an optional rate cap. Rates x_f = min(φ_f·λ_f, cap_f) are the unique allocation in
// which no rate can grow without taking from one that is, relative to its share, no
// larger (Bertsekas & Gallager, Data Networks, §6.5.2). It is found by progressive
// filling: λ rises for all unfrozen flows until a resource is full or a cap is met;
// those flows freeze; the rest go on. With a lazy heap of resources this costs
// O(uses · log resources) for the component that changed and nothing for the others.
//
// Alike flows (same uses, bytes, cap, start) are one class with a count: the solver's
// work does not grow with the count.
//
// Left out: slow start, window limits, RTT unfairness and any loss: long transfers
// over a fabric that keeps its links busy. Latency is the caller's: add it to the start.
package flow
