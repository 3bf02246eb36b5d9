// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/price"
	leases "github.com/athnet/ath/x/leases/types"
	providers "github.com/athnet/ath/x/providers/types"
)

// shop is a node with one Container on offer, for 1 uath a second.
type shop struct {
	grpc.ClientConnInterface
	send func(context.Context) (chain.TxResult, error)
	sent []sdk.Msg
}

func (s *shop) ChainID() string                { return "ath-test-1" }
func (s *shop) Conn() grpc.ClientConnInterface { return s }
func (s *shop) Address() string                { return sdk.AccAddress(make([]byte, 20)).String() }
func (s *shop) Latest(context.Context) (chain.Head, error) {
	return chain.Head{Height: 1, Time: time.Now()}, nil
}

func (s *shop) Send(ctx context.Context, msgs ...sdk.Msg) (chain.TxResult, error) {
	s.sent = msgs
	return s.send(ctx)
}

func (s *shop) Invoke(ctx context.Context, method string, _, out any, _ ...grpc.CallOption) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	switch answer := out.(type) {
	case *leases.QueryOfferResponse:
		answer.Offer = leases.Offer{ContainerId: 7, Denom: "uath", Rate: math.NewInt(1_000_000)}
	case *leases.QueryParamsResponse:
		answer.Params = leases.DefaultParams()
	case *providers.QueryContainerResponse:
		answer.Container.Container = providers.Container{Id: 7, Endpoint: "127.0.0.1:1", WorkerPubkey: make([]byte, 32)}
	default:
		return status.Error(codes.NotFound, method)
	}
	return nil
}

func (s *shop) deploy(ctx context.Context, opts Options, say func(string)) (*Result, error) {
	d := &Deployer{Node: s, Sender: s, Say: say, Sign: func([]byte) ([]byte, []byte, error) { return make([]byte, 64), make([]byte, 33), nil }}
	opts.Containers = []uint64{7}
	return d.Deploy(ctx, &manifest.File{}, opts)
}

// Whoever interrupts a deployment is told what bills, wherever it was.
func TestInterruptedDeployments(t *testing.T) {
	for name, c := range map[string]struct {
		fails func(context.Context) error
		says  string
	}{
		"while it simulates": {func(ctx context.Context) error { return &chain.BroadcastError{Err: ctx.Err()} }, "interrupted; no lease was opened"},
		"while it is handed in": {
			func(ctx context.Context) error {
				return &chain.BroadcastError{Uncertain: true, Err: ctx.Err()}
			}, "a lease may be open, or be so within a minute: athd lease list",
		},
		"while it waits for a block": {func(ctx context.Context) error { return fmt.Errorf("%w: %w", &chain.TimeoutError{}, ctx.Err()) }, "a lease may be open"},
		"after its time":             {func(context.Context) error { return &chain.TimeoutError{Expired: true} }, "no lease was opened"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			s := &shop{send: func(ctx context.Context) (chain.TxResult, error) {
				cancel()
				return chain.TxResult{}, c.fails(ctx)
			}}
			result, err := s.deploy(ctx, Options{}, nil)
			require.Nil(t, result)
			var told *InterruptedError
			require.ErrorAs(t, err, &told)
			require.ErrorContains(t, err, c.says)
			require.Equal(t, 130, told.ExitCode())
			require.NotEmpty(t, s.sent)
		})
	}
	t.Run("before anything", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s := &shop{}
		_, err := s.deploy(ctx, Options{}, nil)
		require.EqualError(t, err, "interrupted; no lease was opened")
		require.Empty(t, s.sent)
	})
	t.Run("once the lease is there", func(t *testing.T) {
		err := interrupted(&Result{LeaseID: "ath1q/4"}, context.Canceled)
		require.ErrorContains(t, err, "interrupted; lease ath1q/4 is open and bills")
		require.ErrorContains(t, err, "athd lease close ath1q/4")
	})
	t.Run("a failure is none", func(t *testing.T) {
		s := &shop{send: func(context.Context) (chain.TxResult, error) { return chain.TxResult{}, errors.New("no") }}
		_, err := s.deploy(t.Context(), Options{}, nil)
		require.EqualError(t, err, "no")
	})
}

