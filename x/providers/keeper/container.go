// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"bytes"
	"errors"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/providers/types"
)

// RegisterContainers registers Containers and bonds their stake, all or none: everything is checked before anything is
// written.
func (k *Keeper) RegisterContainers(
	ctx sdk.Context, owner sdk.AccAddress, news []types.NewContainer, maxStake math.Int,
) ([]uint64, math.Int, error) {
	provider, err := k.Provider(ctx, owner)
	if err != nil {
		return nil, math.Int{}, err
	}
	stakes, total, err := k.admit(ctx, provider, news)
	if err != nil {
		return nil, math.Int{}, err
	}
	if total.GT(maxStake) {
		return nil, math.Int{}, types.ErrStakeAboveMax.Wrapf("%s uath are needed, max_stake is %s", total, maxStake)
	}
	first, err := k.nextContainer.Peek(ctx)
	if err != nil {
		return nil, math.Int{}, err
	}
	// What all of them share is written once: the sequence, the provider and the owner's balance.
	if err := k.nextContainer.Set(ctx, first+uint64(len(news))); err != nil {
		return nil, math.Int{}, err
	}
	made, rows := make([]uint64, len(news)), make([]athtypes.RowBalance, len(news))
	for i, n := range news {
		made[i] = first + uint64(i)
		rows[i] = athtypes.RowBalance{Row: types.StakeRow(provider.Owner, made[i]), Amount: stakes[i].Required}
		if err := k.addContainer(ctx, made[i], provider.Owner, n, stakes[i]); err != nil {
			return nil, math.Int{}, types.At(i, err)
		}
	}
	if err := k.vault.DepositRows(ctx, owner, rows); err != nil {
		return nil, math.Int{}, err
	}
	if err := k.countBase(ctx, types.SumBase(stakes)); err != nil {
		return nil, math.Int{}, err
	}
	if err := k.countNew(ctx, news, stakes); err != nil {
		return nil, math.Int{}, err
	}
	provider.Containers += uint64(len(news))
	return made, total, k.providers.Set(ctx, owner, provider)
}

// admit checks each Container against the catalogue and against all that live, and returns what each must bond.
func (k *Keeper) admit(
	ctx sdk.Context, provider types.Provider, news []types.NewContainer,
) ([]types.ContainerStake, math.Int, error) {
	params, err := k.Params(ctx)
	if err != nil {
		return nil, math.Int{}, err
	}
	coefficient, err := k.Coefficient(ctx)
	if err != nil {
		return nil, math.Int{}, err
	}
	stakes, total := make([]types.ContainerStake, len(news)), math.ZeroInt()
	named := make(map[string]int, len(news))
	for i, n := range news {
		class, err := k.Class(ctx, n.Class)
		if err != nil {
			return nil, math.Int{}, types.At(i, err)
		}
		if err := n.Spec.Fits(class, n.Count); err != nil {
			return nil, math.Int{}, types.At(i, err)
		}
		if other, ok := named[string(n.Fingerprint)]; ok {
			return nil, math.Int{}, types.At(i, types.ErrFingerprintTaken.Wrapf("fingerprint: is that of containers[%d]", other))
		}
		named[string(n.Fingerprint)] = i
		id, err := k.containers.Indexes.fingerprint.MatchExact(ctx, n.Fingerprint)
		if err == nil {
			return nil, math.Int{}, types.At(i, types.ErrFingerprintTaken.Wrapf("fingerprint: container %d has it; retire that first", id))
		}
		if !errors.Is(err, collections.ErrNotFound) {
			return nil, math.Int{}, err
		}
		ctx.GasMeter().ConsumeGas(types.ConsentGas, "worker's consent")
		if err := n.CheckConsent(ctx.ChainID(), provider.Owner); err != nil {
			return nil, math.Int{}, types.At(i, err)
		}
		stakes[i] = params.NewStake(class, provider.Tier, n.Count, coefficient.IndexPpm)
		total = total.Add(stakes[i].Required)
	}
	return stakes, total, nil
}

// addContainer writes one Container; its stake is deposited with that of the others.
func (k *Keeper) addContainer(ctx sdk.Context, id uint64, provider string, n types.NewContainer, stake types.ContainerStake) error {
	c := types.Container{
		Id: id, Provider: provider, Class: n.Class, Count: n.Count, Spec: n.Spec, WorkerPubkey: n.WorkerPubkey,
		Fingerprint: n.Fingerprint, Endpoint: n.Endpoint, Connectivity: n.Connectivity, Region: n.Region,
		RegisteredAt: ctx.BlockTime(), Windows: n.Windows,
	}
	status := types.NewStatus(id)
	if err := k.containers.Set(ctx, id, c); err != nil {
		return err
	}
	if err := k.statuses.Set(ctx, id, status); err != nil {
		return err
	}
	stake.Container = id
	if err := k.stakes.Set(ctx, id, stake); err != nil {
		return err
	}
	return athtypes.Emit(ctx, &types.EventContainerRegistered{Container: c, State: status.State, Stake: stake.Required})
}

