// SPDX-License-Identifier: Apache-2.0

// Package shadow runs one chain on several applications at once that must agree on every hash and every result: what depends
// on the order of a map, on the memory of a process, on what the mempool saw or on how transactions are executed makes them
// disagree at once.
package shadow

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmttypes "github.com/cometbft/cometbft/types"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/cosmos/gogoproto/proto"
	"github.com/stretchr/testify/require"

	"cosmossdk.io/log/v2"
	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/baseapp"
	"github.com/cosmos/cosmos-sdk/server"
	serverconfig "github.com/cosmos/cosmos-sdk/server/config"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authsigning "github.com/cosmos/cosmos-sdk/x/auth/signing"

	"github.com/athnet/ath/app"
	"github.com/athnet/ath/testutil/gen"
)

// ChainID of test chains.
const ChainID = "ath-test"

// Start is the time of their genesis.
var Start = time.Date(2030, time.January, 1, 0, 0, 0, 0, time.UTC)

// Twin says how one of the applications differs from a plain one.
type Twin struct {
	Name string
	// Options stand for app.toml.
	Options map[string]any
	// Base are further options of the node's baseapp.
	Base []func(*baseapp.BaseApp)
	// Restarts opens the application anew before every so many blocks; 0 never.
	Restarts int64
	// NoCheckTx lets it meet transactions in blocks only.
	NoCheckTx bool
}

// Plain executes transactions one after the other and has seen them before.
func Plain() Twin { return Twin{Name: "plain"} }

// All are the twins that must agree.
func All() []Twin {
	stm := map[string]any{
		server.FlagBlockExecutor: serverconfig.BlockExecutorBlockSTM, server.FlagBlockSTMWorkers: 4, server.FlagBlockSTMPreEstimate: true,
	}
	return []Twin{
		Plain(),
		{Name: "no mempool", NoCheckTx: true},
		{Name: "restarts", Restarts: 5},
		{Name: "parallel", Options: stm},
	}
}

// Chain is the chain that the twins run.
type Chain struct {
	t      testing.TB
	twins  []*twin
	first  int64 // height of the first block
	height int64
	now    time.Time
	next   map[string]uint64 // sequences of transactions that are signed, and maybe not in a block yet
	extend Extend
}

// Extend is what the validator says when it votes for the block at a height.
type Extend func(height int64) []byte

// Option of a chain.
type Option func(*Chain)

// WithVotes lets the validator extend its votes; proposals then are made and judged by the applications.
func WithVotes(extend Extend) Option { return func(c *Chain) { c.extend = extend } }

type twin struct {
	Twin
	db  dbm.DB
	app *app.App
}

// Get makes options look like app.toml.
func (tw Twin) Get(key string) any { return tw.Options[key] }

func (tw *twin) open() {
	tw.app = app.New(log.NewNopLogger(), tw.db, true, tw.Twin, append(slices.Clone(tw.Base), baseapp.SetChainID(ChainID))...)
}

// New starts a chain. edit, where it is not nil, changes the genesis.
func New(t testing.TB, twins []Twin, balance math.Int, accounts []gen.Account, edit func(app.Encoding, app.GenesisState), opts ...Option) *Chain {
	t.Helper()
	client, err := app.NewClient()
	require.NoError(t, err)
	genesis := client.Basics.DefaultGenesis(client.Codec)
	if edit != nil {
		edit(client.Encoding, genesis)
	}
	genesis, err = gen.Genesis(client.Encoding, genesis, ChainID, balance, accounts...)
	require.NoError(t, err)
	state, err := json.Marshal(genesis)
	require.NoError(t, err)
	return Resume(t, twins, state, 1, Start, opts...)
}

