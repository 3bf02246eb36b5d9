// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/athnet/ath/offchain/manifest"
	leases "github.com/athnet/ath/x/leases/types"
	providers "github.com/athnet/ath/x/providers/types"
)

// classCPU is the class of machines without a GPU.
const classCPU = "cpu"

// Requirement sums up what the services of a workload need from one Container. The class is set by ClassesFor or by hand.
func Requirement(m manifest.Manifest, class, region string) leases.Requirement {
	r := leases.Requirement{Class: class, Region: region}
	gpus := uint32(0)
	for _, s := range m.Services {
		r.CpuMilli += s.Resources.CPUMilli
		r.MemoryMib += s.Resources.MemoryMiB
		r.DiskMib += s.Resources.DiskMiB
		r.VramMib = max(r.VramMib, s.Resources.GPUVRAMMiB)
		gpus += s.Resources.GPUs
	}
	if gpus > 0 {
		r.Count = gpus
	}
	return r
}

// ClassesFor returns the classes of the catalogue that fit what the file asks for, cheapest stake first: "cpu" where it asks
// for no GPU. A model of the file stands for every class whose name starts with it: h100 for h100-sxm-80 and h100-pcie-80.
func ClassesFor(file *manifest.File, catalogue []providers.Class) ([]string, error) {
	gpus := slices.ContainsFunc(file.Manifest.Services, func(s manifest.Service) bool { return s.Resources.GPUs > 0 })
	if !gpus {
		return []string{classCPU}, nil
	}
	choices := file.GPUs
	if len(choices) == 0 {
		choices = []manifest.GPU{{}}
	}
	classes := slices.Clone(catalogue)
	slices.SortStableFunc(classes, func(a, b providers.Class) int { return a.Stake.BigInt().Cmp(b.Stake.BigInt()) })
	var out, known []string
	for _, c := range classes {
		if c.VramMib == 0 {
			continue // no GPU
		}
		known = append(known, c.Name)
		if slices.ContainsFunc(choices, func(g manifest.GPU) bool { return fits(g, c) }) {
			out = append(out, c.Name)
		}
	}
	if len(out) == 0 {
		slices.Sort(known)
		return nil, &Problem{
			Text:   "no class of the catalogue is " + describe(choices),
			Remedy: "choose one by --class; there are " + strings.Join(known, ", "),
		}
	}
	return out, nil
}

func fits(g manifest.GPU, c providers.Class) bool {
	// The catalogue rounds as makers do (80 GB is 81,920 or 81,559 MiB), so a class may be 3% below what was asked.
	if g.VRAMMiB > c.VramMib+c.VramMib*3/100 {
		return false
	}
	parts := strings.Split(c.Name, "-")
	if g.Model != "" && squash(g.Model) != parts[0] && !strings.HasPrefix(squash(c.Name), squash(g.Model)) {
		return false
	}
	return g.Interface == "" || !slices.ContainsFunc(parts, isInterface) || slices.Contains(parts, squash(strings.TrimRight(g.Interface, "0123456789")))
}

func isInterface(part string) bool { return part == "sxm" || part == "pcie" || part == "nvl" }

// squash makes "RTX 4090", "rtx-4090" and "rtx4090" one name.
func squash(s string) string {
	return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(s))
}

func describe(choices []manifest.GPU) string {
	var out []string
	for _, g := range choices {
		s := strings.TrimSpace(g.Vendor + " " + g.Model + " " + g.Interface)
		if g.VRAMMiB > 0 {
			s += fmt.Sprintf(" with %d MiB", g.VRAMMiB)
		}
		out = append(out, strings.TrimSpace(s))
	}
	return strings.Join(out, " or ")
}
