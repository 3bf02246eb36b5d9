// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	cmtservice "cosmossdk.io/api/cosmos/base/tendermint/v1beta1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/athnet/ath/offchain/daemon/clock"
)

const (
	// DefaultGRPC and DefaultRPC are where a node listens unless told otherwise.
	DefaultGRPC = "127.0.0.1:9090"
	DefaultRPC  = "http://127.0.0.1:26657"
	// DefaultGasPrice is what a node asks for unless its operator wants another (minimum-gas-prices).
	DefaultGasPrice = "0.001uath"

	// pollInterval is how often the head is asked for when the node's wake-ups do not come.
	pollInterval = time.Second
	// maxMessage bounds one gRPC answer; the largest are pages of Containers.
	maxMessage = 64 << 20
	// callTimeout bounds a call whose caller set no deadline: a node that has stopped answering must not stop a daemon.
	callTimeout = 30 * time.Second
)

// Config says where the node is.
type Config struct {
	// GRPC is host:port; behind TLS with the prefix "tls://".
	GRPC string
	// RPC is the URL of the node's CometBFT interface.
	RPC string
	// ChainID is checked where it is set.
	ChainID string
	// Wait is how long Dial waits for a node to appear; 0 tries once.
	Wait time.Duration
	// Log gets what happens to the connection; silent where nil.
	Log *slog.Logger
	// Clock is the real one where nil.
	Clock clock.Clock
}

// Client is a connection to one node. Safe for concurrent use.
type Client struct {
	rpc     rpc
	conn    *grpc.ClientConn
	chainID string
	log     *slog.Logger
	clock   clock.Clock
	heads   *heads
	// trouble is the last error of following the chain; nil inside while all is well.
	trouble atomic.Pointer[error]
}

// TLSPrefix of a gRPC address says that it is behind TLS; one without is plain.
const TLSPrefix = "tls://"

// Dial connects and makes sure that both interfaces of the node answer and belong to the wanted chain.
func Dial(ctx context.Context, cfg Config) (*Client, error) {
	cfg = cfg.withDefaults()
	creds := insecure.NewCredentials()
	target := cfg.GRPC
	if host, ok := strings.CutPrefix(target, TLSPrefix); ok {
		target, creds = host, credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12})
	}
	conn, err := grpc.NewClient("passthrough:///"+target, grpc.WithTransportCredentials(creds), grpc.WithUnaryInterceptor(bounded),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(wireCodec{}), grpc.MaxCallRecvMsgSize(maxMessage)))
	if err != nil {
		return nil, fmt.Errorf("gRPC address %q: %w", cfg.GRPC, err)
	}
	c := &Client{
		rpc:   rpc{base: strings.TrimRight(strings.Replace(cfg.RPC, "tcp://", "http://", 1), "/"), http: newHTTPClient()},
		conn:  conn,
		log:   cfg.Log,
		clock: cfg.Clock,
	}
	c.heads = newHeads(c)
	if err := c.handshake(ctx, cfg); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// bounded gives a call a deadline where it has none.
func bounded(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, call grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, callTimeout)
		defer cancel()
	}
	return call(ctx, method, req, reply, cc, opts...)
}

func (cfg Config) withDefaults() Config {
	if cfg.GRPC == "" {
		cfg.GRPC = DefaultGRPC
	}
	if cfg.RPC == "" {
		cfg.RPC = DefaultRPC
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.Real
	}
	return cfg
}

func newHTTPClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 8
	return &http.Client{Transport: t, Timeout: 30 * time.Second}
}

// handshake tries until the node answers or cfg.Wait has passed.
func (c *Client) handshake(ctx context.Context, cfg Config) error {
	deadline := c.clock.Now().Add(cfg.Wait)
	b := newBackoff(c.clock)
	for tried := false; ; tried = true {
		err := c.greet(ctx, cfg)
		if err == nil || errors.Is(err, ErrWrongChain) || ctx.Err() != nil || !c.clock.Now().Before(deadline) {
			return err
		}
		if !tried {
			c.log.Warn("waiting for a node", "for", cfg.Wait, "err", err)
		}
		if err := b.wait(ctx); err != nil {
			return err
		}
	}
}

func (c *Client) greet(ctx context.Context, cfg Config) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	status, err := c.rpc.status(ctx)
	if err != nil {
		return fmt.Errorf("%w at %s: start one with `athd start`, or say where it is: %w", ErrNoNode, cfg.RPC, err)
	}
	if status.NodeInfo.Network == "" {
		return fmt.Errorf("%w at %s: something answers, but it is not a CometBFT node; say where the node is", ErrNoNode, cfg.RPC)
	}
	c.chainID = status.NodeInfo.Network
	if cfg.ChainID != "" && cfg.ChainID != c.chainID {
		return fmt.Errorf("%w: %s runs %q, wanted %q; give the address of a node of %[4]q or correct the chain-id",
			ErrWrongChain, cfg.RPC, c.chainID, cfg.ChainID)
	}
	info, err := cmtservice.NewServiceClient(c.conn).GetNodeInfo(ctx, &cmtservice.GetNodeInfoRequest{})
	if err != nil {
		return fmt.Errorf("%w at gRPC address %s: enable [grpc] in the node's app.toml, or say where it is: %w",
			ErrNoNode, cfg.GRPC, err)
	}
	if got := info.GetDefaultNodeInfo().GetNetwork(); got != c.chainID {
		return fmt.Errorf("%w: gRPC at %s is %q but RPC at %s is %q; give two addresses of one node",
			ErrWrongChain, cfg.GRPC, got, cfg.RPC, c.chainID)
	}
	return nil
}

// ChainID of the node.
func (c *Client) ChainID() string { return c.chainID }

// Conn is for generated query clients: types.NewQueryClient(c.Conn()).
func (c *Client) Conn() grpc.ClientConnInterface { return c.conn }

// Latest is the node's newest block.
func (c *Client) Latest(ctx context.Context) (Head, error) {
	s, err := c.rpc.status(ctx)
	if err != nil {
		return Head{}, err
	}
	if s.NodeInfo.Network != c.chainID {
		return Head{}, fmt.Errorf("%w: it was %q and is now %q; restart this program", ErrWrongChain, c.chainID, s.NodeInfo.Network)
	}
	return Head{Height: s.SyncInfo.LatestHeight, Hash: s.SyncInfo.LatestHash, Time: s.SyncInfo.LatestTime}, nil
}

// Block is one block with everything that it did; ErrPruned where the node has it no longer.
func (c *Client) Block(ctx context.Context, height int64) (Block, error) {
	b, err := c.rpc.block(ctx, height)
	if err == nil {
		return b, nil
	}
	if s, serr := c.rpc.status(ctx); serr == nil && height < s.SyncInfo.EarliestHeight {
		return Block{}, fmt.Errorf("block %d: %w: its first is %d; use an archive node", height, ErrPruned, s.SyncInfo.EarliestHeight)
	}
	return Block{}, fmt.Errorf("block %d: %w", height, err)
}

// Err is why the chain cannot be followed at present; nil while it can.
func (c *Client) Err() error {
	if p := c.trouble.Load(); p != nil {
		return *p
	}
	return nil
}

// Close ends the connection; calls under way fail.
func (c *Client) Close() error {
	c.heads.stop()
	c.rpc.http.CloseIdleConnections()
	return c.conn.Close()
}
