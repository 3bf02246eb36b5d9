// SPDX-License-Identifier: Apache-2.0

package types

import (
	"crypto/ed25519"
	"fmt"
	"time"

	"cosmossdk.io/math"

	providertypes "github.com/athnet/ath/x/providers/types"
)

// refund is what an end sets free of what was held for the lease, in whole units, rounded down: what of its reserves is not paid, the
// wait for a start that never came, and the last fraction of a unit. What settling sets free in any case (the part of the reserve that
// was earned, outages) is none, nor is what the account counted beyond the end, so it does not matter when the lease was settled and in
// which block it is closed.
func (l Lease) refund(end End, outage time.Duration, usd Clock) math.Int {
	_, settled := l.Settle(end.At, outage, usd)
	left, s := l.Leave(end.charged(), end.At, end.At, outage, usd)
	units, _ := splitUnits(s.Forgiven.Sub(settled.Forgiven).Add(left.Remainder))
	return units.Add(s.Released).Add(left.GraceReserve).Sub(settled.Released).Sub(s.Minimum)
}

// Observed notes how a Container was when its lease ended: what Checkers had found, and which key its worker has.
func (r Receipt) Observed(c providertypes.Container, status providertypes.ContainerStatus, shard providertypes.ShardHealth) Receipt {
	_, slot := providertypes.ShardOf(status.Id)
	r.Health, r.HealthAt, r.WorkerPubkey = Health_HEALTH_UNKNOWN, nil, c.WorkerPubkey
	switch {
	case status.FaultAt != nil:
		r.Health, r.HealthAt = Health_HEALTH_FAULTY, status.FaultAt
	case providertypes.Bitmap(shard.Healthy).Has(slot):
		at := shard.ConfirmedUntil
		r.Health, r.HealthAt = Health_HEALTH_HEALTHY, &at
	}
	return r
}

// VerifyStatement checks what the worker has signed, if anything, against the key that the receipt names.
func (r Receipt) VerifyStatement(chainID string) error {
	if r.Statement == nil {
		return nil
	}
	return r.Statement.Verify(chainID, r.ID(), r.ContainerId, r.WorkerPubkey)
}

// Validate checks the form, and that its parts fit each other.
func (r Receipt) Validate() error {
	if err := r.validateSLA(); err != nil {
		return err
	}
	if r.Refunded.IsNil() || r.Refunded.IsNegative() || r.Refunded.GT(MaxAmount) {
		return fmt.Errorf("refunded: %s: want 0 to %s", show(r.Refunded), MaxAmount)
	}
	if r.Fee.IsNil() || r.Fee.IsNegative() || r.Fee.GT(r.Billed) {
		return fmt.Errorf("fee: %s: want 0 to the billed %s", show(r.Fee), r.Billed)
	}
	switch {
	case r.Health == Health_HEALTH_UNSPECIFIED || Health_name[int32(r.Health)] == "":
		return fmt.Errorf("health: %s", r.Health)
	case (r.Health == Health_HEALTH_UNKNOWN) != (r.HealthAt == nil), r.HealthAt != nil && !validTime(*r.HealthAt):
		return fmt.Errorf("health_at: %v does not go with health %s", r.HealthAt, r.Health)
	case len(r.WorkerPubkey) != ed25519.PublicKeySize:
		return fmt.Errorf("worker_pubkey: %d bytes: want %d", len(r.WorkerPubkey), ed25519.PublicKeySize)
	case r.Statement != nil:
		return r.Statement.Validate()
	}
	return nil
}
