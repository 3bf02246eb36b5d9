// SPDX-License-Identifier: Apache-2.0

package types

import "cosmossdk.io/collections"

const (
	// ModuleName names the module and its store.
	ModuleName = "checks"
	// StoreKey of the persistent store.
	StoreKey = ModuleName
)

// Prefixes of the persistent store. The README repeats the table.
var (
	ParamsPrefix            = collections.NewPrefix(1)  // → Params
	NextLicencePrefix       = collections.NewPrefix(2)  // → id of the next licence
	LicenceCountPrefix      = collections.NewPrefix(3)  // → number of licences
	LicencePrefix           = collections.NewPrefix(4)  // licence → Licence
	LicenceByOwnerPrefix    = collections.NewPrefix(5)  // owner, licence → {}
	LicenceByOperatorPrefix = collections.NewPrefix(6)  // operator, licence → {}
	SeatPrefix              = collections.NewPrefix(7)  // position → Seat
	PositionPrefix          = collections.NewPrefix(8)  // licence → position of its seat
	SeatedPrefix            = collections.NewPrefix(9)  // operator, licence → {} while the seat is the operator's
	PendingPrefix           = collections.NewPrefix(10) // round, licence → {}
	RunningPrefix           = collections.NewPrefix(11) // → the running Round
	PastRoundPrefix         = collections.NewPrefix(12) // round → Round that has ended and is still needed
	SubmissionPrefix        = collections.NewPrefix(13) // round, operator → Submission
	JudgingPrefix           = collections.NewPrefix(14) // → Judging
	WaitingPrefix           = collections.NewPrefix(15) // licence → round of its entry under PendingPrefix
	UptimePrefix            = collections.NewPrefix(16) // licence → Uptime
)
