// SPDX-License-Identifier: Apache-2.0

package types

// Standing is what decides for which reasons somebody may close a lease.
type Standing struct {
	// Tenant, Provider and Authority say who the signer is; somebody can be more than one, or none.
	Tenant, Provider, Authority bool
	// Faulty says that Checkers found the Container faulty.
	Faulty bool
	// Overdue says that the lease has not started within its class's limit.
	Overdue bool
}

// Reason is what the signer means by naming none.
func (s Standing) Reason(l Lease, exitCodes bool) CloseReason {
	running := l.State == LeaseState_LEASE_STATE_RUNNING
	switch {
	case s.Tenant && s.Faulty:
		return CloseReason_CLOSE_REASON_FAULT
	case s.Tenant && s.Overdue:
		return CloseReason_CLOSE_REASON_NOT_STARTED
	case s.Tenant:
		return CloseReason_CLOSE_REASON_TENANT
	case s.Provider && running && exitCodes && l.Completes:
		return CloseReason_CLOSE_REASON_COMPLETED
	case s.Provider:
		return CloseReason_CLOSE_REASON_PROVIDER
	case s.Authority:
		return CloseReason_CLOSE_REASON_GOVERNANCE
	default:
		return CloseReason_CLOSE_REASON_NOT_STARTED
	}
}

// Allows says whether the signer may close the lease for a reason now. The chain's own reasons are open to nobody, and a
// fault only to the tenant: the chain's doubt never kills a tenant's work.
func (s Standing) Allows(l Lease, reason CloseReason, exitCodes int) error {
	if reason == CloseReason_CLOSE_REASON_NOT_STARTED && s.Overdue {
		if exitCodes > 0 {
			return ErrInvalidField.Wrap("exit_codes: only a provider says them")
		}
		return nil
	}
	if !s.Tenant && !s.Provider && !s.Authority {
		return ErrUnauthorized.Wrapf("signer: neither tenant nor provider of %s; others may close it only once it is overdue to start", l.ID())
	}
	started := l.State != LeaseState_LEASE_STATE_ACTIVE
	ok, says := false, false
	switch reason {
	case CloseReason_CLOSE_REASON_TENANT:
		ok = s.Tenant
	case CloseReason_CLOSE_REASON_FAULT:
		ok = s.Tenant && s.Faulty
	case CloseReason_CLOSE_REASON_PROVIDER:
		ok, says = s.Provider, true
	case CloseReason_CLOSE_REASON_TENANT_IMAGE:
		ok, says = s.Provider && !started, true
	case CloseReason_CLOSE_REASON_COMPLETED:
		ok, says = s.Provider && l.State == LeaseState_LEASE_STATE_RUNNING && l.Completes && exitCodes > 0, true
	case CloseReason_CLOSE_REASON_GOVERNANCE:
		ok = s.Authority
	}
	if !ok {
		return ErrReasonNotAllowed.Wrapf("reason: %s is not open to this signer for %s while it is %s", reason, l.ID(), l.State)
	}
	if exitCodes > 0 && !says {
		return ErrInvalidField.Wrapf("exit_codes: do not go with reason %s", reason)
	}
	return nil
}

// Settles is the reason that counts where the signer closes for one that is open to it. Once a lease is overdue it is that it was
// not started, whatever its provider or tenant says: else a late provider would never be charged, nor one who is his own tenant.
func (s Standing) Settles(reason CloseReason) CloseReason {
	switch reason {
	case CloseReason_CLOSE_REASON_TENANT, CloseReason_CLOSE_REASON_PROVIDER, CloseReason_CLOSE_REASON_TENANT_IMAGE:
		if s.Overdue {
			return CloseReason_CLOSE_REASON_NOT_STARTED
		}
	}
	return reason
}
