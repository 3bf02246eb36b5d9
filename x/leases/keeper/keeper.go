// SPDX-License-Identifier: Apache-2.0

// Package keeper holds the demand side of the market: offers, prepaid accounts and the leases that stream from them.
package keeper

import (
	"cosmossdk.io/collections"
	collcodec "cosmossdk.io/collections/codec"
	"cosmossdk.io/core/address"
	"cosmossdk.io/core/store"
	"cosmossdk.io/log/v2"

	"github.com/cosmos/cosmos-sdk/codec"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/leases/types"
)

// Keys with more than one part.
type (
	priceKey      = collections.Quad[string, string, uint64, uint64]
	accountKey    = collections.Pair[sdk.AccAddress, string]
	leaseKey      = collections.Pair[sdk.AccAddress, uint64]
	exhaustionKey = collections.Triple[int64, sdk.AccAddress, string]
	expiryKey     = collections.Triple[int64, sdk.AccAddress, uint64]
	channelEndKey = collections.Triple[int64, sdk.AccAddress, uint64]
	pairKey       = collections.Pair[sdk.AccAddress, sdk.AccAddress]
	servedKey     = collections.Quad[uint64, int64, sdk.AccAddress, uint64]
	forgetKey     = collections.Quad[int64, uint64, sdk.AccAddress, uint64]
	pendingKey    = collections.Pair[int64, uint64]
	breachKey     = collections.Triple[uint64, sdk.AccAddress, uint64]
	nonceKey      = collections.Triple[int64, sdk.AccAddress, uint64]
	carriedKey    = collections.Triple[sdk.AccAddress, sdk.AccAddress, uint64]
)

// leaseKeyCodec writes the key of a lease also where it is a value, or part of another key.
var leaseKeyCodec = collections.PairKeyCodec(sdk.AccAddressKey, collections.Uint64Key)

// Deps is what a Keeper is built from.
type Deps struct {
	Cdc          codec.BinaryCodec
	StoreService store.KVStoreService
	// ObjectStoreKey of the store that lives for one block (types.ObjectStoreKey).
	ObjectStoreKey *storetypes.ObjectStoreKey
	Vault          types.Vault
	Providers      types.Providers
	Addresses      address.Codec
	// Authority may change the parameters and close leases by decree: the governance account.
	Authority string
	Logger    log.Logger
}

// Keeper of x/leases; immutable after NewKeeper.
type Keeper struct {
	vault     types.Vault
	providers types.Providers
	addresses address.Codec
	authority string
	logger    log.Logger
	objects   *storetypes.ObjectStoreKey

	Schema collections.Schema

	params     collections.Item[types.Params]
	offers     collections.Map[uint64, types.Offer]
	prices     collections.KeySet[priceKey]
	reserved   collections.KeySet[priceKey]
	accounts   collections.Map[accountKey, types.Account]
	leases     collections.Map[leaseKey, types.Lease]
	receipts   collections.Map[leaseKey, types.Receipt]
	exhaustion collections.KeySet[exhaustionKey]
	expiry     collections.KeySet[expiryKey]
	nonces     collections.KeySet[nonceKey]

	depositors  collections.Map[accountKey, types.Depositors]
	grants      collections.Map[pairKey, types.DepositGrant]
	granters    collections.KeySet[pairKey]
	grantNonces collections.Map[sdk.AccAddress, uint64]
	subAccounts collections.Map[pairKey, types.SubAccount]

	channels       collections.Map[leaseKey, types.Channel]
	channelNumbers collections.Map[sdk.AccAddress, uint64]
	channelEnds    collections.KeySet[channelEndKey]
	log            collections.Item[types.ReceiptLog]
	roots          collections.Map[uint64, types.ReceiptRoot]
	kept           collections.Map[keptKey, leaseKey]

	served  collections.Map[servedKey, types.Service]
	forget  collections.KeySet[forgetKey]
	pending collections.Map[pendingKey, int64]

	breaches collections.Map[breachKey, types.Breach]

	gateways  collections.Map[sdk.AccAddress, types.Gateway]
	lines     collections.Map[pairKey, types.CreditLine]
	customers collections.KeySet[pairKey]
	carried   collections.KeySet[carriedKey]
}

