// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"time"

	"github.com/athnet/ath/offchain/daemon"
)

// Warnables are all that can be wrong with a worker.
func Warnables() []daemon.Warnable {
	return []daemon.Warnable{
		{
			Code: "node-unreachable", Title: "the node does not answer", Severity: daemon.SeverityHigh, After: 10 * time.Second,
			Text: "Workloads go on; new leases are not seen and usage is not reported.", Remedy: "check that the node runs, and --grpc and --rpc",
		},
		{
			Code: "runtime-unreachable", Title: "the container engine does not answer", Severity: daemon.SeverityHigh, After: 5 * time.Second,
			Text: "Nothing can be started or stopped.", Remedy: "start dockerd, or set --docker-host; the user needs access to its socket",
		},
		{
			Code: "engine-lost", Title: "the engine has lost workloads that run", Severity: daemon.SeverityHigh,
			Text: "It does not measure them; if it takes no output either, they stand still once that fills a pipe.", Remedy: "restart dockerd; with live-restore workloads go on. --engine-restart has it done. Where it does not help, the workload has lost its network: its tenant has to lease anew",
		},
		{
			Code: "heartbeat", Title: "heartbeats do not arrive", Severity: daemon.SeverityMedium, After: 10 * time.Second,
			Text: "After three intervals the Container gets no new leases.", Remedy: "read the detail; the operator account may lack uath, or its right to act for the provider",
		},
		{
			Code: "devices", Title: "a device is broken", Severity: daemon.SeverityHigh,
			Text: "The chain has taken the Container off the market; a lease that runs goes on.", Remedy: "repair or replace the device and restart the worker; Checkers then look at it anew",
		},
		{
			Code: "outbox", Title: "transactions fail", Severity: daemon.SeverityMedium, After: 10 * time.Second,
			Text: "Usage or closings wait on disk and are sent again.", Remedy: "read the detail; the operator account may lack uath, or its right to act for the provider",
		},
		{
			Code: "clock-skew", Title: "this machine's clock is behind", Severity: daemon.SeverityMedium, After: 10 * time.Second,
			Text: "Usage is stamped with a wrong time, in the tenant's favour.", Remedy: "synchronise the clock, for example with systemd-timesyncd or chrony",
		},
		{
			Code: "unverified-instance", Title: "instances of unknown leases", Severity: daemon.SeverityLow,
			Text: "The chain does not know their leases, so they are left alone.", Remedy: "if the chain was reset, remove them by hand: docker ps --filter label=ath.lease",
		},
		{
			Code: "restore-open", Title: "workloads end when the engine does", Severity: daemon.SeverityHigh,
			Text: "A restart or a crash of dockerd ends every lease's workload.", Remedy: "set \"live-restore\": true in /etc/docker/daemon.json and reload dockerd (systemctl reload docker)",
		},
		{
			Code: "ingress-certificate", Title: "the ingress's certificate can't be read", Severity: daemon.SeverityMedium,
			Text: "The last one is served until it expires.", Remedy: "read the detail; check --ingress-cert and --ingress-key",
		},
		{
			Code: "egress-open", Title: "workloads reach this machine and private networks", Severity: daemon.SeverityMedium,
			Text: "Packet filter rules could not be written.", Remedy: "run the worker with CAP_NET_ADMIN, or put the engine on a network of its own",
		},
		{
			Code: "disk-open", Title: "workloads can fill this machine's disk", Severity: daemon.SeverityMedium,
			Text: "A lease's storage is not limited to what was rented.", Remedy: "read the detail; `ath-worker check` tells when it is right",
		},
		{
			Code: "seccomp-open", Title: "system calls of workloads are not filtered", Severity: daemon.SeverityHigh,
			Text: "The engine runs without its seccomp profile.", Remedy: "take seccomp-profile out of daemon.json, or use a kernel with seccomp, and restart the engine",
		},
		{
			Code: "limits-open", Title: "the kernel does not enforce all limits", Severity: daemon.SeverityHigh,
			Text: "A workload can take more memory, CPU or processes than it rented.", Remedy: "read the detail; enable the missing cgroup controllers",
		},
	}
}
