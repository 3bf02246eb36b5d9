// SPDX-License-Identifier: Apache-2.0

// Package sim holds what the simulation operations of all modules share: choosing by chance, and the keys of workers.
package sim

import (
	"crypto/ed25519"
	"crypto/sha256"

	"github.com/cosmos/cosmos-sdk/testutil/simsx"
	sdk "github.com/cosmos/cosmos-sdk/types"
)

// GovModule is the name of the module whose account is the authority.
const GovModule = "gov"

// Pick returns one of the items that will do. It skips the operation where there is none.
func Pick[T any](data *simsx.ChainDataSource, reporter simsx.SimulationReporter, items []T, will func(T) bool) (T, bool) {
	var fit []T
	for _, item := range items {
		if will(item) {
			fit = append(fit, item)
		}
	}
	if len(fit) == 0 {
		var none T
		reporter.Skip("nothing that will do")
		return none, false
	}
	return fit[data.Rand().Intn(len(fit))], true
}

// Any accepts everything.
func Any[T any](T) bool { return true }

// Signed returns a message with the account that signs it, or skips where the account is not simulated.
func Signed[T sdk.Msg](data *simsx.ChainDataSource, reporter simsx.SimulationReporter, signer string, msg T) ([]simsx.SimAccount, T) {
	account := data.GetAccount(reporter, signer)
	if reporter.IsSkipped() {
		var none T
		return nil, none
	}
	return []simsx.SimAccount{account}, msg
}

// Skip skips an operation that could not read the state, or that has nothing to do.
func Skip[T sdk.Msg](reporter simsx.SimulationReporter, why any) ([]simsx.SimAccount, T) {
	var none T
	reporter.Skipf("%v", why)
	return nil, none
}

// Other returns an account that is none of the named ones.
func Other(data *simsx.ChainDataSource, reporter simsx.SimulationReporter, not ...string) string {
	return data.AnyAccountN(10, reporter, simsx.ExcludeAddresses(not...)).AddressBech32
}

// WorkerKey is the key of all workers of a provider, so that a simulation can sign for them.
func WorkerKey(provider string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("worker/" + provider))
	return ed25519.NewKeyFromSeed(seed[:])
}

// Bytes are 32 bytes by chance.
func Bytes(data *simsx.ChainDataSource) []byte {
	out := make([]byte, sha256.Size)
	for i := range out {
		out[i] = byte(data.Rand().Intn(256))
	}
	return out
}
