// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	errorsmod "cosmossdk.io/errors"
	"github.com/stretchr/testify/require"

	txtypes "github.com/cosmos/cosmos-sdk/types/tx"

	"github.com/athnet/ath/offchain/daemon/clock"
	providertypes "github.com/athnet/ath/x/providers/types"
)

func testSender(t *testing.T, n *fakeNode, cfg SenderConfig) (*Sender, *Key) {
	t.Helper()
	key, err := NewKey()
	require.NoError(t, err)
	s, err := NewSender(n.dial(), key, cfg)
	require.NoError(t, err)
	return s, key
}

func beat(id uint64) *providertypes.MsgHeartbeat {
	return &providertypes.MsgHeartbeat{Ids: []uint64{id}}
}

func TestSendSignsAnUnorderedTransaction(t *testing.T) {
	n := newFakeNode(t)
	s, key := testSender(t, n, SenderConfig{GasPrice: "0.00201uath", Memo: "m"})
	before := time.Now()
	// The assertions are made here and not in the node: a failed one there would leave the call without an answer.
	var raw []byte
	n.check = func(b []byte) (string, uint32, string) {
		raw = b
		return "", 0, ""
	}
	go func() {
		n.awaitTx()
		n.produce()
	}()
	res, err := s.Send(context.Background(), beat(1))
	require.NoError(t, err)
	require.EqualValues(t, 2, res.Height)
	require.EqualValues(t, 4242, res.GasUsed)

	var tx txtypes.TxRaw
	require.NoError(t, tx.Unmarshal(raw))
	var body txtypes.TxBody
	require.NoError(t, body.Unmarshal(tx.BodyBytes))
	require.True(t, body.Unordered)
	require.WithinDuration(t, before.Add(DefaultTTL), *body.TimeoutTimestamp, 10*time.Second)
	require.Equal(t, "/athd.providers.v1.MsgHeartbeat", body.Messages[0].TypeUrl)
	var info txtypes.AuthInfo
	require.NoError(t, info.Unmarshal(tx.AuthInfoBytes))
	require.EqualValues(t, 150_000, info.Fee.GasLimit)
	require.Equal(t, "302uath", info.Fee.Amount.String(), "301.5, rounded up")
	require.Zero(t, info.SignerInfos[0].Sequence)
	doc := txtypes.SignDoc{BodyBytes: tx.BodyBytes, AuthInfoBytes: tx.AuthInfoBytes, ChainId: testChain, AccountNumber: 7}
	msg, err := doc.Marshal()
	require.NoError(t, err)
	require.True(t, key.PubKey().VerifySignature(msg, tx.Signatures[0]))
}

func TestSendSeesATransactionOverARestart(t *testing.T) {
	n := newFakeNode(t)
	n.quiet = true // no wake-ups: polling finds it
	s, _ := testSender(t, n, SenderConfig{Gas: 1})
	go func() {
		n.awaitTx()
		n.set(func() { n.down = true })
		n.produce()
		n.produce()
		n.set(func() { n.down = false })
	}()
	res, err := s.Send(context.Background(), beat(1))
	require.NoError(t, err)
	require.EqualValues(t, 2, res.Height)
}

// TestSendHandsInAgainWhatANodeHasForgotten: a node that is killed loses its mempool; the transaction need not wait for the end of its life.
func TestSendHandsInAgainWhatANodeHasForgotten(t *testing.T) {
	n := newFakeNode(t)
	sent := make(chan error, 1)
	s, _ := testSender(t, n, SenderConfig{Gas: 1})
	go func() {
		_, err := s.Send(context.Background(), beat(1))
		sent <- err
	}()
	n.awaitTx()
	var forgotten []byte
	n.set(func() { forgotten, n.mempool = n.mempool[0], nil })
	n.produce()
	n.awaitTx()
	n.set(func() { require.Equal(t, [][]byte{forgotten}, n.mempool, "the same transaction, once") })
	n.produce()
	require.NoError(t, <-sent)
}

