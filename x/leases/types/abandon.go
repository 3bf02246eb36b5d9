// SPDX-License-Identifier: Apache-2.0

package types

import "time"

// Abandoned says whether a lease that runs dry at a time, without having started, was left by its tenant, who pays the minimum charge then as
// if he had closed it: a tenant that opens leases and takes the money away in the next message, or resumes one in order to let it end before its
// worker can start it, would else block supply for free. Who opens or resumes a lease has shown money for runway: if it is gone in half of
// that, he has taken it.
func (l Lease) Abandoned(at time.Time, runway time.Duration) bool {
	return l.State == LeaseState_LEASE_STATE_ACTIVE && at.Sub(l.BoundAt) < runway/2
}

// charged is the reason that decides about the minimum charge.
func (e End) charged() CloseReason {
	if e.Abandoned {
		return CloseReason_CLOSE_REASON_TENANT
	}
	return e.Reason
}
