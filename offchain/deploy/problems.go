// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"errors"
	"fmt"
	"strings"

	"cosmossdk.io/math"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	sdkerrors "github.com/cosmos/cosmos-sdk/types/errors"

	"github.com/athnet/ath/offchain/chain"
)

func isNotFound(err error) bool { return status.Code(err) == codes.NotFound }

// txProblem says what a refused transaction means for a tenant.
func (r *run) txProblem(err error, deposit math.Int) error {
	funds := &chain.ExecutionError{Codespace: sdkerrors.RootCodespace, Code: sdkerrors.ErrInsufficientFunds.ABCICode()}
	fee := &chain.ExecutionError{Codespace: sdkerrors.RootCodespace, Code: sdkerrors.ErrInsufficientFee.ABCICode()}
	var refused *chain.ExecutionError
	switch {
	case errors.Is(err, funds) && r.opts.Granter != "":
		return &Problem{
			Text:   fmt.Sprintf("%s has not enough coins for a deposit of %s, or whoever pays the fee for that", r.opts.Granter, FormatATH(deposit)),
			Remedy: "deposit less with --deposit, or out of another wallet",
			Err:    errors.New(lastLine(err)),
		}
	case errors.Is(err, funds):
		return &Problem{
			Text:   fmt.Sprintf("%s has not enough coins for a deposit of %s and the fee", r.Sender.Address(), FormatIn(r.opts.pays(), deposit)),
			Remedy: "send it some, or deposit less with --deposit (athd query bank balances " + r.Sender.Address() + ")",
			Err:    errors.New(lastLine(err)),
		}
	case errors.Is(err, chain.ErrNoAccount):
		return &Problem{Text: r.Sender.Address() + " has never held a coin", Remedy: "send it some uath, or use another key with --from (athd keys list)"}
	case errors.Is(err, fee):
		return &Problem{Text: "the node wants a higher fee", Remedy: "raise --gas-prices", Err: errors.New(lastLine(err))}
	case errors.As(err, &refused) && refused.Codespace == "leases":
		return &Problem{Text: "the chain opened no lease", Remedy: "nothing was paid but the fee of a refused transaction, if it got into a block", Err: errors.New(lastLine(err))}
	}
	return err
}

// lastLine shortens a chain's log: it may carry a stack of wrapped errors over several lines.
func lastLine(err error) string {
	var refused *chain.ExecutionError
	if !errors.As(err, &refused) {
		return err.Error()
	}
	line, _, _ := strings.Cut(strings.TrimSpace(refused.Reason()), "\n")
	return line
}
