// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

func itoa(n uint16) string { return strconv.Itoa(int(n)) }

// profile is what a compute profile asks for.
type profile struct {
	Resources
	memory  uint64
	storage []Storage
	gpus    []GPU
	// interconnect is where the profile says how its GPUs are connected, group is the name it gives them there.
	interconnect *value
	group        string
}

// resourcesOf reads the compute profile that the deployment of a service names.
func (s *sdl) resourcesOf(name string) Resources {
	at := s.deployed[name][0].value
	named, count := "", uint64(0)
	for _, e := range at.entries() {
		switch e.key {
		case "profile":
			named = e.value.word("the name of a compute profile")
		case "count":
			count, _ = e.value.whole(1, maxReplicas) // a bad one is noted, and 0
		default:
			e.unknown("profile, count")
		}
	}
	if named == "" {
		at.errorf("profile is missing; expected one of %s", names(s.compute))
		return Resources{}
	}
	if count == 0 && len(at.r.errors) == 0 {
		at.errorf("count is missing; expected a whole number from 1")
	}
	v, ok := s.compute[named]
	if !ok {
		at.errorf("there is no compute profile %q; expected one of %s", named, names(s.compute))
		return Resources{}
	}
	s.used[named] = true
	p := v.profile(true)
	s.narrow(v, &p)
	s.connected(name, p)
	if p.memory > 0 && p.MemoryMiB < MinMemoryMiB {
		v.refusef("memory", "a service with less than %d MiB of memory is not offered; engines give no less", MinMemoryMiB)
	}
	s.file.Asked[name] = Asked{Replicas: count, MemoryBytes: p.memory, Storage: p.storage}
	return p.Resources
}

// profile reads a compute profile. SDL reads those that nothing uses as well, and asks less of them.
func (v value) profile(used bool) profile {
	p, found := profile{}, false
	for _, e := range v.entries() {
		if e.key != "resources" {
			e.unknown("resources")
			continue
		}
		found = true
		e.value.resources(used, &p)
	}
	if !found && used {
		v.errorf("resources is missing; expected cpu, memory and storage")
	}
	return p
}

func (v value) resources(used bool, p *profile) {
	seen := map[string]bool{}
	for _, e := range v.entries() {
		seen[e.key] = !e.value.null()
		switch e.key {
		case "cpu":
			p.CPUMilli = e.value.one("units", `cpu: {units: 0.5}`, used, value.cpuMilli, bounds{minMilli, maxMilli, "10m to 384 cores"})
		case "memory":
			p.memory = e.value.one("size", `memory: {size: 512Mi}`, used, value.sizeBytes, bounds{minMemory, maxMemory, "1Mi to 2Ti"})
			p.MemoryMiB = mib(p.memory)
		case "storage":
			p.storage = e.value.storage(used)
			for _, volume := range p.storage {
				if volume.Class != ClassRAM {
					p.DiskMiB += mib(volume.Size)
				}
			}
			p.DiskMiB = max(p.DiskMiB, 1) // where all of it is memory
		case "gpu":
			e.value.gpu(p)
		case "id":
		default:
			e.unknown("cpu, memory, storage, gpu")
		}
	}
	for _, key := range []string{"cpu", "memory", "storage"} {
		if !seen[key] && used {
			v.errorf("%s is missing; expected cpu, memory and storage", key)
		}
	}
}

// bounds of a quantity and how to say them.
type bounds struct {
	low, high uint64
	text      string
}

// one reads a mapping in which a single key counts.
func (v value) one(key, want string, used bool, read func(value) uint64, within bounds) uint64 {
	n, found, before := uint64(0), false, len(v.r.errors)
	for _, e := range v.entries() {
		switch {
		case e.key == key:
			n, found = read(e.value), !e.value.null()
			if used && len(v.r.errors) == before && (n < within.low || n > within.high) {
				e.value.errorf("expected %s, as SDL does", within.text)
			}
		case e.key == "attributes" && key == "units":
			e.value.attributes()
		case key == "units":
			e.value.errorf("SDL has no such key here; expected units or attributes")
		default:
			e.unknown(key)
		}
	}
	if !found && used && len(v.r.errors) == before {
		v.errorf("%s is missing; expected %s", key, want)
	}
	return n
}

func (v value) attributes() {
	for _, e := range v.entries() {
		if e.key == "arch" {
			if arch := e.value.word("an architecture"); arch != "amd64" && arch != "arm64" {
				e.value.errorf("expected amd64 or arm64, found %q", arch)
			}
			e.value.refusef("cpu-arch", "choosing the CPU architecture is not offered")
			continue
		}
		e.value.errorf("SDL has no such attribute here; expected arch of a cpu")
	}
}

