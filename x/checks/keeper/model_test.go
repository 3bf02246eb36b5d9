// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/checks/types"
)

// modelLicence is what the plain map knows of a licence.
type modelLicence struct {
	owner, operator string
	active          bool
	bond            int64
}

// model plays licences against a plain map while checkers of all kinds work, and remembers every committee of every round.
type model struct {
	t          *rapid.T
	f          *fixture
	bond       int64
	licences   map[uint64]modelLicence
	next       uint64
	checkers   map[string]*checker
	committees map[[2]uint64][]types.Member
	total      math.Int
}

var people = []sdk.AccAddress{owner, stranger, alice, bob, carol}

func (m *model) person(label string) sdk.AccAddress {
	return rapid.SampledFrom(people).Draw(m.t, label)
}

func (m *model) ids() []uint64 {
	return rapid.SliceOfNDistinct(rapid.Uint64Range(1, max(m.next, 2)), 1, 3, rapid.ID).Draw(m.t, "ids")
}

// try runs a message and compares its success with what the model expects.
func (m *model) try(msg sdk.Msg, expected bool) {
	before := ""
	if !expected {
		before = m.f.snapshot()
	}
	err := m.f.tx(func(ctx sdk.Context) error { return call(ctx, m.f.msgs, msg) })
	require.Equal(m.t, expected, err == nil, "%T %v: %v", msg, msg, err)
	if err != nil {
		require.Equal(m.t, before, m.f.snapshot())
	}
}

// all says whether every licence exists and is fit.
func (m *model) all(ids []uint64, fit func(modelLicence) bool) bool {
	return !slices.ContainsFunc(ids, func(id uint64) bool {
		l, ok := m.licences[id]
		return !ok || !fit(l)
	})
}

func (m *model) change(ids []uint64, f func(*modelLicence)) {
	for _, id := range ids {
		l := m.licences[id]
		f(&l)
		m.licences[id] = l
	}
}

func (m *model) buy() {
	who, operator := m.person("owner"), m.person("operator")
	count := rapid.Uint32Range(1, 3).Draw(m.t, "count")
	m.try(&types.MsgBuyLicences{Owner: who.String(), Count: count, Operator: operator.String()}, true)
	for range count {
		m.licences[m.next] = modelLicence{who.String(), operator.String(), who.Equals(operator), m.bond}
		m.next++
	}
}

func (m *model) end() {
	who, ids := m.person("owner").String(), m.ids()
	ok := m.all(ids, func(l modelLicence) bool { return l.owner == who })
	m.try(&types.MsgEndLicences{Owner: who, Ids: ids}, ok)
	if ok {
		for _, id := range ids {
			delete(m.licences, id)
		}
	}
}

func (m *model) transfer() {
	who, to, ids := m.person("owner").String(), m.person("recipient").String(), m.ids()
	ok := who != to && m.all(ids, func(l modelLicence) bool { return l.owner == who })
	m.try(&types.MsgTransferLicences{Owner: who, Recipient: to, Ids: ids}, ok)
	if ok {
		m.change(ids, func(l *modelLicence) { l.owner, l.operator, l.active = to, "", false })
	}
}

func (m *model) delegate() {
	who, to, ids := m.person("owner").String(), m.person("operator").String(), m.ids()
	ok := m.all(ids, func(l modelLicence) bool { return l.owner == who && l.operator != to })
	m.try(&types.MsgDelegateLicences{Owner: who, Operator: to, Ids: ids}, ok)
	if ok {
		m.change(ids, func(l *modelLicence) { l.operator, l.active = to, who == to })
	}
}

func (m *model) takeBack() {
	who, ids := m.person("owner").String(), m.ids()
	ok := m.all(ids, func(l modelLicence) bool { return l.owner == who && l.operator != "" })
	m.try(&types.MsgDelegateLicences{Owner: who, Ids: ids}, ok)
	if ok {
		m.change(ids, func(l *modelLicence) { l.operator, l.active = "", false })
	}
}

func (m *model) accept() {
	who, ids := m.person("operator").String(), m.ids()
	ok := m.all(ids, func(l modelLicence) bool { return l.operator == who && !l.active })
	m.try(&types.MsgAcceptLicences{Operator: who, Ids: ids}, ok)
	if ok {
		m.change(ids, func(l *modelLicence) { l.active = true })
	}
}

func (m *model) withdraw() {
	who := m.person("owner").String()
	ripe := false
	for row := range m.f.vault.rows {
		ripe = ripe || row.Kind == athtypes.RowKind_ROW_KIND_LICENCE_UNBONDING && row.Owner == who && row.Bucket <= uint64(m.f.ctx.BlockTime().Unix())
	}
	m.try(&types.MsgWithdrawBonds{Signer: m.person("signer").String(), Owner: who}, ripe)
}

