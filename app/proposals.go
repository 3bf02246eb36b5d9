// SPDX-License-Identifier: Apache-2.0

package app

import (
	"errors"
	"fmt"
	"slices"

	abci "github.com/cometbft/cometbft/abci/types"

	"cosmossdk.io/log/v2"

	"github.com/cosmos/cosmos-sdk/baseapp"
	sdk "github.com/cosmos/cosmos-sdk/types"

	athkeeper "github.com/athnet/ath/x/ath/keeper"
	athtypes "github.com/athnet/ath/x/ath/types"
)

// PriceSource tells this node the price of an ATH in 10^-9 USD; false where it knows none. It must not block.
type PriceSource interface {
	Price() (uint64, bool)
}

// BeaconProver makes this node's contribution to the beacon of a height, with that of its keys which is in use.
type BeaconProver interface {
	Prove(chainID string, height int64, inUse func(pubkey []byte) (bool, error)) ([]byte, error)
}

// Voice is what a node says when it votes. Both may be missing: the node votes without them.
type Voice struct {
	Price  PriceSource
	Beacon BeaconProver
	// Close ends what answers in the background; nil where nothing does.
	Close func() error
}

// proposals are the parts of consensus that surround the execution of blocks.
type proposals struct {
	ath     *athkeeper.Keeper
	voice   Voice
	prepare sdk.PrepareProposalHandler
	decode  sdk.TxDecoder
	log     log.Logger
}

// extendVote says what this node knows. It never fails: a validator without a source or a key still votes.
func (p *proposals) extendVote(ctx sdk.Context, req *abci.RequestExtendVote) (*abci.ResponseExtendVote, error) {
	var ext athtypes.VoteExtension
	if p.voice.Price != nil {
		if price, ok := p.voice.Price.Price(); ok {
			ext.Price = price
		}
	}
	if p.voice.Beacon != nil {
		proof, err := p.voice.Beacon.Prove(ctx.ChainID(), req.Height, func(pubkey []byte) (bool, error) {
			return p.ath.BeaconKeyInUse(ctx, pubkey, req.Time)
		})
		if err != nil {
			p.log.Error("no contribution to the beacon", "height", req.Height, "err", err)
		}
		ext.BeaconProof = proof
	}
	body, err := ext.Marshal()
	return &abci.ResponseExtendVote{VoteExtension: body}, err
}

// verifyVote refuses what no honest node sends. What an extension says is judged when it counts: a vote that is refused here
// is lost, and with enough of them the block.
func (p *proposals) verifyVote(_ sdk.Context, req *abci.RequestVerifyVoteExtension) (*abci.ResponseVerifyVoteExtension, error) {
	status := abci.ResponseVerifyVoteExtension_ACCEPT
	if len(req.VoteExtension) > athtypes.MaxVoteExtension {
		status = abci.ResponseVerifyVoteExtension_REJECT
	}
	return &abci.ResponseVerifyVoteExtension{Status: status}, nil
}

// prepareProposal puts the votes before the transactions.
func (p *proposals) prepareProposal(ctx sdk.Context, req *abci.RequestPrepareProposal) (*abci.ResponsePrepareProposal, error) {
	var head [][]byte
	if carriesVotes(ctx, len(req.LocalLastCommit.Votes)) {
		votes, err := encodeVotes(sift(ctx, p.ath, req.LocalLastCommit))
		if err != nil {
			return nil, err
		}
		head = [][]byte{votes}
	}
	rest := *req
	for _, entry := range head {
		// Not below zero: the SDK takes it as unsigned, and nothing would bound the transactions.
		rest.MaxTxBytes = max(0, rest.MaxTxBytes-entrySize(entry))
	}
	res, err := p.choose(ctx, &rest)
	if err != nil {
		// What the transactions did wrong must not keep the votes out: a block without them is refused.
		p.log.Error("proposal without transactions", "height", req.Height, "err", err)
		return &abci.ResponsePrepareProposal{Txs: head}, nil
	}
	return &abci.ResponsePrepareProposal{Txs: slices.Concat(head, res.Txs)}, nil
}

// choose lets the SDK choose transactions. Of a panic the SDK itself makes a proposal of what the mempool had, without votes,
// which everybody refuses: a transaction that made every proposer panic would stop the chain.
func (p *proposals) choose(ctx sdk.Context, req *abci.RequestPrepareProposal) (res *abci.ResponsePrepareProposal, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic while transactions were chosen: %v", cause)
		}
	}()
	return p.prepare(ctx, req)
}

// entrySize is what an entry takes of a block's bytes, framing included.
func entrySize(entry []byte) int64 {
	framed := abci.RequestProcessProposal{Txs: [][]byte{entry}}
	return int64(framed.Size())
}

