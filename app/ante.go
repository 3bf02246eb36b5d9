// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"

	ibcante "github.com/cosmos/ibc-go/v11/modules/core/ante"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/x/auth/ante"
	bankkeeper "github.com/cosmos/cosmos-sdk/x/bank/keeper"
	txsigning "github.com/cosmos/cosmos-sdk/x/tx/signing"
)

// newAnteHandler is the SDK's chain of checks with two changes: fees are credited at the end of the block, and a relayer's
// packet that another relayer delivered already is turned away before it costs anything.
func newAnteHandler(k *Keepers, signModes *txsigning.HandlerMap) sdk.AnteHandler {
	return sdk.ChainAnteDecorators(
		ante.NewSetUpContextDecorator(), // outermost: sets the gas meter
		ante.NewExtensionOptionsDecorator(nil),
		ante.NewValidateBasicDecorator(),
		ante.NewTxTimeoutHeightDecorator(),
		ante.NewValidateMemoDecorator(k.Account),
		ante.NewConsumeGasForTxSizeDecorator(k.Account),
		ante.NewDeductFeeDecorator(k.Account, feeBank{k.Bank}, k.FeeGrant, nil),
		ante.NewSetPubKeyDecorator(k.Account), // before everything that verifies signatures
		ante.NewValidateSigCountDecorator(k.Account),
		ante.NewSigGasConsumeDecorator(k.Account, ante.DefaultSigVerificationGasConsumer),
		ante.NewSigVerificationDecorator(k.Account, signModes), // unordered transactions included, timeout at most 10 minutes
		ante.NewIncrementSequenceDecorator(k.Account),
		ibcante.NewRedundantRelayDecorator(k.IBC),
	)
}

// feeBank credits fees at the end of the block. A plain send would make the fee collector's balance a key that every
// transaction writes, and parallel execution slower than sequential.
type feeBank struct{ bankkeeper.Keeper }

// SendCoinsFromAccountToModule takes the fee from the payer now and credits the module in x/bank's EndBlock.
func (b feeBank) SendCoinsFromAccountToModule(ctx context.Context, from sdk.AccAddress, module string, fee sdk.Coins) error {
	return b.SendCoinsFromAccountToModuleVirtual(ctx, from, module, fee)
}