func (m *model) setBond() {
	params := m.params()
	m.bond = rapid.Int64Range(1, 200).Draw(m.t, "bond")
	params.LicenceBond = math.NewInt(m.bond)
	params.CommitteeSize = rapid.Uint32Range(1, 5).Draw(m.t, "committee")
	params.MaxShardsPerBlock = rapid.Uint32Range(1, 4).Draw(m.t, "shards per block")
	m.try(&types.MsgUpdateParams{Authority: authority.String(), Params: params}, true)
}

func (m *model) params() types.Params {
	p, err := m.f.k.Params(m.f.ctx)
	require.NoError(m.t, err)
	return p
}

func (m *model) register() {
	m.f.providers.register(rapid.Uint64Range(1, 2000).Draw(m.t, "container"))
}

// blocks lets some blocks pass, with checkers at work and committees noted and compared.
func (m *model) blocks() {
	for range rapid.IntRange(1, 2).Draw(m.t, "blocks") {
		for _, c := range slices.SortedFunc(maps.Values(m.checkers), func(a, b *checker) int { return slices.Compare(a.operator, b.operator) }) {
			if c.absent = rapid.IntRange(0, 3).Draw(m.t, "absent") == 0; !c.absent {
				if err := c.submit(m.f); err != nil {
					require.ErrorIs(m.t, err, types.ErrWindowClosed)
				}
			}
		}
		m.f.endBlockAfter(time.Duration(rapid.Int64Range(0, int64(4*time.Second)).Draw(m.t, "gap")))
		m.compareCommittees()
	}
}

// compareCommittees: whoever is a round's committee when the round starts is so until its verdicts are applied.
func (m *model) compareCommittees() {
	running := m.f.running()
	for number := running.Number - min(running.Number-1, 2); number <= running.Number; number++ {
		round, err := m.f.k.Round(m.f.ctx, number)
		require.NoError(m.t, err)
		for shard := range round.Shards {
			res, err := m.f.queries.Committee(m.f.ctx, &types.QueryCommitteeRequest{Round: number, Shard: shard})
			require.NoError(m.t, err)
			key := [2]uint64{number, shard}
			if known, ok := m.committees[key]; ok {
				require.Equal(m.t, known, res.Members, "round %d shard %d in round %d", number, shard, running.Number)
			}
			m.committees[key] = res.Members
		}
	}
}

// check compares licences and coins; the invariants were checked at the end of the block.
func (m *model) check() {
	require.Equal(m.t, m.total, m.f.vault.total(), "coins are neither made nor lost")
	have := map[uint64]modelLicence{}
	g, err := m.f.k.ExportGenesis(m.f.ctx)
	require.NoError(m.t, err)
	for _, l := range g.Licences {
		amount := amountOf(m.f.vault.rows, athtypes.Row{Kind: athtypes.RowKind_ROW_KIND_LICENCE, Owner: l.Owner, Bucket: l.Id, Denom: athtypes.Denom})
		have[l.Id] = modelLicence{l.Owner, l.Operator, l.State == types.LicenceState_LICENCE_STATE_ACTIVE, amount.Int64()}
	}
	require.Equal(m.t, m.licences, have)
	bonus := map[string]int64{}
	for _, u := range g.Uptimes {
		if u.Quarter == m.f.vault.quarter && u.Credited > 0 {
			bonus[m.licences[u.Licence].owner] += int64(u.Credited)
		}
	}
	require.Equal(m.t, bonus, m.f.vault.bonus, "the bonus is what the licences count")
	require.NoError(m.t, g.Validate())
	seen := map[string]bool{}
	for _, v := range m.f.providers.verdicts {
		key := fmt.Sprint(v.Round, "/", v.Shard)
		require.False(m.t, seen[key], "verdict %s twice", key)
		seen[key] = true
	}
}

// Bans are left to TestMissedRevealsBan: here honest checkers come and go, so none may be banned.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{
			t: t, f: newFixture(t), bond: bond, licences: map[uint64]modelLicence{}, next: 1,
			checkers: map[string]*checker{}, committees: map[[2]uint64][]types.Member{},
		}
		params := devParams()
		params.BanAfter, params.BanWindow = 32, time.Second
		require.NoError(t, m.f.k.SetParams(m.f.ctx, params))
		for _, p := range people {
			m.checkers[p.String()] = &checker{operator: p}
		}
		m.total = m.f.vault.total()
		m.f.providers.register(1, 600, 1200)
		m.f.endBlock()
		t.Repeat(map[string]func(*rapid.T){
			"buy": func(*rapid.T) { m.buy() }, "end": func(*rapid.T) { m.end() }, "transfer": func(*rapid.T) { m.transfer() },
			"delegate": func(*rapid.T) { m.delegate() }, "take back": func(*rapid.T) { m.takeBack() }, "accept": func(*rapid.T) { m.accept() },
			"withdraw": func(*rapid.T) { m.withdraw() }, "set bond": func(*rapid.T) { m.setBond() }, "register": func(*rapid.T) { m.register() },
			"quarter": func(*rapid.T) { m.f.vault.quarter, m.f.vault.bonus = m.f.vault.quarter+91, map[string]int64{} },
			"":        func(*rapid.T) { m.blocks(); m.check() },
		})
	})
}
