// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

// BenchmarkFigureRegister compares the gas of a data centre's 500 machines in one transaction with that of one machine in one:
// signature, bytes and fee of the transaction included.
func BenchmarkFigureRegister(b *testing.B) {
	var bulk, single float64
	for b.Loop() {
		owner := gen.NewAccount("owner")
		c := shadow.New(b, []shadow.Twin{shadow.Plain()}, gen.ATH(90_000_000), []gen.Account{owner}, quickGenesis)
		c.Block(time.Second, c.Sign(owner, &providerstypes.MsgRegisterProvider{Owner: owner.String(), Tier: providerstypes.Tier_TIER_ENTERPRISE, Country: "DE"}))
		machines := 0
		gas := func(count int) float64 {
			register := &providerstypes.MsgRegisterContainers{Owner: owner.String(), MaxStake: gen.ATH(80_000_000)}
			for range count {
				machines++
				register.Containers = append(register.Containers, rackMachine(owner, machines))
			}
			opts := gen.Options{Gas: 200_000_000, Fee: gen.ATH(1)}
			res := c.Block(time.Second, c.SignWith(owner, opts, register)).TxResults[0]
			require.Zero(b, res.Code, res.Log)
			return float64(res.GasUsed) / float64(count)
		}
		gas(1) // the first of all writes counters that the others find
		single = gas(1)
		bulk = gas(500)
	}
	b.ReportMetric(single, "register_single_gas")
	b.ReportMetric(bulk, "register_500_containers_gas")
	b.ReportMetric(bulk/single, "register_500_containers_gas_ratio")
}

// rackKey is the worker key of a machine.
func rackKey(n int) ed25519.PrivateKey {
	seed := sha256.Sum256(fmt.Appendf(nil, "rack worker %d", n))
	return ed25519.NewKeyFromSeed(seed[:])
}

// rackMachine is one of many alike machines of a data centre.
func rackMachine(owner gen.Account, n int) providerstypes.NewContainer {
	key, fingerprint := rackKey(n), sha256.Sum256(fmt.Appendf(nil, "rack machine %d", n))
	consent := providerstypes.RegistrationSignBytes(shadow.ChainID, owner.String(), "h100-sxm-80", fingerprint[:])
	return providerstypes.NewContainer{
		Class: "h100-sxm-80", Count: 8, WorkerPubkey: key.Public().(ed25519.PublicKey), Fingerprint: fingerprint[:],
		WorkerSignature: ed25519.Sign(key, consent),
		Endpoint:        fmt.Sprintf("gpu%d.dc1.example.org:7443", n), Region: "eu-de-fra",
		Connectivity: providerstypes.Connectivity_CONNECTIVITY_DIRECT,
		Spec: providerstypes.Spec{
			GpuModel: "NVIDIA H100 80GB HBM3", Gpus: 8, VramMib: 81_559, Driver: "NVIDIA 570.86.15", Compute: "CUDA 12.8 sm_90", Bus: "NVLink 4",
			Ecc: true, CpuModel: "Intel Xeon Platinum 8480C", CpuMilli: 224_000, MemoryMib: 2_063_000, DiskMib: 28_000_000, NetworkMbps: 100_000,
			Throughput: 98_950_000, Platform: "linux/amd64",
		},
	}
}
