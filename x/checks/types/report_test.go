// SPDX-License-Identifier: Apache-2.0

package types_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/athnet/ath/x/checks/types"
)

var update = flag.Bool("update", false, "write the test vectors anew; they are fixed once a network runs")

// vectors reads testdata/<name>, or writes what compute gives with -update.
func vectors[T any](t *testing.T, name string, compute func() []T) []T {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		raw, err := json.MarshalIndent(compute(), "", "  ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, append(raw, '\n'), 0o644))
	}
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	var out []T
	require.NoError(t, json.Unmarshal(raw, &out))
	require.NotEmpty(t, out)
	return out
}

type hexBytes []byte

func (b hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(b)), nil }

func (b *hexBytes) UnmarshalText(text []byte) error {
	raw, err := hex.DecodeString(string(text))
	*b = raw
	return err
}

type commitVector struct {
	ChainID  string        `json:"chain_id"`
	Operator string        `json:"operator"`
	Round    uint64        `json:"round"`
	Shards   []shardVector `json:"shards"`
	Salt     hexBytes      `json:"salt"`
	Root     hexBytes      `json:"root"`
	Commit   hexBytes      `json:"commit"`
}

type shardVector struct {
	Shard        uint64   `json:"shard"`
	Healthy      hexBytes `json:"healthy"`
	Quality      hexBytes `json:"quality"`
	EvidenceRoot hexBytes `json:"evidence_root"`
}

func (v commitVector) report() types.Report {
	var r types.Report
	for _, s := range v.Shards {
		r.Shards = append(r.Shards, types.ShardReport{Shard: s.Shard, Healthy: s.Healthy, Quality: s.Quality, EvidenceRoot: s.EvidenceRoot})
	}
	return r
}

func TestCommitHashVectors(t *testing.T) {
	for _, v := range vectors(t, "commit.json", func() []commitVector {
		root := bytes.Repeat([]byte{0xab}, 32)
		out := []commitVector{
			{ChainID: "ath-1", Operator: testOperator, Round: 1, Salt: bytes.Repeat([]byte{1}, 32), Shards: []shardVector{{Shard: 0, EvidenceRoot: root}}},
			{ChainID: "ath-1", Operator: testOperator, Round: 412, Salt: bytes.Repeat([]byte{2}, 32), Shards: []shardVector{
				{Shard: 0, Healthy: []byte{0x0e}, Quality: []byte{1, 2, 3}, EvidenceRoot: root},
				{Shard: 98, Healthy: bytes.Repeat([]byte{0xff}, 64), EvidenceRoot: bytes.Repeat([]byte{0xcd}, 32)},
			}},
		}
		for i, v := range out {
			out[i].Root = v.report().Root()
			out[i].Commit = types.CommitHash(v.ChainID, v.Operator, v.Round, v.report(), v.Salt)
		}
		return out
	}) {
		require.NoError(t, v.report().Validate())
		require.Equal(t, []byte(v.Root), v.report().Root())
		require.Equal(t, []byte(v.Commit), types.CommitHash(v.ChainID, v.Operator, v.Round, v.report(), v.Salt))
	}
}

// What differs in any part hashes differently, also where bytes move from one part to the next.
func TestCommitHashBindsEveryPart(t *testing.T) {
	base := types.Report{Shards: []types.ShardReport{{Shard: 1, Healthy: []byte{7}, Quality: []byte{8, 8, 8}, EvidenceRoot: make([]byte, 32)}}}
	with := func(change func(*types.ShardReport)) types.Report {
		s := base.Shards[0]
		change(&s)
		return types.Report{Shards: []types.ShardReport{s}}
	}
	seen := map[string]string{}
	for name, hash := range map[string][]byte{
		"base":       types.CommitHash("ath-1", "a", 1, base, []byte{1}),
		"chain":      types.CommitHash("ath-2", "a", 1, base, []byte{1}),
		"moved":      types.CommitHash("ath-", "1a", 1, base, []byte{1}),
		"operator":   types.CommitHash("ath-1", "b", 1, base, []byte{1}),
		"round":      types.CommitHash("ath-1", "a", 2, base, []byte{1}),
		"salt":       types.CommitHash("ath-1", "a", 1, base, []byte{2}),
		"long salt":  types.CommitHash("ath-1", "a", 1, base, []byte{1, 0}),
		"empty":      types.CommitHash("ath-1", "a", 1, types.Report{}, []byte{1}),
		"shard":      types.CommitHash("ath-1", "a", 1, with(func(s *types.ShardReport) { s.Shard = 2 }), []byte{1}),
		"healthy":    types.CommitHash("ath-1", "a", 1, with(func(s *types.ShardReport) { s.Healthy = []byte{3} }), []byte{1}),
		"quality":    types.CommitHash("ath-1", "a", 1, with(func(s *types.ShardReport) { s.Quality = nil }), []byte{1}),
		"evidence":   types.CommitHash("ath-1", "a", 1, with(func(s *types.ShardReport) { s.EvidenceRoot = bytes.Repeat([]byte{1}, 32) }), []byte{1}),
		"bits moved": types.CommitHash("ath-1", "a", 1, with(func(s *types.ShardReport) { s.Healthy, s.Quality = []byte{7, 8}, []byte{8, 8} }), []byte{1}),
	} {
		require.Len(t, hash, types.HashSize)
		require.Empty(t, seen[string(hash)], "%s hashes like %s", name, seen[string(hash)])
		seen[string(hash)] = name
	}
}

