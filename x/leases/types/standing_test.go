// SPDX-License-Identifier: Apache-2.0

package types

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestStandingTable enumerates every signer, state and reason against the rules as a person would write them down.
func TestStandingTable(t *testing.T) {
	for bits := range 32 {
		s := Standing{Tenant: bits&1 > 0, Provider: bits&2 > 0, Authority: bits&4 > 0, Faulty: bits&8 > 0, Overdue: bits&16 > 0}
		for _, state := range []LeaseState{LeaseState_LEASE_STATE_ACTIVE, LeaseState_LEASE_STATE_RUNNING} {
			running := state == LeaseState_LEASE_STATE_RUNNING
			if running && s.Overdue {
				continue // a lease that runs is not overdue
			}
			for n := range 4 {
				codes, l := n%2, Lease{State: state, Completes: n > 1}
				allowed := map[CloseReason]bool{
					CloseReason_CLOSE_REASON_TENANT:       s.Tenant && codes == 0,
					CloseReason_CLOSE_REASON_FAULT:        s.Tenant && s.Faulty && codes == 0,
					CloseReason_CLOSE_REASON_PROVIDER:     s.Provider,
					CloseReason_CLOSE_REASON_TENANT_IMAGE: s.Provider && !running,
					CloseReason_CLOSE_REASON_COMPLETED:    s.Provider && running && l.Completes && codes > 0,
					CloseReason_CLOSE_REASON_NOT_STARTED:  s.Overdue && codes == 0,
					CloseReason_CLOSE_REASON_GOVERNANCE:   s.Authority && codes == 0,
				}
				for reason := range CloseReason_name {
					err := s.Allows(l, CloseReason(reason), codes)
					require.Equal(t, allowed[CloseReason(reason)], err == nil, fmt.Sprintf("%+v %s %s %d codes: %v", s, state, CloseReason(reason), codes, err))
				}
				if s.Tenant && codes == 0 || s.Provider {
					reason := s.Reason(l, codes > 0)
					if err := s.Allows(l, reason, codes); err != nil {
						require.True(t, s.Tenant && codes > 0, "what a signer means by default is open to it: %s: %v", reason, err)
					}
				}
			}
		}
	}
}