// UpdateContainer changes how a Container is reached and what was measured of it.
func (k *Keeper) UpdateContainer(ctx sdk.Context, signer sdk.AccAddress, m *types.MsgUpdateContainer) error {
	c, err := k.Container(ctx, m.Id)
	if err != nil {
		return err
	}
	if err := k.Authorize(ctx, signer, c.Provider); err != nil {
		return err
	}
	prev, err := k.Status(ctx, m.Id)
	if err != nil {
		return err
	}
	class, err := k.Class(ctx, c.Class)
	if err != nil {
		return err
	}
	if !bytes.Equal(c.Fingerprint, m.Fingerprint) {
		return types.ErrInvalidField.Wrapf("fingerprint: is not that of container %d; other devices make a new container", m.Id)
	}
	if err := m.Spec.Fits(class, c.Count); err != nil {
		return err
	}
	if prev.State.Bound() {
		if err := m.Spec.Covers(c.Spec); err != nil {
			return err
		}
	}
	c.Endpoint, c.Connectivity, c.Region, c.Spec, c.Windows = m.Endpoint, m.Connectivity, m.Region, m.Spec, m.Windows
	if err := k.containers.Set(ctx, m.Id, c); err != nil {
		return err
	}
	if err := k.save(ctx, prev, prev.Reweigh(class, c), nil); err != nil {
		return err
	}
	return athtypes.Emit(ctx, &types.EventContainerUpdated{Container: c})
}

// Heartbeat notes that workers live, and which of their devices are broken. It also ends suspensions that are over and brings weights up to date with the
// catalogue, so that neither needs a queue.
func (k *Keeper) Heartbeat(ctx sdk.Context, signer sdk.AccAddress, ids []uint64, faults []types.DeviceFault) error {
	containers, err := k.containersOf(ctx, ids)
	if err != nil {
		return err
	}
	if err := k.Authorize(ctx, signer, containers[0].Provider); err != nil {
		return err
	}
	broken := make(map[uint64][]types.DeviceFault)
	for _, f := range faults {
		broken[f.Id] = append(broken[f.Id], f)
	}
	params, err := k.Params(ctx)
	if err != nil {
		return err
	}
	resumed, err := k.Resumed(ctx)
	if err != nil {
		return err
	}
	classes := make(map[string]types.Class, 1)
	edits := k.editShards()
	for _, c := range containers {
		class, ok := classes[c.Class]
		if !ok {
			if class, err = k.Class(ctx, c.Class); err != nil {
				return err
			}
			classes[c.Class] = class
		}
		prev, err := k.Status(ctx, c.Id)
		if err != nil {
			return err
		}
		silent, err := k.silentFor(ctx, c.Id, params, resumed)
		if err != nil {
			return err
		}
		next, err := prev.Silence(ctx.BlockTime(), silent).Hear(ctx.BlockTime(), types.DescribeFaults(broken[c.Id]))
		if err != nil {
			return err
		}
		if err := k.save(ctx, prev, next.Reweigh(class, c), edits); err != nil {
			return err
		}
		if err := k.lastSeen.Set(ctx, c.Id, ctx.BlockTime().UnixNano()); err != nil {
			return err
		}
	}
	if err := edits.save(ctx); err != nil {
		return err
	}
	return athtypes.Emit(ctx, &types.EventHeartbeat{Ids: ids})
}

// SetMaintenance takes Containers off the market or brings them back to be checked.
func (k *Keeper) SetMaintenance(ctx sdk.Context, signer sdk.AccAddress, ids []uint64, on bool, reason string) error {
	containers, err := k.containersOf(ctx, ids)
	if err != nil {
		return err
	}
	if err := k.Authorize(ctx, signer, containers[0].Provider); err != nil {
		return err
	}
	edits := k.editShards()
	for _, c := range containers {
		prev, err := k.Status(ctx, c.Id)
		if err != nil {
			return err
		}
		next, err := prev.Maintain(on, reason, ctx.BlockTime())
		if err != nil {
			return err
		}
		if err := k.change(ctx, prev, next, edits); err != nil {
			return err
		}
	}
	return edits.save(ctx)
}

// containersOf loads the Containers of a message, which must all be of one provider.
func (k *Keeper) containersOf(ctx sdk.Context, ids []uint64) ([]types.Container, error) {
	out := make([]types.Container, len(ids))
	for i, id := range ids {
		c, err := k.Container(ctx, id)
		if err != nil {
			return nil, err
		}
		if c.Provider != out[0].Provider && i > 0 {
			return nil, types.ErrUnauthorized.Wrapf("ids[%d]: container %d is of provider %s, container %d of %s",
				i, id, c.Provider, ids[0], out[0].Provider)
		}
		out[i] = c
	}
	return out, nil
}
