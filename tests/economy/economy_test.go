// SPDX-License-Identifier: Apache-2.0

package economy

import (
	"bytes"
	"encoding/csv"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/x/ath/types"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

var out = flag.String("out", "", "write economy.csv and economy.svg into this directory")

// sampleEpochs is how often a row of the table is written.
const sampleEpochs = 91

func TestTenYears(t *testing.T) {
	var rows []row
	for _, s := range scenarios() {
		n := newNetwork(s)
		for {
			n.rent()
			n.end()
			requireConserved(t, n)
			if n.epoch == 1 || n.epoch%sampleEpochs == 0 || n.epoch == types.LastEpoch {
				rows = append(rows, sample(n))
			}
			if n.epoch == types.LastEpoch {
				break
			}
			n.begin()
		}
		require.Equal(t, types.Cap, n.minted.Int64(), s.name)
		require.True(t, n.supply().LT(math.NewInt(types.Cap)), "what is burnt is not minted again")
	}
	requireDemandPays(t, rows)
	csvText, plot := table(t, rows), draw(rows)
	if *out == "" {
		requireDocs(t, csvText, plot, rows)
		return
	}
	require.NoError(t, os.WriteFile(filepath.Join(*out, "economy.csv"), []byte(csvText), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(*out, "economy.svg"), []byte(plot), 0o644))
}

// requireConserved: every uath that a pool emitted was paid or is there, and open epochs promise no more than there is.
func requireConserved(t *testing.T, n *network) {
	t.Helper()
	emitted := math.NewInt(genesisUath)
	for _, p := range n.pools {
		emitted = emitted.Add(p.state.Emitted)
		require.Equal(t, p.state.Emitted.String(), p.held.Add(p.paid).String(), "%s in epoch %d", p.state.Pool, n.epoch)
		reserved := math.ZeroInt()
		for _, share := range p.shares {
			reserved = reserved.Add(share.Budget)
		}
		require.True(t, reserved.LTE(p.held), "%s in epoch %d", p.state.Pool, n.epoch)
	}
	require.Equal(t, n.minted.String(), emitted.String())
	require.True(t, n.minted.LTE(math.NewInt(types.Cap)))
	require.Equal(t, types.DAORemaining(n.daoGranted, n.epoch).String(), n.daoHeld.String())
	base := n.rules.BaseRoundedUp(n.class, providerstypes.Tier_TIER_EDGE, 1).MulRaw(n.containers)
	require.NoError(t, n.coefficient.Validate(base))
	require.False(t, n.bonded.IsNegative())
}

// requireDemandPays: more demand burns more and earns stakers more; without fees delivery and Indexers would get nothing.
func requireDemandPays(t *testing.T, rows []row) {
	t.Helper()
	last := map[string]row{}
	for _, r := range rows {
		last[r.scenario] = r
	}
	quiet, steady, boom := last["quiet"], last["steady"], last["boom"]
	require.True(t, quiet.burnt.LT(steady.burnt) && steady.burnt.LT(boom.burnt))
	require.True(t, quiet.aprPpm < steady.aprPpm && steady.aprPpm < boom.aprPpm)
	require.True(t, quiet.indexPpm < steady.indexPpm && steady.indexPpm < boom.indexPpm, "more revenue per Container, more stake")
	require.True(t, quiet.paid[3].LTE(steady.paid[3]) && steady.paid[3].LTE(boom.paid[3]), "delivery")
}

// requireDocs: docs/economy.md and the files that it shows are what this test computes.
func requireDocs(t *testing.T, csvText, plot string, rows []row) {
	t.Helper()
	for name, want := range map[string]string{"economy.csv": csvText, "economy.svg": plot} {
		have, err := os.ReadFile(filepath.Join("../../docs", name))
		require.NoError(t, err)
		require.True(t, want == string(have), "docs/%s is not what this test computes: make sim-economy", name)
	}
	have, err := os.ReadFile("../../docs/economy.md")
	require.NoError(t, err)
	require.Contains(t, string(have), excerpt(rows), "docs/economy.md does not show this:\n%s", excerpt(rows))
}

// excerpt is the table of docs/economy.md.
func excerpt(rows []row) string {
	var b strings.Builder
	b.WriteString("| scenario | epoch | demand_per_day | supply | burnt | staked | staker_apr_ppm | fee_apr_ppm | delivery_held | delivery_paid | containers | index | provider_stake |\n")
	b.WriteString("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, r := range rows {
		if !slices.Contains([]uint64{1, 364, 1092, 1820, 2912, types.LastEpoch}, r.epoch) {
			continue
		}
		const delivery = 3
		fmt.Fprintf(&b, "| %s | %d | %s | %s | %s | %s | %d | %d | %s | %s | %d | %d.%02d | %s |\n", r.scenario, r.epoch, ath(r.demand), ath(r.supply), ath(r.burnt),
			ath(r.staked), r.aprPpm, r.feeAprPpm, ath(r.held[delivery]), ath(r.paid[delivery]), r.containers, r.indexPpm/types.PPM, r.indexPpm%types.PPM/10_000, ath(r.bonded))
	}
	return b.String()
}

// row is a line of the table; amounts in uath.
type row struct {
	scenario                                         string
	epoch                                            uint64
	demand, supply, burnt, staked, slaFund, treasury math.Int
	fromFees, fromDAO, daoHeld                       math.Int
	aprPpm, feeAprPpm                                int64
	containers, indexPpm                             int64
	newcomer, bonded                                 math.Int
	held, paid                                       []math.Int
}

func sample(n *network) row {
	r := row{
		scenario: n.scenario.name, epoch: n.epoch, demand: n.scenario.demand(n.epoch), supply: n.supply(), burnt: n.burnt,
		staked: n.staked(), slaFund: n.slaFund, treasury: n.treasury, fromFees: n.fromFees.sum, fromDAO: n.fromDAO.sum, daoHeld: n.daoHeld,
		feeAprPpm: n.fromFees.aprPpm(n.staked()), containers: n.containers, indexPpm: int64(n.coefficient.IndexPpm),
		newcomer: n.newcomer(), bonded: n.bonded,
	}
	r.aprPpm = r.feeAprPpm + n.fromDAO.aprPpm(n.staked())
	for _, p := range n.pools {
		r.held, r.paid = append(r.held, p.held), append(r.paid, p.paid)
	}
	return r
}

// table writes amounts in whole ATH.
func table(t *testing.T, rows []row) string {
	t.Helper()
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	head := []string{"scenario", "epoch", "demand_per_day", "supply", "burnt", "staked", "staker_apr_ppm", "fee_apr_ppm", "stakers_of_fees", "stakers_of_dao",
		"dao_held", "sla_fund", "treasury", "containers", "index_ppm", "newcomer_stake", "provider_stake"}
	for _, p := range poolNames {
		head = append(head, p+"_held", p+"_paid")
	}
	require.NoError(t, w.Write(head))
	for _, r := range rows {
		record := []string{
			r.scenario, strconv.FormatUint(r.epoch, 10), ath(r.demand), ath(r.supply), ath(r.burnt), ath(r.staked),
			strconv.FormatInt(r.aprPpm, 10), strconv.FormatInt(r.feeAprPpm, 10), ath(r.fromFees), ath(r.fromDAO), ath(r.daoHeld),
			ath(r.slaFund), ath(r.treasury), strconv.FormatInt(r.containers, 10), strconv.FormatInt(r.indexPpm, 10), ath(r.newcomer), ath(r.bonded),
		}
		for i := range r.held {
			record = append(record, ath(r.held[i]), ath(r.paid[i]))
		}
		require.NoError(t, w.Write(record))
	}
	w.Flush()
	require.NoError(t, w.Error())
	return text.String()
}

// poolNames stand in the order of types.Pools.
var poolNames = []string{"checker_base", "checker_bonus", "capacity", "delivery", "indexer", "grants"}

func ath(amount math.Int) string { return amount.QuoRaw(uathPerATH).String() }
