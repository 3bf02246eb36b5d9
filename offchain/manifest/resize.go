// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"fmt"
	"slices"
	"strings"
)

// Change is what one service and its replicas are to have from now on; nil leaves a thing as it is.
type Change struct {
	Service string
	// Count of replicas, the service itself among them.
	Count *uint
	// CPUMilli is CPU time in thousandths of a core, MemoryMiB in MiB, of each replica.
	CPUMilli, MemoryMiB *uint64
	// StorageMiB is what each has outside of its volumes, in MiB.
	StorageMiB *uint64
	GPUs       *uint32
	// VolumesMiB are sizes of volumes in MiB, by name.
	VolumesMiB map[string]uint64
}

// Resize returns the manifest with a service changed in size, and in nothing else.
func (m Manifest) Resize(c Change) (Manifest, error) {
	at := slices.IndexFunc(m.Services, func(s Service) bool { return s.Name == c.Service })
	if at < 0 || m.Services[at].ReplicaOf != "" {
		var names []string
		for _, s := range m.Services {
			if s.ReplicaOf == "" {
				names = append(names, s.Name)
			}
		}
		return m, fmt.Errorf("service %q is not in the lease: want one of %s", c.Service, strings.Join(names, ", "))
	}
	first, err := m.Services[at].resized(c)
	if err != nil {
		return m, err
	}
	count := uint(0)
	out := Manifest{Version: m.Version}
	for _, s := range m.Services {
		if s.Name == c.Service || s.ReplicaOf == c.Service {
			count++
			continue
		}
		out.Services = append(out.Services, s)
	}
	if c.Count != nil {
		count = *c.Count
	}
	if count < 1 || count > maxServices-uint(len(out.Services)) {
		return m, fmt.Errorf("count %d of service %s: want 1 to %d, a lease runs at most %d services, each replica counts as one",
			count, c.Service, maxServices-len(out.Services), maxServices)
	}
	for n := range count {
		replica := first
		if n > 0 {
			replica.Name, replica.ReplicaOf = replicaName(first.Name, uint64(n+1)), first.Name
		}
		if slices.ContainsFunc(out.Services, func(s Service) bool { return s.Name == replica.Name }) || len(replica.Name) > maxName {
			return m, fmt.Errorf("count %d of service %s: its replica would be called %s, which is too long or the name of another service", count, c.Service, replica.Name)
		}
		out.Services = append(out.Services, replica)
	}
	published := 0
	for _, s := range out.Services {
		for _, e := range s.Expose {
			if e.Global {
				published++
			}
		}
	}
	if published > MaxPublished {
		return m, fmt.Errorf("count %d of service %s: %d ports would be published, a lease has at most %d", count, c.Service, published, MaxPublished)
	}
	slices.SortFunc(out.Services, func(a, b Service) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func replicaName(service string, n uint64) string { return fmt.Sprintf("%s-%d", service, n) }

func (s Service) resized(c Change) (Service, error) {
	bad := func(format string, args ...any) (Service, error) {
		return s, fmt.Errorf("service %s: %s", s.Name, fmt.Sprintf(format, args...))
	}
	if c.CPUMilli != nil {
		s.Resources.CPUMilli = *c.CPUMilli
	}
	if c.MemoryMiB != nil {
		s.Resources.MemoryMiB = *c.MemoryMiB
	}
	if c.GPUs != nil {
		s.Resources.GPUs = *c.GPUs
	}
	volumes := uint64(0)
	for _, v := range s.Volumes {
		if v.Class == ClassDisk {
			volumes += v.SizeMiB
		}
	}
	root := s.Resources.DiskMiB - min(volumes, s.Resources.DiskMiB)
	if c.StorageMiB != nil {
		root = *c.StorageMiB
	}
	s.Volumes, volumes = slices.Clone(s.Volumes), 0
	for name, mib := range c.VolumesMiB {
		n := slices.IndexFunc(s.Volumes, func(v Volume) bool { return v.Name == name })
		if n < 0 {
			return bad("it has no volume %q", name)
		}
		s.Volumes[n].SizeMiB = mib
	}
	for _, v := range s.Volumes {
		if v.Class == ClassDisk {
			volumes += v.SizeMiB
		}
	}
	if root > maxMiB || volumes > maxMiB {
		return bad("storage: want at most %d MiB", uint64(maxMiB))
	}
	s.Resources.DiskMiB = root + volumes
	switch {
	case s.Resources.CPUMilli < minMilli || s.Resources.CPUMilli > maxMilli:
		return bad("%d thousandths of a core: want %d to %d", s.Resources.CPUMilli, minMilli, maxMilli)
	case s.Resources.MemoryMiB < MinMemoryMiB || s.Resources.MemoryMiB > maxMemory>>20:
		return bad("%d MiB of memory: want %d to %d", s.Resources.MemoryMiB, MinMemoryMiB, uint64(maxMemory>>20))
	case s.Resources.DiskMiB < 1 || s.Resources.DiskMiB > maxStorage>>20:
		return bad("%d MiB of storage: want 1 to %d", s.Resources.DiskMiB, uint64(maxStorage>>20))
	}
	return s, CheckVolumes(s.Volumes)
}

// ParseCPU reads CPU time as SDL does, "0.5", "500m" or "2", and returns it in thousandths of a core.
func ParseCPU(s string) (uint64, error) {
	n, ok := milli(s)
	if !ok {
		return 0, fmt.Errorf("%q: want CPU units such as 0.5, 2 or 500m", s)
	}
	return n, nil
}

// ParseSize reads a size as SDL does, "512Mi", "1Gi" or "10G", and returns it in MiB, rounded up.
func ParseSize(s string) (uint64, error) {
	n, ok := bytesOf(s, byteUnits)
	if !ok {
		return 0, fmt.Errorf("%q: want a size such as 512Mi, 1Gi or 10G", s)
	}
	return mib(n), nil
}
