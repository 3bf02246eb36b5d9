// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// placements says once per placement what of it has no effect here.
func (s *sdl) placements() {
	for _, name := range slices.Sorted(maps.Keys(s.placement)) {
		for _, e := range s.placement[name].entries() {
			switch e.key {
			case "pricing":
				e.value.pricing(s.minor >= 2)
			case "attributes":
				attributes := e.value.entries()
				for _, a := range attributes {
					a.value.word("text")
				}
				if len(attributes) > 0 {
					e.value.warnf("attributes of another market, ignored; use --region and --class")
				}
			case "signedBy":
				auditors := 0
				for _, a := range e.value.entries() {
					if a.key == "anyOf" || a.key == "allOf" {
						auditors += len(a.value.texts("an address"))
					} else {
						a.unknown("anyOf, allOf")
					}
				}
				if auditors > 0 {
					e.value.warnf("auditors of another market, ignored")
				}
			case "verification":
				e.value.verification()
			default:
				e.unknown("attributes, signedBy, verification, pricing")
			}
		}
	}
}

// capabilities are those that SDL knows, and whether they are confidential computing.
var capabilities = map[string]bool{
	"bare_metal": false, "persistent_storage": false, "confidential_computing": true, "tee_hardware_attestation": true,
}

// verification checks what providers of another market are to have proven; hardware for confidential computing is no matter of trust alone.
func (v value) verification() {
	tier, more := uint64(0), false
	for _, e := range v.entries() {
		switch e.key {
		case "min_tier":
			tier, _ = e.value.whole(0, 4) // a bad one is noted, and 0
		case "capabilities":
			for _, text := range e.value.texts("a capability") {
				confidential, known := capabilities[text]
				if more = true; !known {
					e.value.errorf("expected some of %s, found %q", strings.Join(slices.Sorted(maps.Keys(capabilities)), ", "), text)
				} else if confidential {
					e.value.refusef("tee", "confidential computing is not offered")
				}
			}
		case "auditors":
			for _, text := range e.value.texts("an address") {
				if more = true; !strings.HasPrefix(text, "akash1") || strings.TrimSpace(text) != text {
					e.value.errorf("expected addresses that begin with akash1, without spaces around, found %q", text)
				}
			}
		case "auditor_mode":
			if mode := e.value.word("any or all"); mode != "" && mode != "any" && mode != "all" {
				e.value.errorf("expected any or all, found %q", mode)
			}
		case "min_auditor_count":
			count, _ := e.value.whole(0, 1<<32-1)
			more = more || count > 0
		default:
			e.unknown("min_tier, capabilities, auditors, auditor_mode, min_auditor_count")
		}
	}
	if more && tier == 0 {
		v.errorf("expected min_tier: from 1 to 4 beside capabilities, auditors or min_auditor_count")
	}
	if tier > 0 {
		v.warnf("proofs of another market, ignored")
	}
}

// denoms are those that a coin can have.
var denoms = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9/:._-]{2,127}$`)

// maxPrice is the most that SDL takes for one replica and block.
const maxPrice = 10_000_000

const wantPrice = "a price such as denom: uath, amount: 1000"

// prices are those of a profile: one, or from SDL 2.2 on a list of them.
func (v value) prices(lists bool) []value {
	n := v.resolve()
	if n == nil || !lists || n.Kind != yaml.SequenceNode {
		return []value{v}
	}
	if len(n.Content) == 0 {
		v.errorf("expected %s", wantPrice)
	}
	return v.items()
}

// pricing checks that prices are prices, which they must be in SDL, and says that they have no effect.
func (v value) pricing(lists bool) {
	for _, profile := range v.entries() {
		for _, price := range profile.value.prices(lists) {
			price.price()
		}
	}
	v.warnf("prices of another market, ignored; --max-price sets the most that you pay")
}

func (v value) price() {
	amount, denom, said := "", "", len(v.r.errors)
	for _, e := range v.entries() {
		switch e.key {
		case "amount":
			var ok bool
			if amount, ok = e.value.text(wantPrice); ok && !positive(amount) {
				e.value.errorf("expected an amount above 0, found %q", amount)
			}
		case "denom":
			if denom = e.value.word(wantPrice); denom != "" && !denoms.MatchString(denom) {
				e.value.errorf("expected a denom of 3 to 128 letters, digits and /:._-, found %q", denom)
			}
		default:
			e.unknown("denom, amount")
		}
	}
	if (amount == "" || denom == "") && len(v.r.errors) == said {
		v.errorf("expected %s", wantPrice)
	}
}

// positive says whether an amount is a decimal above 0, of at most 18 places.
func positive(amount string) bool {
	whole, places, point := strings.Cut(amount, ".")
	return len(amount) <= 64 && whole != "" && (places != "" || !point) && len(places) <= 18 &&
		strings.Trim(whole+places, "0123456789") == "" && strings.Trim(whole+places, "0") != ""
}

// SDL's bounds of one placement: its units, and the replicas of one. A unit is a service, and in 2.1 all services of a compute profile.
const (
	maxReplicas = 50
	maxUnits    = 20
)

// counted refuses more units or replicas than SDL takes.
func (s *sdl) counted(service string, at entry) {
	unit, count := service, uint64(0)
	for _, e := range at.value.entries() {
		switch {
		case e.key == "profile" && s.minor > 0:
			unit = e.value.word("the name of a compute profile")
		case e.key == "count":
			count, _ = e.value.whole(1, maxReplicas) // a bad one is noted, and 0
		}
	}
	if s.units[at.key] == nil {
		s.units[at.key] = map[string]uint64{}
	}
	units := s.units[at.key]
	if units[unit] += count; units[unit] > maxReplicas {
		at.value.errorf("services of the profile %s have more than %d replicas, the most in SDL; give some a profile of their own", unit, maxReplicas)
	}
	if len(units) == maxUnits+1 {
		at.value.errorf("more than %d services are on the placement %s, or profiles in SDL 2.1, the most in SDL", maxUnits, at.key)
	}
}

// priced refuses a placement that has no price for the profile that is deployed on it, and prices of several denoms, as SDL does.
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
		if e.key == "attributes" {
			for _, a := range e.value.entries() {
				// Other attributes name a place or a price; who asks for this one may not get less.
				if strings.HasPrefix(a.key, "tee/") || strings.HasPrefix(a.key, "confidential-compute") {
					a.value.refusef("tee", "confidential computing is not offered")
				}
			}
		}
	}
	for _, e := range place.entries() {
		if e.key != "pricing" {
			continue
		}
		for _, p := range e.value.entries() {
			if p.key != profile {
				continue
			}
			prices := p.value.prices(s.minor >= 2)
			for _, price := range prices {
				s.bounded(price, len(prices) == 1)
			}
			return
		}
	}
	at.value.errorf("the placement %s has no pricing for the profile %q", at.key, profile)
}

// bounded refuses a price above the most that SDL takes, and a single one of another denom than the others.
func (s *sdl) bounded(price value, single bool) {
	for _, k := range price.entries() {
		switch k.key {
		case "amount":
			if amount := k.value.word("an amount"); positive(amount) {
				if n, ok := scaled(amount, 1); !ok || n > maxPrice {
					k.value.errorf("expected an amount of at most %d, found %q", maxPrice, amount)
				}
			}
		case "denom":
			if denom := k.value.word("a denom"); single && s.denom == "" {
				s.denom = denom
			} else if single && denom != s.denom {
				k.value.errorf("expected %s, the denom of the other prices, found %q", s.denom, denom)
			}
		}
	}
}
