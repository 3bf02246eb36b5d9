// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"time"

	cmtcfg "github.com/cometbft/cometbft/config"

	serverconfig "github.com/cosmos/cosmos-sdk/server/config"

	"github.com/athnet/ath/app/pricefeed"
	athtypes "github.com/athnet/ath/x/ath/types"
)

// appConfig is app.toml: the SDK's entries and ours.
type appConfig struct {
	serverconfig.Config `mapstructure:",squash"`
	OptimisticExecution bool             `mapstructure:"optimistic-execution"`
	Price               pricefeed.Config `mapstructure:"price"`
}

// appTemplate puts our entries first: the SDK's template ends inside a table.
const appTemplate = `# Execute a proposed block while the other validators still vote on it; a block that loses the vote is executed for nothing.
optimistic-execution = {{ .OptimisticExecution }}

` + serverconfig.DefaultConfigTemplate + `
###############################################################################
###                         Price of ATH (validators)                       ###
###############################################################################

# What this validator says an ATH is worth when it votes. "athd price check" asks the source once and prints the answer.
[price]

# "file", "command" or "http"; with "" the validator votes without a price.
source = "{{ .Price.Source }}"

# A path, a command line (words separated by blanks, no shell), or a URL. It answers with USD per ATH, such as 0.0312.
from = "{{ .Price.From }}"

# Where the price is in a JSON answer, such as "data.ath.usd" or "quotes.0.price"; with "" the answer is the price.
json-path = "{{ .Price.JSONPath }}"

# Time between two questions, longest time to an answer, and age at which an answer is no longer voted for.
interval = "{{ .Price.Interval }}"
timeout = "{{ .Price.Timeout }}"
max-age = "{{ .Price.MaxAge }}"
`

// defaultAppConfig returns the template and the entries of a new node's app.toml.
func defaultAppConfig() (template string, config appConfig) {
	sdk := serverconfig.DefaultConfig()
	sdk.MinGasPrices = "0.001" + athtypes.Denom // a transfer of 100,000 gas costs 10⁻⁴ ATH: nothing to a user, dear to a flood
	sdk.API.Enable = true                       // REST and documents, on localhost only
	sdk.API.Swagger = true
	sdk.StateSync.SnapshotInterval = 1_000 // so that others can join from this node; two are kept
	return appTemplate, appConfig{Config: *sdk, OptimisticExecution: true, Price: pricefeed.DefaultConfig()}
}

// defaultCometConfig returns the entries of a new node's config.toml.
func defaultCometConfig() *cmtcfg.Config {
	config := cmtcfg.DefaultConfig()
	// Blocks of 1 s: what voting takes comes on top of the pause. (The SDK takes exactly 1 s for "not set" and makes it 5 s.)
	config.Consensus.TimeoutCommit = 950 * time.Millisecond
	return config
}
