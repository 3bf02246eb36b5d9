// SPDX-License-Identifier: Apache-2.0

package simulation

import (
	"context"
	"crypto/ed25519"
	"slices"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/testutil/simsx"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/testutil/sim"
	"github.com/athnet/ath/x/providers/keeper"
	"github.com/athnet/ath/x/providers/types"
)

// maxContainers keeps a simulation's state small.
const maxContainers = 40

// WeightedOperationsX adds the operations of users.
func WeightedOperationsX(k *keeper.Keeper, weights simsx.WeightSource, reg simsx.Registry) {
	reg.Add(weights.Get("msg_register_provider", 10), MsgRegisterProviderFactory(k))
	reg.Add(weights.Get("msg_update_provider", 3), MsgUpdateProviderFactory(k))
	reg.Add(weights.Get("msg_deregister_provider", 2), MsgDeregisterProviderFactory(k))
	reg.Add(weights.Get("msg_register_containers", 10), MsgRegisterContainersFactory(k))
	reg.Add(weights.Get("msg_update_container", 5), MsgUpdateContainerFactory(k))
	reg.Add(weights.Get("msg_set_maintenance", 5), MsgSetMaintenanceFactory(k))
	reg.Add(weights.Get("msg_retire_containers", 3), MsgRetireContainersFactory(k))
	reg.Add(weights.Get("msg_withdraw_stake", 5), MsgWithdrawStakeFactory(k))
	reg.Add(weights.Get("msg_top_up_stake", 5), MsgTopUpStakeFactory(k))
	reg.Add(weights.Get("msg_pay_ticket", 5), MsgPayTicketFactory(k))
	reg.Add(weights.Get("msg_settle_tickets", 20), MsgSettleTicketsFactory(k))
	reg.Add(weights.Get("msg_heartbeat", 30), MsgHeartbeatFactory(k))
}

// MsgRegisterProviderFactory makes somebody a provider.
func MsgRegisterProviderFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgRegisterProvider] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgRegisterProvider) {
		state, err := k.ExportGenesis(sdk.UnwrapSDKContext(ctx))
		if err != nil {
			return sim.Skip[*types.MsgRegisterProvider](reporter, err)
		}
		var known []string
		for _, p := range state.Providers {
			known = append(known, p.Owner)
		}
		owner := data.AnyAccountN(3, reporter, simsx.ExcludeAddresses(known...)).AddressBech32
		if reporter.IsSkipped() {
			return nil, nil
		}
		tier := types.Tier_TIER_EDGE
		if data.Rand().Bool() {
			tier = types.Tier_TIER_ENTERPRISE
		}
		return sim.Signed(data, reporter, owner, &types.MsgRegisterProvider{
			Owner: owner, Operators: []string{sim.Other(data, reporter, owner)}, Tier: tier, Country: "DE",
		})
	}
}

// MsgUpdateProviderFactory changes operators and payout.
func MsgUpdateProviderFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgUpdateProvider] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgUpdateProvider) {
		provider, ok := anyProvider(ctx, k, data, reporter, sim.Any)
		if !ok {
			return nil, nil
		}
		msg := &types.MsgUpdateProvider{Owner: provider.Owner, Operators: []string{sim.Other(data, reporter, provider.Owner)}, Country: "FR"}
		if data.Rand().Bool() {
			msg.Payout = data.AnyAccount(reporter).AddressBech32
		}
		return sim.Signed(data, reporter, msg.Owner, msg)
	}
}

// MsgDeregisterProviderFactory lets a provider without Containers leave.
func MsgDeregisterProviderFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgDeregisterProvider] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgDeregisterProvider) {
		provider, ok := anyProvider(ctx, k, data, reporter, func(p types.Provider) bool { return p.Containers == 0 })
		if !ok {
			return nil, nil
		}
		return sim.Signed(data, reporter, provider.Owner, &types.MsgDeregisterProvider{Owner: provider.Owner})
	}
}

// MsgRegisterContainersFactory registers up to three machines.
func MsgRegisterContainersFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgRegisterContainers] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgRegisterContainers) {
		state, err := k.ExportGenesis(sdk.UnwrapSDKContext(ctx))
		if err != nil || len(state.Containers) >= maxContainers {
			return sim.Skip[*types.MsgRegisterContainers](reporter, "enough of them")
		}
		provider, ok := sim.Pick(data, reporter, state.Providers, sim.Any)
		if !ok {
			return nil, nil
		}
		msg := &types.MsgRegisterContainers{Owner: provider.Owner, MaxStake: math.NewInt(1_000_000_000_000)}
		for range 1 + data.Rand().Intn(3) {
			msg.Containers = append(msg.Containers, randomContainer(sdk.UnwrapSDKContext(ctx).ChainID(), data, provider.Owner))
		}
		return sim.Signed(data, reporter, msg.Owner, msg)
	}
}

