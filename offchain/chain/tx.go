// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	authv1beta1 "cosmossdk.io/api/cosmos/auth/v1beta1"
	"cosmossdk.io/math"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	txtypes "github.com/cosmos/cosmos-sdk/types/tx"
	"github.com/cosmos/cosmos-sdk/types/tx/signing"
	"github.com/cosmos/gogoproto/proto"
)

const (
	// MaxTTL is the longest life that the chain allows an unordered transaction.
	MaxTTL = 10 * time.Minute
	// DefaultTTL is long enough for a node's restart and short enough for a caller who waits.
	DefaultTTL = time.Minute
	// DefaultGasPercent of the simulated gas is what a transaction may use.
	DefaultGasPercent = 130
	// simulationGap is gas that a simulation does not see: the check of the real signature and the write of an unordered
	// transaction's nonce. On a small message it is more than any percentage.
	simulationGap = 20_000
	// maxBroadcasts of the same bytes; the mempool takes them once however often they come.
	maxBroadcasts = 5

	// Codes of the SDK's own codespace that need an answer other than giving up.
	sdkCodespace     = "sdk"
	codeUnauthorized = 4
	codeInMempool    = 19
	codeMempoolFull  = 20
	codeTxTimeout    = 42
)

// SenderConfig says how transactions are paid and how long they live. The zero value simulates gas and pays no fee.
type SenderConfig struct {
	// GasPrice is a decimal coin per unit of gas, such as "0.001uath"; no fee where empty.
	GasPrice string
	// Gas is a fixed limit; simulated where 0.
	Gas uint64
	// GasPercent of simulated gas; DefaultGasPercent where 0.
	GasPercent uint64
	// TTL of a transaction, at most MaxTTL; DefaultTTL where 0.
	TTL time.Duration
	// FeeGranter pays the fees where set.
	FeeGranter string
	// Memo of every transaction.
	Memo string
	// Linger is how long Send goes on after its context has ended once it has begun to hand a transaction in, to learn what became of it.
	// Before that a context that has ended sends nothing.
	Linger time.Duration
}

// TxResult is a transaction in a block.
type TxResult struct {
	Height  int64
	Time    time.Time
	Hash    string
	GasUsed int64
	// Events of this transaction alone.
	Events []Event
	data   []byte
}

// Response decodes the response to the i-th message.
func (r TxResult) Response(i int, out proto.Message) error {
	var data sdk.TxMsgData
	if err := data.Unmarshal(r.data); err != nil {
		return fmt.Errorf("responses of %.12s: %w", r.Hash, err)
	}
	if i < 0 || i >= len(data.MsgResponses) {
		return fmt.Errorf("responses of %.12s: no response %d among %d", r.Hash, i, len(data.MsgResponses))
	}
	return proto.Unmarshal(data.MsgResponses[i].Value, out)
}

// Sender signs and sends transactions of one account. Safe for concurrent use: unordered transactions have no sequence.
type Sender struct {
	client *Client
	signer Signer
	cfg    SenderConfig
	price  sdk.DecCoin

	mu       sync.Mutex
	account  *uint64
	lastTime time.Time
}

// NewSender checks the configuration; the account itself is looked up by the first Send.
func NewSender(c *Client, s Signer, cfg SenderConfig) (*Sender, error) {
	if cfg.GasPercent == 0 {
		cfg.GasPercent = DefaultGasPercent
	}
	if cfg.TTL == 0 {
		cfg.TTL = DefaultTTL
	}
	if cfg.TTL < time.Second || cfg.TTL > MaxTTL {
		return nil, fmt.Errorf("ttl of transactions: %s is not within 1s and %s", cfg.TTL, MaxTTL)
	}
	snd := &Sender{client: c, signer: s, cfg: cfg}
	if cfg.GasPrice != "" {
		price, err := sdk.ParseDecCoin(cfg.GasPrice)
		if err != nil {
			return nil, fmt.Errorf("gas price %q: want a decimal coin such as 0.001uath: %w", cfg.GasPrice, err)
		}
		snd.price = price
	}
	return snd, nil
}

// Address of the signer.
func (s *Sender) Address() string { return s.signer.Address() }

// Send puts the messages into one transaction and returns when it is in a block. Errors say what to do: *BroadcastError (nothing
// happened, retry), *ExecutionError (the chain refused, think again), ErrTimeout (TimeoutError.Expired: safe to retry), ErrClockSkew,
// ErrNoAccount.
func (s *Sender) Send(ctx context.Context, msgs ...sdk.Msg) (TxResult, error) {
	res, err := s.send(ctx, msgs)
	var refused *ExecutionError
	if errors.As(err, &refused) && refused.Codespace == sdkCodespace && refused.Code == codeUnauthorized && refused.Height == 0 {
		// The signature covers the account number, which is another one on a chain that was restarted from an export.
		s.forgetAccount()
		return s.send(ctx, msgs)
	}
	return res, err
}

