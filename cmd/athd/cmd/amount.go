// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	basev1beta1 "cosmossdk.io/api/cosmos/base/v1beta1"
	"cosmossdk.io/client/v2/autocli/flag"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
)

// coinMessage is the message whose fields are amounts.
const coinMessage = "cosmos.base.v1beta1.Coin"

// displayDenom is ATH as amounts are typed: 5000ath.
var displayDenom = strings.ToLower(athtypes.DisplayDenom)

// registerUnits has the SDK's own commands read amounts in ath; those that are made from messages read them by coinType.
func registerUnits() error {
	if _, known := sdk.GetDenomUnit(displayDenom); known {
		return nil
	}
	return errors.Join(sdk.RegisterDenom(displayDenom, math.LegacyOneDec()), sdk.RegisterDenom(athtypes.Denom, math.LegacyNewDecWithPrec(1, athtypes.Decimals)))
}

// parseCoin reads "5000ath", "0.5ath", "7uath" and whole numbers of any other denom.
func parseCoin(s string) (sdk.Coin, error) {
	c, err := sdk.ParseDecCoin(s)
	if err != nil {
		return sdk.Coin{}, fmt.Errorf("amount %q: want one such as 5ath or 5000000uath", s)
	}
	if strings.EqualFold(c.Denom, displayDenom) {
		c.Denom, c.Amount = athtypes.Denom, c.Amount.Mul(math.LegacyNewDec(10).Power(athtypes.Decimals))
	}
	if !c.Amount.IsInteger() {
		return sdk.Coin{}, fmt.Errorf("amount %q: nothing is smaller than 1%s", s, c.Denom)
	}
	return sdk.Coin{Denom: c.Denom, Amount: c.Amount.TruncateInt()}, nil
}

// coinType is how commands that are made from messages read a coin, as argument and as flag.
type coinType struct{}

var _ flag.Type = coinType{}

func (coinType) NewValue(*context.Context, *flag.Builder) flag.Value { return &coinValue{} }
func (coinType) DefaultValue() string                                { return "zero" }

type coinValue struct{ coin *basev1beta1.Coin }

func (v *coinValue) Get(protoreflect.Value) (protoreflect.Value, error) {
	if v.coin == nil {
		return protoreflect.Value{}, nil
	}
	return protoreflect.ValueOfMessage(v.coin.ProtoReflect()), nil
}

func (v *coinValue) Set(s string) error {
	c, err := parseCoin(s)
	if err == nil {
		v.coin = &basev1beta1.Coin{Denom: c.Denom, Amount: c.Amount.String()}
	}
	return err
}

func (v *coinValue) String() string {
	if v.coin == nil {
		return ""
	}
	return v.coin.Amount + v.coin.Denom
}

func (*coinValue) Type() string { return coinMessage }