// NewKeeper builds the keeper; it panics on a schema that contradicts itself, which every start of a node would show.
func NewKeeper(deps Deps) *Keeper {
	sb := collections.NewSchemaBuilder(deps.StoreService)
	number, second, name := collections.Uint64Key, collections.Int64Key, collections.StringKey
	k := &Keeper{
		vault:     deps.Vault,
		providers: deps.Providers,
		addresses: deps.Addresses,
		authority: deps.Authority,
		objects:   deps.ObjectStoreKey,
		logger:    deps.Logger.With("module", "x/"+types.ModuleName),

		params: collections.NewItem(sb, types.ParamsKey, "params", codec.CollValue[types.Params](deps.Cdc)),
		offers: collections.NewMap(sb, types.OffersKey, "offers", number, codec.CollValue[types.Offer](deps.Cdc)),
		prices: collections.NewKeySet(sb, types.PricesKey, "prices", collections.QuadKeyCodec(name, name, number, number)),
		reserved: collections.NewKeySet(sb, types.ReservedPricesKey, "reserved_prices",
			collections.QuadKeyCodec(name, name, number, number)),
		accounts: collections.NewMap(sb, types.AccountsKey, "accounts",
			collections.PairKeyCodec(sdk.AccAddressKey, name), codec.CollValue[types.Account](deps.Cdc)),
		leases: collections.NewMap(sb, types.LeasesKey, "leases",
			collections.PairKeyCodec(sdk.AccAddressKey, number), codec.CollValue[types.Lease](deps.Cdc)),
		receipts: collections.NewMap(sb, types.ReceiptsKey, "receipts",
			collections.PairKeyCodec(sdk.AccAddressKey, number), codec.CollValue[types.Receipt](deps.Cdc)),
		exhaustion: collections.NewKeySet(sb, types.ExhaustionKey, "exhaustion",
			collections.TripleKeyCodec(second, sdk.AccAddressKey, name)),
		expiry: collections.NewKeySet(sb, types.ExpiryKey, "expiry",
			collections.TripleKeyCodec(second, sdk.AccAddressKey, number)),
		nonces: collections.NewKeySet(sb, types.NoncesKey, "nonces",
			collections.TripleKeyCodec(second, sdk.AccAddressKey, number)),

		depositors: collections.NewMap(sb, types.DepositorsKey, "depositors",
			collections.PairKeyCodec(sdk.AccAddressKey, name), codec.CollValue[types.Depositors](deps.Cdc)),
		grants: collections.NewMap(sb, types.GrantsKey, "grants",
			collections.PairKeyCodec(sdk.AccAddressKey, sdk.AccAddressKey), codec.CollValue[types.DepositGrant](deps.Cdc)),
		granters: collections.NewKeySet(sb, types.GrantersKey, "granters",
			collections.PairKeyCodec(sdk.AccAddressKey, sdk.AccAddressKey)),
		grantNonces: collections.NewMap(sb, types.GrantNoncesKey, "grant_nonces", sdk.AccAddressKey, collections.Uint64Value),
		subAccounts: collections.NewMap(sb, types.SubAccountsKey, "sub_accounts",
			collections.PairKeyCodec(sdk.AccAddressKey, sdk.AccAddressKey), codec.CollValue[types.SubAccount](deps.Cdc)),

		channels: collections.NewMap(sb, types.ChannelsKey, "channels",
			collections.PairKeyCodec(sdk.AccAddressKey, number), codec.CollValue[types.Channel](deps.Cdc)),
		channelNumbers: collections.NewMap(sb, types.ChannelNumbersKey, "channel_numbers", sdk.AccAddressKey, collections.Uint64Value),
		channelEnds: collections.NewKeySet(sb, types.ChannelEndsKey, "channel_ends",
			collections.TripleKeyCodec(second, sdk.AccAddressKey, number)),
		log:   collections.NewItem(sb, types.ReceiptLogKey, "receipt_log", codec.CollValue[types.ReceiptLog](deps.Cdc)),
		roots: collections.NewMap(sb, types.ReceiptRootsKey, "receipt_roots", number, codec.CollValue[types.ReceiptRoot](deps.Cdc)),
		kept: collections.NewMap(sb, types.KeptReceiptsKey, "kept_receipts", collections.PairKeyCodec(number, number),
			collcodec.KeyToValueCodec(leaseKeyCodec)),

		served: collections.NewMap(sb, types.ServedKey, "served",
			collections.QuadKeyCodec(number, second, sdk.AccAddressKey, number), codec.CollValue[types.Service](deps.Cdc)),
		forget: collections.NewKeySet(sb, types.ForgetKey, "forget",
			collections.QuadKeyCodec(second, number, sdk.AccAddressKey, number)),
		pending: collections.NewMap(sb, types.PendingFaultsKey, "pending_faults",
			collections.PairKeyCodec(second, number), collections.Int64Value),

		breaches: collections.NewMap(sb, types.BreachesKey, "breaches",
			collections.TripleKeyCodec(number, sdk.AccAddressKey, number), codec.CollValue[types.Breach](deps.Cdc)),

		gateways: collections.NewMap(sb, types.GatewaysKey, "gateways", sdk.AccAddressKey, codec.CollValue[types.Gateway](deps.Cdc)),
		lines: collections.NewMap(sb, types.CreditLinesKey, "credit_lines",
			collections.PairKeyCodec(sdk.AccAddressKey, sdk.AccAddressKey), codec.CollValue[types.CreditLine](deps.Cdc)),
		customers: collections.NewKeySet(sb, types.CustomersKey, "customers",
			collections.PairKeyCodec(sdk.AccAddressKey, sdk.AccAddressKey)),
		carried: collections.NewKeySet(sb, types.CarriedLeasesKey, "carried_leases",
			collections.TripleKeyCodec(sdk.AccAddressKey, sdk.AccAddressKey, number)),
	}
	schema, err := sb.Build()
	if err != nil {
		panic(err)
	}
	k.Schema = schema
	return k
}
