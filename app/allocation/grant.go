// SPDX-License-Identifier: Apache-2.0

package allocation

import (
	"time"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	vestingtypes "github.com/cosmos/cosmos-sdk/x/auth/vesting/types"

	athtypes "github.com/athnet/ath/x/ath/types"
)

// Grant is what one account gets.
type Grant struct {
	Category string
	Address  string
	Amount   math.Int
	Account  authtypes.GenesisAccount
}

// Grants divides every category over its beneficiaries, in the order of the file. Amounts are differences of a running sum
// rounded down, so they are the category's total to the last uath.
func (t Table) Grants() ([]Grant, error) {
	var all []Grant
	for _, c := range categories {
		shares := math.ZeroInt()
		for _, b := range t.Beneficiaries[c.Name] {
			shares = shares.Add(math.NewIntFromUint64(b.Share))
		}
		running, before := math.ZeroInt(), math.ZeroInt()
		for _, b := range t.Beneficiaries[c.Name] {
			running = running.Add(math.NewIntFromUint64(b.Share))
			until := c.Total().Mul(running).Quo(shares)
			grant := Grant{Category: c.Name, Address: b.Address, Amount: until.Sub(before)}
			before = until
			if !grant.Amount.IsPositive() {
				return nil, fileError{"allocation", b.line, "the share is too small for one uath"}
			}
			account, err := c.account(b.Address, grant.Amount, t.Start)
			if err != nil {
				return nil, err
			}
			grant.Account = account
			all = append(all, grant)
		}
	}
	return all, nil
}

// account is the stock vesting account of a grant. The SDK's continuous account has no cliff besides its start, which is where
// "cliff, then linear" begins; one with steps is periodic.
func (c Category) account(owner string, amount math.Int, start time.Time) (authtypes.GenesisAccount, error) {
	raw, err := sdk.AccAddressFromBech32(owner)
	if err != nil {
		return nil, err
	}
	base := authtypes.NewBaseAccount(raw, nil, 0, 0)
	locked := amount.Sub(c.free(amount))
	coins := sdk.NewCoins(sdk.NewCoin(athtypes.Denom, locked))
	if c.LinearTo > 0 {
		return vestingtypes.NewContinuousVestingAccount(base, coins,
			start.AddDate(0, c.LinearFrom, 0).Unix(), start.AddDate(0, c.LinearTo, 0).Unix())
	}
	var periods vestingtypes.Periods
	at, left := start, locked
	for i, step := range c.Steps {
		if step.Month == 0 {
			continue
		}
		until := start.AddDate(0, step.Month, 0)
		part := amount.MulRaw(step.PPM).QuoRaw(athtypes.PPM)
		if i == len(c.Steps)-1 {
			part = left
		}
		left = left.Sub(part)
		if part.IsPositive() {
			periods = append(periods, vestingtypes.Period{
				Length: until.Unix() - at.Unix(), Amount: sdk.NewCoins(sdk.NewCoin(athtypes.Denom, part)),
			})
			at = until
		}
	}
	return vestingtypes.NewPeriodicVestingAccount(base, coins, start.Unix(), periods)
}

// free is what of an amount is free at the start.
func (c Category) free(amount math.Int) math.Int {
	for _, step := range c.Steps {
		if step.Month == 0 {
			return amount.MulRaw(step.PPM).QuoRaw(athtypes.PPM)
		}
	}
	return math.ZeroInt()
}
