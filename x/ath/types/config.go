// SPDX-License-Identifier: Apache-2.0

package types

import (
	"os"
	"sync"

	sdk "github.com/cosmos/cosmos-sdk/types"
)

const (
	// ModuleName names module, store and vault account.
	ModuleName = "ath"
	// StoreKey of the persistent store.
	StoreKey = ModuleName
	// PositionsStoreKey of the positions of Containers, one or more per machine on the network: in a store of their own they don't
	// make the tree deeper that every block and the end of an epoch write to.
	PositionsStoreKey = "positions"
	// ObjectStoreKey of the per-transaction deltas that EndBlock folds.
	ObjectStoreKey = "object:" + ModuleName

	// Bech32Prefix of accounts; validators have "athvaloper", consensus keys "athvalcons".
	Bech32Prefix = "ath"
	// Denom is the smallest unit: 10^-6 ATH.
	Denom = "uath"
	// DisplayDenom is what people read.
	DisplayDenom = "ATH"
	// Decimals between Denom and DisplayDenom.
	Decimals = 6
)

var setPrefixes sync.Once

// SetPrefixes sets the bech32 prefixes of the SDK's global configuration; every binary calls it first in main.
//
// Without a scope in the environment the SDK looks its configuration up under the host's name and the program's path, and asks the kernel for
// both at every address that it reads. That is a tenth of what a transaction costs; and a validator that is renamed, or whose program is moved
// for an upgrade while it runs, would go on with another configuration, whose addresses begin with "cosmos".
func SetPrefixes() {
	setPrefixes.Do(func() {
		if os.Getenv(sdk.EnvConfigScope) == "" {
			if err := os.Setenv(sdk.EnvConfigScope, ModuleName); err != nil {
				panic(err)
			}
		}
		config := sdk.GetConfig()
		config.SetBech32PrefixForAccount(Bech32Prefix, Bech32Prefix+"pub")
		config.SetBech32PrefixForValidator(Bech32Prefix+"valoper", Bech32Prefix+"valoperpub")
		config.SetBech32PrefixForConsensusNode(Bech32Prefix+"valcons", Bech32Prefix+"valconspub")
		config.Seal()
	})
}
