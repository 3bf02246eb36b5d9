// SPDX-License-Identifier: Apache-2.0

package types

import (
	"bytes"

	providertypes "github.com/athnet/ath/x/providers/types"
)

// Tasks are judged with tolerance: a member may differ from the verdict on this many Containers, or on this part of those
// that were decided where that is more. Independent loss of probes stays far below, a copied or invented report does not.
const (
	toleratedContainers = 3
	toleratedPercent    = 2
)

// Outcome is a committee's word on the members of a shard in one round: every member is in exactly one of the three.
type Outcome struct {
	Healthy, Faulty, Inconclusive providertypes.Bitmap
}

// Tally counts the revealed votes on a shard's members. A set bit is a vote for healthy, a clear one for faulty; a slot
// is decided where a quorum says the same.
func Tally(members providertypes.Bitmap, votes []providertypes.Bitmap, quorum int) Outcome {
	if len(votes) < quorum {
		return Outcome{Inconclusive: members.Canonical()}
	}
	if agree(members, votes) {
		return Outcome{Healthy: members.And(votes[0]), Faulty: members.AndNot(votes[0])}
	}
	var healthy, faulty, inconclusive []uint64
	for slot := range members.Slots() {
		n := 0
		for _, v := range votes {
			if v.Has(slot) {
				n++
			}
		}
		switch {
		case n >= quorum:
			healthy = append(healthy, slot)
		case len(votes)-n >= quorum:
			faulty = append(faulty, slot)
		default:
			inconclusive = append(inconclusive, slot)
		}
	}
	return Outcome{
		Healthy:      providertypes.BitmapOf(healthy...),
		Faulty:       providertypes.BitmapOf(faulty...),
		Inconclusive: providertypes.BitmapOf(inconclusive...),
	}
}

// agree says whether all votes are the same on the members: the common case, which needs no counting.
func agree(members providertypes.Bitmap, votes []providertypes.Bitmap) bool {
	first := members.And(votes[0])
	for _, v := range votes[1:] {
		if !bytes.Equal(first, members.And(v)) {
			return false
		}
	}
	return true
}

// Escalate divides the faulty by the round before: only a fault that was already suspected is confirmed.
func (o Outcome) Escalate(suspects providertypes.Bitmap) (confirmed, suspected providertypes.Bitmap) {
	return o.Faulty.And(suspects), o.Faulty.AndNot(suspects)
}

// Decided is the number of Containers on which a quorum agreed.
func (o Outcome) Decided() int { return o.Healthy.Count() + o.Faulty.Count() }

// Differences is the number of decided Containers on which a vote says otherwise.
func (o Outcome) Differences(vote providertypes.Bitmap) int {
	return o.Healthy.AndNot(vote).Count() + o.Faulty.And(vote).Count()
}

// Tolerated is the number of differences with which a task is still correct.
func (o Outcome) Tolerated() int {
	return max(toleratedContainers, o.Decided()*toleratedPercent/100)
}
