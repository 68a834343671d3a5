// Package compliance checks a plan against rules of the GDPR and of HIPAA: which
// data rest and are processed where, under whose contract, how protected, for how
// long. It is not legal advice; it finds what a plan contradicts or leaves unsaid.
//
// Each rule is a pure predicate over labels of data sets and attributes of sites.
// It passes, fails, or needs a declaration: something that no simulator can know
// (a signed contract, an assessment) and that the plan does not state. The worst
// finding over the rule's subjects is its status.
//
// Rules and articles: Regulation (EU) 2016/679 (GDPR) and 45 CFR part 164
// (HIPAA). Countries of the EEA and of adequacy decisions: European Commission,
// list of adequacy decisions as of September 2025; a later decision is stated as a
// transfer tool.
//
// AuditBytes and ErasureSec are the closed forms of what the rules cost in bytes and time.
package compliance
