// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"cosmossdk.io/collections"
	"cosmossdk.io/collections/indexes"
	"cosmossdk.io/core/address"
	"cosmossdk.io/core/store"
	"cosmossdk.io/log/v2"

	"github.com/cosmos/cosmos-sdk/codec"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/providers/types"
)

// Deps are what the keeper works with; all are required.
type Deps struct {
	Cdc          codec.BinaryCodec
	StoreService store.KVStoreService
	// Vault holds stake and payout addresses.
	Vault types.Vault
	// Stream pays capacity.
	Stream types.Stream
	// Economy says what the network earns.
	Economy types.Economy
	// Figures counts supply.
	Figures types.Figures
	// Addresses encodes accounts.
	Addresses address.Codec
	// Authority may change the catalogue and the parameters.
	Authority string
	Logger    log.Logger
}

// Keeper of supply: who provides which Containers, and in what state they are. It holds no coins.
type Keeper struct {
	vault     types.Vault
	stream    types.Stream
	economy   types.Economy
	figures   types.Figures
	addresses address.Codec
	authority string
	logger    log.Logger

	// Schema of the store.
	Schema collections.Schema

	params        collections.Item[types.Params]
	classes       collections.Map[string, types.Class]
	providers     collections.Map[sdk.AccAddress, types.Provider]
	nextContainer collections.Sequence
	containers    *collections.IndexedMap[uint64, types.Container, containerIndexes]
	statuses      collections.Map[uint64, types.ContainerStatus]
	lastSeen      collections.Map[uint64, int64]
	shards        collections.Map[uint64, types.ShardHealth]
	tickets       *collections.IndexedMap[uint64, types.Ticket, ticketIndexes]
	ticketQueue   collections.KeySet[ticketKey]
	claims        collections.KeySet[claimKey]
	nextTicket    collections.Sequence
	stakes        collections.Map[uint64, types.ContainerStake]
	coefficient   collections.Item[types.Coefficient]
	noted         collections.Item[int64]
	resumed       collections.Item[int64]
}

// containerIndexes find Containers by provider (for queries) and by fingerprint (which only one living Container may have).
type containerIndexes struct {
	provider    *indexes.Multi[sdk.AccAddress, uint64, types.Container]
	fingerprint *indexes.Unique[[]byte, uint64, types.Container]
}

// IndexesList implements collections.Indexes.
func (i containerIndexes) IndexesList() []collections.Index[uint64, types.Container] {
	return []collections.Index[uint64, types.Container]{i.provider, i.fingerprint}
}

// ticketKey is a ticket's place in the queue: deadline in nanoseconds since 1970, id.
type ticketKey = collections.Pair[int64, uint64]

// claimKey is a ticket of which somebody is owed something: beneficiary, id.
type claimKey = collections.Pair[sdk.AccAddress, uint64]

// ticketIndexes find tickets by provider.
type ticketIndexes struct {
	provider *indexes.Multi[sdk.AccAddress, uint64, types.Ticket]
}

// IndexesList implements collections.Indexes.
func (i ticketIndexes) IndexesList() []collections.Index[uint64, types.Ticket] {
	return []collections.Index[uint64, types.Ticket]{i.provider}
}

// NewKeeper builds the keeper; it panics on a broken schema, which only a programmer can cause.
func NewKeeper(d Deps) *Keeper {
	sb := collections.NewSchemaBuilder(d.StoreService)
	owner := func(_ uint64, c types.Container) (sdk.AccAddress, error) {
		return d.Addresses.StringToBytes(c.Provider)
	}
	accused := func(_ uint64, t types.Ticket) (sdk.AccAddress, error) {
		return d.Addresses.StringToBytes(t.Provider)
	}
	fingerprint := func(_ uint64, c types.Container) ([]byte, error) { return c.Fingerprint, nil }
	k := &Keeper{
		vault:     d.Vault,
		stream:    d.Stream,
		economy:   d.Economy,
		figures:   d.Figures,
		addresses: d.Addresses,
		authority: d.Authority,
		logger:    d.Logger.With("module", "x/"+types.ModuleName),

		params:  collections.NewItem(sb, types.ParamsPrefix, "params", codec.CollValue[types.Params](d.Cdc)),
		classes: collections.NewMap(sb, types.ClassPrefix, "classes", collections.StringKey, codec.CollValue[types.Class](d.Cdc)),
		providers: collections.NewMap(sb, types.ProviderPrefix, "providers", sdk.AccAddressKey,
			codec.CollValue[types.Provider](d.Cdc)),
		nextContainer: collections.NewSequence(sb, types.NextContainerPrefix, "next_container"),
		containers: collections.NewIndexedMap(sb, types.ContainerPrefix, "containers", collections.Uint64Key,
			codec.CollValue[types.Container](d.Cdc), containerIndexes{
				provider: indexes.NewMulti(sb, types.ContainerByProviderPrefix, "containers_by_provider",
					sdk.AccAddressKey, collections.Uint64Key, owner),
				fingerprint: indexes.NewUnique(sb, types.ContainerByFingerprintPrefix, "containers_by_fingerprint",
					collections.BytesKey, collections.Uint64Key, fingerprint),
			}),
		statuses: collections.NewMap(sb, types.StatusPrefix, "statuses", collections.Uint64Key,
			codec.CollValue[types.ContainerStatus](d.Cdc)),
		lastSeen: collections.NewMap(sb, types.LastSeenPrefix, "last_seen", collections.Uint64Key, collections.Int64Value),
		shards: collections.NewMap(sb, types.ShardPrefix, "shards", collections.Uint64Key,
			codec.CollValue[types.ShardHealth](d.Cdc)),
		tickets: collections.NewIndexedMap(sb, types.TicketPrefix, "tickets", collections.Uint64Key,
			codec.CollValue[types.Ticket](d.Cdc), ticketIndexes{
				provider: indexes.NewMulti(sb, types.TicketByProviderPrefix, "tickets_by_provider",
					sdk.AccAddressKey, collections.Uint64Key, accused),
			}),
		ticketQueue: collections.NewKeySet(sb, types.TicketQueuePrefix, "ticket_queue",
			collections.PairKeyCodec(collections.Int64Key, collections.Uint64Key)),
		claims: collections.NewKeySet(sb, types.ClaimPrefix, "claims",
			collections.PairKeyCodec(sdk.AccAddressKey, collections.Uint64Key)),
		nextTicket: collections.NewSequence(sb, types.NextTicketPrefix, "next_ticket"),
		stakes: collections.NewMap(sb, types.StakePrefix, "stakes", collections.Uint64Key,
			codec.CollValue[types.ContainerStake](d.Cdc)),
		coefficient: collections.NewItem(sb, types.CoefficientPrefix, "coefficient", codec.CollValue[types.Coefficient](d.Cdc)),
		noted:       collections.NewItem(sb, types.NotedPrefix, "noted", collections.Int64Value),
		resumed:     collections.NewItem(sb, types.ResumedPrefix, "resumed", collections.Int64Value),
	}
	schema, err := sb.Build()
	if err != nil {
		panic(err)
	}
	k.Schema = schema
	return k
}
