// SPDX-License-Identifier: Apache-2.0

// Package keeper holds the vault, the emission and the beacon of ATH.
package keeper

import (
	"context"
	"errors"
	"fmt"

	"cosmossdk.io/collections"
	"cosmossdk.io/core/address"
	corestore "cosmossdk.io/core/store"
	"cosmossdk.io/log/v2"
	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/codec"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"

	"github.com/athnet/ath/x/ath/types"
)

// Keys of the collections. Enums are stored as uint32, addresses as bytes.
type (
	rowKey   = collections.Quad[uint32, []byte, uint64, string] // kind, owner, bucket, denom
	shareKey = collections.Pair[uint32, uint64]                 // pool, epoch
	stakeKey = collections.Triple[uint32, []byte, uint64]       // pool, beneficiary, epoch
	groupKey = collections.Pair[uint64, uint64]                 // group, holder
	ownerKey = collections.Pair[[]byte, uint64]                 // beneficiary, holder
	feeKey   = collections.Triple[[]byte, string, uint64]       // provider, denom, epoch
	barKey   = collections.Pair[uint32, []byte]                 // pool, beneficiary
)

var (
	rowKeyCodec   = collections.QuadKeyCodec(collections.Uint32Key, collections.BytesKey, collections.Uint64Key, collections.StringKey)
	shareKeyCodec = collections.PairKeyCodec(collections.Uint32Key, collections.Uint64Key)
	stakeKeyCodec = collections.TripleKeyCodec(collections.Uint32Key, collections.BytesKey, collections.Uint64Key)
	groupKeyCodec = collections.PairKeyCodec(collections.Uint64Key, collections.Uint64Key)
	ownerKeyCodec = collections.PairKeyCodec(collections.BytesKey, collections.Uint64Key)
	feeKeyCodec   = collections.TripleKeyCodec(collections.BytesKey, collections.StringKey, collections.Uint64Key)
	barKeyCodec   = collections.PairKeyCodec(collections.Uint32Key, collections.BytesKey)
)

// Validators is the part of x/staking that says who validates, and with which key.
type Validators interface {
	GetValidator(ctx context.Context, operator sdk.ValAddress) (stakingtypes.Validator, error)
	GetValidatorByConsAddr(ctx context.Context, consensus sdk.ConsAddress) (stakingtypes.Validator, error)
	// TotalValidatorPower is what is bonded to validators in all, in uath.
	TotalValidatorPower(ctx context.Context) (math.Int, error)
	ValidatorAddressCodec() address.Codec
}

// Deps is what a Keeper needs; every field is required.
type Deps struct {
	Cdc          codec.BinaryCodec
	StoreService corestore.KVStoreService
	// PositionsService opens the store of positions (types.PositionsStoreKey).
	PositionsService corestore.KVStoreService
	// ObjectStoreKey of the store that lives for one block (types.ObjectStoreKey).
	ObjectStoreKey *storetypes.ObjectStoreKey
	Bank           types.Bank
	Staking        Delegator
	Addresses      address.Codec
	Validators     Validators
	// Authority may update the parameters: the governance account's bech32 address.
	Authority string
	Logger    log.Logger
}

// Keeper of x/ath.
type Keeper struct {
	objects   *storetypes.ObjectStoreKey
	bank      types.Bank
	staking   Delegator
	addresses address.Codec
	// validators knows who validates, and with which key.
	validators Validators
	authority  string
	logger     log.Logger
	account    sdk.AccAddress

	// Schema of the persistent store, without that of positions.
	Schema collections.Schema

	params         collections.Item[types.Params]
	epoch          collections.Item[types.Epoch]
	rows           collections.Map[rowKey, math.Int]
	pools          collections.Map[uint32, types.PoolState]
	shares         collections.Map[shareKey, types.Share]
	sharePositions collections.Map[stakeKey, math.Int]
	stream         collections.Item[types.Stream]
	marks          collections.Map[uint64, types.StreamMark]
	groups         collections.Map[uint64, types.StreamGroup]
	positions      collections.Map[uint64, types.StreamPosition]
	pending        collections.KeySet[groupKey]
	holders        collections.KeySet[ownerKey]
	minted         collections.Item[math.Int]
	burnt          collections.Item[math.Int]
	beacon         collections.Item[[]byte]
	payouts        collections.Map[[]byte, []byte]
	closedEpoch    collections.Item[uint64]
	beacons        collections.Map[uint64, types.BeaconRecord]
	beaconKeys     collections.Map[[]byte, types.BeaconKey]
	beaconOwners   collections.Map[[]byte, []byte]
	signers        collections.Map[[]byte, types.Signer]
	oldSigners     collections.KeySet[signerKey]
	price          collections.Item[types.Price]
	usdIndex       collections.Item[types.UsdIndex]
	usdCheckpoints collections.Map[int64, types.UsdIndex]
	bars           collections.Map[barKey, math.Int]
	bonusUntil     collections.Item[uint64]
	daoGranted     collections.Item[math.Int]
	fees           collections.Map[string, types.FeeTotals]
	figures        collections.Map[string, types.ClassFigures]
	revenue        collections.Map[uint64, types.EpochRevenue]
	providerFees   collections.Map[feeKey, math.Int]
}

