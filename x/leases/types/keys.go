// SPDX-License-Identifier: Apache-2.0

package types

import "cosmossdk.io/collections"

const (
	// ModuleName names the module and its store.
	ModuleName = "leases"
	// StoreKey of the persistent store.
	StoreKey = ModuleName
	// ObjectStoreKey of the store that lives for one block: (index of the transaction, tenant, number) → hash of a receipt.
	ObjectStoreKey = "object:" + ModuleName
)

// The store, key → value. README repeats this table.
var (
	// ParamsKey: → Params.
	ParamsKey = collections.NewPrefix(0)
	// OffersKey: container id → Offer.
	OffersKey = collections.NewPrefix(1)
	// PricesKey: (class, denom, rate, container id) → nothing; the public offers of Containers that have no lease.
	PricesKey = collections.NewPrefix(2)
	// AccountsKey: (tenant, denom) → Account.
	AccountsKey = collections.NewPrefix(3)
	// LeasesKey: (tenant, number) → Lease, while it is open.
	LeasesKey = collections.NewPrefix(4)
	// ReceiptsKey: (tenant, number) → Receipt, once it is closed.
	ReceiptsKey = collections.NewPrefix(5)
	// ExhaustionKey: (unix second, tenant, denom) → nothing; when to look at an account next.
	ExhaustionKey = collections.NewPrefix(6)
	// ExpiryKey: (unix nanosecond, tenant, number) → nothing; the agreed ends of leases.
	ExpiryKey = collections.NewPrefix(7)
	// NoncesKey: (unix nanosecond of expiry, indexer, nonce) → nothing; quotes that were used and have not expired.
	NoncesKey = collections.NewPrefix(8)
	// ReservedPricesKey: (class, denom, rate, container id) → nothing; the same of offers with reserved terms, by their reserved rate.
	ReservedPricesKey = collections.NewPrefix(12)
	// DepositorsKey: (tenant, denom) → Depositors, of accounts that hold other people's money.
	DepositorsKey = collections.NewPrefix(14)
	// GrantsKey: (grantee, granter) → DepositGrant.
	GrantsKey = collections.NewPrefix(15)
	// GrantersKey: (granter, grantee) → nothing; the same grants by granter.
	GrantersKey = collections.NewPrefix(16)
	// GrantNoncesKey: granter → nonce of its next grant; outlives its grants, so that none is taken for another.
	GrantNoncesKey = collections.NewPrefix(17)
	// SubAccountsKey: (parent, sub) → SubAccount.
	SubAccountsKey = collections.NewPrefix(18)
	// ChannelsKey: (tenant, number) → Channel, until it has ended.
	ChannelsKey = collections.NewPrefix(20)
	// ChannelNumbersKey: tenant → number of its next channel; outlives its channels, so that no voucher counts twice.
	ChannelNumbersKey = collections.NewPrefix(21)
	// ChannelEndsKey: (unix nanosecond, tenant, number) → nothing; when channels end.
	ChannelEndsKey = collections.NewPrefix(22)
	// ReceiptLogKey: → ReceiptLog.
	ReceiptLogKey = collections.NewPrefix(25)
	// ReceiptRootsKey: epoch → ReceiptRoot, of epochs in which a lease ended.
	ReceiptRootsKey = collections.NewPrefix(26)
	// KeptReceiptsKey: (epoch of the lease's end, place in the log) → (tenant, number); the receipts that are in the state.
	KeptReceiptsKey = collections.NewPrefix(27)
	// ServedKey: (container id, unix nanosecond of the end, tenant, number) → Service; what a fault that is judged later may still credit.
	ServedKey = collections.NewPrefix(30)
	// ForgetKey: (unix nanosecond of the end, container id, tenant, number) → nothing; the same in order of time, to be forgotten.
	ForgetKey = collections.NewPrefix(31)
	// PendingFaultsKey: (unix nanosecond of the verdict, container id) → unix nanosecond of the fault; for which ended leases still have to
	// be credited.
	PendingFaultsKey = collections.NewPrefix(32)
	// BreachesKey: (container id, tenant, number) → Breach; what providers owe leases that they broke in this block.
	BreachesKey = collections.NewPrefix(33)
	// GatewaysKey: gateway → Gateway.
	GatewaysKey = collections.NewPrefix(35)
	// CreditLinesKey: (customer, gateway) → CreditLine.
	CreditLinesKey = collections.NewPrefix(36)
	// CustomersKey: (gateway, customer) → nothing; the same lines by gateway.
	CustomersKey = collections.NewPrefix(37)
	// CarriedLeasesKey: (gateway, customer, number) → nothing; open leases that a float pays for.
	CarriedLeasesKey = collections.NewPrefix(38)
)