func randomContainer(chainID string, data *simsx.ChainDataSource, owner string) types.NewContainer {
	key, fingerprint := sim.WorkerKey(owner), sim.Bytes(data)
	return types.NewContainer{
		Class: "cpu", Count: 1, Spec: randomSpec(data), WorkerPubkey: key.Public().(ed25519.PublicKey), Fingerprint: fingerprint,
		WorkerSignature: ed25519.Sign(key, types.RegistrationSignBytes(chainID, owner, "cpu", fingerprint)),
		Endpoint:        "worker.example.org:8443", Connectivity: types.Connectivity_CONNECTIVITY_DIRECT, Region: "eu",
	}
}

func randomSpec(data *simsx.ChainDataSource) types.Spec {
	return types.Spec{
		CpuMilli: uint64(1_000 + data.Rand().Intn(8_000)), MemoryMib: uint64(1_024 + data.Rand().Intn(8_192)),
		Throughput: uint64(1 + data.Rand().Intn(4_000)), Platform: "linux/amd64",
	}
}

// MsgUpdateContainerFactory says that a machine is elsewhere, or measured otherwise.
func MsgUpdateContainerFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgUpdateContainer] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgUpdateContainer) {
		c, status, ok := anyContainer(ctx, k, data, reporter, sim.Any)
		if !ok {
			return nil, nil
		}
		spec := c.Spec
		if status.Lease == "" {
			spec = randomSpec(data)
		}
		operator := operatorOf(ctx, k, data, c.Provider)
		return sim.Signed(data, reporter, operator, &types.MsgUpdateContainer{
			Operator: operator, Id: c.Id, Endpoint: "moved.example.org:8443", Connectivity: c.Connectivity,
			Region: c.Region, Spec: spec, Fingerprint: c.Fingerprint,
		})
	}
}

// MsgSetMaintenanceFactory takes a Container off the market, or brings it back.
func MsgSetMaintenanceFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgSetMaintenance] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgSetMaintenance) {
		back := data.Rand().Intn(3) > 0
		c, status, ok := anyContainer(ctx, k, data, reporter, func(s types.ContainerStatus) bool {
			return back == in(s, types.ContainerState_CONTAINER_STATE_MAINTENANCE, types.ContainerState_CONTAINER_STATE_DRAINING) &&
				!in(s, types.ContainerState_CONTAINER_STATE_REGISTERED, types.ContainerState_CONTAINER_STATE_QUALITY_CONTROL)
		})
		if !ok {
			return nil, nil
		}
		operator := operatorOf(ctx, k, data, c.Provider)
		return sim.Signed(data, reporter, operator, &types.MsgSetMaintenance{Operator: operator, Ids: []uint64{status.Id}, On: !back, Reason: "by chance"})
	}
}

// MsgRetireContainersFactory ends a Container without lease.
func MsgRetireContainersFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgRetireContainers] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgRetireContainers) {
		c, _, ok := anyContainer(ctx, k, data, reporter, func(s types.ContainerStatus) bool { return s.Lease == "" })
		if !ok {
			return nil, nil
		}
		return sim.Signed(data, reporter, c.Provider, &types.MsgRetireContainers{Owner: c.Provider, Ids: []uint64{c.Id}})
	}
}

// MsgWithdrawStakeFactory asks for what has unbonded; anybody does it.
func MsgWithdrawStakeFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgWithdrawStake] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgWithdrawStake) {
		provider, ok := anyProvider(ctx, k, data, reporter, sim.Any)
		if !ok {
			return nil, nil
		}
		signer := data.AnyAccount(reporter).AddressBech32
		return sim.Signed(data, reporter, signer, &types.MsgWithdrawStake{Signer: signer, Owner: provider.Owner})
	}
}

// MsgTopUpStakeFactory pays what tickets took of a Container's stake.
func MsgTopUpStakeFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgTopUpStake] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgTopUpStake) {
		c, _, ok := anyContainer(ctx, k, data, reporter, func(s types.ContainerStatus) bool { return s.UnderStaked })
		if !ok {
			return nil, nil
		}
		return sim.Signed(data, reporter, c.Provider, &types.MsgTopUpStake{
			Owner: c.Provider, Ids: []uint64{c.Id}, MaxStake: math.NewInt(1_000_000_000_000),
		})
	}
}

