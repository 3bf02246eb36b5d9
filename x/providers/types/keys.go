// SPDX-License-Identifier: Apache-2.0

package types

const (
	// ModuleName names the module and its store.
	ModuleName = "providers"
	// StoreKey of the persistent store.
	StoreKey = ModuleName
)
