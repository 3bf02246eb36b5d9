// SPDX-License-Identifier: Apache-2.0

package types

import "cosmossdk.io/collections"

// Prefixes of the persistent stores, key → value; README repeats the table. Never renumber.
var (
	ParamsPrefix         = collections.NewPrefix(1)  // → Params
	EpochPrefix          = collections.NewPrefix(2)  // → Epoch
	RowsPrefix           = collections.NewPrefix(3)  // kind, owner, bucket, denom → Int
	PoolsPrefix          = collections.NewPrefix(4)  // pool → PoolState
	SharesPrefix         = collections.NewPrefix(5)  // pool, epoch → Share
	SharePositionsPrefix = collections.NewPrefix(6)  // pool, beneficiary, epoch → Int (weight)
	StreamPrefix         = collections.NewPrefix(7)  // → Stream
	MarksPrefix          = collections.NewPrefix(8)  // round → StreamMark
	GroupsPrefix         = collections.NewPrefix(9)  // group → StreamGroup
	PositionsPrefix      = collections.NewPrefix(10) // in PositionsStoreKey: holder → StreamPosition
	PendingPrefix        = collections.NewPrefix(11) // in PositionsStoreKey: group, holder: positions with steps (derived)
	HoldersPrefix        = collections.NewPrefix(12) // in PositionsStoreKey: beneficiary, holder: positions by beneficiary (derived)
	MintedPrefix         = collections.NewPrefix(13) // → Int
	BurntPrefix          = collections.NewPrefix(14) // → Int
	BeaconPrefix         = collections.NewPrefix(15) // → 32 bytes
	PayoutsPrefix        = collections.NewPrefix(16) // beneficiary → address
	ClosedEpochPrefix    = collections.NewPrefix(17) // → uint64
	SignersPrefix        = collections.NewPrefix(18) // consensus address → Signer
	OldSignersPrefix     = collections.NewPrefix(19) // until, consensus address: signers whose key went out of use (derived)
	PricePrefix          = collections.NewPrefix(20) // → Price
	UsdIndexPrefix       = collections.NewPrefix(21) // → UsdIndex
	UsdCheckpointsPrefix = collections.NewPrefix(22) // unix ns of its step → UsdIndex
	BeaconsPrefix        = collections.NewPrefix(25) // height mod 64 → BeaconRecord
	BeaconKeysPrefix     = collections.NewPrefix(26) // operator → BeaconKey
	BeaconOwnersPrefix   = collections.NewPrefix(27) // public key → operator (derived)
	BarsPrefix           = collections.NewPrefix(30) // pool, beneficiary → Int (place in the line of returned penalties)
	BonusUntilPrefix     = collections.NewPrefix(31) // → uint64: last epoch of the running quarter
	DAOGrantedPrefix     = collections.NewPrefix(35) // → Int: what the DAO's row held at genesis
	FeesPrefix           = collections.NewPrefix(36) // denom → FeeTotals
	FiguresPrefix        = collections.NewPrefix(37) // class → ClassFigures (derived: x/providers sets them when a chain begins)
	RevenuePrefix        = collections.NewPrefix(40) // epoch → EpochRevenue: what tenants paid to suppliers
	ProviderFeesPrefix   = collections.NewPrefix(45) // provider, denom, epoch → Int: service fee in another denom than uath
)

// First bytes of the keys of the object store, where transactions leave what EndBlock folds; the second part of every
// key is the fold's target, the last eight bytes are the index of the transaction.
const (
	DeltaRow      byte = 1 // row key → Int: credit of a vault row
	DeltaWeight   byte = 2 // → Int: change of the stream's next weight
	DeltaShare    byte = 3 // pool, beneficiary, epoch → Int: weight
	DeltaPaid     byte = 4 // pool → Int: debit of the pool's earned row
	DeltaFigures  byte = 5 // class → ClassFigures: change of what is counted of it
	DeltaReturned byte = 6 // pool, beneficiary → Int: penalty that comes back to the pool
	DeltaRevenue  byte = 7 // → Int: what tenants paid to suppliers in the running epoch
	DeltaFee      byte = 8 // provider, denom, epoch → Int: service fee in another denom than uath
)