// MsgPayTicketFactory pays an open ticket.
func MsgPayTicketFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgPayTicket] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgPayTicket) {
		now := sdk.UnwrapSDKContext(ctx).BlockTime()
		ticket, ok := anyTicket(ctx, k, data, reporter, func(t types.Ticket) bool { return t.Answerable(now) == nil })
		if !ok {
			return nil, nil
		}
		return sim.Signed(data, reporter, ticket.Provider, &types.MsgPayTicket{Owner: ticket.Provider, Id: ticket.Id})
	}
}

// MsgSettleTicketsFactory lets a ticket run out that the blocks have not come to yet.
func MsgSettleTicketsFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgSettleTickets] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgSettleTickets) {
		now := sdk.UnwrapSDKContext(ctx).BlockTime()
		ticket, ok := anyTicket(ctx, k, data, reporter, func(t types.Ticket) bool { return t.Over(now) })
		if !ok {
			return nil, nil
		}
		signer := data.AnyAccount(reporter).AddressBech32
		return sim.Signed(data, reporter, signer, &types.MsgSettleTickets{Signer: signer, Ids: []uint64{ticket.Id}})
	}
}

// MsgHeartbeatFactory lets a provider's workers live.
func MsgHeartbeatFactory(k *keeper.Keeper) simsx.SimMsgFactoryFn[*types.MsgHeartbeat] {
	return func(ctx context.Context, data *simsx.ChainDataSource, reporter simsx.SimulationReporter) ([]simsx.SimAccount, *types.MsgHeartbeat) {
		state, err := k.ExportGenesis(sdk.UnwrapSDKContext(ctx))
		if err != nil {
			return sim.Skip[*types.MsgHeartbeat](reporter, err)
		}
		provider, ok := sim.Pick(data, reporter, state.Providers, func(p types.Provider) bool { return p.Containers > 0 })
		if !ok {
			return nil, nil
		}
		msg := &types.MsgHeartbeat{Operator: operatorOf(ctx, k, data, provider.Owner)}
		for _, c := range state.Containers {
			if c.Provider != provider.Owner {
				continue
			}
			msg.Ids = append(msg.Ids, c.Id)
			if data.Rand().Intn(20) == 0 {
				msg.Faults = append(msg.Faults, types.DeviceFault{Id: c.Id, Kind: types.DeviceFaultKind_DEVICE_FAULT_KIND_XID, Code: 79, Device: "GPU"})
			}
		}
		return sim.Signed(data, reporter, msg.Operator, msg)
	}
}

func in(s types.ContainerStatus, states ...types.ContainerState) bool {
	return slices.Contains(states, s.State)
}

// operatorOf is the owner of a provider or one of its operators.
func operatorOf(ctx context.Context, k *keeper.Keeper, data *simsx.ChainDataSource, owner string) string {
	provider, err := k.Provider(sdk.UnwrapSDKContext(ctx), sdk.MustAccAddressFromBech32(owner))
	if err != nil || len(provider.Operators) == 0 || data.Rand().Bool() {
		return owner
	}
	return provider.Operators[0]
}

func anyProvider(
	ctx context.Context, k *keeper.Keeper, data *simsx.ChainDataSource, reporter simsx.SimulationReporter, will func(types.Provider) bool,
) (types.Provider, bool) {
	state, err := k.ExportGenesis(sdk.UnwrapSDKContext(ctx))
	if err != nil {
		reporter.Skip(err.Error())
		return types.Provider{}, false
	}
	return sim.Pick(data, reporter, state.Providers, will)
}

func anyTicket(
	ctx context.Context, k *keeper.Keeper, data *simsx.ChainDataSource, reporter simsx.SimulationReporter, will func(types.Ticket) bool,
) (types.Ticket, bool) {
	state, err := k.ExportGenesis(sdk.UnwrapSDKContext(ctx))
	if err != nil {
		reporter.Skip(err.Error())
		return types.Ticket{}, false
	}
	return sim.Pick(data, reporter, state.Tickets, will)
}

func anyContainer(
	ctx context.Context, k *keeper.Keeper, data *simsx.ChainDataSource, reporter simsx.SimulationReporter, will func(types.ContainerStatus) bool,
) (types.Container, types.ContainerStatus, bool) {
	state, err := k.ExportGenesis(sdk.UnwrapSDKContext(ctx))
	if err != nil {
		reporter.Skip(err.Error())
		return types.Container{}, types.ContainerStatus{}, false
	}
	status, ok := sim.Pick(data, reporter, state.Statuses, will)
	if !ok {
		return types.Container{}, status, false
	}
	c, err := k.Container(sdk.UnwrapSDKContext(ctx), status.Id)
	if err != nil {
		reporter.Skip(err.Error())
		return c, status, false
	}
	return c, status, true
}