// NewKeeper panics on a schema that contradicts itself, which is a fault of this file.
func NewKeeper(deps Deps) *Keeper {
	sb, psb := collections.NewSchemaBuilder(deps.StoreService), collections.NewSchemaBuilder(deps.PositionsService)
	k := &Keeper{
		objects:    deps.ObjectStoreKey,
		bank:       deps.Bank,
		staking:    deps.Staking,
		addresses:  deps.Addresses,
		validators: deps.Validators,
		authority:  deps.Authority,
		logger:     deps.Logger.With("module", "x/"+types.ModuleName),
		account:    authtypes.NewModuleAddress(types.ModuleName),

		params:         collections.NewItem(sb, types.ParamsPrefix, "params", codec.CollValue[types.Params](deps.Cdc)),
		epoch:          collections.NewItem(sb, types.EpochPrefix, "epoch", codec.CollValue[types.Epoch](deps.Cdc)),
		rows:           collections.NewMap(sb, types.RowsPrefix, "rows", rowKeyCodec, sdk.IntValue),
		pools:          collections.NewMap(sb, types.PoolsPrefix, "pools", collections.Uint32Key, codec.CollValue[types.PoolState](deps.Cdc)),
		shares:         collections.NewMap(sb, types.SharesPrefix, "shares", shareKeyCodec, codec.CollValue[types.Share](deps.Cdc)),
		sharePositions: collections.NewMap(sb, types.SharePositionsPrefix, "share_positions", stakeKeyCodec, sdk.IntValue),
		stream:         collections.NewItem(sb, types.StreamPrefix, "stream", codec.CollValue[types.Stream](deps.Cdc)),
		marks:          collections.NewMap(sb, types.MarksPrefix, "marks", collections.Uint64Key, codec.CollValue[types.StreamMark](deps.Cdc)),
		groups:         collections.NewMap(sb, types.GroupsPrefix, "groups", collections.Uint64Key, codec.CollValue[types.StreamGroup](deps.Cdc)),
		positions:      collections.NewMap(psb, types.PositionsPrefix, "positions", collections.Uint64Key, codec.CollValue[types.StreamPosition](deps.Cdc)),
		pending:        collections.NewKeySet(psb, types.PendingPrefix, "pending", groupKeyCodec),
		holders:        collections.NewKeySet(psb, types.HoldersPrefix, "holders", ownerKeyCodec),
		minted:         collections.NewItem(sb, types.MintedPrefix, "minted", sdk.IntValue),
		burnt:          collections.NewItem(sb, types.BurntPrefix, "burnt", sdk.IntValue),
		beacon:         collections.NewItem(sb, types.BeaconPrefix, "beacon", collections.BytesValue),
		payouts:        collections.NewMap(sb, types.PayoutsPrefix, "payouts", collections.BytesKey, collections.BytesValue),
		closedEpoch:    collections.NewItem(sb, types.ClosedEpochPrefix, "closed_epoch", collections.Uint64Value),
		beacons:        collections.NewMap(sb, types.BeaconsPrefix, "beacons", collections.Uint64Key, codec.CollValue[types.BeaconRecord](deps.Cdc)),
		beaconKeys:     collections.NewMap(sb, types.BeaconKeysPrefix, "beacon_keys", collections.BytesKey, codec.CollValue[types.BeaconKey](deps.Cdc)),
		beaconOwners:   collections.NewMap(sb, types.BeaconOwnersPrefix, "beacon_owners", collections.BytesKey, collections.BytesValue),
		signers:        collections.NewMap(sb, types.SignersPrefix, "signers", collections.BytesKey, codec.CollValue[types.Signer](deps.Cdc)),
		oldSigners:     collections.NewKeySet(sb, types.OldSignersPrefix, "old_signers", signerKeyCodec),
		price:          collections.NewItem(sb, types.PricePrefix, "price", codec.CollValue[types.Price](deps.Cdc)),
		usdIndex:       collections.NewItem(sb, types.UsdIndexPrefix, "usd_index", codec.CollValue[types.UsdIndex](deps.Cdc)),
		usdCheckpoints: collections.NewMap(sb, types.UsdCheckpointsPrefix, "usd_checkpoints", collections.Int64Key, codec.CollValue[types.UsdIndex](deps.Cdc)),
		bars:           collections.NewMap(sb, types.BarsPrefix, "bars", barKeyCodec, sdk.IntValue),
		bonusUntil:     collections.NewItem(sb, types.BonusUntilPrefix, "bonus_until", collections.Uint64Value),
		daoGranted:     collections.NewItem(sb, types.DAOGrantedPrefix, "dao_granted", sdk.IntValue),
		fees:           collections.NewMap(sb, types.FeesPrefix, "fees", collections.StringKey, codec.CollValue[types.FeeTotals](deps.Cdc)),
		figures:        collections.NewMap(sb, types.FiguresPrefix, "figures", collections.StringKey, codec.CollValue[types.ClassFigures](deps.Cdc)),
		revenue:        collections.NewMap(sb, types.RevenuePrefix, "revenue", collections.Uint64Key, codec.CollValue[types.EpochRevenue](deps.Cdc)),
		providerFees:   collections.NewMap(sb, types.ProviderFeesPrefix, "provider_fees", feeKeyCodec, sdk.IntValue),
	}
	var err, positionsErr error
	k.Schema, err = sb.Build()
	_, positionsErr = psb.Build()
	if err := errors.Join(err, positionsErr); err != nil {
		panic(fmt.Sprintf("x/ath schema: %s", err))
	}
	return k
}

// Params returns the parameters.
func (k *Keeper) Params(ctx sdk.Context) (types.Params, error) { return k.params.Get(ctx) }
