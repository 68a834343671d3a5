// Package trace reads request traces of inference services into flat arrays.
//
// Three published layouts are read: the Azure LLM inference traces of 2023
// (TIMESTAMP, ContextTokens, GeneratedTokens; Patel et al., Splitwise, ISCA
// 2024) and of 2024 (the same columns, with microseconds and a zone;
// Stojkovic et al., DynamoLLM, HPCA 2025), and the Mooncake JSONL (timestamp
// in milliseconds, input_length, output_length, hash_ids of 512-token blocks;
// Qin et al., FAST 2025). Input may be plain, gzip or Zstandard; the reader
// looks at the first bytes, not at the name.
//
// Readers stream: besides the requests that they return they hold one line.
// Lengths, counts and times have limits (see Limits), so that a hostile or
// damaged file ends in an error that names file, line and what was expected,
// never in a panic or in unbounded memory. Times must not go backwards: a
// trace is a record of what happened in order, and sorting it silently would
// hide that it is damaged.
package trace