func TestSendErrorsSayWhatToDo(t *testing.T) {
	ctx := context.Background()
	t.Run("error - refused in simulation", func(t *testing.T) {
		n := newFakeNode(t)
		n.simulate = func([]byte) (string, uint32, string) { return "leases", 21, "container 5 is leased" }
		s, _ := testSender(t, n, SenderConfig{})
		_, err := s.Send(ctx, beat(1))
		require.ErrorIs(t, err, &ExecutionError{Codespace: "leases", Code: 21})
		require.ErrorContains(t, err, "container 5 is leased")
	})
	t.Run("error - refused by the mempool", func(t *testing.T) {
		n := newFakeNode(t)
		n.check = func([]byte) (string, uint32, string) { return "sdk", 13, "insufficient fee" }
		s, _ := testSender(t, n, SenderConfig{Gas: 1})
		_, err := s.Send(ctx, beat(1))
		require.ErrorIs(t, err, &ExecutionError{Codespace: "sdk", Code: 13})
	})
	t.Run("error - refused in its block", func(t *testing.T) {
		n := newFakeNode(t)
		n.deliver = func([]byte) (uint32, []wireEvent) { return 9, nil }
		s, _ := testSender(t, n, SenderConfig{Gas: 1})
		go func() { n.awaitTx(); n.produce() }()
		_, err := s.Send(ctx, beat(1))
		var refused *ExecutionError
		require.ErrorAs(t, err, &refused)
		require.EqualValues(t, 2, refused.Height)
		require.Equal(t, "leases", refused.Codespace)
	})
	t.Run("error - no account", func(t *testing.T) {
		n := newFakeNode(t)
		n.account = 0
		s, _ := testSender(t, n, SenderConfig{Gas: 1})
		_, err := s.Send(ctx, beat(1))
		require.ErrorIs(t, err, ErrNoAccount)
		require.ErrorContains(t, err, s.Address())
	})
	t.Run("error - node down", func(t *testing.T) {
		n := newFakeNode(t)
		s, _ := testSender(t, n, SenderConfig{Gas: 1})
		n.set(func() { n.down = true })
		_, err := s.Send(ctx, beat(1))
		var retry *BroadcastError
		require.ErrorAs(t, err, &retry)
	})
	t.Run("error - cancelled while waiting", func(t *testing.T) {
		n := newFakeNode(t)
		s, _ := testSender(t, n, SenderConfig{Gas: 1})
		cctx, cancel := context.WithCancel(ctx)
		go func() { n.awaitTx(); cancel() }()
		_, err := s.Send(cctx, beat(1))
		require.ErrorIs(t, err, ErrTimeout)
		var timeout *TimeoutError
		require.ErrorAs(t, err, &timeout)
		require.False(t, timeout.Expired)
	})
	t.Run("ok - cancelled while waiting, and the sender lingers", func(t *testing.T) {
		n := newFakeNode(t)
		s, _ := testSender(t, n, SenderConfig{Gas: 1, Linger: time.Minute})
		cctx, cancel := context.WithCancel(ctx)
		go func() { n.awaitTx(); cancel(); time.Sleep(50 * time.Millisecond); n.produce() }()
		res, err := s.Send(cctx, beat(1))
		require.NoError(t, err)
		require.EqualValues(t, 2, res.Height)
	})
	t.Run("error - lingers no longer than it should", func(t *testing.T) {
		n := newFakeNode(t)
		s, _ := testSender(t, n, SenderConfig{Gas: 1, Linger: 50 * time.Millisecond})
		cctx, cancel := context.WithCancel(ctx)
		go func() { n.awaitTx(); cancel() }()
		_, err := s.Send(cctx, beat(1))
		require.ErrorIs(t, err, ErrTimeout)
	})
	t.Run("error - cancelled before it is handed in", func(t *testing.T) {
		n := newFakeNode(t)
		cctx, cancel := context.WithCancel(ctx)
		n.simulate = func([]byte) (string, uint32, string) { cancel(); return "", 0, "" }
		s, _ := testSender(t, n, SenderConfig{Linger: time.Minute})
		_, err := s.Send(cctx, beat(1))
		var nothing *BroadcastError
		require.ErrorAs(t, err, &nothing)
		require.False(t, nothing.Uncertain)
		n.set(func() { require.Empty(t, n.mempool) })
	})
	t.Run("error - refused, in few words", func(t *testing.T) {
		err := &ExecutionError{Codespace: "leases", Code: 21, Log: "failed to simulate tx: failed to execute message; message index: 0: container 5 is leased"}
		require.EqualError(t, err, "transaction refused by the chain: container 5 is leased (leases/21)")
	})
	t.Run("error - never included", func(t *testing.T) {
		n := newFakeNode(t)
		s, _ := testSender(t, n, SenderConfig{Gas: 1, TTL: time.Second})
		go func() {
			n.awaitTx()
			n.set(func() { n.mempool = nil; n.blocks[0].time = time.Now() })
			n.produce()
			n.set(func() { n.blocks[len(n.blocks)-1].time = time.Now().Add(time.Hour) })
			n.produce()
		}()
		_, err := s.Send(ctx, beat(1))
		var timeout *TimeoutError
		require.ErrorAs(t, err, &timeout)
		require.True(t, timeout.Expired)
		require.ErrorContains(t, err, "send anew")
	})
}

