package compliance

// Plan is what the rules look at. Pointers are nil where the plan says nothing.
type Plan struct {
	GDPR, HIPAA bool // the regimes that are checked
	Sites       []Site
	Datasets    []Dataset
	Jobs        []Job
	Declared    Declarations
	Audit       Audit
}

// Class is the label of a data set.
type Class string

// The classes. Health data under HIPAA are special-category data under the GDPR
// where their subjects are in the EEA (Art. 9).
const (
	ClassNone     Class = "none"
	ClassPersonal Class = "personal"
	ClassSpecial  Class = "special-category"
	ClassPHI      Class = "phi"
)

// Site is a place that holds or processes data.
type Site struct {
	ID             string
	Country        string // ISO 3166-1 alpha-2
	Operator       string // "self" or a vendor
	Certified      *bool  // under the EU-US Data Privacy Framework
	DPA            *bool  // contract of Art. 28
	BAA            *bool  // business associate agreement
	AtRest         *bool  // encryption at rest
	InTransit      string // tls | ipsec | macsec | none; empty when not said
	IsolatedFabric *bool  // physically isolated fabric, declared as a compensating control
	AuditLog       *bool
	RDMA           bool // the site's compute fabric moves data by RDMA
}

// Dataset is a set of data with its labels.
type Dataset struct {
	ID            string
	Class         Class
	Subjects      []string // regions of the data subjects: EEA, UK, CH, US, other
	Purposes      []string
	LawfulBasis   string
	Minimised     *bool    // training copies leave out what the purposes do not need
	Site          string   // of the primary copy
	Copies        []string // sites of replicas and backups
	RetentionSec  *float64
	BackupEvery   *float64 // seconds between backups: the recovery point that the plan reaches
	BackupKeepSec *float64
	EraseEvery    *float64 // seconds between deletion batches
	EraseScanSec  *float64 // seconds that one batch reads the data, from the simulation
	SubjectKeys   bool     // a key per subject: throwing it away erases all copies
	RPOSec        *float64 // promised
	RTOSec        *float64
	RestoreSec    *float64 // time to restore, from the simulation
	Deidentified  string   // safe-harbor | expert; empty for data as they were collected
	Removed       *int     // identifiers of 164.514(b)(2) that were removed, of 18
	Determination string   // reference of the expert's determination
}

// Job is a workload that reads data sets.
type Job struct {
	ID       string
	Site     string
	Purpose  string
	Training bool // leaves a model that has learnt from the data
	Uses     []string
}

// Declarations are facts of the organisation that no machine shows.
type Declarations struct {
	TransferTool        string // scc | bcr | none; empty when not said
	TransferAssessment  *bool
	DPIA                *bool
	Register            []string // jobs with an entry in the processing register
	Unlearning          *bool    // plan for models that learnt from erased data
	AccessControl       *bool    // role-based access
	RestoreTested       *bool
	AvailabilityTarget  *float64
	BreachReportSec     *float64 // detection, triage and notice to the authority
	IndividualNoticeSec *float64
	UniqueUserID        *bool
	EmergencyAccess     *bool
	AutomaticLogoff     *bool
	Checksums           *bool
	MFA                 *bool
	DocumentsKeptSec    *float64
}

// Audit is the audit log as the plan keeps it.
type Audit struct {
	Store     string  // id of the store; empty when the plan names none
	KeptBytes float64 // when the oldest records are first deleted
	RoomBytes float64 // what the store has room for; +Inf when unlimited
}

// Status of a rule or of one finding, from best to worst.
type Status int

// The statuses.
const (
	NotApplicable Status = iota
	Pass
	NeedsDeclaration
	Fail
)

// String is the status as reports print it.
func (s Status) String() string {
	return [...]string{"not applicable", "pass", "needs declaration", "fail"}[s]
}

// Finding is what a rule says of one subject.
type Finding struct {
	Subject string // id of a data set, site or job
	Status  Status
	Why     string // with what to declare or change
}

// Verdict is one rule over the whole plan. Findings hold the subjects that do not pass.
type Verdict struct {
	Rule, Title, Basis string
	Regime             string // GDPR | HIPAA
	Status             Status
	Checked            int // subjects that the rule looked at
	Findings           []Finding
}