// Resume starts a chain from an app_state, its first block at a height and a time.
func Resume(t testing.TB, twins []Twin, state []byte, height int64, now time.Time, opts ...Option) *Chain {
	t.Helper()
	c := &Chain{t: t, now: now, first: height, height: height - 1, next: make(map[string]uint64)}
	for _, opt := range opts {
		opt(c)
	}
	params := cmttypes.DefaultConsensusParams().ToProto()
	if c.extend != nil {
		params.Abci = &cmtproto.ABCIParams{VoteExtensionsEnableHeight: height}
	}
	limits := app.BlockLimits()
	params.Block = &cmtproto.BlockParams{MaxBytes: limits.MaxBytes, MaxGas: limits.MaxGas}
	for _, spec := range twins {
		tw := &twin{Twin: spec, db: dbm.NewMemDB()}
		tw.open()
		_, err := tw.app.InitChain(&abci.RequestInitChain{
			Time: now, ChainId: ChainID, ConsensusParams: &params, AppStateBytes: state, InitialHeight: height,
		})
		require.NoError(t, err, tw.Name)
		c.twins = append(c.twins, tw)
	}
	c.Block(0)
	return c
}

// App is the first twin.
func (c *Chain) App() *app.App { return c.twins[0].app }

// Now is the time of the last block.
func (c *Chain) Now() time.Time { return c.now }

// Height is that of the last block.
func (c *Chain) Height() int64 { return c.height }

// Context reads the state after the last block; what it writes is lost.
func (c *Chain) Context() sdk.Context {
	ctx, _ := c.App().NewUncachedContext(false, cmtproto.Header{ChainID: ChainID, Height: c.height, Time: c.now}).CacheContext() //nolint:staticcheck // the state itself is meant, not a cache over it
	return ctx
}

// Query asks the first twin, as a client would; method is "/package.Query/Method".
func (c *Chain) Query(method string, req, res proto.Message) {
	c.t.Helper()
	data, err := c.App().AppCodec().Marshal(req)
	require.NoError(c.t, err)
	reply, err := c.App().Query(c.t.Context(), &abci.RequestQuery{Path: method, Data: data})
	require.NoError(c.t, err)
	require.Zero(c.t, reply.Code, "%s: %s", method, reply.Log)
	require.NoError(c.t, c.App().AppCodec().Unmarshal(reply.Value, res))
}

// Sign makes a transaction with the signer's next sequence.
func (c *Chain) Sign(signer gen.Account, msgs ...sdk.Msg) []byte {
	c.t.Helper()
	return c.SignWith(signer, gen.Options{Gas: 10_000_000}, msgs...)
}

// SignWith is Sign with a fee, a gas limit, or a timeout instead of a sequence.
func (c *Chain) SignWith(signer gen.Account, opts gen.Options, msgs ...sdk.Msg) []byte {
	c.t.Helper()
	account := c.App().Account.GetAccount(c.Context(), signer.Address())
	require.NotNil(c.t, account, signer.Name)
	sequence := max(c.next[signer.Name], account.GetSequence())
	if opts.Unordered.IsZero() {
		c.next[signer.Name] = sequence + 1
	}
	tx, err := gen.Sign(c.App().TxConfig(), signer, authsigning.SignerData{
		ChainID: ChainID, AccountNumber: account.GetAccountNumber(), Sequence: sequence,
	}, opts, msgs...)
	require.NoError(c.t, err)
	bytes, err := c.App().TxConfig().TxEncoder()(tx)
	require.NoError(c.t, err)
	return bytes
}

// Block makes a block that much later and returns its results, on which all twins agree.
func (c *Chain) Block(after time.Duration, txs ...[]byte) *abci.ResponseFinalizeBlock {
	c.t.Helper()
	c.now, c.height = c.now.Add(after), c.height+1
	var first *abci.ResponseFinalizeBlock
	for _, tw := range c.twins {
		res := c.run(tw, txs)
		if first == nil {
			first = res
			continue
		}
		require.Equal(c.t, len(first.TxResults), len(res.TxResults), "%s, height %d", tw.Name, c.height)
		for i := range res.TxResults {
			require.Equal(c.t, first.TxResults[i], res.TxResults[i], "%s, height %d, transaction %d", tw.Name, c.height, i)
		}
		require.Equal(c.t, first.AppHash, res.AppHash, "%s, height %d", tw.Name, c.height)
	}
	return first
}