func TestSendTriesANewAccountNumberOnce(t *testing.T) {
	n := newFakeNode(t)
	s, _ := testSender(t, n, SenderConfig{Gas: 1})
	var once sync.Once
	n.check = func([]byte) (string, uint32, string) {
		bad := false
		once.Do(func() { bad, n.account = true, 8 })
		if bad {
			return "sdk", codeUnauthorized, "signature verification failed; please verify account number (8)"
		}
		return "", 0, ""
	}
	go func() { n.awaitTx(); n.produce() }()
	_, err := s.Send(context.Background(), beat(1))
	require.NoError(t, err)
	require.EqualValues(t, 8, *s.account)
}

func TestClockSkewIsSaidInOneSentence(t *testing.T) {
	for name, tc := range map[string]struct {
		skew time.Duration
		log  string
		says string
	}{
		"ahead":  {time.Hour, "unordered tx ttl exceeds 10m0s", "1h0m0s ahead of"},
		"behind": {-time.Hour, "unordered transaction has a timeout_timestamp that has already passed", "1h0m0s behind"},
	} {
		t.Run(name, func(t *testing.T) {
			n := newFakeNode(t)
			n.simulate = func([]byte) (string, uint32, string) { return "sdk", 18, tc.log }
			cfg := n.config()
			cfg.Clock = clock.NewManual(n.blocks[0].time.Add(tc.skew))
			c, err := Dial(context.Background(), cfg)
			require.NoError(t, err)
			defer c.Close()
			key, err := NewKey()
			require.NoError(t, err)
			s, err := NewSender(c, key, SenderConfig{})
			require.NoError(t, err)
			_, err = s.Send(context.Background(), beat(1))
			require.ErrorIs(t, err, ErrClockSkew)
			require.ErrorContains(t, err, tc.says)
		})
	}
}

// TestANodeThatHasJustStartedIsNoClockSkew: its application compares with the year 1 until it has executed a block.
func TestANodeThatHasJustStartedIsNoClockSkew(t *testing.T) {
	n := newFakeNode(t)
	n.simulate = func([]byte) (string, uint32, string) { return "sdk", 18, "unordered tx ttl exceeds 10m0s" }
	s, _ := testSender(t, n, SenderConfig{})
	_, err := s.Send(context.Background(), beat(1))
	require.NotErrorIs(t, err, ErrClockSkew)
	var again *BroadcastError
	require.ErrorAs(t, err, &again)
}

func TestTimeoutsAreUnique(t *testing.T) {
	n := newFakeNode(t)
	cfg := n.config()
	cfg.Clock = clock.NewManual(time.Now())
	c, err := Dial(context.Background(), cfg)
	require.NoError(t, err)
	defer c.Close()
	s := &Sender{client: c, cfg: SenderConfig{TTL: time.Minute}}
	seen := map[int64]bool{}
	for range 10_000 {
		at := s.nextTimeout().UnixNano()
		require.False(t, seen[at])
		seen[at] = true
	}
}

// What the SDK's errors say of the code that made them is nobody's answer.
func TestTextHasNoLineOfCode(t *testing.T) {
	made := errorsmod.Wrap(errorsmod.Register("chain_test", 2, "invalid lease id"), "7")
	err := fmt.Errorf("lease: %w", made)
	require.Regexp(t, `\.go:\d+\]`, err.Error())
	require.Equal(t, "lease: 7: invalid lease id", Text(err))
	require.Equal(t, "a list [1 2] of main.go:3", Text(errors.New("a list [1 2] of main.go:3")))
}

func TestKeys(t *testing.T) {
	const words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
	path := filepath.Join(t.TempDir(), "a", "key.json")
	key, err := KeyFromMnemonic(words)
	require.NoError(t, err)
	require.Equal(t, "ath19rl4cm2hmr8afy4kldpxz3fka4jguq0a7x0nqk"[:4], key.Address()[:4])
	require.NoError(t, key.Save(path))
	require.ErrorContains(t, key.Save(path), "exists")
	again, err := LoadKey(path)
	require.NoError(t, err)
	require.Equal(t, key.Address(), again.Address())
	require.NoError(t, os.Chmod(path, 0o644))
	_, err = LoadKey(path)
	require.ErrorContains(t, err, "chmod 600")
	_, err = LoadKey(filepath.Join(t.TempDir(), "none"))
	require.ErrorContains(t, err, "no key at ")
	_, err = KeyFromMnemonic("not words")
	require.Error(t, err)
	_, err = KeyFromHex("zz")
	require.ErrorContains(t, err, "64 hex digits")
}
