// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	sdkerrors "github.com/cosmos/cosmos-sdk/types/errors"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/providers/types"
)

// badInput is a message that must be refused with a typed error that names the field, and leave no trace.
type badInput struct {
	name string
	send func(f *fixture, ctx sdk.Context) error
	want error
	text string // what the error must contain
}

func TestBadInputChangesNothing(t *testing.T) {
	f := newFixture(t)
	ids := f.ready(t, 3) // 1 stays Ready, 2 is leased
	require.NoError(t, bind(f.k, f.ctx, ids[1], "tenant/1"))
	_, err := f.msgs.RegisterProvider(f.ctx, &types.MsgRegisterProvider{Owner: stranger.String(), Tier: types.Tier_TIER_ENTERPRISE})
	require.NoError(t, err)
	before := f.snapshot(t)
	for _, cases := range [][]badInput{badProviders(), badContainers(), badUpdates(), badLists(), badGovernance()} {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				err := f.tx(func(ctx sdk.Context) error { return c.send(f, ctx) })
				require.ErrorIs(t, err, c.want)
				require.ErrorContains(t, err, c.text)
				require.Equal(t, before, f.snapshot(t))
			})
		}
	}
	require.NoError(t, f.k.CheckInvariants(f.ctx))
}

func badProviders() []badInput {
	register := func(spoil func(*types.MsgRegisterProvider)) func(*fixture, sdk.Context) error {
		return func(f *fixture, ctx sdk.Context) error {
			m := &types.MsgRegisterProvider{Owner: operator.String(), Tier: types.Tier_TIER_EDGE, Country: "DE"}
			spoil(m)
			_, err := f.msgs.RegisterProvider(ctx, m)
			return err
		}
	}
	update := func(spoil func(*types.MsgUpdateProvider)) func(*fixture, sdk.Context) error {
		return func(f *fixture, ctx sdk.Context) error {
			m := &types.MsgUpdateProvider{Owner: owner.String(), Country: "DE"}
			spoil(m)
			_, err := f.msgs.UpdateProvider(ctx, m)
			return err
		}
	}
	deregister := func(who string) func(*fixture, sdk.Context) error {
		return func(f *fixture, ctx sdk.Context) error {
			_, err := f.msgs.DeregisterProvider(ctx, &types.MsgDeregisterProvider{Owner: who})
			return err
		}
	}
	withdraw := func(signer, who string) func(*fixture, sdk.Context) error {
		return func(f *fixture, ctx sdk.Context) error {
			_, err := f.msgs.WithdrawStake(ctx, &types.MsgWithdrawStake{Signer: signer, Owner: who})
			return err
		}
	}
	seventeen := make([]string, 17)
	for i := range seventeen {
		seventeen[i] = addr(strings.Repeat("o", i+1)).String()
	}
	return []badInput{
		{"register/owner garbage", register(func(m *types.MsgRegisterProvider) { m.Owner = "garbage" }), types.ErrInvalidField, "owner:"},
		{"register/owner of another chain", register(func(m *types.MsgRegisterProvider) { m.Owner = "cosmos1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9" }), types.ErrInvalidField, "owner:"},
		{"register/twice", register(func(m *types.MsgRegisterProvider) { m.Owner = owner.String() }), types.ErrProviderExists, owner.String()},
		{"register/no tier", register(func(m *types.MsgRegisterProvider) { m.Tier = 0 }), types.ErrInvalidField, "tier:"},
		{"register/unknown tier", register(func(m *types.MsgRegisterProvider) { m.Tier = 3 }), types.ErrInvalidField, "tier:"},
		{"register/country", register(func(m *types.MsgRegisterProvider) { m.Country = "de" }), types.ErrInvalidField, "country:"},
		{"register/contact", register(func(m *types.MsgRegisterProvider) { m.Contact = strings.Repeat("x", 257) }), types.ErrInvalidField, "contact:"},
		{"register/domain", register(func(m *types.MsgRegisterProvider) { m.Domain = "a b" }), types.ErrInvalidField, "domain:"},
		{"register/17 operators", register(func(m *types.MsgRegisterProvider) { m.Operators = seventeen }), types.ErrInvalidField, "operators:"},
		{"register/operator twice", register(func(m *types.MsgRegisterProvider) { m.Operators = []string{seventeen[0], seventeen[0]} }), types.ErrInvalidField, "operators:"},
		{"register/operator is owner", register(func(m *types.MsgRegisterProvider) { m.Operators = []string{m.Owner} }), types.ErrInvalidField, "operators:"},
		{"register/operator garbage", register(func(m *types.MsgRegisterProvider) { m.Operators = []string{""} }), types.ErrInvalidField, "operators:"},
		{"register/payout garbage", register(func(m *types.MsgRegisterProvider) { m.Payout = "x" }), types.ErrInvalidField, "payout:"},
		{"update/no provider", update(func(m *types.MsgUpdateProvider) { m.Owner = operator.String() }), types.ErrProviderNotFound, operator.String()},
		{"update/country", update(func(m *types.MsgUpdateProvider) { m.Country = "DEU" }), types.ErrInvalidField, "country:"},
		{"update/operators", update(func(m *types.MsgUpdateProvider) { m.Operators = seventeen }), types.ErrInvalidField, "operators:"},
		{"update/payout", update(func(m *types.MsgUpdateProvider) { m.Payout = "x" }), types.ErrInvalidField, "payout:"},
		{"deregister/no provider", deregister(operator.String()), types.ErrProviderNotFound, operator.String()},
		{"deregister/containers", deregister(owner.String()), types.ErrProviderBusy, "3 containers live"},
		{"deregister/garbage", deregister(""), types.ErrInvalidField, "owner:"},
		{"withdraw/nothing", withdraw(owner.String(), ""), types.ErrNothingRipe, owner.String()},
		{"withdraw/signer", withdraw("x", ""), types.ErrInvalidField, "signer:"},
		{"withdraw/owner", withdraw(owner.String(), "x"), types.ErrInvalidField, "owner:"},
	}
}

