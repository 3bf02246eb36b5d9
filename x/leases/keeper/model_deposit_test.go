// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"time"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/athnet/ath/x/leases/types"
)

// addDepositActions lets friends pay for tenants in every way, and tenants for each other.
func (m *market) addDepositActions(actions map[string]func(*rapid.T)) {
	actions["deposit for"], actions["reclaim"] = m.depositForOne, m.reclaimOne
	actions["grant"], actions["draw"], actions["revoke"], actions["set refill"] = m.grantOne, m.drawOne, m.revokeOne, m.setRefillOne
	actions["sub-account"] = m.subAccount
}

func drawTenant(t *rapid.T, name string) sdk.AccAddress {
	return tenant(rapid.Uint64Range(1, modelTenants).Draw(t, name))
}

func drawFriend(t *rapid.T) sdk.AccAddress {
	return friend(rapid.Uint64Range(1, modelFriends).Draw(t, "friend"))
}

func drawUath(t *rapid.T, most int64) sdk.Coin {
	return uath(rapid.Int64Range(0, most).Draw(t, "amount"))
}

func drawDenom(t *rapid.T) string {
	return rapid.SampledFrom(modelDenoms).Draw(t, "denom")
}

func drawCoin(t *rapid.T, most int64) sdk.Coin {
	return sdk.NewInt64Coin(drawDenom(t), rapid.Int64Range(0, most).Draw(t, "amount"))
}

func (m *market) depositForOne(t *rapid.T) {
	msg := &types.MsgDeposit{Depositor: drawFriend(t).String(), Tenant: drawTenant(t, "tenant").String(), Amount: drawCoin(t, 20_000)}
	m.do(func(ctx sdk.Context) error {
		_, err := m.msgs.Deposit(ctx, msg)
		return err
	})
}

func (m *market) reclaimOne(t *rapid.T) {
	depositor := rapid.OneOf(rapid.Custom(drawFriend), rapid.Custom(func(t *rapid.T) sdk.AccAddress { return drawTenant(t, "parent") })).Draw(t, "depositor")
	msg := &types.MsgReclaimDeposit{Signer: depositor.String(), Tenant: drawTenant(t, "tenant").String(), Amount: drawCoin(t, 10_000)}
	if rapid.Bool().Draw(t, "given back") {
		msg.Signer, msg.Depositor = msg.Tenant, depositor.String()
	}
	m.do(func(ctx sdk.Context) error {
		_, err := m.msgs.ReclaimDeposit(ctx, msg)
		return err
	})
}

func (m *market) grantOne(t *rapid.T) {
	msg := &types.MsgGrantDeposit{Granter: drawFriend(t).String(), Grantee: drawTenant(t, "tenant").String(), Limit: drawUath(t, 50_000)}
	if rapid.Bool().Draw(t, "refills") {
		refill := autoRefill(rapid.Int64Range(1, 30_000).Draw(t, "keep"), 1+msg.Limit.Amount.Int64()/4, 1+msg.Limit.Amount.Int64(), time.Hour)
		msg.Refill = &refill
	}
	if rapid.Bool().Draw(t, "expires") {
		at := m.ctx.BlockTime().Add(30 * time.Minute)
		msg.ExpiresAt = &at
	}
	m.do(func(ctx sdk.Context) error {
		_, err := m.msgs.GrantDeposit(ctx, msg)
		return err
	})
}

func (m *market) drawOne(t *rapid.T) {
	msg := &types.MsgDeposit{Depositor: drawTenant(t, "tenant").String(), Granter: drawFriend(t).String(), Amount: drawUath(t, 20_000)}
	m.do(func(ctx sdk.Context) error {
		_, err := m.msgs.Deposit(ctx, msg)
		return err
	})
}

func (m *market) revokeOne(t *rapid.T) {
	from, to := drawFriend(t), drawTenant(t, "tenant")
	m.do(func(ctx sdk.Context) error {
		_, err := m.msgs.RevokeDepositGrant(ctx, &types.MsgRevokeDepositGrant{Signer: from.String(), Granter: from.String(), Grantee: to.String()})
		return err
	})
}

func (m *market) setRefillOne(t *rapid.T) {
	msg := &types.MsgSetRefill{Tenant: drawTenant(t, "tenant").String(), Granter: drawFriend(t).String()}
	m.do(func(ctx sdk.Context) error {
		_, err := m.msgs.SetRefill(ctx, msg)
		return err
	})
}

// subAccount names a sub-account and funds it, as a transaction of two messages.
func (m *market) subAccount(t *rapid.T) {
	parent, sub := drawTenant(t, "parent").String(), drawTenant(t, "sub").String()
	limit, amount := rapid.Int64Range(0, 30_000).Draw(t, "limit"), drawUath(t, 20_000)
	m.do(func(ctx sdk.Context) error {
		_, err := m.msgs.SetSubAccount(ctx, &types.MsgSetSubAccount{Parent: parent, Sub: sub, Limit: uath(limit)})
		return err
	})
	m.do(func(ctx sdk.Context) error {
		_, err := m.msgs.FundSubAccount(ctx, &types.MsgFundSubAccount{Parent: parent, Sub: sub, Amount: amount})
		return err
	})
}

// everybodyKeepsToHisOwn: what somebody has in wallet and accounts of a denom is never more than what he began with. Credits for outages come
// on top of that, where there are any.
func (m *market) everybodyKeepsToHisOwn(t *rapid.T, denom string) {
	has := map[string]int64{}
	wallet := func(who sdk.AccAddress) int64 { return m.vault.get(m.ctx, in("bank/"+who.String(), denom)).Int64() }
	for n := uint64(1); n <= modelFriends; n++ {
		has[friend(n).String()] = wallet(friend(n))
	}
	for n := uint64(1); n <= modelTenants; n++ {
		has[tenant(n).String()] += wallet(tenant(n))
		res, err := m.queries.Depositors(m.ctx, &types.QueryDepositorsRequest{Tenant: tenant(n).String(), Denom: denom})
		require.NoError(t, err)
		has[tenant(n).String()] += res.Own.Amount.Int64()
		require.False(t, res.Own.IsNegative())
		require.False(t, res.Withdrawable.Amount.GT(res.Own.Amount))
		for _, p := range res.Places {
			has[p.Place.Depositor] += p.Place.Left.Int64()
			require.False(t, p.Reclaimable.Amount.GT(p.Place.Left))
		}
	}
	all := int64(0)
	for who, amount := range has {
		all += amount
		if !m.faults {
			require.LessOrEqual(t, amount, int64(modelFunds), "%s has more than he began with", who)
		}
	}
	require.LessOrEqual(t, all, int64((modelTenants+modelFriends)*modelFunds), "faults and tickets give back what was paid, and no more")
	for n := uint64(1); n <= modelFriends; n++ {
		require.LessOrEqual(t, has[friend(n).String()], int64(modelFunds), "a credit gives a depositor back what he paid")
	}
}
