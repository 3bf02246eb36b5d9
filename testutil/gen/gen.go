// SPDX-License-Identifier: Apache-2.0

// Package gen makes the people and the genesis of tests: the same ones for the same names, in every run.
package gen

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/client"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/crypto/keys/ed25519"
	"github.com/cosmos/cosmos-sdk/crypto/keys/secp256k1"
	cryptotypes "github.com/cosmos/cosmos-sdk/crypto/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/tx/signing"
	authsigning "github.com/cosmos/cosmos-sdk/x/auth/signing"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	"github.com/cosmos/cosmos-sdk/x/genutil"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"

	"github.com/athnet/ath/app"
	athtypes "github.com/athnet/ath/x/ath/types"
)

// Account is somebody with a key.
type Account struct {
	Name string
	Key  cryptotypes.PrivKey
}

// NewAccount returns the account of a name.
func NewAccount(name string) Account {
	seed := sha256.Sum256([]byte("account/" + name))
	return Account{Name: name, Key: &secp256k1.PrivKey{Key: seed[:]}}
}

// Address of the account.
func (a Account) Address() sdk.AccAddress { return sdk.AccAddress(a.Key.PubKey().Address()) }

// String is the bech32 address, as messages want it.
func (a Account) String() string { return a.Address().String() }

// Validator is the only validator of a test chain; its operator is the account "validator".
type Validator struct {
	Operator  Account
	Consensus cryptotypes.PrivKey
}

// NewValidator returns it.
func NewValidator() Validator {
	return Validator{Operator: NewAccount("validator"), Consensus: ed25519.GenPrivKeyFromSecret([]byte("validator"))}
}

// ATH returns whole ATH in uath.
func ATH(amount int64) math.Int { return math.NewInt(amount).MulRaw(1_000_000) }

// Coins returns uath as coins.
func Coins(uath math.Int) sdk.Coins { return sdk.NewCoins(sdk.NewCoin(athtypes.Denom, uath)) }

// Genesis adds one validator to a genesis, and accounts that hold the same balance each.
func Genesis(enc app.Encoding, genesis app.GenesisState, chainID string, balance math.Int, accounts ...Account) (app.GenesisState, error) {
	validator := NewValidator()
	var owners authtypes.GenesisAccounts
	var balances []banktypes.Balance
	for _, a := range append([]Account{validator.Operator}, accounts...) {
		owners = append(owners, authtypes.NewBaseAccountWithAddress(a.Address()))
		balances = append(balances, banktypes.Balance{Address: a.String(), Coins: Coins(balance)})
	}
	packed, err := authtypes.PackAccounts(owners)
	if err != nil {
		return nil, err
	}
	tx, err := validator.genesisTx(enc.Tx, chainID)
	if err != nil {
		return nil, fmt.Errorf("genesis transaction: %w", err)
	}

	var auth authtypes.GenesisState
	enc.Codec.MustUnmarshalJSON(genesis[authtypes.ModuleName], &auth)
	auth.Accounts = packed
	var bank banktypes.GenesisState
	enc.Codec.MustUnmarshalJSON(genesis[banktypes.ModuleName], &bank)
	bank.Balances = append(bank.Balances, balances...)
	genesis[authtypes.ModuleName] = enc.Codec.MustMarshalJSON(&auth)
	genesis[banktypes.ModuleName] = enc.Codec.MustMarshalJSON(&bank)
	return genutil.SetGenTxsInAppGenesisState(enc.Codec, enc.Tx.TxJSONEncoder(), genesis, []sdk.Tx{tx})
}

// genesisTx makes the operator a validator with a stake of 100 ATH.
func (v Validator) genesisTx(config client.TxConfig, chainID string) (sdk.Tx, error) {
	key, err := codectypes.NewAnyWithValue(v.Consensus.PubKey())
	if err != nil {
		return nil, err
	}
	tenth := math.LegacyNewDecWithPrec(1, 1)
	msg := &stakingtypes.MsgCreateValidator{
		Description:       stakingtypes.NewDescription("validator", "", "", "", ""),
		Commission:        stakingtypes.NewCommissionRates(tenth, tenth, tenth),
		MinSelfDelegation: math.OneInt(),
		ValidatorAddress:  sdk.ValAddress(v.Operator.Address()).String(),
		Pubkey:            key,
		Value:             sdk.NewCoin(athtypes.Denom, ATH(100)),
	}
	return Sign(config, v.Operator, authsigning.SignerData{ChainID: chainID}, Options{Gas: 1_000_000}, msg)
}

// Options of a transaction.
type Options struct {
	Gas uint64
	Fee math.Int
	// Unordered, where it is not zero, makes an unordered transaction: it has no sequence, and this is the last time at which
	// a block may hold it.
	Unordered time.Time
	// FeeGranter pays the fee where set.
	FeeGranter sdk.AccAddress
}

// Sign makes a transaction of one signer.
func Sign(config client.TxConfig, signer Account, data authsigning.SignerData, opts Options, msgs ...sdk.Msg) (sdk.Tx, error) {
	b := config.NewTxBuilder()
	if err := b.SetMsgs(msgs...); err != nil {
		return nil, err
	}
	b.SetGasLimit(opts.Gas)
	if !opts.Fee.IsNil() {
		b.SetFeeAmount(Coins(opts.Fee))
	}
	if opts.FeeGranter != nil {
		b.SetFeeGranter(opts.FeeGranter)
	}
	if !opts.Unordered.IsZero() {
		b.SetUnordered(true)
		b.SetTimeoutTimestamp(opts.Unordered)
		data.Sequence = 0
	}
	data.Address, data.PubKey = signer.String(), signer.Key.PubKey()
	sig := signing.SignatureV2{
		PubKey: data.PubKey, Sequence: data.Sequence,
		Data: &signing.SingleSignatureData{SignMode: signing.SignMode_SIGN_MODE_DIRECT},
	}
	if err := b.SetSignatures(sig); err != nil { // what is signed names the signer
		return nil, err
	}
	bytes, err := authsigning.GetSignBytesAdapter(context.Background(), config.SignModeHandler(), signing.SignMode_SIGN_MODE_DIRECT, data, b.GetTx())
	if err != nil {
		return nil, err
	}
	signature, err := signer.Key.Sign(bytes)
	if err != nil {
		return nil, err
	}
	sig.Data = &signing.SingleSignatureData{SignMode: signing.SignMode_SIGN_MODE_DIRECT, Signature: signature}
	if err := b.SetSignatures(sig); err != nil {
		return nil, err
	}
	return b.GetTx(), nil
}