func TestReportValidate(t *testing.T) {
	root := make([]byte, 32)
	ok := types.ShardReport{Shard: 4, Healthy: []byte{5}, EvidenceRoot: root}
	for _, c := range []struct {
		name   string
		shards []types.ShardReport
		want   string
	}{
		{"success - one shard", []types.ShardReport{ok}, ""},
		{"success - nothing healthy", []types.ShardReport{{EvidenceRoot: root}}, ""},
		{"success - quality", []types.ShardReport{{Healthy: []byte{5}, Quality: []byte{1, 2}, EvidenceRoot: root}}, ""},
		{"error - empty", nil, "shards: empty"},
		{"error - too many", make([]types.ShardReport, types.MaxReportShards+1), "at most 1024"},
		{"error - twice", []types.ShardReport{ok, ok}, "shards[1]: 4 does not follow 4"},
		{"error - order", []types.ShardReport{ok, {Shard: 3, EvidenceRoot: root}}, "shards[1]: 3 does not follow 4"},
		{"error - long bitmap", []types.ShardReport{{Healthy: bytes.Repeat([]byte{1}, 65), EvidenceRoot: root}}, "healthy: at most 64"},
		{"error - second form", []types.ShardReport{{Healthy: []byte{1, 0}, EvidenceRoot: root}}, "trailing zero"},
		{"error - quality count", []types.ShardReport{{Healthy: []byte{5}, Quality: []byte{1}, EvidenceRoot: root}}, "quality: want one byte for each of 2"},
		{"error - no evidence", []types.ShardReport{{Healthy: []byte{5}}}, "evidence_root: want 32"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := types.Report{Shards: c.shards}.Validate()
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, types.ErrInvalidReport)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestReportShard(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r types.Report
		have := map[uint64]bool{}
		next := uint64(0)
		for _, step := range rapid.SliceOfN(rapid.Uint64Range(1, 5), 0, 40).Draw(t, "steps") {
			next += step
			have[next] = true
			r.Shards = append(r.Shards, types.ShardReport{Shard: next})
		}
		for shard := range next + 3 {
			got, ok := r.Shard(shard)
			require.Equal(t, have[shard], ok)
			if ok {
				require.Equal(t, shard, got.Shard)
			}
		}
	})
}

// A message of any bytes is refused or has one canonical meaning: what validates encodes and hashes the same again.
func FuzzSubmitReport(f *testing.F) {
	for _, m := range []types.MsgSubmitReport{
		{},
		{Operator: testOperator, Round: 3, Commit: make([]byte, 32)},
		{Operator: testOperator, Round: 4, Salt: make([]byte, 32), Reveal: &types.Report{Shards: []types.ShardReport{{Shard: 1, Healthy: []byte{2}, EvidenceRoot: make([]byte, 32)}}}},
	} {
		raw, err := m.Marshal()
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var m types.MsgSubmitReport
		if m.Unmarshal(raw) != nil || m.Validate() != nil || m.Reveal == nil {
			return
		}
		again, err := m.Reveal.Marshal()
		require.NoError(t, err)
		var r types.Report
		require.NoError(t, r.Unmarshal(again))
		require.NoError(t, r.Validate())
		require.Equal(t, types.CommitHash("c", m.Operator, m.Round, *m.Reveal, m.Salt), types.CommitHash("c", m.Operator, m.Round, r, m.Salt))
	})
}
