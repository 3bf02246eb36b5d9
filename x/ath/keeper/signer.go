// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"context"
	"errors"

	cmtcrypto "github.com/cometbft/cometbft/proto/tendermint/crypto"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"

	"github.com/athnet/ath/x/ath/types"
)

// signerKey orders old signers by the height at which they may be forgotten.
type signerKey = collections.Pair[int64, []byte]

var signerKeyCodec = collections.PairKeyCodec(collections.Int64Key, collections.BytesKey)

// maxSignersPerBlock bounds how many old signers one block forgets. Key rotations cost a fee each; what remains goes in the
// next block, and nothing depends on when.
const maxSignersPerBlock = 100

// GetPubKeyByConsAddr is the key of a consensus address that signs votes or did a few heights ago. The staking module
// forgets a key in the block in which a rotation takes effect, while votes of it are still to be read.
func (k *Keeper) GetPubKeyByConsAddr(ctx context.Context, consensus sdk.ConsAddress) (cmtcrypto.PublicKey, error) {
	signer, err := k.signer(ctx, consensus)
	if err != nil {
		return cmtcrypto.PublicKey{}, err
	}
	var key cmtcrypto.PublicKey
	return key, key.Unmarshal(signer.PubKey)
}

// SignerOperator is the operator address of the validator that signs with a consensus address.
func (k *Keeper) SignerOperator(ctx context.Context, consensus sdk.ConsAddress) (sdk.ValAddress, error) {
	signer, err := k.signer(ctx, consensus)
	if err != nil {
		return nil, err
	}
	return k.validators.ValidatorAddressCodec().StringToBytes(signer.Operator)
}

// signer looks among those that hooks told of, then at the staking module: a validator that a genesis state or an
// in-place test network brings along has called no hook.
func (k *Keeper) signer(ctx context.Context, consensus sdk.ConsAddress) (types.Signer, error) {
	signer, err := k.signers.Get(ctx, consensus)
	if !errors.Is(err, collections.ErrNotFound) {
		return signer, err
	}
	validator, err := k.validators.GetValidatorByConsAddr(ctx, consensus)
	if err != nil {
		return types.Signer{}, types.ErrUnknownSigner.Wrapf("consensus address %X: %s", []byte(consensus), err)
	}
	return newSigner(consensus, validator)
}

func newSigner(consensus sdk.ConsAddress, validator stakingtypes.Validator) (types.Signer, error) {
	key, err := validator.CmtConsPublicKey()
	if err != nil {
		return types.Signer{}, err
	}
	bytes, err := key.Marshal()
	return types.Signer{ConsAddress: consensus, PubKey: bytes, Operator: validator.GetOperator()}, err
}

// noteSigner keeps the key that a validator signs with from now on.
func (k *Keeper) noteSigner(ctx context.Context, consensus sdk.ConsAddress, operator sdk.ValAddress) error {
	validator, err := k.validators.GetValidator(ctx, operator)
	if err != nil {
		return err
	}
	signer, err := newSigner(consensus, validator)
	if err != nil {
		return err
	}
	return k.saveSigner(ctx, signer)
}

