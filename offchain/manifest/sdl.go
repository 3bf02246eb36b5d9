// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// MaxFileBytes is the longest SDL file that is read.
const MaxFileBytes = 1 << 20

// maxServices is how many services one lease runs; exit codes of as many fit a closing message.
const maxServices = 16

// Parse reads an SDL file of version 2.0 or 2.1; name is what messages call it. The error is an *Error: of kind ErrInvalid,
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
		s := &sdl{file: file, params: map[string][]placed{}}
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
	params    map[string][]placed
	endpoints map[string]value
	// deployed maps a service to where the file deploys it.
	deployed map[string]value
	order    []string
}

// versions are those that mean 2.0 or 2.1.
var versions = []string{"2", "2.0", "2.0.0", "2.1", "2.1.0"}

const topKeys = "version, services, profiles, deployment, endpoints"

func (s *sdl) document(root value) {
	var deployment *value
	seen := map[string]bool{}
	for _, e := range root.entries() {
		seen[e.key] = true
		switch e.key {
		case "version":
			if v, ok := e.value.text(`"2.0" or "2.1"`); ok && !slices.Contains(versions, strings.TrimPrefix(v, "v")) {
				e.value.errorf(`expected "2.0" or "2.1", found %q`, v)
			}
		case "services":
			s.services = named(e.value, "services")
		case "profiles":
			s.profiles(e.value)
		case "deployment":
			deployment = &e.value
		case "endpoints":
			s.endpoints = e.value.endpoints()
		case "reclamation":
			if !e.value.null() {
				e.value.refusef("reclamation", "reclamation is not offered; a lease runs until its tenant or its provider ends it")
			}
		case "include":
			e.value.refusef("include", "include is not offered; write the included services into this file")
		default:
			if !strings.HasPrefix(e.key, "x-") {
				at := e.value
				at.node = e.at
				at.errorf("unknown section; expected one of %s", topKeys)
			}
		}
	}
	for _, key := range []string{"version", "services", "profiles", "deployment"} {
		if !seen[key] {
			root.errorf("the section %q is missing; expected %s", key, topKeys)
		}
	}
	if deployment != nil && len(root.r.errors) == 0 {
		s.deployment(*deployment)
		s.assemble(root)
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

func (s *sdl) profiles(v value) {
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
	if s.compute == nil {
		v.errorf("the section compute is missing; expected compute and placement")
	}
}

// placements says once per placement what of it has no effect here.
func (s *sdl) placements() {
	for _, name := range slices.Sorted(maps.Keys(s.placement)) {
		for _, e := range s.placement[name].entries() {
			switch e.key {
			case "pricing":
				s.pricing(e.value)
			case "attributes":
				if len(e.value.entries()) > 0 {
					e.value.warnf("attributes of another market, ignored; use --region and --class")
				}
			case "signedBy":
				if len(e.value.entries()) > 0 {
					e.value.warnf("auditors of another market, ignored")
				}
			default:
				e.unknown("attributes, signedBy, pricing")
			}
		}
	}
}

// pricing checks that prices are prices, which they must be in SDL, and says that they have no effect.
func (s *sdl) pricing(v value) {
	const want = "a price such as denom: uath, amount: 1000"
	for _, profile := range v.entries() {
		amount, denom := "", ""
		for _, e := range profile.value.entries() {
			switch e.key {
			case "amount":
				var ok bool
				if amount, ok = e.value.text(want); ok && !positive(amount) {
					e.value.errorf("expected an amount above 0, found %q", amount)
				}
			case "denom":
				denom = e.value.word(want)
			default:
				e.unknown("denom, amount")
			}
		}
		if amount == "" || denom == "" {
			profile.value.errorf("expected %s", want)
		}
	}
	v.warnf("prices of another market, ignored; --max-price sets the most that you pay")
}

func positive(amount string) bool {
	return len(amount) <= 64 && strings.Trim(amount, "0123456789.") == "" && strings.Count(amount, ".") < 2 &&
		!strings.HasPrefix(amount, ".") && !strings.HasSuffix(amount, ".") && strings.ContainsAny(amount, "123456789")
}

// deployment notes which service runs where: {service: {placement: {profile, count}}}.
func (s *sdl) deployment(v value) {
	s.deployed = map[string]value{}
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
			svc.value.errorf("expected a placement with profile and count")
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
		}
		s.deployed[svc.key] = on[0].value
	}
	if len(v.r.errors) == 0 && len(s.deployed) == 0 {
		v.errorf("expected at least one service")
	}
	if len(places) > 1 {
		v.refusef("several-placements", "one lease runs on one machine, the file names %d placements: %s; use a file for each",
			len(places), strings.Join(slices.Sorted(maps.Keys(places)), ", "))
	}
	s.order = slices.Sorted(maps.Keys(s.deployed))
	if len(s.order) > maxServices {
		v.errorf("expected at most %d services, found %d", maxServices, len(s.order))
	}
}

// priced refuses a placement that has no price for the profile that is deployed on it, which SDL does too.
func (s *sdl) priced(at entry) {
	profile := ""
	for _, e := range at.value.entries() {
		if e.key == "profile" {
			profile = e.value.word("the name of a compute profile")
		}
	}
	place, ok := s.placement[at.key]
	if _, known := s.compute[profile]; !ok || !known {
		return // said elsewhere
	}
	for _, e := range place.entries() {
		if e.key == "pricing" {
			for _, p := range e.value.entries() {
				if p.key == profile {
					return
				}
			}
		}
	}
	at.value.errorf("the placement %s has no pricing for the profile %q", at.key, profile)
}

func names(m map[string]value) string {
	return strings.Join(slices.Sorted(maps.Keys(m)), ", ")
}
