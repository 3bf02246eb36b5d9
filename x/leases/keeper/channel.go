// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"
	"fmt"

	"cosmossdk.io/collections"
	errorsmod "cosmossdk.io/errors"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// Channel returns a channel; ErrChannelNotFound where it was never opened or has ended.
func (k *Keeper) Channel(ctx sdk.Context, tenant sdk.AccAddress, number uint64) (types.Channel, error) {
	channel, err := k.channels.Get(ctx, collections.Join(tenant, number))
	if errors.Is(err, collections.ErrNotFound) {
		return channel, types.ErrChannelNotFound.Wrapf("number: %d of %s", number, tenant)
	}
	return channel, err
}

// nextChannel is the number of the next channel of a tenant: above all that were ever used.
func (k *Keeper) nextChannel(ctx sdk.Context, tenant sdk.AccAddress) (uint64, error) {
	next, err := k.channelNumbers.Get(ctx, tenant)
	if errors.Is(err, collections.ErrNotFound) {
		return 1, nil
	}
	return next, err
}

// OpenChannels opens the channels of a valid message, all or none; it returns the number of the first. What leases of the tenant have
// used or reserved can't be put into a channel.
func (k *Keeper) OpenChannels(ctx sdk.Context, tenant sdk.AccAddress, msg *types.MsgOpenChannels, params types.Params) (uint64, error) {
	p, err := k.openPurse(ctx, tenant, athtypes.Denom)
	if err != nil {
		return 0, err
	}
	if !msg.Deposit.Amount.IsNil() && msg.Deposit.IsPositive() {
		if err := k.deposit(ctx, p, msg.Deposit.Amount); err != nil {
			return 0, err
		}
	}
	first, err := k.nextChannel(ctx, tenant)
	if err != nil {
		return 0, err
	}
	caps := make([]uint64, len(msg.Channels))
	channels := make([]types.Channel, len(msg.Channels))
	for i, o := range msg.Channels {
		provider, err := k.servedBy(ctx, o.ContainerId)
		if err != nil {
			return 0, errorsmod.Wrapf(err, "channels[%d].container_id", i)
		}
		channels[i] = types.NewChannel(p.account.Tenant, first+uint64(i), provider, o, params.ChannelChallenge)
		caps[i] = o.Cap
	}
	sources, err := k.reserve(ctx, p, caps...)
	if err != nil {
		return 0, err
	}
	if err := k.channelNumbers.Set(ctx, tenant, first+uint64(len(channels))); err != nil {
		return 0, err
	}
	for i, c := range channels {
		c = c.AddSources(sources[i])
		if err := k.vault.Move(ctx, p.row(), c.Row(), types.Uath(c.Cap)); err != nil {
			return 0, err
		}
		if err := k.addChannel(ctx, tenant, c); err != nil {
			return 0, err
		}
		if err := athtypes.Emit(ctx, &types.EventChannelOpened{Channel: c}); err != nil {
			return 0, err
		}
	}
	return first, nil
}

// servedBy names the provider of a Container that has not left the market.
func (k *Keeper) servedBy(ctx sdk.Context, container uint64) (string, error) {
	c, err := k.providers.Container(ctx, container)
	if err != nil {
		return "", err
	}
	status, err := k.providers.Status(ctx, container)
	if err != nil {
		return "", err
	}
	if status.State == providertypes.ContainerState_CONTAINER_STATE_RETIRED {
		return "", types.ErrContainerRetired.Wrapf("container %d", container)
	}
	return c.Provider, nil
}

