// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"encoding/hex"
	"slices"

	leasetypes "github.com/athnet/ath/x/leases/types"

	"github.com/athnet/ath/offchain/worker/runtime"
)

// clear removes what is left of a lease that was here before, moved away, and has come back, and begins it anew.
func (s situation) clear(id string) []Action {
	if out := s.wind(id); len(out) > 0 && out[0].Verb != Forget {
		return out
	}
	return []Action{{Verb: Adopt, Lease: id}}
}

// standBy has the images of a lease ready that may be moved here.
func (s situation) standBy(id string, intent Intent) []Action {
	m, ok := s.manifests[intent.ManifestHash]
	if !ok {
		return nil
	}
	out, _ := s.imagesFor(id, m)
	return out
}

// renewal says whether a lease is to take another manifest now, and which images that one still needs. The old one runs on until all of
// them are there, and the new one is.
func (s situation) renewal(id string, intent Intent, lease leasetypes.Lease) (pulls []Action, ready bool) {
	if slices.ContainsFunc(s.instances(id), func(i runtime.Instance) bool { return i.ManifestHash != intent.ManifestHash }) {
		return nil, true
	}
	want := hex.EncodeToString(lease.ManifestHash)
	if want == "" || want == intent.ManifestHash {
		return nil, false
	}
	m, ok := s.manifests[want]
	if !ok {
		return nil, false
	}
	return s.imagesFor(id, m)
}