// What leaves the wallet is said before it does.
func TestTheDepositIsSaid(t *testing.T) {
	deposit := func(opts Options) (said []string, amount string) {
		s := &shop{}
		s.send = func(context.Context) (chain.TxResult, error) {
			require.NotEmpty(t, said)
			return chain.TxResult{}, errors.New("no")
		}
		_, err := s.deploy(t.Context(), opts, func(line string) { said = append(said, line) })
		require.EqualError(t, err, "no")
		return said, s.sent[0].(*leases.MsgCreateLease).Deposit.String()
	}
	said, amount := deposit(Options{})
	require.Equal(t, "86400uath", amount)
	require.Contains(t, strings.Join(said, "\n"), "moving 0.0864 ATH from your wallet into your prepaid account (24h0m0s at no more than 0.0036 ATH/h, is 0.0864 ATH, and 0 ATH is free there); free there then: 0.0864 ATH")
	// A bound far above the price is no reason to move a day of it; a duration that was asked for is paid whatever Container it gets.
	high, err := ParsePrice("10uath/s")
	require.NoError(t, err)
	_, amount = deposit(Options{MaxPrice: high})
	require.Equal(t, "95040uath", amount, "a day at a tenth above the price")
	_, amount = deposit(Options{MaxPrice: high, Duration: 2 * time.Hour})
	require.Equal(t, "72000uath", amount, "two hours at the most that it may cost")
	five := math.NewInt(5)
	said, amount = deposit(Options{Deposit: &five})
	require.Equal(t, "5uath", amount)
	require.Contains(t, strings.Join(said, "\n"), "moving 0.000005 ATH from your wallet into your prepaid account (as --deposit says)")
}

// A Container that is free and not priced as asked is no Container that is not free; one that does not exist is none to wait for.
func TestWhyNoneIsFree(t *testing.T) {
	for _, c := range []struct {
		opts       Options
		priced     string
		registered bool
		says       string
	}{
		{Options{PayWith: "uusdc"}, "uath", true, "Container 7 is free for 0.0072 ATH/h, priced in uath: no free Container fits; lease it without --pay-with"},
		{Options{Gateway: "ath1g", PriceDenom: leases.MicroUSD}, "uath", true, "a gateway pays for offers in USD only: lease it without --gateway"},
		{Options{PriceDenom: "uath"}, leases.MicroUSD, true, "priced in musd: no free Container fits; lease it without --price-in"},
		{Options{PriceDenom: "uath"}, "uusdc", true, "lease it with --pay-with uusdc"},
		{Options{}, "", true, "no Container of class cpu is free at the moment"},
		{Options{}, "", false, "no Container of class cpu is registered"},
	} {
		conn := crowd{priced: c.priced, registered: c.registered}
		c.opts.MaxPrice = price.Price{Denom: "uath", Rate: math.ZeroInt()}
		r := run{Deployer: &Deployer{Node: conn}, opts: c.opts, exchange: exchange{slope: math.NewInt(20_000_000_000_000), par: c.opts.PayWith != ""}}
		_, err := r.find(t.Context(), Query{MaxRate: math.ZeroInt(), Limit: 1}, []string{"cpu"})
		require.ErrorIs(t, err, ErrNoMatch)
		require.ErrorContains(t, err, c.says)
	}
}

// crowd is a node with a free Container that is priced in one denom.
type crowd struct {
	Node
	grpc.ClientConnInterface
	priced     string
	registered bool
}

func (c crowd) Conn() grpc.ClientConnInterface { return c }

func (c crowd) Invoke(_ context.Context, _ string, in, out any, _ ...grpc.CallOption) error {
	switch answer := out.(type) {
	case *leases.QueryMatchResponse:
		if in.(*leases.QueryMatchRequest).PriceDenom == c.priced {
			answer.Offers = []leases.Offer{{ContainerId: 7, Rate: math.NewInt(2_000_000), Denom: c.priced}}
		}
	case *leases.QueryParamsResponse:
		answer.Params = leases.Params{StableDenoms: []string{"uusdc"}}
	case *providers.QueryContainersResponse:
		if c.registered {
			answer.Containers = []providers.ContainerView{{Container: providers.Container{Id: 7, Class: "cpu"}}}
		}
	}
	return nil
}