func badContainers() []badInput {
	register := func(spoil func(*types.MsgRegisterContainers)) func(*fixture, sdk.Context) error {
		return func(f *fixture, ctx sdk.Context) error {
			m := &types.MsgRegisterContainers{
				Owner: owner.String(), MaxStake: math.NewInt(capital), Containers: consented(owner, 10, 11, 12),
			}
			spoil(m)
			_, err := f.msgs.RegisterContainers(ctx, m)
			return err
		}
	}
	second := func(spoil func(*types.NewContainer)) func(*fixture, sdk.Context) error {
		return register(func(m *types.MsgRegisterContainers) { spoil(&m.Containers[1]) })
	}
	return []badInput{
		{"containers/no provider", register(func(m *types.MsgRegisterContainers) { m.Owner = operator.String() }), types.ErrProviderNotFound, operator.String()},
		{"containers/none", register(func(m *types.MsgRegisterContainers) { m.Containers = nil }), types.ErrInvalidField, "containers: want 1 to 500"},
		{"containers/501", register(func(m *types.MsgRegisterContainers) { m.Containers = make([]types.NewContainer, 501) }), types.ErrInvalidField, "containers: want 1 to 500"},
		{"containers/max_stake missing", register(func(m *types.MsgRegisterContainers) { m.MaxStake = math.Int{} }), types.ErrInvalidField, "max_stake:"},
		{"containers/max_stake zero", register(func(m *types.MsgRegisterContainers) { m.MaxStake = math.ZeroInt() }), types.ErrInvalidField, "max_stake:"},
		{"containers/max_stake negative", register(func(m *types.MsgRegisterContainers) { m.MaxStake = math.NewInt(-1) }), types.ErrInvalidField, "max_stake:"},
		{"containers/max_stake too low", register(func(m *types.MsgRegisterContainers) { m.MaxStake = math.NewInt(29_999_999) }), types.ErrStakeAboveMax, "30000000 uath are needed"},
		{"containers/class", second(func(n *types.NewContainer) { n.Class = "h900" }), types.ErrClassNotFound, `containers[1]: class "h900"`},
		{"containers/no device", second(func(n *types.NewContainer) { n.Class = "rtx3090" }), types.ErrInvalidField, "containers[1]: spec.gpus:"},
		{"containers/count", second(func(n *types.NewContainer) { n.Count = 0 }), types.ErrInvalidField, "containers[1]: count:"},
		{"containers/endpoint", second(func(n *types.NewContainer) { n.Endpoint = "host" }), types.ErrInvalidField, "containers[1]: endpoint:"},
		{"containers/region", second(func(n *types.NewContainer) { n.Region = "EU" }), types.ErrInvalidField, "containers[1]: region:"},
		{"containers/pubkey", second(func(n *types.NewContainer) { n.WorkerPubkey = nil }), types.ErrInvalidField, "containers[1]: worker_pubkey:"},
		{"containers/spec", second(func(n *types.NewContainer) { n.Spec.MemoryMib = 1 << 60 }), types.ErrInvalidField, "containers[1]: spec.memory_mib:"},
		{"containers/fingerprint twice", second(func(n *types.NewContainer) { n.Fingerprint = cpu(10).Fingerprint }), types.ErrFingerprintTaken, "containers[1]: fingerprint: is that of containers[0]"},
		{"containers/fingerprint alive", second(func(n *types.NewContainer) { n.Fingerprint = cpu(0).Fingerprint }), types.ErrFingerprintTaken, "containers[1]: fingerprint: container 1 has it"},
		{"containers/poor", func(f *fixture, ctx sdk.Context) error {
			f.vault.bank[owner.String()] = math.NewInt(25_000_000)
			return register(func(*types.MsgRegisterContainers) {})(f, ctx)
		}, errPoor, "insufficient funds"},
	}
}

