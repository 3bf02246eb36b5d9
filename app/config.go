// SPDX-License-Identifier: Apache-2.0

package app

import (
	"os"
	"path/filepath"
	"sync"

	"github.com/cosmos/gogoproto/proto"

	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/codec"
	"github.com/cosmos/cosmos-sdk/codec/address"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/std"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authtx "github.com/cosmos/cosmos-sdk/x/auth/tx"
	"github.com/cosmos/cosmos-sdk/x/tx/signing"

	athtypes "github.com/athnet/ath/x/ath/types"
)

const (
	// Name of the application as peers and `athd status` see it.
	Name = "ath"
	// homeDir below the user's home, where a node keeps config and data.
	homeDir = ".athd"
)

// DefaultHome is where a node lives unless --home or ATHD_HOME says otherwise; the working directory without a user's home.
func DefaultHome() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return homeDir
	}
	return filepath.Join(home, homeDir)
}

// Address codecs of the three kinds of bech32 addresses.
var (
	AccountAddresses   = address.NewBech32Codec(athtypes.Bech32Prefix)
	ValidatorAddresses = address.NewBech32Codec(athtypes.Bech32Prefix + "valoper")
	ConsensusAddresses = address.NewBech32Codec(athtypes.Bech32Prefix + "valcons")
)

// setGlobals tells the SDK our prefixes and the denom of its modules' default parameters.
var setGlobals = sync.OnceFunc(func() {
	athtypes.SetPrefixes()
	sdk.DefaultBondDenom = athtypes.Denom
})

// Encoding turns messages into bytes and back. Modules register their types in it.
type Encoding struct {
	Registry codectypes.InterfaceRegistry
	Codec    codec.Codec
	Amino    *codec.LegacyAmino
	Tx       client.TxConfig
}

// NewEncoding returns an encoding that knows the SDK's own types; it sets the bech32 prefixes first, because the SDK's
// transaction configuration reads them.
func NewEncoding() (Encoding, error) {
	setGlobals()
	registry, err := codectypes.NewInterfaceRegistryWithOptions(codectypes.InterfaceRegistryOptions{
		ProtoFiles:     proto.HybridResolver,
		SigningOptions: signing.Options{AddressCodec: AccountAddresses, ValidatorAddressCodec: ValidatorAddresses},
	})
	if err != nil {
		return Encoding{}, err
	}
	if err := registry.SigningContext().Validate(); err != nil {
		return Encoding{}, err
	}
	cdc := codec.NewProtoCodec(registry)
	amino := codec.NewLegacyAmino()
	std.RegisterLegacyAminoCodec(amino)
	std.RegisterInterfaces(registry)
	txConfig, err := authtx.NewTxConfigWithOptions(cdc, authtx.ConfigOptions{EnabledSignModes: authtx.DefaultSignModes})
	if err != nil {
		return Encoding{}, err
	}
	return Encoding{Registry: registry, Codec: cdc, Amino: amino, Tx: txConfig}, nil
}
