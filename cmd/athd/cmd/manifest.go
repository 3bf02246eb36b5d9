// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"text/tabwriter"

	"github.com/cosmos/cosmos-sdk/client/flags"
	"github.com/spf13/cobra"

	"github.com/athnet/ath/offchain/deploy"
	"github.com/athnet/ath/offchain/manifest"
)

// Exit codes of a refused manifest.
const (
	exitInvalid    = 2
	exitNotOffered = 3
)

// exitError is an error with an exit code of its own.
type exitError struct {
	error
	code int
}

func (e exitError) ExitCode() int { return e.code }
func (e exitError) Unwrap() error { return e.error }

// manifestError gives an error of manifest.Parse its exit code.
func manifestError(err error) error {
	switch {
	case errors.Is(err, manifest.ErrInvalid):
		return exitError{err, exitInvalid}
	case errors.Is(err, manifest.ErrNotOffered):
		return exitError{err, exitNotOffered}
	}
	return err
}

// manifestCommand looks at files without a node.
func manifestCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "manifest", Short: "Look at SDL files", RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	check := &cobra.Command{
		Use:   "check FILE|-",
		Short: "Say whether a file would deploy, and what it asks for; needs no node",
		Long: "check reads an SDL file and prints the resources that it asks for. Exit codes: 0 it deploys; 2 it is invalid, with line\n" +
			"and reason; 3 it is valid and asks for features that are not offered, each named; 1 it can't be read. - is standard input.",
		Example: "  athd manifest check app.yaml\n  athd manifest check app.yaml --output json\n  envsubst <app.yaml | athd manifest check -",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := wantsJSON(cmd)
			if err != nil {
				return err
			}
			return runManifestCheck(cmd, args[0], asJSON)
		},
	}
	check.Flags().StringP(flags.FlagOutput, "o", "text", "form of the answer (text|json)")
	cmd.AddCommand(check)
	return cmd
}

// manifestBytes reads a file, or standard input where it is named -.
func manifestBytes(path string, in io.Reader) ([]byte, error) {
	if path == "-" {
		data, err := io.ReadAll(in)
		if err != nil {
			return nil, fmt.Errorf("read the manifest from standard input: %w", err)
		}
		return data, nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &deploy.Problem{Text: "there is no file " + path, Remedy: "name an SDL file, or - for standard input"}
	}
	if err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	return data, nil
}

// checked is the answer of `manifest check`.
type checked struct {
	File       string             `json:"file"`
	Valid      bool               `json:"valid"`
	Deploys    bool               `json:"deploys"`
	Hash       string             `json:"hash,omitempty"` // only where every image is named by its digest
	Services   []checkedService   `json:"services"`
	GPUs       []manifest.GPU     `json:"gpu_choices,omitempty"`
	Errors     []manifest.Problem `json:"errors,omitempty"`
	NotOffered []manifest.Problem `json:"not_offered,omitempty"`
	Warnings   []manifest.Problem `json:"warnings,omitempty"`
}

type checkedService struct {
	Name     string `json:"name"`
	Image    string `json:"image"`
	Replicas uint64 `json:"replicas"`
	// What each replica gets: parts of a MiB count as a whole one.
	manifest.Resources
	// MemoryBytes and Storage are what the file says, to the byte.
	MemoryBytes uint64             `json:"memory_bytes"`
	Storage     []manifest.Storage `json:"storage"`
	Ports       []manifest.Expose  `json:"ports"`
}

func runManifestCheck(cmd *cobra.Command, path string, asJSON bool) error {
	data, err := manifestBytes(path, cmd.InOrStdin())
	if err != nil {
		return err
	}
	file, parseErr := manifest.Parse(path, data)
	answer := checked{File: path, Valid: file != nil, Deploys: parseErr == nil, Services: []checkedService{}}
	var list *manifest.Error
	if errors.As(parseErr, &list) && errors.Is(list, manifest.ErrInvalid) {
		answer.Errors = list.Problems
	} else if parseErr != nil && list == nil {
		return parseErr
	}
	if file != nil {
		canonical, err := file.Manifest.Canonical()
		if err != nil {
			return err
		}
		if answer.Deploys && file.Pinned() { // a tag's digest is the registry's word, and this asks nobody
			answer.Hash = hex.EncodeToString(manifest.Hash(canonical))
		}
		answer.GPUs, answer.NotOffered, answer.Warnings = file.GPUs, file.NotOffered, file.Warnings
		for _, s := range file.Manifest.Services {
			if s.ReplicaOf != "" {
				continue
			}
			asked := file.Asked[s.Name]
			one := checkedService{Name: s.Name, Image: s.Image, Replicas: asked.Replicas, Resources: s.Resources, MemoryBytes: asked.MemoryBytes, Storage: asked.Storage, Ports: s.Expose}
			if one.Ports == nil {
				one.Ports = []manifest.Expose{}
			}
			answer.Services = append(answer.Services, one)
		}
	}
	if asJSON {
		if err := printJSON(cmd.OutOrStdout(), answer); err != nil {
			return err
		}
		return manifestError(parseErr)
	}
	for _, w := range answer.Warnings {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning:", w)
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	if file != nil {
		fmt.Fprintln(w, "SERVICE\tREPLICAS\tCPU\tMEMORY\tDISK\tGPUS\tPORTS\tIMAGE")
	}
	for _, s := range answer.Services {
		fmt.Fprintf(w, "%s\t%d\t%dm\t%d MiB\t%d MiB\t%d\t%s\t%s\n", s.Name, s.Replicas, s.CPUMilli, s.MemoryMiB, s.DiskMiB, s.GPUs, ports(s.Ports), s.Image)
	}
	w.Flush()
	return manifestError(parseErr)
}

func ports(rules []manifest.Expose) string {
	out := ""
	for i, x := range rules {
		if i > 0 {
			out += ","
		}
		out += fmt.Sprintf("%d/%s", x.As, x.Proto)
		if !x.Global {
			out += " (inside)"
		}
	}
	if out == "" {
		return "-"
	}
	return out
}
