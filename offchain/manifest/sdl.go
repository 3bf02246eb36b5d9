// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MaxFileBytes is the longest SDL file that is read.
const MaxFileBytes = 1 << 20

// maxServices is how many services one lease runs; exit codes of as many fit a closing message.
const maxServices = 16

// Parse reads an SDL file of version 2; name is what messages call it. The error is an *Error: of kind ErrInvalid,
// or of kind ErrNotOffered when the file is valid, and then File is still complete but for the features named.
//
// Beside SDL a service may carry "x-ath: {restart: always|on-failure|never, read_only: true}".
func Parse(name string, data []byte) (*File, error) {
	r := &reader{file: name}
	if len(data) > MaxFileBytes {
		r.errors = append(r.errors, Problem{File: name, Line: 1, Column: 1, Text: fmt.Sprintf("the file has %d bytes; at most %d are read", len(data), MaxFileBytes)})
		return nil, &Error{Kind: ErrInvalid, Problems: r.errors}
	}
	file := &File{Manifest: Manifest{Version: Version}, Asked: map[string]Asked{}}
	if root := r.root(data); root != nil {
		s := &sdl{
			file: file, params: map[string][]placed{}, confidential: map[string]value{}, tees: map[string]bool{},
			used: map[string]bool{}, hosts: map[string]bool{}, leased: map[string]bool{},
			units: map[string]map[string]uint64{}, said: map[string][]value{}, grouped: map[string]bool{},
		}
		s.document(*root)
	}
	if len(r.errors) > 0 {
		return nil, &Error{Kind: ErrInvalid, Problems: inOrder(r.errors)}
	}
	canonical, err := file.Manifest.Canonical()
	if err != nil {
		return nil, err
	}
	if len(canonical) > MaxBytes {
		p := Problem{File: name, Line: 1, Column: 1, Text: fmt.Sprintf("the manifest has %d bytes in its canonical form; a worker takes at most %d", len(canonical), MaxBytes)}
		return nil, &Error{Kind: ErrInvalid, Problems: []Problem{p}}
	}
	file.Warnings, file.NotOffered = inOrder(r.warnings), inOrder(r.notOffered)
	if len(file.NotOffered) > 0 {
		return file, &Error{Kind: ErrNotOffered, Problems: file.NotOffered}
	}
	return file, nil
}

// inOrder sorts by place and drops what an alias made appear twice.
func inOrder(ps []Problem) []Problem {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return slices.Compact(ps)
}

// sdl is the state of one reading: sections first, then services are put together in the order of their names.
type sdl struct {
	file      *File
	services  map[string]value
	compute   map[string]value
	placement map[string]value
	// params says where volumes of a service are mounted.
	params map[string][]placed
	// confidential maps a service to its tee where that asks for a GPU.
	confidential map[string]value
	// tees are the services that have a tee at all.
	tees      map[string]bool
	endpoints map[string]value
	// said is what commands, arguments and variables of a service say.
	said map[string][]value
	// volumes maps a volume that is a lease of its own to whether the file is what leases it.
	volumes map[string]bool
	// deployed maps a service to the placements that the file deploys it on, of which the first counts.
	deployed map[string][]entry
	order    []string
	// minor is 0 in a file of version 2.0; 2.1 and 2.2 have rules of their own.
	minor uint64
	// used are the compute profiles that something is deployed on.
	used map[string]bool
	// units are those of every placement, and their replicas.
	units map[string]map[string]uint64
	// denom is the one in which the file's first price is.
	denom string
	// hosts and leased are the host names that rules accept, and the ports of leased addresses.
	hosts, leased map[string]bool
	// grouped says of a placement on which GPUs are connected whether it is by groups.
	grouped map[string]bool
	// ours says that a service uses x-ath, so that the file need not be one for another market.
	ours bool
}