// reserve takes amounts off a purse's free balance and says for each what of it is other people's; the caller moves the coins.
func (k *Keeper) reserve(ctx sdk.Context, p *purse, amounts ...uint64) ([][]types.ChannelSource, error) {
	d, err := k.stack(ctx, p)
	if err != nil {
		return nil, err
	}
	sources, wanted := make([][]types.ChannelSource, len(amounts)), math.ZeroInt()
	for i, amount := range amounts {
		wanted = wanted.Add(types.Uath(amount))
		d, sources[i] = d.Draw(types.Uath(amount))
	}
	if free := p.account.Free(p.balance); wanted.GT(free) {
		return nil, types.ErrInsufficientFree.Wrapf("cap: %s of %s free: the rest is used or reserved by %d open leases: deposit more",
			types.Readable(wanted), types.Readable(free), p.account.OpenLeases)
	}
	p.balance = p.balance.Sub(wanted)
	if err := k.saveStack(ctx, p, d); err != nil || p.account.OpenLeases == 0 {
		return sources, err
	}
	return sources, k.savePurse(ctx, p)
}

func (k *Keeper) addChannel(ctx sdk.Context, tenant sdk.AccAddress, c types.Channel) error {
	if err := k.channels.Set(ctx, collections.Join(tenant, c.Number), c); err != nil {
		return err
	}
	return k.channelEnds.Set(ctx, endOf(tenant, c))
}

func endOf(tenant sdk.AccAddress, c types.Channel) channelEndKey {
	return collections.Join3(c.EndsAt.UnixNano(), tenant, c.Number)
}

// updateChannel writes a channel whose end may have moved.
func (k *Keeper) updateChannel(ctx sdk.Context, tenant sdk.AccAddress, old, c types.Channel) error {
	if !c.EndsAt.Equal(old.EndsAt) {
		if err := k.channelEnds.Remove(ctx, endOf(tenant, old)); err != nil {
			return err
		}
	}
	if err := k.addChannel(ctx, tenant, c); err != nil {
		return err
	}
	return athtypes.Emit(ctx, &types.EventChannelUpdated{Channel: c})
}

// TopUpChannel raises the cap of a channel, prolongs it, or both.
func (k *Keeper) TopUpChannel(ctx sdk.Context, tenant sdk.AccAddress, msg *types.MsgTopUpChannel, params types.Params) (types.Channel, error) {
	old, err := k.Channel(ctx, tenant, msg.Number)
	if err != nil {
		return old, err
	}
	c, err := old.TopUp(msg, ctx.BlockTime(), params)
	if err != nil {
		return old, err
	}
	if msg.Amount > 0 {
		p, err := k.openPurse(ctx, tenant, athtypes.Denom)
		if err != nil {
			return old, err
		}
		sources, err := k.reserve(ctx, p, msg.Amount)
		if err != nil {
			return old, err
		}
		c = c.AddSources(sources[0])
		if err := k.vault.Move(ctx, p.row(), c.Row(), types.Uath(msg.Amount)); err != nil {
			return old, err
		}
	}
	return c, k.updateChannel(ctx, tenant, old, c)
}

// CloseChannel ends a channel at once for its provider, and for anyone once it has ended; for its tenant it begins the challenge. It
// returns what went back to the tenant; a channel that is gone returns 0.
func (k *Keeper) CloseChannel(ctx sdk.Context, signer, tenant sdk.AccAddress, number uint64, params types.Params) (uint64, error) {
	c, err := k.Channel(ctx, tenant, number)
	if errors.Is(err, types.ErrChannelNotFound) {
		return 0, k.mustHaveBeen(ctx, tenant, number)
	}
	if err != nil {
		return 0, err
	}
	unauthorized := k.providers.Authorize(ctx, signer, c.Provider)
	switch {
	case c.Ended(ctx.BlockTime()), unauthorized == nil:
		return c.Left(), k.endChannel(ctx, tenant, c)
	case !signer.Equals(tenant):
		return 0, types.ErrUnauthorized.Wrapf("signer: neither tenant nor provider of channel %s, which ends at %s", c.ID(), c.EndsAt)
	case c.Closing:
		return 0, nil
	}
	return 0, k.updateChannel(ctx, tenant, c, c.Close(ctx.BlockTime(), params.ChannelChallenge))
}

