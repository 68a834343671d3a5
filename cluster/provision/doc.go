// Package provision brings nodes up: the chain from a request for an instance to a node
// that runs the first container.
//
//	wait for capacity → request → boot → driver → image through a registry → start
//
// The stages are times, but the image is bytes: each node takes them at the least of what
// its ports, its unpacking and its share of the registry's egress allow. Nodes that pull at
// once share the egress evenly (processor sharing), so that n nodes take
// max(bytes/node, n·bytes/registry).
//
// Sources of the defaults: docs/models/clouds.md. Left out: caches of layers, images that
// are loaded lazily (which move the same bytes later), mirrors.
package provision
