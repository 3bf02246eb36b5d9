// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/athnet/ath/offchain/checker/probe"
	providertypes "github.com/athnet/ath/x/providers/types"
)

var testRound = Round{
	Number: 4, Start: time.Unix(1000, 0), SubmitFrom: time.Unix(1070, 0), EndsAt: time.Unix(1100, 0),
}

func TestPlan(t *testing.T) {
	at := func(s int64) time.Time { return time.Unix(1000+s, 0) }
	for name, tc := range map[string]struct {
		p    Progress
		now  time.Time
		want Step
	}{
		"the first sweep starts with the round":         {Progress{Shards: 1}, at(0), StepSweep},
		"the second is not due yet":                     {Progress{Shards: 1, Sweeps: 1}, at(20), StepWait},
		"the second is due":                             {Progress{Shards: 1, Sweeps: 1}, at(24), StepSweep},
		"sweeps do not overlap":                         {Progress{Shards: 1, Sweeps: 1, Sweeping: true}, at(60), StepWait},
		"all are made":                                  {Progress{Shards: 1, Sweeps: 3}, at(60), StepWait},
		"nothing to check":                              {Progress{}, at(0), StepWait},
		"a running sweep is ended to report":            {Progress{Shards: 1, Sweeps: 1, Sweeping: true, Measured: true}, at(70), StepFinish},
		"report":                                        {Progress{Shards: 1, Sweeps: 3, Measured: true}, at(70), StepSubmit},
		"one transaction at a time":                     {Progress{Shards: 1, Measured: true, Sending: true}, at(71), StepWait},
		"done":                                          {Progress{Shards: 1, Measured: true, Committed: true}, at(71), StepWait},
		"reveal alone":                                  {Progress{OwesReveal: true}, at(71), StepSubmit},
		"nothing measured, nothing said":                {Progress{Shards: 1}, at(71), StepWait},
		"nothing measured, the reveal still goes out":   {Progress{Shards: 1, OwesReveal: true}, at(71), StepSubmit},
		"sealed before a restart":                       {Progress{Shards: 1, Sealed: true}, at(71), StepSubmit},
		"a round that lasts longer still takes reports": {Progress{Shards: 1, Measured: true}, at(500), StepSubmit},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, plan(testRound, tc.p, 3, tc.now)) })
	}
}

func TestPlanIsSafe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Progress{
			Shards: rapid.IntRange(0, 3).Draw(t, "shards"), Sweeps: rapid.IntRange(0, 4).Draw(t, "sweeps"),
			Sweeping: rapid.Bool().Draw(t, "sweeping"), Measured: rapid.Bool().Draw(t, "measured"), Sealed: rapid.Bool().Draw(t, "sealed"),
			Committed: rapid.Bool().Draw(t, "committed"), OwesReveal: rapid.Bool().Draw(t, "owes"), Sending: rapid.Bool().Draw(t, "sending"),
		}
		now := time.Unix(1000+rapid.Int64Range(-10, 200).Draw(t, "now"), 0)
		step := plan(testRound, p, 3, now)
		open := !now.Before(testRound.SubmitFrom)
		if step == StepSubmit && (!open || p.Sending) {
			t.Fatal("submits outside the window or twice at once")
		}
		if step == StepSubmit && !p.OwesReveal && (p.Committed || p.Shards == 0 || !p.Measured && !p.Sealed) {
			t.Fatal("submits with nothing to say")
		}
		if step == StepSweep && (open || p.Sweeping || p.Shards == 0 || p.Sweeps >= 3) {
			t.Fatal("sweeps when it must not")
		}
		if step == StepFinish && !p.Sweeping {
			t.Fatal("ends a sweep that does not run")
		}
	})
}

// fakeBlocks knows blocks 1 to its value.
type fakeBlocks int64

func hashAt(height int64) []byte {
	sum := sha256.Sum256([]byte{byte(height)})
	return sum[:]
}

func (b fakeBlocks) Hash(height int64) []byte {
	if height < 1 || height > int64(b) {
		return nil
	}
	return hashAt(height)
}

func good(head, height int64, latency time.Duration) probe.Sample {
	return probe.Sample{Kind: probe.OK, Head: head, Height: height, BlockHash: hashAt(height), LatencyNS: latency}
}

