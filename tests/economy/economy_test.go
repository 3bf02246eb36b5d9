// SPDX-License-Identifier: Apache-2.0

package economy

import (
	"bytes"
	"encoding/csv"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/x/ath/types"
)

var out = flag.String("out", "", "write economy.csv and economy.svg into this directory")

// sampleEpochs is how often a row of the table is written.
const sampleEpochs = 91

func TestTenYears(t *testing.T) {
	var rows []row
	for _, s := range scenarios() {
		n := newNetwork(s)
		for n.epoch < types.LastEpoch {
			n.step()
			requireConserved(t, n)
			if n.epoch == 1 || n.epoch%sampleEpochs == 0 || n.epoch == types.LastEpoch {
				rows = append(rows, sample(n))
			}
		}
		require.Equal(t, types.Cap, n.minted.Int64(), s.name)
		require.True(t, n.supply().LT(math.NewInt(types.Cap)), "what is burnt is not minted again")
	}
	requireDemandPays(t, rows)
	csvText, plot := table(t, rows), draw(rows)
	if *out == "" {
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
	require.True(t, quiet.paid[3].LTE(steady.paid[3]) && steady.paid[3].LTE(boom.paid[3]), "delivery")
}

// row is a line of the table; amounts in uath.
type row struct {
	scenario                                                  string
	epoch                                                     uint64
	demand, supply, burnt, staked, stakers, slaFund, treasury math.Int
	aprPpm                                                    int64
	held, paid                                                []math.Int
}

func sample(n *network) row {
	r := row{
		scenario: n.scenario.name, epoch: n.epoch, demand: n.scenario.demand(n.epoch), supply: n.supply(), burnt: n.burnt,
		staked: n.staked(), stakers: n.stakers, slaFund: n.slaFund, treasury: n.treasury, aprPpm: n.aprPpm(),
	}
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
	head := []string{"scenario", "epoch", "demand_per_day", "supply", "burnt", "staked", "staker_apr_ppm", "stakers", "sla_fund", "treasury"}
	for _, p := range poolNames {
		head = append(head, p+"_held", p+"_paid")
	}
	require.NoError(t, w.Write(head))
	for _, r := range rows {
		record := []string{
			r.scenario, strconv.FormatUint(r.epoch, 10), ath(r.demand), ath(r.supply), ath(r.burnt), ath(r.staked),
			strconv.FormatInt(r.aprPpm, 10), ath(r.stakers), ath(r.slaFund), ath(r.treasury),
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