// processProposal refuses a block whose votes are missing, forged or in the wrong place, and one with too much gas. Nothing else:
// what it says must follow from the block and the last state alone.
func (p *proposals) processProposal(ctx sdk.Context, req *abci.RequestProcessProposal) (*abci.ResponseProcessProposal, error) {
	rest := *req
	if carriesVotes(ctx, len(req.ProposedLastCommit.Votes)) {
		if len(req.Txs) == 0 {
			return p.refuse(req, errVotes)
		}
		carried, err := decodeVotes(req.Txs[0], len(req.ProposedLastCommit.Votes))
		if err != nil {
			return p.refuse(req, err)
		}
		if err := checkVotes(ctx, p.ath, carried, req.ProposedLastCommit); err != nil {
			return p.refuse(req, err)
		}
		rest.Txs = req.Txs[1:]
	}
	if slices.ContainsFunc(rest.Txs, isVotes) {
		return p.refuse(req, errVotes)
	}
	if err := p.checkGas(ctx, rest.Txs); err != nil {
		return p.refuse(req, err)
	}
	return &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_ACCEPT}, nil
}

// checkGas says why a block asks for more work than one may: its transactions' gas limits sum to more than max_gas. Executing it
// has no such bound, because a meter of the whole block would not go with parallel execution. The SDK checks this only where
// the node's own app.toml gives it a mempool, and with it that every transaction pays, which honest blocks don't promise: two
// nodes would judge one block differently.
func (p *proposals) checkGas(ctx sdk.Context, txs [][]byte) error {
	block := ctx.ConsensusParams().Block
	if block == nil || block.MaxGas <= 0 {
		return nil
	}
	left := uint64(block.MaxGas)
	for i, raw := range txs {
		tx, err := p.decode(raw)
		if err != nil {
			continue // it fails before it does anything
		}
		limited, ok := tx.(sdk.GasTx)
		if !ok {
			continue
		}
		if limited.GetGas() > left {
			return fmt.Errorf("%w: transaction %d has a limit of %d and %d of %d are left", errGas, i, limited.GetGas(), left, block.MaxGas)
		}
		left -= limited.GetGas()
	}
	return nil
}

// errGas: a proposal's transactions may use more gas than a block has.
var errGas = errors.New("gas of the proposal")

func (p *proposals) refuse(req *abci.RequestProcessProposal, why error) (*abci.ResponseProcessProposal, error) {
	p.log.Error("proposal refused", "height", req.Height, "err", why)
	return &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_REJECT}, nil
}

// applyVotes takes what validators said, before anything else happens in the block. A block that was decided has passed
// processProposal with two thirds of the power, so what can't be read here says nothing instead of stopping the chain.
func (p *proposals) applyVotes(ctx sdk.Context, req *abci.RequestFinalizeBlock) error {
	if !carriesVotes(ctx, len(req.DecidedLastCommit.Votes)) || len(req.Txs) == 0 || !isVotes(req.Txs[0]) {
		return nil
	}
	carried, err := decodeVotes(req.Txs[0], len(req.DecidedLastCommit.Votes))
	if err != nil {
		p.log.Error("votes of a decided block", "height", req.Height, "err", err)
		return nil
	}
	votes, power, err := readVotes(ctx, p.ath, carried)
	if err != nil {
		p.log.Error("votes of a decided block", "height", req.Height, "err", err)
		return nil
	}
	return p.ath.ApplyVotes(ctx, votes, power)
}

// PreBlocker runs before a block's BeginBlocker: migrations first, then what validators said.
func (app *App) PreBlocker(ctx sdk.Context, req *abci.RequestFinalizeBlock) (*sdk.ResponsePreBlock, error) {
	res, err := app.modules.PreBlock(ctx)
	if err != nil {
		return res, err
	}
	return res, app.proposals.applyVotes(ctx, req)
}

// setProposals installs what surrounds execution, around the SDK's own choice of transactions.
func (app *App) setProposals() {
	standard := baseapp.NewDefaultProposalHandler(app.Mempool(), app)
	app.proposals = &proposals{
		ath: app.Ath, log: app.Logger().With("module", "votes"),
		prepare: standard.PrepareProposalHandler(), decode: app.TxDecode,
	}
	app.SetExtendVoteHandler(app.proposals.extendVote)
	app.SetVerifyVoteExtensionHandler(app.proposals.verifyVote)
	app.SetPrepareProposal(app.proposals.prepareProposal)
	app.SetProcessProposal(app.proposals.processProposal)
}

// Speak gives a node its voice, before it starts. The application closes it.
func (app *App) Speak(voice Voice) { app.proposals.voice = voice }