func (s *Sender) send(ctx context.Context, msgs []sdk.Msg) (TxResult, error) {
	account, err := s.accountNumber(ctx)
	if err != nil {
		return TxResult{}, err
	}
	// Taken before the broadcast: no later block can have been missed.
	start, err := s.client.Latest(ctx)
	if err != nil {
		return TxResult{}, &BroadcastError{Err: err}
	}
	timeout := s.nextTimeout()
	body, err := encodeBody(msgs, s.cfg.Memo, timeout)
	if err != nil {
		return TxResult{}, err
	}
	gas := s.cfg.Gas
	if gas == 0 {
		if gas, err = s.simulate(ctx, body); err != nil {
			return TxResult{}, s.diagnose(err, start)
		}
	}
	raw, err := s.sign(body, account, gas)
	if err != nil {
		return TxResult{}, err
	}
	if err := ctx.Err(); err != nil { // signing may have waited for a person
		return TxResult{}, &BroadcastError{Err: err}
	}
	ctx, done := lingering(ctx, s.cfg.Linger)
	defer done()
	wake, end := s.client.heads.subscribe()
	defer end()
	if err := s.broadcast(ctx, raw); err != nil {
		return TxResult{}, s.diagnose(err, start)
	}
	return s.await(ctx, wake, raw, start.Height+1, timeout)
}

// lingering is a context that ends a while after another one.
func lingering(ctx context.Context, while time.Duration) (context.Context, context.CancelFunc) {
	if while == 0 {
		return context.WithCancel(ctx)
	}
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-longer.Done():
		case <-time.After(while):
			cancel()
		}
	})
	return longer, func() { stop(); cancel() }
}

// nextTimeout is now + TTL, and never the same for two transactions: it is what makes an unordered transaction unique.
func (s *Sender) nextTimeout() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	// The jitter keeps two programs with one key apart.
	t := s.client.clock.Now().Add(s.cfg.TTL).Add(-rand.N(50 * time.Millisecond)).UTC()
	if !t.After(s.lastTime) {
		t = s.lastTime.Add(time.Nanosecond)
	}
	s.lastTime = t
	return t
}

func (s *Sender) accountNumber(ctx context.Context) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.account != nil {
		return *s.account, nil
	}
	resp, err := authv1beta1.NewQueryClient(s.client.conn).AccountInfo(ctx,
		&authv1beta1.QueryAccountInfoRequest{Address: s.signer.Address()})
	if status.Code(err) == codes.NotFound {
		return 0, fmt.Errorf("%w: %s; send it some uath first", ErrNoAccount, s.signer.Address())
	}
	if err != nil {
		return 0, &BroadcastError{Err: fmt.Errorf("account of %s: %w", s.signer.Address(), err)}
	}
	n := resp.GetInfo().GetAccountNumber()
	s.account = &n
	return n, nil
}

func (s *Sender) forgetAccount() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.account = nil
}

func encodeBody(msgs []sdk.Msg, memo string, timeout time.Time) ([]byte, error) {
	body := txtypes.TxBody{Memo: memo, Unordered: true, TimeoutTimestamp: &timeout}
	for _, msg := range msgs {
		packed, err := codectypes.NewAnyWithValue(msg)
		if err != nil {
			return nil, fmt.Errorf("encode %T: %w", msg, err)
		}
		body.Messages = append(body.Messages, packed)
	}
	return body.Marshal()
}

func (s *Sender) authInfo(gas uint64) ([]byte, error) {
	key, err := codectypes.NewAnyWithValue(s.signer.PubKey())
	if err != nil {
		return nil, fmt.Errorf("encode public key: %w", err)
	}
	fee := &txtypes.Fee{GasLimit: gas, Granter: s.cfg.FeeGranter}
	if s.cfg.GasPrice != "" {
		amount := s.price.Amount.MulInt(math.NewIntFromUint64(gas)).Ceil().TruncateInt()
		fee.Amount = sdk.NewCoins(sdk.NewCoin(s.price.Denom, amount))
	}
	info := txtypes.AuthInfo{Fee: fee, SignerInfos: []*txtypes.SignerInfo{{
		PublicKey: key,
		ModeInfo:  &txtypes.ModeInfo{Sum: &txtypes.ModeInfo_Single_{Single: &txtypes.ModeInfo_Single{Mode: signing.SignMode_SIGN_MODE_DIRECT}}},
	}}}
	return info.Marshal()
}

func (s *Sender) sign(body []byte, account, gas uint64) ([]byte, error) {
	info, err := s.authInfo(gas)
	if err != nil {
		return nil, err
	}
	doc := txtypes.SignDoc{BodyBytes: body, AuthInfoBytes: info, ChainId: s.client.chainID, AccountNumber: account}
	msg, err := doc.Marshal()
	if err != nil {
		return nil, fmt.Errorf("encode sign bytes: %w", err)
	}
	sig, err := s.signer.Sign(msg)
	if err != nil {
		return nil, fmt.Errorf("sign as %s: %w", s.signer.Address(), err)
	}
	raw := txtypes.TxRaw{BodyBytes: body, AuthInfoBytes: info, Signatures: [][]byte{sig}}
	return raw.Marshal()
}

func (s *Sender) simulate(ctx context.Context, body []byte) (uint64, error) {
	info, err := s.authInfo(0)
	if err != nil {
		return 0, err
	}
	raw, err := (&txtypes.TxRaw{BodyBytes: body, AuthInfoBytes: info, Signatures: [][]byte{{}}}).Marshal()
	if err != nil {
		return 0, fmt.Errorf("encode simulation: %w", err)
	}
	used, err := s.client.rpc.simulate(ctx, raw)
	if err != nil {
		return 0, err
	}
	return used*s.cfg.GasPercent/100 + simulationGap, nil
}
