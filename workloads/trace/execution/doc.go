// Package execution reads traces of what ranks executed (operators, kernels,
// collectives, messages, with what waits for what) and plays them on a machine.
//
// # Formats
//
// MLCommons Chakra, as protobuf (both layouts of its metadata message) and as the JSON
// of its jsonizer; PyTorch Kineto's Chrome traces; PyTorch's execution traces of the
// host; the text layers of ASTRA-sim 1.0 and SimAI/AICB. Read tells them by their
// first bytes; gzip, Zstandard and tar are looked through.
//
// # Replay
//
// A node starts once everything it depends on has ended and its slot is free: one slot
// per host thread, per stream of a device, and for communication; a receive holds none. A
// collective starts when all ranks of its group that the trace has got there; a
// receive ends when the matching message has arrived. Nodes that are ready at one
// moment are taken in the order of the trace. Times are integers in nanoseconds.
//
// Compute nodes keep their recorded time, or are timed anew for another chip by the
// ratio of the two chips' models of that kind of work (see Retime); collectives and
// messages are priced on the machine's fabric, or keep their recorded time.
//
// # Assumptions of others
//
// SimAI and ASTRA-sim state answers for examples of theirs. SimAI and RingNs compute them
// under those tools' own assumptions, so that the reading of their files can be checked.
//
// Every attribute that had to be filled in, every dropped dependency and every unknown
// kind of node is a Warning with the node. A cycle, and a message without its other
// half, is an error: a replay would wait for ever.
package execution
