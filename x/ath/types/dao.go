// SPDX-License-Identifier: Apache-2.0

package types

import "cosmossdk.io/math"

const (
	// DAOTotal is what the public network's genesis grants to the DAO: 7.5% of the cap.
	DAOTotal = Cap / 1000 * 75
	// DAOEpochs is 48 months of daily epochs.
	DAOEpochs = 1461
)

// DAOStream is what the DAO's row pays at the end of an epoch (from 1), of what it held at genesis: equal steps that
// differ by at most one and are all of it together.
func DAOStream(granted math.Int, epoch uint64) math.Int {
	if epoch == 0 {
		return math.ZeroInt()
	}
	return DAORemaining(granted, epoch-1).Sub(DAORemaining(granted, epoch))
}

// DAORemaining is what the row still holds when that many epochs have ended.
func DAORemaining(granted math.Int, ended uint64) math.Int {
	return granted.Sub(linear(granted, min(ended, DAOEpochs), DAOEpochs))
}

// DivideDAO splits a payment of the DAO's row; the remainder of the division goes to the treasury.
func (p Params) DivideDAO(amount math.Int) (stakers, treasury math.Int) {
	stakers = PartRoundedDown(amount, p.DaoStakersPpm)
	return stakers, amount.Sub(stakers)
}

// validateDAO checks the one row of the DAO against what was granted; the keeper's invariant checks the amounts of a
// running chain.
func (g GenesisState) validateDAO() error {
	for i, balance := range g.Rows {
		if balance.Row.Kind == RowKind_ROW_KIND_DAO && balance.Row != DAORow() {
			return ErrInvalidGenesis.Wrapf("rows[%d]: the DAO has one row, of %s and with bucket 0", i, Denom)
		}
	}
	if g.DaoGranted.IsNil() || g.DaoGranted.IsNegative() || g.DaoGranted.GT(math.NewInt(Cap)) {
		return ErrInvalidGenesis.Wrapf("dao_granted is %s; 0 to %d", g.DaoGranted, Cap)
	}
	if g.New() && g.DaoGranted.IsPositive() {
		return ErrInvalidGenesis.Wrapf("dao_granted is %s; a new chain takes it from the DAO's row", g.DaoGranted)
	}
	return nil
}
