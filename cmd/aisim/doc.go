// Command aisim predicts how fast, how dependable and how dear an AI datacenter will
// be before it is bought, and says what to change.
//
// One file per subcommand; none of them computes anything of the answer. They read a
// scenario, hand it to planner and reports, and put the result on stdout. Progress,
// notes and errors go to stderr. Exit codes:
//
//	0    fine
//	1    the run failed: the disk is full, a bug
//	2    the command line makes no sense
//	3    the scenario cannot be used; every problem is on stderr, nothing was written
//	5    input data (a trace, a profile, a result.json) cannot be read
//	130  interrupted (SIGINT), 143 terminated (SIGTERM); what was done is written and
//	     marked incomplete
package main
