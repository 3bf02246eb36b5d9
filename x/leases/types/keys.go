// SPDX-License-Identifier: Apache-2.0

package types

const (
	// ModuleName names the module and its store.
	ModuleName = "leases"
	// StoreKey of the persistent store.
	StoreKey = ModuleName
)