// mustHaveBeen returns nil where a channel was opened once.
func (k *Keeper) mustHaveBeen(ctx sdk.Context, tenant sdk.AccAddress, number uint64) error {
	next, err := k.nextChannel(ctx, tenant)
	if err == nil && (number == 0 || number >= next) {
		err = types.ErrChannelNotFound.Wrapf("number: %d of %s was never opened", number, tenant)
	}
	return err
}

// endChannel gives back what is left and forgets the channel; its number stays used.
func (k *Keeper) endChannel(ctx sdk.Context, tenant sdk.AccAddress, c types.Channel) error {
	if err := k.refundChannel(ctx, tenant, c); err != nil {
		return err
	}
	if err := k.channels.Remove(ctx, collections.Join(tenant, c.Number)); err != nil {
		return err
	}
	if err := k.channelEnds.Remove(ctx, endOf(tenant, c)); err != nil {
		return err
	}
	return athtypes.Emit(ctx, &types.EventChannelClosed{
		Tenant: c.Tenant, Number: c.Number, Provider: c.Provider, ContainerId: c.ContainerId, Redeemed: c.Redeemed, Refunded: c.Left(),
	})
}

// draft is a channel within one message: what its vouchers promise is added up before anything is written.
type draft struct {
	tenant  sdk.AccAddress
	channel types.Channel
	due     uint64
	gone    bool
}

// Redeem verifies every voucher of a valid message and pays each channel once: the highest amount, less what was paid before. Vouchers
// race, so that one which is late, because of a higher one or because its channel has ended, pays nothing and is no error; a wrong
// signature is one.
func (k *Keeper) Redeem(ctx sdk.Context, vouchers []types.Voucher, params types.Params) (paid uint64, channels uint32, err error) {
	type at struct {
		tenant string // bytes of the address: as text it has more than one form, and a channel must have one draft
		number uint64
	}
	index := make(map[at]int)
	var drafts []draft
	for i, v := range vouchers {
		tenant, err := k.address("tenant", v.Tenant)
		if err != nil {
			return 0, 0, errorsmod.Wrapf(err, "vouchers[%d]", i)
		}
		key := at{string(tenant), v.Number}
		n, seen := index[key]
		if !seen {
			d, err := k.draft(ctx, tenant, v.Number)
			if err != nil {
				return 0, 0, errorsmod.Wrapf(err, "vouchers[%d]", i)
			}
			n = len(drafts)
			index[key], drafts = n, append(drafts, d)
		}
		if drafts[n].gone {
			continue
		}
		ctx.GasMeter().ConsumeGas(params.VoucherGas, "voucher")
		if err := v.Verify(ctx.ChainID(), drafts[n].channel.VoucherKey); err != nil {
			return 0, 0, errorsmod.Wrapf(err, "vouchers[%d]", i)
		}
		channel, due := drafts[n].channel.Redeem(v.Amount)
		drafts[n].channel, drafts[n].due = channel, drafts[n].due+due
	}
	for _, d := range drafts {
		if d.due == 0 {
			continue
		}
		if err := k.payChannel(ctx, d); err != nil {
			return 0, 0, fmt.Errorf("channel %s: %w", d.channel.ID(), err)
		}
		paid, channels = paid+d.due, channels+1
	}
	return paid, channels, nil
}

// draft loads the channel of a voucher. One that has ended is gone, whether or not the queue has got to it: nobody gains by a block
// that is late.
func (k *Keeper) draft(ctx sdk.Context, tenant sdk.AccAddress, number uint64) (draft, error) {
	c, err := k.Channel(ctx, tenant, number)
	if errors.Is(err, types.ErrChannelNotFound) {
		return draft{gone: true}, k.mustHaveBeen(ctx, tenant, number)
	}
	return draft{tenant: tenant, channel: c, gone: c.Ended(ctx.BlockTime())}, err
}

