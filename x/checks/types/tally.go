// SPDX-License-Identifier: Apache-2.0

package types

import providertypes "github.com/athnet/ath/x/providers/types"

// Tasks are judged with tolerance: a member may differ from the verdict on this many Containers, or on this part of those
// that were decided where that is more. Independent loss of probes stays far below, a copied or invented report does not.
const (
	toleratedContainers = 3
	toleratedPercent    = 2
)

// Outcome is a committee's word on the members of a shard in one round: every member is in exactly one of the three.
type Outcome struct {
	Healthy, Faulty, Inconclusive Bitmap
}

// Tally counts the revealed votes on a shard's members. A set bit is a vote for healthy, a clear one for faulty; a slot
// is decided where a quorum says the same.
func Tally(members Bitmap, votes []Bitmap, quorum int) Outcome {
	if len(votes) < quorum {
		return Outcome{Inconclusive: members}
	}
	if agree(members, votes) {
		return Outcome{Healthy: members.And(votes[0]), Faulty: members.Without(votes[0])}
	}
	var o Outcome
	for slot := range providertypes.ShardSize {
		if !members.Has(slot) {
			continue
		}
		healthy := 0
		for _, v := range votes {
			if v.Has(slot) {
				healthy++
			}
		}
		switch {
		case healthy >= quorum:
			o.Healthy = o.Healthy.With(slot)
		case len(votes)-healthy >= quorum:
			o.Faulty = o.Faulty.With(slot)
		default:
			o.Inconclusive = o.Inconclusive.With(slot)
		}
	}
	return o
}

// agree says whether all votes are the same on the members: the common case, which needs no counting.
func agree(members Bitmap, votes []Bitmap) bool {
	for _, v := range votes[1:] {
		if v.Xor(votes[0]).And(members) != (Bitmap{}) {
			return false
		}
	}
	return true
}

// Escalate divides the faulty by the round before: only a fault that was already suspected is confirmed.
func (o Outcome) Escalate(suspects Bitmap) (confirmed, suspected Bitmap) {
	return o.Faulty.And(suspects), o.Faulty.Without(suspects)
}

// Decided is the number of Containers on which a quorum agreed.
func (o Outcome) Decided() int { return o.Healthy.Count() + o.Faulty.Count() }

// Differences is the number of decided Containers on which a vote says otherwise.
func (o Outcome) Differences(vote Bitmap) int {
	return o.Healthy.Without(vote).Count() + o.Faulty.And(vote).Count()
}

// Tolerated is the number of differences with which a task is still correct.
func (o Outcome) Tolerated() int {
	return max(toleratedContainers, o.Decided()*toleratedPercent/100)
}
