// SPDX-License-Identifier: Apache-2.0

// Package keeper holds the state of x/checks: licences, seats, rounds and what was said in them.
//
//	          BuyLicences                DelegateLicences               AcceptLicences
//	bank ──────────────────▶ IDLE ◀──────────────────────▶ OFFERED ──────────────────▶ ACTIVE
//	                          ▲         take back, transfer   ▲    accept after the ban   │  wrong tasks
//	                          └───────────────────────────────┴────────── BANNED ◀────────┘
//
//	round q     probe …………………………… │ seal    │
//	round q+1                                 │ …………………………… │ open q, seal q+1 │
//	round q+2                                                                    │ judge q │ ……
package keeper

import (
	"cosmossdk.io/collections"
	"cosmossdk.io/collections/indexes"
	"cosmossdk.io/core/address"
	"cosmossdk.io/core/store"
	"cosmossdk.io/log/v2"

	"github.com/cosmos/cosmos-sdk/codec"

	"github.com/athnet/ath/x/checks/types"
)

// Deps is what the keeper is built from.
type Deps struct {
	Cdc          codec.BinaryCodec
	StoreService store.KVStoreService
	Vault        types.Vault
	Providers    types.Providers
	Leases       types.Leases
	Addresses    address.Codec
	// Authority may change the parameters; the governance account.
	Authority string
	Logger    log.Logger
}

// Keeper of x/checks.
type Keeper struct {
	vault     types.Vault
	providers types.Providers
	leases    types.Leases
	addresses address.Codec
	authority string
	logger    log.Logger

	// Schema lists the collections, for exports and store decoders.
	Schema collections.Schema

	params      collections.Item[types.Params]
	nextLicence collections.Item[uint64]
	count       collections.Item[uint64]
	licences    *collections.IndexedMap[uint64, types.Licence, licenceIndexes]
	seats       collections.Map[uint64, types.Seat]
	positions   collections.Map[uint64, uint64]
	seated      collections.KeySet[collections.Pair[string, uint64]]
	pending     collections.KeySet[collections.Pair[uint64, uint64]]
	waiting     collections.Map[uint64, uint64]
	running     collections.Item[types.Round]
	past        collections.Map[uint64, types.Round]
	submissions collections.Map[collections.Pair[uint64, string], types.Submission]
	judging     collections.Item[types.Judging]
	uptimes     collections.Map[uint64, types.Uptime]
}

type licenceIndexes struct {
	Owner    *indexes.Multi[string, uint64, types.Licence]
	Operator *indexes.Multi[string, uint64, types.Licence]
}

// IndexesList makes licenceIndexes usable by an IndexedMap.
func (i licenceIndexes) IndexesList() []collections.Index[uint64, types.Licence] {
	return []collections.Index[uint64, types.Licence]{i.Owner, i.Operator}
}

// NewKeeper builds the keeper; it panics on a schema that contradicts itself, which no input can cause.
func NewKeeper(d Deps) *Keeper {
	sb := collections.NewSchemaBuilder(d.StoreService)
	id := collections.Uint64Key
	k := &Keeper{
		vault: d.Vault, providers: d.Providers, leases: d.Leases, addresses: d.Addresses, authority: d.Authority,
		logger: d.Logger.With("module", "x/"+types.ModuleName),

		params:      collections.NewItem(sb, types.ParamsPrefix, "params", codec.CollValue[types.Params](d.Cdc)),
		nextLicence: collections.NewItem(sb, types.NextLicencePrefix, "next_licence", collections.Uint64Value),
		count:       collections.NewItem(sb, types.LicenceCountPrefix, "licence_count", collections.Uint64Value),
		licences: collections.NewIndexedMap(sb, types.LicencePrefix, "licences", id, codec.CollValue[types.Licence](d.Cdc), licenceIndexes{
			Owner: indexes.NewMulti(sb, types.LicenceByOwnerPrefix, "licences_by_owner", collections.StringKey, id,
				func(_ uint64, l types.Licence) (string, error) { return l.Owner, nil }),
			Operator: indexes.NewMulti(sb, types.LicenceByOperatorPrefix, "licences_by_operator", collections.StringKey, id,
				func(_ uint64, l types.Licence) (string, error) { return l.Operator, nil }),
		}),
		seats:     collections.NewMap(sb, types.SeatPrefix, "seats", id, codec.CollValue[types.Seat](d.Cdc)),
		positions: collections.NewMap(sb, types.PositionPrefix, "positions", id, collections.Uint64Value),
		seated:    collections.NewKeySet(sb, types.SeatedPrefix, "seated", collections.PairKeyCodec(collections.StringKey, id)),
		pending:   collections.NewKeySet(sb, types.PendingPrefix, "pending", collections.PairKeyCodec(id, id)),
		waiting:   collections.NewMap(sb, types.WaitingPrefix, "waiting", id, collections.Uint64Value),
		running:   collections.NewItem(sb, types.RunningPrefix, "running", codec.CollValue[types.Round](d.Cdc)),
		past:      collections.NewMap(sb, types.PastRoundPrefix, "past_rounds", id, codec.CollValue[types.Round](d.Cdc)),
		submissions: collections.NewMap(sb, types.SubmissionPrefix, "submissions", collections.PairKeyCodec(id, collections.StringKey),
			codec.CollValue[types.Submission](d.Cdc)),
		judging: collections.NewItem(sb, types.JudgingPrefix, "judging", codec.CollValue[types.Judging](d.Cdc)),
		uptimes: collections.NewMap(sb, types.UptimePrefix, "uptimes", id, codec.CollValue[types.Uptime](d.Cdc)),
	}
	schema, err := sb.Build()
	if err != nil {
		panic(err)
	}
	k.Schema = schema
	return k
}
