// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	leases "github.com/athnet/ath/x/leases/types"
)

// granted is what is taken of a grant where so much is missing: a first deposit into somebody's account has a least amount.
func (r *run) granted(missing math.Int) math.Int {
	if r.opts.Granter == "" || !missing.IsPositive() {
		return missing
	}
	return math.MaxInt(missing, math.NewIntFromUint64(r.params.MinForeignDeposit))
}

// paid are the messages that open a lease, with the deposit out of the tenant's wallet or, before them in the same transaction, its
// granter's. It says which of them opens the lease.
func (r *run) paid(msg *leases.MsgCreateLease) (msgs []sdk.Msg, opening int) {
	if r.opts.Granter == "" || !msg.Deposit.IsPositive() {
		return []sdk.Msg{msg}, 0
	}
	deposit := &leases.MsgDeposit{Depositor: msg.Tenant, Granter: r.opts.Granter, Amount: msg.Deposit}
	msg.Deposit = sdk.NewCoin(msg.Deposit.Denom, math.ZeroInt())
	return []sdk.Msg{deposit, msg}, 1
}