// storage reads one volume or a list of them.
func (v value) storage(used bool) []Storage {
	n := v.resolve()
	if n == nil || v.null() {
		return nil
	}
	volumes, single := []value{v}, n.Kind == yaml.MappingNode
	if !single {
		volumes = v.items()
	}
	if len(volumes) == 0 && used {
		v.errorf("expected storage: {size: 1Gi} or a list of such volumes")
	}
	if len(volumes) > maxVolumes {
		v.refusef("volumes", "one service has at most %d volumes; the profile has %d", maxVolumes, len(volumes))
		return nil
	}
	var out []Storage
	for _, volume := range volumes {
		one, before := Storage{Name: "default"}, len(v.r.errors)
		for _, e := range volume.entries() {
			switch e.key {
			case "size":
				one.Size = e.value.sizeBytes()
			case "name":
				if name := e.value.word("the name of a volume"); name != "" && !single {
					one.Name = name
				}
			case "attributes":
				e.value.storageAttributes(&one)
			default:
				e.unknown("size, name, attributes")
			}
		}
		if used && len(v.r.errors) == before && (one.Size < minStorage || one.Size > maxStorage) {
			volume.errorf("expected a size from 5Mi to 32Ti, as SDL does")
		}
		if slices.ContainsFunc(out, func(o Storage) bool { return o.Name == one.Name }) {
			volume.errorf("there are two volumes of the name %q; give each its own", one.Name)
		}
		out = append(out, one)
	}
	return out
}

// maxVolumes bounds the volumes of one service.
const maxVolumes = 32

// storageClasses are those that SDL has.
var storageClasses = []string{"default", "beta1", "beta2", "beta3", ClassRAM}

func (v value) storageAttributes(out *Storage) {
	said := "false" // SDL holds the class against this very word
	for _, e := range v.entries() {
		switch e.key {
		case "persistent":
			switch said = e.value.word("true or false"); said {
			case "true", "on", "yes":
				out.Persistent = true
			case "false", "off", "no":
			default:
				e.value.errorf("expected true or false, found %q", said)
			}
		case "class":
			if out.Class = e.value.word("a storage class"); !slices.Contains(storageClasses, out.Class) {
				e.value.errorf("expected one of %s, found %q", strings.Join(storageClasses, ", "), out.Class)
			}
		default:
			e.value.errorf("SDL has no such attribute here; expected persistent or class")
		}
	}
	switch {
	case out.Class == ClassRAM && said != "false":
		v.errorf("a volume of class ram can't be persistent; remove one of both")
	case out.Class != "" && out.Class != ClassRAM && said == "false":
		v.errorf("storage that is not persistent has no class; add persistent: true or remove class: %s", out.Class)
	case out.Persistent && out.Class == "":
		out.Class = "default"
	}
	if out.Persistent && out.Class != "default" {
		v.warnf("the class %s has no effect; a Container's storage is all of one kind", out.Class)
	}
}

// placed is params.storage of a service: where a volume is mounted.
type placed struct {
	name, mount string
	readOnly    bool
	sealed      bool
	// leased is for a volume that is a lease of its own.
	leased bool
	at     value
}

// mounts puts volumes of a service's profile at the places that its params name.
func (s *sdl) mounts(name string, svc *Service) {
	asked := s.file.Asked[name]
	for _, p := range s.params[name] {
		if p.leased {
			continue // not offered, as was said
		}
		i := slices.IndexFunc(asked.Storage, func(o Storage) bool { return o.Name == p.name })
		if i < 0 {
			p.at.errorf("the compute profile has no volume of the name %q", p.name)
			continue
		}
		volume := &asked.Storage[i]
		volume.Mount, volume.ReadOnly = p.mount, p.readOnly
		if p.sealed && !volume.Persistent {
			p.at.errorf("a volume with a keyRef is persistent in SDL; add persistent: true or remove the keyRef")
		}
		at := path.Clean(p.mount)
		if !MountOffered(at) {
			p.at.refusef("volume-mount", "a volume can't be mounted at %s, which is the system's; choose another path", p.mount)
			continue
		}
		if slices.ContainsFunc(svc.Volumes, func(o Volume) bool { return o.Mount == at }) {
			p.at.refusef("volume-mount", "another volume is mounted at %s; choose another path", at)
			continue
		}
		if s.minor > 0 && volume.Class == ClassRAM && p.readOnly {
			p.at.errorf("a volume of class ram can't be readOnly in SDL 2.1; remove one of both")
		}
		v := Volume{Name: p.name, Mount: at, Class: ClassDisk, SizeMiB: mib(volume.Size), Persistent: volume.Persistent, ReadOnly: p.readOnly}
		if volume.Class == ClassRAM {
			v.Class = ClassRAM
		}
		svc.Volumes = append(svc.Volumes, v)
	}
	slices.SortFunc(svc.Volumes, func(a, b Volume) int { return strings.Compare(a.Name, b.Name) })
	s.file.Asked[name] = asked
	for _, o := range asked.Storage {
		switch {
		case o.Mount != "" || !o.Persistent && o.Class != ClassRAM:
		case o.Persistent && len(s.params[name]) == 0 && s.minor == 0: // SDL 2.1 lets it pass
			s.services[name].errorf("the volume %s is persistent and needs params.storage.%s.mount", o.Name, o.Name)
		default:
			s.services[name].warnf("the volume %s is mounted nowhere and has no effect; add params.storage.%s.mount", o.Name, o.Name)
		}
	}
}