func TestJudge(t *testing.T) {
	ok, bad, local := good(50, 50, time.Millisecond), probe.Sample{Kind: probe.Unreachable}, probe.Sample{Kind: probe.Local}
	foreign := good(50, 50, 0)
	foreign.BlockHash = hashAt(51)
	for name, tc := range map[string]struct {
		samples []probe.Sample
		healthy bool
	}{
		"no sample is no health":               {nil, false},
		"one good":                             {[]probe.Sample{ok}, true},
		"one lost of three":                    {[]probe.Sample{ok, bad, ok}, true},
		"two lost of three":                    {[]probe.Sample{bad, ok, bad}, false},
		"half is not most":                     {[]probe.Sample{ok, bad}, false},
		"own faults do not count":              {[]probe.Sample{ok, local, local}, true},
		"own faults alone prove nothing":       {[]probe.Sample{local, local}, false},
		"a block of another chain":             {[]probe.Sample{foreign}, false},
		"an old block":                         {[]probe.Sample{good(50, 39, 0)}, false},
		"the oldest block that counts":         {[]probe.Sample{good(50, 40, 0)}, true},
		"a block that came after the question": {[]probe.Sample{good(50, 51, 0)}, true},
		"a block that never came":              {[]probe.Sample{good(50, 90, 0)}, false},
		"wrong key":                            {[]probe.Sample{{Kind: probe.WrongKey}}, false},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.healthy, judge(tc.samples, fakeBlocks(60), 10).Healthy()) })
	}
}

func TestQuality(t *testing.T) {
	ms := time.Millisecond
	for name, tc := range map[string]struct {
		latency, ports []time.Duration
		want           byte
	}{
		"nothing":           {nil, nil, 0},
		"below 1 ms":        {[]time.Duration{ms / 2}, nil, 0},
		"1 ms":              {[]time.Duration{ms}, nil, 1},
		"median":            {[]time.Duration{900 * ms, ms, 3 * ms}, nil, 2},
		"very slow":         {[]time.Duration{time.Hour}, nil, 15},
		"ports fast":        {[]time.Duration{ms}, []time.Duration{ms / 2}, 1<<4 | 1},
		"ports slow":        {[]time.Duration{ms}, []time.Duration{time.Minute}, 14<<4 | 1},
		"ports do not open": {[]time.Duration{ms}, []time.Duration{-1, -1, ms}, 15<<4 | 1},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, qualityOf(tc.latency, tc.ports)) })
	}
}

func TestReportIsValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shard := Shard{Number: rapid.Uint64Range(0, 9).Draw(t, "shard")}
		samples := map[uint64][]probe.Sample{}
		for slot := range rapid.Uint64Range(0, providertypes.ShardSize-1).Draw(t, "slots") {
			shard.Members = shard.Members.With(slot)
			if rapid.Bool().Draw(t, "answers") {
				id := shard.Number*providertypes.ShardSize + slot
				samples[id] = []probe.Sample{good(50, 50, time.Duration(slot)*time.Millisecond)}
			}
		}
		report, evidence, undecided := assembleReport([]Shard{shard}, samples, fakeBlocks(60), 10)
		if err := report.Validate(); err != nil {
			t.Fatal(err)
		}
		if got := providertypes.Bitmap(report.Shards[0].Healthy).Count(); got != len(samples) {
			t.Fatalf("%d healthy of %d", got, len(samples))
		}
		if undecided != shard.Members.Count()-len(samples) {
			t.Fatalf("%d undecided", undecided)
		}
		if err := evidence[0].Verify(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestMerkleRoot holds the tree to the published vectors of RFC 6962's reference implementation.
func TestMerkleRoot(t *testing.T) {
	leaves := []string{"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}
	roots := map[int]string{
		0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
	for n, want := range roots {
		var hashes [][]byte
		for _, leaf := range leaves[:n] {
			b, err := hex.DecodeString(leaf)
			require.NoError(t, err)
			hashes = append(hashes, leafHash(b))
		}
		require.Equal(t, want, hex.EncodeToString(merkleRoot(hashes)), "%d leaves", n)
	}
}

func TestEvidenceCannotBeChanged(t *testing.T) {
	e := Evidence{Samples: []probe.Sample{{ContainerID: 1, Kind: probe.OK}, {ContainerID: 2, Kind: probe.Unreachable}}}
	e.seal()
	require.NoError(t, e.Verify())
	e.Leaves[1] = []byte(`{"container_id":2,"kind":"ok"}`)
	require.ErrorContains(t, e.Verify(), "root")
}
