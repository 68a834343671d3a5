package sweep

import (
	"fmt"
	"strings"
)

// Batch is how a sweep is handed to a scheduler.
type Batch struct {
	Program string // path of aisim where the tasks run
	Dir     string // path of the sweep where the tasks run
	Name    string
	Chunk   int // points per task
	Tasks   int
	AtOnce  int // tasks at the same time, 0 for no bound
	Workers int // per task
	Time    string
	Extra   []string // further options of sbatch
	Image   string   // container with aisim
	Claim   string   // volume claim that holds the sweep
	SubPath string   // of the sweep within the claim
}

// MaxArray is the least that a Slurm leaves to arrays by default: MaxArraySize is 1001,
// and indices stay below it.
const MaxArray = 1000

// Fit sets the chunk, where none was asked for, so that the tasks stay within most, and
// counts the tasks.
func (b *Batch) Fit(points, most int) error {
	if b.Chunk == 0 {
		b.Chunk = max(1, (points+most-1)/most)
	}
	b.Tasks = (points + b.Chunk - 1) / b.Chunk
	if b.Tasks > most {
		return fmt.Errorf("%d points in chunks of %d are %d tasks, at most %d are allowed: take chunks of %d", points, b.Chunk, b.Tasks, most, (points+most-1)/most)
	}
	return nil
}

// SlurmArray is the script of the array job: every task plays its chunk, and a task that
// is requeued skips what it has done.
func (b *Batch) SlurmArray() string {
	var s strings.Builder
	throttle := ""
	if b.AtOnce > 0 {
		throttle = fmt.Sprintf("%%%d", b.AtOnce)
	}
	fmt.Fprintf(&s, "#!/bin/sh\n#SBATCH --job-name=%s\n#SBATCH --array=0-%d%s\n#SBATCH --requeue\n#SBATCH --cpus-per-task=%d\n", b.Name, b.Tasks-1, throttle, b.Workers)
	b.slurmCommon(&s)
	fmt.Fprintf(&s, "exec %s sweep run %s --chunk %d --workers %d\n", quote(b.Program), quote(b.Dir), b.Chunk, b.Workers)
	return s.String()
}

// SlurmMerge is the script of the job that waits for the array and merges.
func (b *Batch) SlurmMerge() string {
	var s strings.Builder
	fmt.Fprintf(&s, "#!/bin/sh\n#SBATCH --job-name=%s-merge\n#SBATCH --cpus-per-task=1\n", b.Name)
	b.slurmCommon(&s)
	fmt.Fprintf(&s, "exec %s sweep merge %s\n", quote(b.Program), quote(b.Dir))
	return s.String()
}

func (b *Batch) slurmCommon(s *strings.Builder) {
	if b.Time != "" {
		fmt.Fprintf(s, "#SBATCH --time=%s\n", b.Time)
	}
	for _, x := range b.Extra {
		fmt.Fprintf(s, "#SBATCH %s\n", x)
	}
	s.WriteString("set -eu\n")
}

// quote makes a word of a shell.
func quote(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r == '/' || r == '.' || r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Kubernetes is the manifest of an Indexed Job (batch/v1): one completion per chunk, the
// index in JOB_COMPLETION_INDEX. A pod that dies is made again and skips what was done.
func (b *Batch) Kubernetes() string {
	atOnce := b.AtOnce
	if atOnce == 0 || atOnce > b.Tasks {
		atOnce = b.Tasks
	}
	sub := ""
	if b.SubPath != "" {
		sub = "\n              subPath: " + yamlText(b.SubPath)
	}
	return fmt.Sprintf(`apiVersion: batch/v1
kind: Job
metadata:
  name: %s
  labels:
    app.kubernetes.io/name: aisim
spec:
  completionMode: Indexed
  completions: %d
  parallelism: %d
  backoffLimit: %d
  template:
    metadata:
      labels:
        app.kubernetes.io/name: aisim
    spec:
      restartPolicy: Never
      containers:
        - name: sweep
          image: %s
          command: [%s, sweep, run, /sweep, "--chunk", "%d", "--workers", "%d"]
          resources:
            requests:
              cpu: "%d"
          volumeMounts:
            - name: sweep
              mountPath: /sweep%s
      volumes:
        - name: sweep
          persistentVolumeClaim:
            claimName: %s
`, yamlText(b.Name), b.Tasks, atOnce, 6*b.Tasks, yamlText(b.Image), yamlText(b.Program), b.Chunk, b.Workers, b.Workers, sub, yamlText(b.Claim))
}

// yamlText is a text in double quotes.
func yamlText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

// JobName makes a name that Slurm and Kubernetes take of any text.
func JobName(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= 40 {
			break
		}
	}
	name := strings.Trim(b.String(), "-")
	if name == "" {
		name = "sweep"
	}
	return "aisim-" + name
}
