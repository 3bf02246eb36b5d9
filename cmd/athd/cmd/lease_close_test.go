// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/offchain/chain"
	leases "github.com/athnet/ath/x/leases/types"
)

// picky is a chain that refuses closes with some statement for a reason.
type picky struct {
	code uint32
	sent []*leases.MsgCloseLease
}

func (*picky) Address() string { return "ath1me" }

func (p *picky) Send(_ context.Context, msgs ...sdk.Msg) (chain.TxResult, error) {
	msg := msgs[0].(*leases.MsgCloseLease)
	p.sent = append(p.sent, msg)
	if msg.Statement != nil && p.code != 0 {
		return chain.TxResult{}, &chain.ExecutionError{Codespace: leases.ModuleName, Code: p.code}
	}
	return chain.TxResult{}, errDone
}

var errDone = chain.ErrNoNode

// TestCloseDoesNotFailForAStatement: where the chain refuses what the worker has signed the lease is closed without, and only there.
func TestCloseDoesNotFailForAStatement(t *testing.T) {
	for _, c := range []struct {
		code uint32
		sent int
	}{
		{0, 1}, {leases.ErrInvalidStatement.ABCICode(), 2}, {leases.ErrStatementSignature.ABCICode(), 2}, {leases.ErrLeaseClosed.ABCICode(), 1},
	} {
		p := &picky{code: c.code}
		_, refused, err := closeWith(context.Background(), p, &leases.MsgCloseLease{Signer: "ath1me", LeaseId: "ath1me/1", Statement: &leases.WorkerStatement{}})
		require.Error(t, err)
		require.Len(t, p.sent, c.sent, "%d", c.code)
		require.NotNil(t, p.sent[0].Statement)
		if c.sent == 2 {
			require.ErrorIs(t, err, errDone)
			require.Error(t, refused)
			require.Nil(t, p.sent[1].Statement)
			require.Equal(t, "ath1me/1", p.sent[1].LeaseId)
		}
	}
}
