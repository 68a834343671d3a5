package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"aisim/planner/sweep"
)

func (p *program) sweepSubmit() *cobra.Command {
	var slurm, kubernetes, dry bool
	b := sweep.Batch{Workers: 1}
	cmd := &cobra.Command{Use: "submit DIR", Short: "Hand a sweep to Slurm or Kubernetes",
		Long: `Submit makes an array job of the sweep, a chunk of points per task, and with Slurm a
job that merges once the array is through. The folder has to be where the tasks see it:
on a shared file system, or in a volume that --claim names. --dry-run prints what would
be handed over.`,
		Example: `  aisim sweep submit sweep --slurm --at-once 64 --time 0:30:00
  aisim sweep submit sweep --k8s --image registry.example/aisim:1 --claim sweeps --dry-run`,
		Args: exactly("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if slurm == kubernetes {
				return usage(cmd.CommandPath(), "say --slurm or --k8s", "one scheduler is needed")
			}
			if b.Chunk < 0 || cmd.Flags().Changed("chunk") && b.Chunk == 0 || b.AtOnce < 0 || b.Workers < 1 {
				return usage(cmd.CommandPath(), "", "--chunk and --workers are 1 or more, --at-once 0 or more")
			}
			f, err := sweep.Open(args[0])
			if err == nil {
				err = f.Belongs(p.sweepBuild())
			}
			if err != nil {
				return sweepFault(err, args[0])
			}
			b.Name = sweep.JobName(f.Manifest.Name)
			if kubernetes {
				return p.submitKubernetes(cmd, b, len(f.Points), dry)
			}
			return p.submitSlurm(args[0], b, len(f.Points), dry)
		}}
	fl := cmd.Flags()
	fl.BoolVar(&slurm, "slurm", false, "as a Slurm job array")
	fl.BoolVar(&kubernetes, "k8s", false, "as a Kubernetes Indexed Job")
	fl.BoolVar(&dry, "dry-run", false, "print the scripts or the manifest, hand nothing over")
	fl.IntVar(&b.Chunk, "chunk", 0, "`K` points per task (default: as few as keep the tasks within 1,000)")
	fl.IntVar(&b.AtOnce, "at-once", 0, "at most `N` tasks at the same time, 0 for no bound")
	fl.IntVar(&b.Workers, "workers", 1, "`N` CPUs per task")
	fl.StringVar(&b.Time, "time", "", "time `LIMIT` of a Slurm task")
	fl.StringArrayVar(&b.Extra, "sbatch", nil, "further `OPTION` of sbatch, like --partition=cpu (may be repeated)")
	fl.StringVar(&b.Program, "program", "", "`PATH` of aisim where the tasks run (default: this one; aisim in a container)")
	fl.StringVar(&b.Image, "image", "", "container `IMAGE` with aisim")
	fl.StringVar(&b.Claim, "claim", "", "`NAME` of the volume claim that holds the sweep")
	fl.StringVar(&b.SubPath, "sub-path", "", "`PATH` of the sweep within the claim")
	return cmd
}

func (p *program) submitSlurm(dir string, b sweep.Batch, points int, dry bool) error {
	if err := b.Fit(points, sweep.MaxArray); err != nil {
		return usage("aisim sweep submit", "", "%s", err)
	}
	var err error
	if b.Dir, err = filepath.Abs(dir); err != nil {
		return &fault{exitFailed, err.Error(), dir, ""}
	}
	if b.Program == "" {
		if b.Program, err = os.Executable(); err != nil {
			return &fault{exitFailed, err.Error(), "aisim sweep submit", "give --program"}
		}
	}
	if dry {
		return p.print([]byte("# sbatch --parsable\n" + b.SlurmArray() + "\n# sbatch --dependency=afterok:$ARRAY --kill-on-invalid-dep=yes\n" + b.SlurmMerge()))
	}
	id, err := p.handOver(b.SlurmArray(), "sbatch", "--parsable", "--output="+filepath.Join(b.Dir, "slurm-%A_%a.out"))
	if err != nil {
		return err
	}
	id, _, _ = strings.Cut(strings.TrimSpace(id), ";") // the cluster's name may follow
	merge, err := p.handOver(b.SlurmMerge(), "sbatch", "--parsable", "--dependency=afterok:"+id, "--kill-on-invalid-dep=yes", "--output="+filepath.Join(b.Dir, "slurm-%j.out"))
	if err != nil {
		return err
	}
	merge, _, _ = strings.Cut(strings.TrimSpace(merge), ";")
	return p.print([]byte("array " + id + ", merge " + merge + "\n"))
}

func (p *program) submitKubernetes(cmd *cobra.Command, b sweep.Batch, points int, dry bool) error {
	if b.Image == "" || b.Claim == "" {
		return usage(cmd.CommandPath(), "name a container with aisim and the volume claim that the folder lies in", "--k8s needs --image and --claim")
	}
	if b.Program == "" {
		b.Program = "aisim"
	}
	if err := b.Fit(points, 100_000); err != nil { // completions of an Indexed Job
		return usage(cmd.CommandPath(), "", "%s", err)
	}
	if dry {
		return p.print([]byte(b.Kubernetes()))
	}
	out, err := p.handOver(b.Kubernetes(), "kubectl", "apply", "-f", "-")
	if err != nil {
		return err
	}
	return p.print([]byte(out))
}

// handOver gives a text to a command and returns what it says.
func (p *program) handOver(text, name string, args ...string) (string, error) {
	run := exec.Command(name, args...)
	run.Stdin = strings.NewReader(text)
	var out, errs bytes.Buffer
	run.Stdout, run.Stderr = &out, &errs
	if err := run.Run(); err != nil {
		what := strings.TrimSpace(errs.String())
		if what == "" {
			what = err.Error()
		}
		return "", &fault{exitFailed, name + " refused: " + what, "aisim sweep submit", "--dry-run prints what was handed over"}
	}
	return out.String(), nil
}
