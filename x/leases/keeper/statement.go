// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// heard checks what a worker is to have said of a lease's end, and returns the exit codes of it.
func (k *Keeper) heard(ctx sdk.Context, lease types.Lease, said types.Said) ([]int32, error) {
	s := said.Statement
	if s == nil {
		return said.ExitCodes, nil
	}
	params, err := k.params.Get(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.Covers(lease, ctx.BlockTime(), params.MaxClockSkew); err != nil {
		return nil, err
	}
	container, err := k.providers.Container(ctx, lease.ContainerId)
	if err != nil {
		return nil, err
	}
	ctx.GasMeter().ConsumeGas(types.StatementGas, "worker statement")
	if err := s.Verify(ctx.ChainID(), lease.ID(), lease.ContainerId, container.WorkerPubkey); err != nil {
		return nil, err
	}
	return said.Codes()
}

// observe notes in a receipt how its Container is now.
func (k *Keeper) observe(ctx sdk.Context, receipt types.Receipt) (types.Receipt, error) {
	container, err := k.providers.Container(ctx, receipt.ContainerId)
	if err != nil {
		return receipt, err
	}
	status, err := k.providers.Status(ctx, receipt.ContainerId)
	if err != nil {
		return receipt, err
	}
	number, _ := providertypes.ShardOf(receipt.ContainerId)
	shard, err := k.providers.Shard(ctx, number)
	if err != nil {
		return receipt, err
	}
	return receipt.Observed(container, status, shard), nil
}