func badUpdates() []badInput {
	update := func(spoil func(*types.MsgUpdateContainer)) func(*fixture, sdk.Context) error {
		return func(f *fixture, ctx sdk.Context) error {
			c := cpu(1)
			m := &types.MsgUpdateContainer{
				Operator: operator.String(), Id: 2, Endpoint: c.Endpoint, Connectivity: c.Connectivity, Region: c.Region,
				Spec: c.Spec, Fingerprint: c.Fingerprint,
			}
			spoil(m)
			_, err := f.msgs.UpdateContainer(ctx, m)
			return err
		}
	}
	return []badInput{
		{"update container/unknown", update(func(m *types.MsgUpdateContainer) { m.Id = 99 }), types.ErrContainerNotFound, "container 99"},
		{"update container/stranger", update(func(m *types.MsgUpdateContainer) { m.Operator = stranger.String() }), types.ErrUnauthorized, stranger.String()},
		{"update container/garbage", update(func(m *types.MsgUpdateContainer) { m.Operator = "x" }), types.ErrInvalidField, "operator:"},
		{"update container/fingerprint", update(func(m *types.MsgUpdateContainer) { m.Fingerprint = cpu(5).Fingerprint }), types.ErrInvalidField, "fingerprint:"},
		{"update container/endpoint", update(func(m *types.MsgUpdateContainer) { m.Endpoint = strings.Repeat("a", 300) + ":1" }), types.ErrInvalidField, "endpoint:"},
		{"update container/shrinks while leased", update(func(m *types.MsgUpdateContainer) { m.Spec.MemoryMib-- }), types.ErrSpecShrinks, "spec.memory_mib:"},
		{"update container/oversized", update(func(m *types.MsgUpdateContainer) { m.Spec.Driver = strings.Repeat("x", 1<<16) }), types.ErrInvalidField, "spec.driver:"},
	}
}

