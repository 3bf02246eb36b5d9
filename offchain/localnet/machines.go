// SPDX-License-Identifier: Apache-2.0

package localnet

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
)

// WorkerName is the name of the worker's process on a machine: 0 is this one, 1 the first of Config.Worker.Machines.
func (*Network) WorkerName(machine int) string {
	if machine == 0 {
		return WorkerP
	}
	return fmt.Sprintf("%s-%d", WorkerP, machine+1)
}

// WorkerHealth is where a machine's worker answers health and metrics.
func (n *Network) WorkerHealth(machine int) string {
	return "http://" + n.address(n.Config.Ports.WorkerHealth+2*machine)
}

func (n *Network) workerAccount(machine int) string {
	if machine == 0 {
		return n.Config.Worker.Account
	}
	return n.Config.Worker.Machines[machine-1]
}

// workloadPorts gives every machine its part of the ports.
func (n *Network) workloadPorts(machine int) string {
	first, last := n.Config.Ports.Workloads[0], n.Config.Ports.Workloads[1]
	part := (last - first + 1) / (1 + len(n.Config.Worker.Machines))
	return fmt.Sprintf("%d-%d", first+part*machine, first+part*(machine+1)-1)
}

// elsewhere lets a process believe that it runs on another machine: in a mount namespace of its own, with a copy of /etc that has another
// machine id. Such a worker can't give leases disks of their own, because the engine would not see them.
func (n *Network) elsewhere(p *process, machine int) error {
	etc := filepath.Join(n.Config.Home, fmt.Sprintf("etc-%d", machine+1))
	if err := os.CopyFS(etc, os.DirFS("/etc")); err != nil {
		return fmt.Errorf("make machine %d: %w", machine+1, err)
	}
	id := sha256.Sum256([]byte(fmt.Sprintf("ath local network machine\x00%s\x00%d", n.Config.ChainID, machine)))
	path := filepath.Join(etc, "machine-id")
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("make machine %d: %w", machine+1, err)
	}
	if err := os.WriteFile(path, []byte(hex.EncodeToString(id[:16])+"\n"), 0o444); err != nil {
		return fmt.Errorf("make machine %d: %w", machine+1, err)
	}
	p.args = append([]string{"--mount", "sh", "-c", `mount --bind "$0" /etc && exec "$@"`, etc, p.path}, p.args...)
	p.path = "unshare"
	return nil
}
