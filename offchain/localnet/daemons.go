// SPDX-License-Identifier: Apache-2.0

package localnet

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/athnet/ath/offchain/worker"
)

// nodeEnv of a daemon: every setting of a daemon is a variable with its prefix.
func (n *Network) daemonEnv(prefix string, settings map[string]string) []string {
	env := []string{
		prefix + "_GRPC=" + n.address(n.Config.Ports.GRPC), prefix + "_RPC=http://" + n.address(n.Config.Ports.RPC),
		prefix + "_CHAIN_ID=" + n.Config.ChainID, prefix + "_GAS_PRICE=" + gasPrice,
	}
	for name, value := range settings {
		env = append(env, prefix+"_"+name+"="+value)
	}
	return env
}

// startWorker makes the home of the worker of a machine, 0 for this one, and starts it; it registers and offers by itself.
func (n *Network) startWorker(ctx context.Context, machine int) error {
	c := n.Config
	name, account := n.WorkerName(machine), n.workerAccount(machine)
	home := filepath.Join(c.Home, strings.TrimPrefix(name, "ath-"))
	key, _, err := c.key(account)
	if err != nil {
		return err
	}
	if err := key.Save(filepath.Join(home, worker.FileOperatorKey)); err != nil {
		return err
	}
	gateway := n.address(c.Ports.Worker + 2*machine)
	env := n.daemonEnv("ATH_WORKER", map[string]string{
		"ENDPOINT": gateway, "LISTEN": gateway, "LOCAL": n.address(c.Ports.WorkerHealth + 2*machine),
		"REGION": c.Worker.Region, "CLASS": "cpu", "PUBLISH_IP": "127.0.0.1", "DOCKER_HOST": n.engine.host,
		"PORTS": n.workloadPorts(machine),
		// Seconds instead of minutes, like everything here; images come as soon as a tenant has named them.
		"USAGE_INTERVAL": "3s", "SETTLE_INTERVAL": "5s", "MANIFEST_WAIT": "15s", "START_WAIT": "60s", "STOP_GRACE": "2s", "EARLY_PULL": "true",
	})
	if _, err := run(ctx, env, n.bin(WorkerP), "init", "--home", home); err != nil {
		return err
	}
	p := &process{name: name, path: n.bin(WorkerP), args: []string{"start", "--home", home, "--register", "--price", c.Worker.Price}, env: env}
	if n.engine.dir != "" {
		// In a session of its own, so that it comes to its end when the worker is killed over it, and where this process mounts.
		p.env = append(p.env, fmt.Sprintf("ATH_WORKER_ENGINE_RESTART=setsid --fork nsenter --mount --target %d '%s' restart '%s'", os.Getpid(), n.engine.script, n.engine.dir))
	}
	if machine > 0 {
		if err := n.elsewhere(p, machine); err != nil {
			return err
		}
	}
	return n.launch(p)
}

// fileKey is where ath-checker and ath-indexer keep the key they sign with.
const fileKey = "key.json"

// startChecker starts the Checker of an account, which owns and operates one licence.
func (n *Network) startChecker(i int, account string) error {
	name := fmt.Sprintf("ath-checker-%d", i+1)
	home := filepath.Join(n.Config.Home, name)
	key, _, err := n.Config.key(account)
	if err != nil {
		return err
	}
	if err := key.Save(filepath.Join(home, fileKey)); err != nil {
		return err
	}
	env := n.daemonEnv("ATH_CHECKER", map[string]string{
		"LISTEN": n.address(n.Config.Ports.Checkers + i), "PROBE_TIMEOUT": "1s", // a round is seconds here
	})
	return n.launch(&process{name: name, path: n.bin("ath-checker"), args: []string{"start", "--home", home}, env: env})
}

func (n *Network) startIndexer() error {
	home := filepath.Join(n.Config.Home, "indexer")
	key, _, err := n.Config.key(n.Config.Indexer)
	if err != nil {
		return err
	}
	if err := key.Save(filepath.Join(home, fileKey)); err != nil {
		return err
	}
	env := n.daemonEnv("ATH_INDEXER", map[string]string{"LISTEN": n.address(n.Config.Ports.Indexer)})
	return n.launch(&process{name: IndexP, path: n.bin(IndexP), args: []string{"start", "--home", home}, env: env})
}

// startDaemons starts everything that follows the chain, all at once: none waits for another.
func (n *Network) startDaemons(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	for machine := range 1 + len(n.Config.Worker.Machines) {
		g.Go(func() error { return n.startWorker(gctx, machine) })
	}
	g.Go(func() error {
		if err := n.buyLicences(gctx); err != nil {
			return err
		}
		for i, account := range n.Config.Checkers {
			if err := n.startChecker(i, account); err != nil {
				return err
			}
		}
		return nil
	})
	g.Go(n.startIndexer)
	if err := g.Wait(); err != nil {
		return err
	}
	n.say("%d Checkers with a licence each, an Indexer at %s", len(n.Config.Checkers), n.IndexerURL())
	c, err := n.awaitContainers(ctx)
	if err != nil {
		return err
	}
	n.say("worker: this machine is Container %d: %.1f cores, %d MiB, class %s, for %s", c.Container.Id,
		float64(c.Container.Spec.CpuMilli)/1000, c.Container.Spec.MemoryMib, c.Container.Class, n.Config.Worker.Price)
	return nil
}

// CheckInvariants stops the node and checks its whole state; it returns what athd says of it.
func (n *Network) CheckInvariants(ctx context.Context) (string, error) {
	for _, name := range n.stopOrder() {
		if err := n.process(name).stop(); err != nil {
			return "", err
		}
	}
	return run(ctx, nil, n.bin("athd"), "debug", "invariants", "--home", n.nodeHome())
}