// retireSigner lets a key that went out of use be forgotten after SignerHeights.
func (k *Keeper) retireSigner(ctx context.Context, consensus sdk.ConsAddress) error {
	signer, err := k.signers.Get(ctx, consensus)
	if errors.Is(err, collections.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := k.dropOldSigner(ctx, signer); err != nil {
		return err
	}
	signer.Until = sdk.UnwrapSDKContext(ctx).BlockHeight() + types.SignerHeights
	return k.saveSigner(ctx, signer)
}

// saveSigner is the one writer of signers.
func (k *Keeper) saveSigner(ctx context.Context, signer types.Signer) error {
	if before, err := k.signers.Get(ctx, signer.ConsAddress); err == nil {
		if err := k.dropOldSigner(ctx, before); err != nil {
			return err
		}
	} else if !errors.Is(err, collections.ErrNotFound) {
		return err
	}
	if signer.Until != 0 {
		if err := k.oldSigners.Set(ctx, collections.Join(signer.Until, signer.ConsAddress)); err != nil {
			return err
		}
	}
	return k.signers.Set(ctx, signer.ConsAddress, signer)
}

func (k *Keeper) dropOldSigner(ctx context.Context, signer types.Signer) error {
	if signer.Until == 0 {
		return nil
	}
	return k.oldSigners.Remove(ctx, collections.Join(signer.Until, signer.ConsAddress))
}

// forgetSigners removes old signers whose time is over.
func (k *Keeper) forgetSigners(ctx sdk.Context) error {
	var old []signerKey
	err := k.oldSigners.Walk(ctx, nil, func(key signerKey) (bool, error) {
		if key.K1() >= ctx.BlockHeight() || len(old) == maxSignersPerBlock {
			return true, nil
		}
		old = append(old, key)
		return false, nil
	})
	if err != nil {
		return err
	}
	for _, key := range old {
		if err := k.oldSigners.Remove(ctx, key); err != nil {
			return err
		}
		if err := k.signers.Remove(ctx, key.K2()); err != nil {
			return err
		}
	}
	return nil
}

// StakingHooks tell x/ath who signs with which consensus key.
type StakingHooks struct{ k *Keeper }

var _ stakingtypes.StakingHooks = StakingHooks{}

// StakingHooks returns the keeper's hooks for x/staking.
func (k *Keeper) StakingHooks() StakingHooks { return StakingHooks{k} }

// AfterValidatorCreated notes its key; it is bonded later, maybe in the same block.
func (h StakingHooks) AfterValidatorCreated(ctx context.Context, operator sdk.ValAddress) error {
	validator, err := h.k.validators.GetValidator(ctx, operator)
	if err != nil {
		return err
	}
	consensus, err := validator.GetConsAddr()
	if err != nil {
		return err
	}
	return h.k.noteSigner(ctx, consensus, operator)
}

// AfterValidatorBonded notes the key of a validator that was created before these hooks were there.
func (h StakingHooks) AfterValidatorBonded(ctx context.Context, consensus sdk.ConsAddress, operator sdk.ValAddress) error {
	return h.k.noteSigner(ctx, consensus, operator)
}

// AfterValidatorConsKeyUpdated replaces a key; the old one's last votes are still to be read.
func (h StakingHooks) AfterValidatorConsKeyUpdated(ctx context.Context, before, after sdk.ConsAddress, operator sdk.ValAddress) error {
	if err := h.k.retireSigner(ctx, before); err != nil {
		return err
	}
	return h.k.noteSigner(ctx, after, operator)
}

// AfterValidatorRemoved forgets its beacon key, and its consensus key when the last votes are read.
func (h StakingHooks) AfterValidatorRemoved(ctx context.Context, consensus sdk.ConsAddress, operator sdk.ValAddress) error {
	if err := h.k.dropBeaconKey(sdk.UnwrapSDKContext(ctx), operator); err != nil {
		return err
	}
	return h.k.retireSigner(ctx, consensus)
}

// The other hooks say nothing about keys.

// BeforeValidatorModified does nothing.
func (StakingHooks) BeforeValidatorModified(context.Context, sdk.ValAddress) error { return nil }

// AfterValidatorBeginUnbonding does nothing: its key is still its key.
func (StakingHooks) AfterValidatorBeginUnbonding(context.Context, sdk.ConsAddress, sdk.ValAddress) error {
	return nil
}

// BeforeDelegationCreated does nothing.
func (StakingHooks) BeforeDelegationCreated(context.Context, sdk.AccAddress, sdk.ValAddress) error {
	return nil
}

// BeforeDelegationSharesModified does nothing.
func (StakingHooks) BeforeDelegationSharesModified(context.Context, sdk.AccAddress, sdk.ValAddress) error {
	return nil
}

// BeforeDelegationRemoved does nothing.
func (StakingHooks) BeforeDelegationRemoved(context.Context, sdk.AccAddress, sdk.ValAddress) error {
	return nil
}

// AfterDelegationModified does nothing.
func (StakingHooks) AfterDelegationModified(context.Context, sdk.AccAddress, sdk.ValAddress) error {
	return nil
}

// BeforeValidatorSlashed does nothing.
func (StakingHooks) BeforeValidatorSlashed(context.Context, sdk.ValAddress, math.LegacyDec) error {
	return nil
}

// AfterUnbondingInitiated does nothing.
func (StakingHooks) AfterUnbondingInitiated(context.Context, uint64) error { return nil }