func badLists() []badInput {
	heartbeat := func(who sdk.AccAddress, ids ...uint64) func(*fixture, sdk.Context) error {
		return func(f *fixture, ctx sdk.Context) error {
			_, err := f.msgs.Heartbeat(ctx, &types.MsgHeartbeat{Operator: who.String(), Ids: ids})
			return err
		}
	}
	maintain := func(who sdk.AccAddress, on bool, reason string, ids ...uint64) func(*fixture, sdk.Context) error {
		return func(f *fixture, ctx sdk.Context) error {
			_, err := f.msgs.SetMaintenance(ctx, &types.MsgSetMaintenance{Operator: who.String(), Ids: ids, On: on, Reason: reason})
			return err
		}
	}
	retire := func(who sdk.AccAddress, ids ...uint64) func(*fixture, sdk.Context) error {
		return func(f *fixture, ctx sdk.Context) error {
			_, err := f.msgs.RetireContainers(ctx, &types.MsgRetireContainers{Owner: who.String(), Ids: ids})
			return err
		}
	}
	// theirs adds a Container of another provider, whose id is 4.
	theirs := func(then func(*fixture, sdk.Context) error) func(*fixture, sdk.Context) error {
		return func(f *fixture, ctx sdk.Context) error {
			_, err := f.msgs.RegisterContainers(ctx, &types.MsgRegisterContainers{
				Owner: stranger.String(), MaxStake: math.NewInt(capital), Containers: consented(stranger, 77),
			})
			if err != nil {
				return err
			}
			return then(f, ctx)
		}
	}
	tooMany := make([]uint64, 501)
	return []badInput{
		{"heartbeat/none", heartbeat(operator), types.ErrInvalidField, "ids:"},
		{"heartbeat/501", heartbeat(operator, tooMany...), types.ErrInvalidField, "ids:"},
		{"heartbeat/twice", heartbeat(operator, 1, 1), types.ErrInvalidField, "ids[1]:"},
		{"heartbeat/unknown", heartbeat(operator, 1, 99), types.ErrContainerNotFound, "container 99"},
		{"heartbeat/stranger", heartbeat(stranger, 1), types.ErrUnauthorized, stranger.String()},
		{"heartbeat/two providers", theirs(heartbeat(operator, 1, 4)), types.ErrUnauthorized, "ids[1]:"},
		{"heartbeat/two providers, other way", theirs(heartbeat(stranger, 4, 1)), types.ErrUnauthorized, "ids[1]:"},
		{"maintenance/reason", maintain(operator, true, strings.Repeat("x", 129), 1), types.ErrInvalidField, "reason:"},
		{"maintenance/stranger", maintain(stranger, true, "", 1), types.ErrUnauthorized, stranger.String()},
		{"maintenance/off without on", maintain(operator, false, "", 1), types.ErrWrongState, "maintenance off"},
		{"maintenance/half", maintain(operator, true, "", 1, 99), types.ErrContainerNotFound, "container 99"},
		{"retire/operator", retire(operator, 1), types.ErrProviderNotFound, operator.String()},
		{"retire/of another", retire(stranger, 1), types.ErrUnauthorized, owner.String()},
		{"retire/leased", retire(owner, 1, 2), types.ErrWrongState, "container 2 serves lease tenant/1"},
		{"retire/unknown", retire(owner, 99), types.ErrContainerNotFound, "container 99"},
		{"retire/two providers", theirs(retire(owner, 1, 4)), types.ErrUnauthorized, "ids[1]:"},
		{"retire/replay", func(f *fixture, ctx sdk.Context) error {
			if err := retire(owner, 1)(f, ctx); err != nil {
				return err
			}
			return retire(owner, 1)(f, ctx)
		}, types.ErrContainerNotFound, "container 1"},
	}
}

func badGovernance() []badInput {
	classes := func(who sdk.AccAddress, classes ...types.Class) func(*fixture, sdk.Context) error {
		return func(f *fixture, ctx sdk.Context) error {
			_, err := f.msgs.SetClasses(ctx, &types.MsgSetClasses{Authority: who.String(), Classes: classes})
			return err
		}
	}
	params := func(who sdk.AccAddress, p types.Params) func(*fixture, sdk.Context) error {
		return func(f *fixture, ctx sdk.Context) error {
			_, err := f.msgs.UpdateParams(ctx, &types.MsgUpdateParams{Authority: who.String(), Params: p})
			return err
		}
	}
	good := types.DefaultClasses()[0]
	bad := good
	bad.Stake = math.ZeroInt()
	return []badInput{
		{"classes/stranger", classes(owner, good), sdkerrors.ErrUnauthorized, "authority"},
		{"classes/none", classes(authority), types.ErrInvalidField, "classes:"},
		{"classes/101", classes(authority, make([]types.Class, 101)...), types.ErrInvalidField, "classes:"},
		{"classes/twice", classes(authority, good, good), types.ErrInvalidParams, "classes[1]:"},
		{"classes/stake", classes(authority, good, bad), types.ErrInvalidParams, "stake:"},
		{"params/stranger", params(owner, types.DefaultParams()), sdkerrors.ErrUnauthorized, "authority"},
		{"params/empty", params(authority, types.Params{}), types.ErrInvalidParams, "stake_coefficient_ppm"},
	}
}