// versions is how SDL writes them: it takes a v and zeros in front, and reads 2.1.7 as 2.1.
var versions = regexp.MustCompile(`^\s*v?0*2(\.([0-9]{1,9})(\.([0-9]+))?)?\s*$`)

// version returns what stands behind the 2; only from 2.1 on may more follow.
func (v value) version() uint64 {
	const want = `"2.0", "2.1" or "2.2"`
	text, ok := v.text(want)
	if !ok {
		return 0
	}
	m, minor := versions.FindStringSubmatch(text), uint64(0)
	if m != nil && m[2] != "" {
		minor, _ = strconv.ParseUint(m[2], 10, 64) // digits, few enough
	}
	if m == nil || minor == 0 && strings.Trim(m[4], "0") != "" {
		v.errorf("expected %s, found %q", want, text)
	}
	return minor
}

const topKeys = "version, services, profiles, deployment, endpoints"

func (s *sdl) document(root value) {
	var profiles, deployment *value
	seen := map[string]bool{}
	sections := root.entries()
	for _, e := range sections {
		if e.key == "version" {
			s.minor = e.value.version()
		}
	}
	for _, e := range sections {
		seen[e.key] = true
		switch e.key {
		case "version":
		case "services":
			s.services = named(e.value, "services")
		case "profiles":
			profiles = &e.value
		case "deployment":
			deployment = &e.value
		case "endpoints":
			s.endpoints = e.value.endpoints()
		case "reclamation":
			e.value.reclamation()
		case "include":
			if len(e.value.texts("the name of a file")) > 0 {
				e.value.warnf("files are not included, by Akash neither; write what is in them into this file")
			}
		case "volumes":
			if s.minor < 2 {
				e.unknownSection()
			} else {
				s.volumes = e.value.leasedVolumes()
			}
		default:
			if !strings.HasPrefix(e.key, "x-") {
				e.unknownSection()
			}
		}
	}
	leases := slices.Contains(slices.Collect(maps.Values(s.volumes)), true)
	if profiles != nil {
		s.profiles(*profiles, leases)
	}
	for _, key := range []string{"version", "services", "profiles", "deployment"} {
		switch {
		case leases && key == "services":
			if seen[key] {
				root.errorf("services and a volume that is no external: one are leases of their own; write a file for each")
			}
		case !seen[key]:
			root.errorf("the section %q is missing; expected %s", key, topKeys)
		}
	}
	switch {
	case deployment == nil || len(root.r.errors) > 0:
	case leases:
		s.leases(*deployment)
	default:
		s.deployment(*deployment)
		s.assemble(root)
	}
}

func (e entry) unknownSection() {
	at := e.value
	at.node = e.at
	at.errorf("unknown section; expected one of %s", topKeys)
}

// leasedVolumes reads the volumes of SDL 2.2, which outlive what uses them: {NAME: {external: {dseq: N}}} is one of another
// deployment, {NAME: {size: 1Gi}} is one that this file deploys, and then nothing else.
func (v value) leasedVolumes() map[string]bool {
	out := map[string]bool{}
	for _, e := range v.entries() {
		external, size := false, uint64(0)
		for _, k := range e.value.entries() {
			switch k.key {
			case "external":
				for _, x := range k.value.entries() {
					if x.key == "dseq" {
						_, external = x.value.whole(1, 1<<64-1)
					}
				}
			case "size":
				size = k.value.sizeBytes()
			}
		}
		if external == (size > 0) && len(v.r.errors) == 0 {
			e.value.errorf("expected either external: {dseq: NUMBER} or size:")
		}
		out[e.key] = !external
	}
	if len(out) > 0 {
		v.refusef("leased-volumes", "volumes that are leases of their own are not offered; use storage that is persistent in a compute profile")
	}
	return out
}

// leases checks the deployment of volumes, of which no more is read.
func (s *sdl) leases(deployment value) {
	for _, e := range deployment.entries() {
		if !s.volumes[e.key] {
			e.value.errorf("there is no volume of this name; expected one of %s", names(s.volumes))
		}
	}
}

