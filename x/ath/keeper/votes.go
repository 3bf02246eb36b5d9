// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

// ApplyVotes takes what validators said in the extensions of the last block, before anything else happens in this one. Votes
// are in order of operator, one each, of all who signed; they have been checked. power is that of all validators, whether
// they said something or not. It is not called in blocks that carry no votes.
func (k *Keeper) ApplyVotes(ctx sdk.Context, votes []types.Vote, power int64) error {
	if err := k.stepPrice(ctx, votes, power); err != nil {
		return err
	}
	return k.stepBeacon(ctx, votes)
}
