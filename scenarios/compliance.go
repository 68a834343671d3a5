package scenarios

// Compliance says which regimes the plan is checked against, and what is declared of
// the organisation; nil is not said.
type Compliance struct {
	Regimes             []string `toml:"regimes"` // gdpr | hipaa
	TransferTool        string   `toml:"transfer_tool"`
	TransferAssessment  *bool    `toml:"transfer_assessment"`
	DPIA                *bool    `toml:"dpia"`
	Register            []string `toml:"register"`
	Unlearning          *bool    `toml:"unlearning_plan"`
	AccessControl       *bool    `toml:"access_control"`
	RestoreTested       *bool    `toml:"restore_tested"`
	AvailabilityTarget  *float64 `toml:"availability_target"`
	BreachReportSec     *float64 `toml:"breach_report"`
	IndividualNoticeSec *float64 `toml:"individual_notice"`
	UniqueUserID        *bool    `toml:"unique_user_id"`
	EmergencyAccess     *bool    `toml:"emergency_access"`
	AutomaticLogoff     *bool    `toml:"automatic_logoff"`
	Checksums           *bool    `toml:"checksums"`
	MFA                 *bool    `toml:"mfa"`
	DocumentsKeptSec    *float64 `toml:"documents_kept"`
	AuditStore          string   `toml:"audit_store"`
	AuditKeptSec        float64  `toml:"audit_retention"`
	AccessesPerSec      float64  `toml:"accesses"`
}

// Site is a place that holds or processes data.
type Site struct {
	ID             string `toml:"id"`
	Country        string `toml:"country"`
	Operator       string `toml:"operator"`
	Certified      *bool  `toml:"certified"`
	DPA            *bool  `toml:"dpa"`
	BAA            *bool  `toml:"baa"`
	AtRest         *bool  `toml:"encryption_at_rest"`
	InTransit      string `toml:"encryption_in_transit"`
	IsolatedFabric *bool  `toml:"isolated_fabric"`
	AuditLog       *bool  `toml:"audit_log"`

	WANBytesPerSec *float64 `toml:"wan"`
}

// Data is a set of data with the labels that rules look at.
type Data struct {
	ID             string   `toml:"id"`
	Class          string   `toml:"class"`
	Subjects       []string `toml:"subjects"`
	Purposes       []string `toml:"purposes"`
	LawfulBasis    string   `toml:"lawful_basis"`
	Minimised      *bool    `toml:"minimised"`
	Site           string   `toml:"site"`
	Copies         []string `toml:"copies"`
	Store          string   `toml:"store"`
	SizeBytes      *float64 `toml:"size"`
	RetentionSec   *float64 `toml:"retention"`
	BackupEverySec *float64 `toml:"backup_every"`
	BackupKeepSec  *float64 `toml:"backup_retention"`
	EraseEverySec  *float64 `toml:"erase_every"`
	SubjectKeys    bool     `toml:"subject_keys"`
	RPOSec         *float64 `toml:"rpo"`
	RTOSec         *float64 `toml:"rto"`
	Deidentified   string   `toml:"deidentified"`
	Removed        *int     `toml:"identifiers_removed"`
	Determination  string   `toml:"determination"`
}
