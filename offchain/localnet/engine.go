// SPDX-License-Identifier: Apache-2.0

package localnet

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/moby/client"

	"github.com/athnet/ath/offchain/worker/runtime/docker"
)

// maxSocketDir is how long a directory may be for a socket in it: the kernel allows 107 bytes of path.
const maxSocketDir = 90

// labelChain marks everything that a worker makes on an engine.
const labelChain = "ath.chain"

// engine is the container engine of the network.
type engine struct {
	// host is its address, such as unix:///var/run/docker.sock.
	host string
	// dir of the private engine; empty where a present one is used.
	dir string
	// script starts and stops a private engine.
	script string
}

// openEngine uses the engine of DOCKER_HOST or of the usual socket, and starts a private one where none answers or one is wanted.
func openEngine(ctx context.Context, root, home string, private bool) (engine, error) {
	script, err := filepath.Abs(filepath.Join(root, "scripts", "dockerd.sh"))
	if err != nil {
		return engine{}, fmt.Errorf("find scripts/dockerd.sh: %w", err)
	}
	host := os.Getenv(client.EnvOverrideHost)
	if host == "" {
		host = client.DefaultDockerHost
	}
	e := engine{host: host, script: script}
	if private {
		return e.start(ctx, home)
	}
	if err = e.ping(ctx); err == nil {
		return e, nil
	}
	if os.Getenv(client.EnvOverrideHost) != "" {
		return e, fmt.Errorf("no container engine answers at DOCKER_HOST=%s: %w; start it, or unset DOCKER_HOST to have a private one started", host, err)
	}
	return e.start(ctx, home)
}

// start starts a private engine.
func (e engine) start(ctx context.Context, home string) (engine, error) {
	if e.dir = filepath.Join(home, "engine"); len(e.dir) > maxSocketDir {
		h := fnv.New32a()
		h.Write([]byte(home))
		e.dir = filepath.Join(os.TempDir(), fmt.Sprintf("ath-engine-%08x", h.Sum32()))
	}
	out, err := run(ctx, nil, e.script, "start", e.dir)
	if err != nil {
		return e, fmt.Errorf("no container engine runs and none can be started: %w; install Docker (`make deps` on Debian, as root) or start it", err)
	}
	_, address, ok := strings.Cut(strings.TrimSpace(out), "DOCKER_HOST=")
	if !ok {
		return e, fmt.Errorf("start the private engine: %s printed %q", e.script, out)
	}
	e.host = address
	return e, nil
}

func (e engine) client() (*client.Client, error) {
	return client.New(client.WithHost(e.host))
}

func (e engine) ping(ctx context.Context) error {
	c, err := e.client()
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true})
	return err
}

// clear removes what a chain's workers made: containers, volumes and disks, networks, packet filter rules.
func (e engine) clear(ctx context.Context, chainID string) error {
	if e.host == "" || e.ping(ctx) != nil {
		return nil // an engine that is gone has taken everything with it
	}
	c, err := e.client()
	if err != nil {
		return fmt.Errorf("clear containers: %w", err)
	}
	defer c.Close()
	mine := client.Filters{}.Add("label", labelChain+"="+chainID)
	containers, err := c.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: mine})
	if err != nil {
		return fmt.Errorf("clear containers: %w", err)
	}
	var errs []error
	for _, item := range containers.Items {
		if _, err := c.ContainerRemove(ctx, item.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true}); err != nil {
			errs = append(errs, fmt.Errorf("remove container %.12s: %w", item.ID, err))
		}
	}
	volumes, err := c.VolumeList(ctx, client.VolumeListOptions{Filters: mine})
	if err != nil {
		return errors.Join(append(errs, fmt.Errorf("clear volumes: %w", err))...)
	}
	for _, v := range volumes.Items {
		if _, err := c.VolumeRemove(ctx, v.Name, client.VolumeRemoveOptions{}); err != nil {
			errs = append(errs, fmt.Errorf("remove volume %s: %w", v.Name, err))
		}
	}
	networks, err := c.NetworkList(ctx, client.NetworkListOptions{Filters: mine})
	if err != nil {
		return errors.Join(append(errs, fmt.Errorf("clear networks: %w", err))...)
	}
	for _, n := range networks.Items {
		if _, err := c.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{}); err != nil {
			errs = append(errs, fmt.Errorf("remove network %s: %w", n.Name, err))
		}
	}
	// A worker that leaves an engine without networks of any worker takes the packet filter rules with it.
	if r, err := docker.New(ctx, docker.Config{Host: e.host, Chain: chainID, Disk: docker.ModeOff, Log: slog.New(slog.DiscardHandler)}); err == nil {
		errs = append(errs, r.DropDisks(), r.Close())
	}
	return errors.Join(errs...)
}

// stop ends a private engine; one that was there before stays.
func (e engine) stop(ctx context.Context) error {
	if e.dir == "" {
		return nil
	}
	if _, err := run(ctx, nil, e.script, "stop", e.dir); err != nil {
		return fmt.Errorf("stop the private engine: %w", err)
	}
	return os.RemoveAll(e.dir)
}