// named returns a mapping's entries by key.
func named(v value, what string) map[string]value {
	out := map[string]value{}
	for _, e := range v.entries() {
		out[e.key] = e.value
	}
	if len(out) == 0 {
		v.errorf("expected at least one entry in %s", what)
	}
	return out
}

func (v value) reclamation() {
	window := ""
	for _, e := range v.entries() {
		if e.key == "min_window" {
			window = e.value.word("a duration such as 24h")
		} else {
			e.unknown("min_window")
		}
	}
	if d, err := time.ParseDuration(window); err != nil || d <= 0 {
		v.errorf("expected min_window: and a duration such as 24h, found %q", window)
	}
	v.refusef("reclamation", "reclamation is not offered; a lease runs until its tenant or its provider ends it")
}

// endpointName is what SDL accepts.
var endpointName = regexp.MustCompile(`^[a-z]+[a-z_0-9-]+$`)

func (v value) endpoints() map[string]value {
	out := map[string]value{}
	for _, e := range v.entries() {
		out[e.key] = e.value
		if !endpointName.MatchString(e.key) {
			e.value.errorf("expected a name of at least two of a-z, 0-9, - and _ that begins with a letter, found %q", e.key)
		}
		kind := ""
		for _, k := range e.value.entries() {
			if k.key == "kind" {
				kind = k.value.word("ip")
			} else {
				k.unknown("kind")
			}
		}
		if kind != "ip" {
			e.value.errorf("expected kind: ip, found %q", kind)
		}
	}
	return out
}

// profiles reads what a service may run on; a file that leases volumes has no services.
func (s *sdl) profiles(v value, leases bool) {
	for _, e := range v.entries() {
		switch e.key {
		case "compute":
			s.compute = named(e.value, "profiles.compute")
		case "placement":
			s.placement = named(e.value, "profiles.placement")
			s.placements()
		default:
			e.unknown("compute, placement")
		}
	}
	if s.compute == nil && !leases {
		v.errorf("the section compute is missing; expected compute and placement")
	}
}

// deployment notes which service runs where: {service: {placement: {profile, count}}}.
func (s *sdl) deployment(v value) {
	s.deployed = map[string][]entry{}
	places := map[string]bool{}
	for _, svc := range v.entries() {
		if _, ok := s.services[svc.key]; !ok {
			at := svc.value
			at.node = svc.at
			at.errorf("there is no service of this name; expected one of %s", names(s.services))
			continue
		}
		on := svc.value.entries()
		if len(on) == 0 {
			svc.value.warnf("the service is deployed nowhere and will not run; add a placement with profile and count")
			continue
		}
		for _, p := range on {
			if _, ok := s.placement[p.key]; !ok {
				at := p.value
				at.node = p.at
				at.errorf("there is no placement profile of this name; expected one of %s", names(s.placement))
			}
			places[p.key] = true
			s.priced(p)
			s.counted(svc.key, p)
		}
		s.deployed[svc.key] = on
	}
	if len(v.r.errors) == 0 && len(s.deployed) == 0 {
		v.errorf("expected at least one service with a placement, a profile and a count")
	}
	if len(places) > 1 {
		v.refusef("several-placements", "one lease runs on one machine, the file names %d placements: %s; use a file for each",
			len(places), strings.Join(slices.Sorted(maps.Keys(places)), ", "))
	}
	s.order = slices.Sorted(maps.Keys(s.deployed))
}

// maxNames is how many names a message lists: a file may have thousands, and as many messages.
const maxNames = 20

func names[V any](m map[string]V) string {
	all := slices.Sorted(maps.Keys(m))
	if len(all) > maxNames {
		return fmt.Sprintf("%s and %d more", strings.Join(all[:maxNames], ", "), len(all)-maxNames)
	}
	return strings.Join(all, ", ")
}