func (k *Keeper) payChannel(ctx sdk.Context, d draft) error {
	provider, err := k.address("provider", d.channel.Provider)
	if err != nil {
		return err
	}
	fee, err := k.vault.PayProvider(ctx, d.channel.Row(), provider, nil, types.Uath(d.due))
	if err != nil {
		return err
	}
	if err := k.channels.Set(ctx, collections.Join(d.tenant, d.channel.Number), d.channel); err != nil {
		return err
	}
	return athtypes.Emit(ctx, &types.EventChannelRedeemed{
		Tenant: d.channel.Tenant, Number: d.channel.Number, Provider: d.channel.Provider, ContainerId: d.channel.ContainerId,
		Paid: d.due, Fee: fee.Uint64(), Redeemed: d.channel.Redeemed,
	})
}

// popChannels refunds up to budget channels that have ended.
func (k *Keeper) popChannels(ctx sdk.Context, budget int) error {
	now := ctx.BlockTime().UnixNano()
	due, err := firstKeys(ctx, k.channelEnds, budget, func(key channelEndKey) bool { return key.K1() <= now })
	if err != nil {
		return err
	}
	for _, key := range due {
		failed := k.isolate(ctx, func(ctx sdk.Context) error {
			c, err := k.Channel(ctx, key.K2(), key.K3())
			if err != nil {
				return err
			}
			return k.endChannel(ctx, key.K2(), c)
		})
		if failed == nil {
			continue
		}
		if err := k.channelEnds.Remove(ctx, key); err != nil {
			return err
		}
		if err := k.park(ctx, "channels", key.K2(), key.K3(), failed); err != nil {
			return err
		}
	}
	return nil
}

// initChannels loads the channels of a genesis; x/ath has their coins.
func (k *Keeper) initChannels(ctx sdk.Context, g types.GenesisState) error {
	for _, counter := range g.ChannelCounters {
		tenant, err := k.addresses.StringToBytes(counter.Tenant)
		if err != nil {
			return err
		}
		if err := k.channelNumbers.Set(ctx, tenant, counter.Next); err != nil {
			return err
		}
	}
	for _, c := range g.Channels {
		tenant, err := k.addresses.StringToBytes(c.Tenant)
		if err != nil {
			return err
		}
		if err := k.addChannel(ctx, tenant, c); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) exportChannels(ctx sdk.Context, g *types.GenesisState) (err error) {
	if g.Channels, err = values(ctx, k.channels); err != nil {
		return err
	}
	return k.channelNumbers.Walk(ctx, nil, func(tenant sdk.AccAddress, next uint64) (bool, error) {
		name, err := k.addresses.BytesToString(tenant)
		g.ChannelCounters = append(g.ChannelCounters, types.ChannelCounter{Tenant: name, Next: next})
		return false, err
	})
}

// checkChannels is the invariants C1 to C3.
func (k *Keeper) checkChannels(ctx sdk.Context) error {
	count := 0
	err := k.channels.Walk(ctx, nil, func(key leaseKey, c types.Channel) (bool, error) {
		held, err := k.vault.RowAmount(ctx, c.Row())
		if err != nil {
			return true, err
		}
		if c.Redeemed > c.Cap || !held.Equal(types.Uath(c.Left())) {
			return true, types.ErrInvariant.Wrapf("channel %s holds %s, with %d of %d redeemed", c.ID(), held, c.Redeemed, c.Cap)
		}
		if has, err := k.channelEnds.Has(ctx, endOf(key.K1(), c)); err != nil || !has {
			return true, types.ErrInvariant.Wrapf("channel %s ends at %s and is not in the queue (%v)", c.ID(), c.EndsAt, err)
		}
		if next, err := k.nextChannel(ctx, key.K1()); err != nil || c.Number >= next {
			return true, types.ErrInvariant.Wrapf("channel %s, and the next number is %d (%v)", c.ID(), next, err)
		}
		count++
		return false, nil
	})
	if err != nil {
		return err
	}
	return checkCount(ctx, "channel queue", k.channelEnds, count)
}
