// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"encoding/hex"
	"slices"
	"time"

	leasetypes "github.com/athnet/ath/x/leases/types"

	"github.com/athnet/ath/offchain/manifest"
)

// problem is why a manifest can't be run.
type problem struct {
	manifest string // its hash in hex
	detail   string
	again    time.Time // when to try again; never where zero
}

// problem says why the manifest that a lease wants can't be run, where that is known.
func (s situation) problem(id string, intent Intent, lease leasetypes.Lease) (string, bool) {
	p, known := s.problems[id]
	known = known && p.manifest == s.wanted(intent, lease) && (p.again.IsZero() || s.now.Before(p.again))
	return p.detail, known
}

// wanted is the hash of the manifest that a lease is to run: the chain's, or the one that runs while that has not come.
func (s situation) wanted(intent Intent, lease leasetypes.Lease) string {
	want := hex.EncodeToString(lease.ManifestHash)
	if _, there := s.manifests[want]; there {
		return want
	}
	return intent.ManifestHash
}

// clear removes what is left of a lease that was here before, moved away, and has come back, and begins it anew.
func (s situation) clear(id string) []Action {
	if out := s.wind(id); len(out) > 0 && out[0].Verb != Forget {
		return out
	}
	return []Action{{Verb: Adopt, Lease: id}}
}

// standBy has manifest and images of a lease ready that may be moved here.
func (s situation) standBy(id string, intent Intent, lease leasetypes.Lease) []Action {
	want := s.wanted(intent, lease)
	if _, bad := s.problem(id, intent, lease); bad {
		return nil
	}
	if want != intent.ManifestHash {
		return []Action{{Verb: Replace, Lease: id}}
	}
	out, _ := s.imagesFor(id, s.manifests[want])
	return out
}

// renewal says whether a lease is to take another manifest now, and which images that one still needs. The old one runs on until all of
// them are there, and the new one is.
func (s situation) renewal(id string, intent Intent, lease leasetypes.Lease) (pulls []Action, ready bool) {
	want := s.wanted(intent, lease)
	if want == intent.ManifestHash {
		return nil, false
	}
	return s.imagesFor(id, s.manifests[want])
}

// adjust makes of the instances of one manifest those of another, as far as that is done without new ones: those that it has no more,
// or has otherwise, go; the others stay as they are, or get other limits while they run.
func (s situation) adjust(id string, intent Intent, m manifest.Manifest) []Action {
	if intent.Grow {
		return []Action{{Verb: Grow, Lease: id}}
	}
	var out []Action
	for _, i := range s.instances(id) {
		n := slices.IndexFunc(m.Services, func(service manifest.Service) bool { return service.Name == i.Service })
		switch {
		case n < 0 || i.Definition != definition(m.Services[n]):
			out = append(out, Action{Verb: Discard, Lease: id, Service: i.Service})
		case i.CPUMilli != m.Services[n].Resources.CPUMilli || i.MemoryMiB != m.Services[n].Resources.MemoryMiB:
			out = append(out, Action{Verb: Resize, Lease: id, Service: i.Service})
		}
	}
	return out
}