// The whole life of a provider: in the end nothing is left, and every uath is back.
func TestNothingIsLeftBehind(t *testing.T) {
	f := newFixture(t)
	empty, total := f.snapshot(t), f.vault.total()
	ids := f.ready(t, 3)
	_, err := f.msgs.UpdateProvider(f.ctx, &types.MsgUpdateProvider{Owner: owner.String(), Payout: stranger.String()})
	require.NoError(t, err)
	require.Equal(t, stranger.String(), f.vault.payouts[owner.String()])
	require.Equal(t, math.NewInt(capital-30_000_000), f.vault.balance(owner.String()))

	res, err := f.msgs.RetireContainers(f.ctx, &types.MsgRetireContainers{Owner: owner.String(), Ids: ids[:2]})
	require.NoError(t, err)
	require.EqualValues(t, 20_000_000, res.Stake.Int64())
	require.NoError(t, f.k.CheckInvariants(f.ctx))
	ripe := types.DefaultParams().RipeRoundedUp(f.ctx.BlockTime())
	unbonding := athtypes.Row{Kind: athtypes.RowKind_ROW_KIND_UNBONDING, Owner: owner.String(), Bucket: ripe, Denom: athtypes.Denom}
	require.EqualValues(t, 20_000_000, f.vault.row(unbonding).Int64())
	_, err = f.msgs.RetireContainers(f.ctx, &types.MsgRetireContainers{Owner: owner.String(), Ids: ids[2:]})
	require.NoError(t, err)
	require.Empty(t, f.stream.positions)

	_, err = f.msgs.DeregisterProvider(f.ctx, &types.MsgDeregisterProvider{Owner: owner.String()})
	require.ErrorIs(t, err, types.ErrProviderBusy)
	require.ErrorContains(t, err, "stake is unbonding")
	f.ctx = f.ctx.WithBlockTime(time.Unix(int64(ripe)-1, 0))
	_, err = f.msgs.WithdrawStake(f.ctx, &types.MsgWithdrawStake{Signer: owner.String()})
	require.ErrorIs(t, err, types.ErrNothingRipe)

	// Anybody may trigger it; the owner is paid.
	f.advance(time.Second)
	paid, err := f.msgs.WithdrawStake(f.ctx, &types.MsgWithdrawStake{Signer: stranger.String(), Owner: owner.String()})
	require.NoError(t, err)
	require.EqualValues(t, 30_000_000, paid.Amount.Int64())
	_, err = f.msgs.DeregisterProvider(f.ctx, &types.MsgDeregisterProvider{Owner: owner.String()})
	require.NoError(t, err)

	require.Equal(t, total, f.vault.total())
	require.Equal(t, strings.Replace(empty, `"next_container":"1"`, `"next_container":"4"`, 1), f.snapshot(t))
}

func TestUpdateContainer(t *testing.T) {
	f := newFixture(t)
	id := f.ready(t, 1)[0]
	c := cpu(0)
	c.Spec.Throughput, c.Endpoint = 500, "gpu7.example.org:9443"
	_, err := f.msgs.UpdateContainer(f.ctx, &types.MsgUpdateContainer{
		Operator: operator.String(), Id: id, Endpoint: c.Endpoint, Connectivity: types.Connectivity_CONNECTIVITY_RELAYED,
		Region: "eu", Spec: c.Spec, Fingerprint: c.Fingerprint,
	})
	require.NoError(t, err)
	got, err := f.k.Container(f.ctx, id)
	require.NoError(t, err)
	require.Equal(t, "gpu7.example.org:9443", got.Endpoint)
	require.EqualValues(t, 250, f.stream.positions[id].weight, "a slower machine weighs less at once")
	require.NoError(t, f.k.CheckInvariants(f.ctx))
}

// A class that governance changes reaches Containers with their next heartbeat.
func TestSetClassesReachesWeightsByHeartbeat(t *testing.T) {
	f := newFixture(t)
	ids := f.ready(t, 2)
	class, err := f.k.Class(f.ctx, "cpu")
	require.NoError(t, err)
	class.Weight, class.Stake = 3_000, math.NewInt(7)
	_, err = f.msgs.SetClasses(f.ctx, &types.MsgSetClasses{Authority: authority.String(), Classes: []types.Class{class}})
	require.NoError(t, err)
	require.EqualValues(t, 1_000, f.stream.positions[ids[0]].weight)
	require.NoError(t, bind(f.k, f.ctx, ids[1], "tenant/1"))
	f.heartbeat(t, ids...)
	require.EqualValues(t, 3_000, f.stream.positions[ids[0]].weight)
	require.EqualValues(t, 3_000, f.stream.positions[ids[1]].weight)
	require.NoError(t, f.k.CheckInvariants(f.ctx))
}

func TestUpdateParams(t *testing.T) {
	f := newFixture(t)
	p := types.DefaultParams()
	p.StakeCoefficientPpm = 500_000
	_, err := f.msgs.UpdateParams(f.ctx, &types.MsgUpdateParams{Authority: authority.String(), Params: p})
	require.NoError(t, err)
	res, err := f.queries.Stake(f.ctx, &types.QueryStakeRequest{Class: "cpu", Tier: types.Tier_TIER_ENTERPRISE, Count: 3})
	require.NoError(t, err)
	require.EqualValues(t, 30_000_000, res.Stake.Int64())
}