func (c *Chain) run(tw *twin, txs [][]byte) *abci.ResponseFinalizeBlock {
	c.t.Helper()
	if tw.Restarts > 0 && c.height%tw.Restarts == 0 && tw.app.LastBlockHeight() > 0 {
		require.NoError(c.t, tw.app.Close(), tw.Name)
		tw.open()
	}
	if !tw.NoCheckTx {
		for _, tx := range txs {
			_, err := tw.app.CheckTx(&abci.RequestCheckTx{Tx: tx, Type: abci.CheckTxType_New})
			require.NoError(c.t, err, tw.Name)
		}
	}
	commit, hash := c.lastCommit(), []byte{byte(c.height)}
	if c.extend != nil {
		txs = c.propose(tw, txs, commit, hash)
	}
	res, err := tw.app.FinalizeBlock(&abci.RequestFinalizeBlock{
		Txs: txs, Height: c.height, Time: c.now, ProposerAddress: gen.NewValidator().Consensus.PubKey().Address(), DecidedLastCommit: commit, Hash: hash,
	})
	require.NoError(c.t, err, "%s, height %d", tw.Name, c.height)
	_, err = tw.app.Commit()
	require.NoError(c.t, err, "%s, height %d", tw.Name, c.height)
	if c.extend != nil && c.height > c.first {
		res.TxResults = res.TxResults[1:] // the votes are no transaction of the caller's
	}
	return res
}

// lastCommit of the block at c.height.
func (c *Chain) lastCommit() abci.CommitInfo {
	commit := abci.CommitInfo{}
	if c.height > c.first {
		validator := gen.NewValidator().Consensus.PubKey().Address()
		commit.Votes = []abci.VoteInfo{{Validator: abci.Validator{Address: validator, Power: 100}, BlockIdFlag: cmtproto.BlockIDFlagCommit}}
	}
	return commit
}

// Proposal is what the first twin proposes for the next block, and the last commit that goes with it; no block is made.
func (c *Chain) Proposal(after time.Duration, txs ...[]byte) ([][]byte, abci.CommitInfo) {
	c.t.Helper()
	now := c.now
	c.now, c.height = c.now.Add(after), c.height+1
	defer func() { c.now, c.height = now, c.height-1 }()
	return c.propose(c.twins[0], txs, c.lastCommit(), []byte{byte(c.height)}), c.lastCommit()
}

// propose lets a twin make a proposal of transactions and judge it.
func (c *Chain) propose(tw *twin, txs [][]byte, commit abci.CommitInfo, hash []byte) [][]byte {
	c.t.Helper()
	local := abci.ExtendedCommitInfo{}
	for _, vote := range commit.Votes {
		said := c.extend(c.height - 1)
		signature, err := gen.NewValidator().Consensus.Sign(cmttypes.VoteExtensionSignBytes(ChainID, &cmtproto.Vote{Extension: said, Height: c.height - 1}))
		require.NoError(c.t, err)
		local.Votes = append(local.Votes, abci.ExtendedVoteInfo{
			Validator: vote.Validator, BlockIdFlag: vote.BlockIdFlag, VoteExtension: said, ExtensionSignature: signature,
		})
	}
	proposal, err := tw.app.PrepareProposal(&abci.RequestPrepareProposal{
		MaxTxBytes: app.BlockLimits().MaxBytes, Txs: txs, LocalLastCommit: local, Height: c.height, Time: c.now,
	})
	require.NoError(c.t, err, "%s, height %d", tw.Name, c.height)
	verdict, err := tw.app.ProcessProposal(&abci.RequestProcessProposal{
		Txs: proposal.Txs, ProposedLastCommit: commit, Hash: hash, Height: c.height, Time: c.now,
	})
	require.NoError(c.t, err, "%s, height %d", tw.Name, c.height)
	require.Equal(c.t, abci.ResponseProcessProposal_ACCEPT, verdict.Status, "%s, height %d", tw.Name, c.height)
	return proposal.Txs
}
