// SPDX-License-Identifier: Apache-2.0

// Package docker runs instances through the Docker Engine API.
package docker

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/system"
	"github.com/moby/moby/client"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/runtime"
)

// Labels on everything that a worker makes: enough to adopt an instance without any memory of it.
const (
	labelChain     = "ath.chain"
	labelWorker    = "ath.worker"
	labelLease     = "ath.lease"
	labelService   = "ath.service"
	labelContainer = "ath.container"
	labelManifest  = "ath.manifest"
	labelDefined   = "ath.definition"
	labelRestart   = "ath.restart"
	labelDisk      = "ath.disk"
)

// Mode says what to do where the machine can't enforce a rule.
type Mode string

const (
	// ModeGuard enforces the rule where that is possible, and says so where it is not.
	ModeGuard Mode = "guard"
	// ModeRequire refuses to run without.
	ModeRequire Mode = "require"
	// ModeOff leaves it open: for development.
	ModeOff Mode = "off"
)

// Config says which engine, and for whom.
type Config struct {
	// Host is the engine's address, such as unix:///var/run/docker.sock; the environment's (DOCKER_HOST) where empty.
	Host string
	// Chain and Worker (hex of the worker key) keep what several workers make on one engine apart.
	Chain, Worker string
	// PublishIP is the address on which ports are published; all where empty.
	PublishIP string
	// Egress is about a workload's way to the machine and to private networks, Disk about the limit of its storage.
	Egress, Disk Mode
	// NetworkMbps is the machine's bandwidth in Mbit/s, of which workloads share nine tenths; not limited where 0.
	NetworkMbps uint64
	// ImageMiB is what an image may take, downloaded and unpacked each, in MiB; 64 GiB where 0.
	ImageMiB uint64
	// Wait is how long New waits for an engine that does not answer; it is asked once where 0.
	Wait time.Duration
	Log  *slog.Logger
}

// answerTime is how long an engine may take to say what there is, and what it uses.
const answerTime = 30 * time.Second

// Runtime implements runtime.Runtime.
type Runtime struct {
	config Config
	engine *client.Client
	egress egress
	disks  disks
	info   system.Info
	log    *slog.Logger
	pulls  sync.Mutex
	// imageFiles is how many files an image may have, keepFreeMiB what none may take of the machine's disk.
	imageFiles, keepFreeMiB int64
	patience                time.Duration // with an engine that takes a question and does not answer
	create                  sync.Mutex    // the engine takes two networks of one name; one Create at a time doesn't make them
}

var _ runtime.Runtime = (*Runtime)(nil)

// New connects to an engine and asks it who it is.
func New(ctx context.Context, config Config) (*Runtime, error) {
	opts := []client.Opt{client.FromEnv}
	if config.Host != "" {
		opts = append(opts, client.WithHost(config.Host))
	}
	engine, err := client.New(opts...)
	if err != nil {
		return nil, fmt.Errorf("docker: %w", err)
	}
	r := &Runtime{config: config, engine: engine, log: config.Log, egress: egress{mode: cmp.Or(config.Egress, ModeGuard), mbps: config.NetworkMbps * 9 / 10}, imageFiles: maxImageFiles, keepFreeMiB: keepFreeMiB, patience: answerTime}
	r.disks.mode = cmp.Or(config.Disk, ModeGuard)
	if err := r.greet(ctx); err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	return r, nil
}

// greet waits for the engine and finds out about it. One that goes away meanwhile is waited for again: what was found out without it
// would hold for as long as this process lives.
func (r *Runtime) greet(ctx context.Context) error {
	deadline := time.Now().Add(r.config.Wait)
	for tried := false; ; tried = true {
		err := r.probe(ctx)
		if !errors.Is(err, runtime.ErrUnavailable) || !time.Now().Before(deadline) {
			return err
		}
		if !tried {
			r.log.Warn("waiting for the container engine", "for", r.config.Wait, "err", err)
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(reconnect / 2):
		}
	}
}

// probe finds out which rules this machine enforces.
func (r *Runtime) probe(ctx context.Context) error {
	if _, err := r.engine.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		return r.fail("ping", err)
	}
	info, err := r.engine.Info(ctx, client.InfoOptions{})
	if err != nil {
		return r.fail("info", err)
	}
	r.info = info.Info
	r.disks.uid, r.disks.gid = rootOf(r.info)
	if err := r.egress.probe(ctx, r.log); err != nil {
		return err
	}
	if err := r.disks.probe(ctx, r.engine.DaemonHost(), r.info.Driver, r.info.DockerRootDir, r.config.Chain, r.config.Worker); err != nil {
		return err
	}
	if !r.disks.active() {
		r.log.Warn("workloads can fill this machine's disk", "err", r.disks.why)
	}
	return nil
}

// rootOf is 0, 0 unless the engine maps users: then its data directory has the name of who is root inside.
func rootOf(info system.Info) (uid, gid int) {
	if !slices.ContainsFunc(info.SecurityOptions, func(o string) bool { return strings.HasPrefix(o, "name=userns") }) {
		return 0, 0
	}
	if n, err := fmt.Sscanf(filepath.Base(info.DockerRootDir), "%d.%d", &uid, &gid); n != 2 || err != nil {
		return 0, 0 // an engine with rootless users: then this process is as much root as its workloads
	}
	return uid, gid
}

// Close drops the connection; instances go on. Packet filter rules go when no worker has a network left on this machine.
func (r *Runtime) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if r.disks.active() {
		for dir := r.disks.dir; dir != r.info.DockerRootDir && os.Remove(dir) == nil; dir = filepath.Dir(dir) {
			continue // those that are empty
		}
	}
	return errors.Join(r.egress.release(ctx), r.engine.Close())
}

// Version of the engine, for people.
func (r *Runtime) Version(ctx context.Context) (string, error) {
	v, err := r.engine.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		return "", r.fail("version", err)
	}
	return "docker " + v.Version, nil
}

// fail wraps an engine's error so that a caller can act on it.
func (r *Runtime) fail(operation string, err error) error {
	switch {
	case err == nil:
		return nil
	case client.IsErrConnectionFailed(err), errors.Is(err, context.DeadlineExceeded), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fmt.Errorf("docker %s: %w: %w; is dockerd running, and may this user open its socket?", operation, runtime.ErrUnavailable, err)
	case cerrdefs.IsNotFound(err):
		return fmt.Errorf("docker %s: %w: %w", operation, runtime.ErrNotFound, err)
	default:
		return fmt.Errorf("docker %s: %w", operation, err)
	}
}

// slug is a short name of a lease that engine and kernel accept: lease ids are too long for both.
func (r *Runtime) slug(lease string) string {
	return short(r.config.Chain + "\x00" + r.config.Worker + "\x00" + lease)
}

func short(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:6])
}

func (r *Runtime) name(key runtime.Key) string { return "ath-" + r.slug(key.Lease) + "-" + key.Service }

func (r *Runtime) labels(lease string) map[string]string {
	return map[string]string{labelChain: r.config.Chain, labelWorker: r.config.Worker, labelLease: lease}
}

// mine selects what this worker made, of one lease or of all.
func (r *Runtime) mine(lease string) client.Filters {
	f := client.Filters{}.Add("label", labelChain+"="+r.config.Chain).Add("label", labelWorker+"="+r.config.Worker)
	if lease != "" {
		f.Add("label", labelLease+"="+lease)
	}
	return f
}

// List implements runtime.Observer.
func (r *Runtime) List(ctx context.Context) ([]runtime.Instance, error) {
	ctx, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	found, err := r.engine.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: r.mine("")})
	if err != nil {
		return nil, r.fail("list", err)
	}
	out := make([]runtime.Instance, 0, len(found.Items))
	for _, item := range found.Items {
		detail, err := r.engine.ContainerInspect(ctx, item.ID, client.ContainerInspectOptions{})
		if cerrdefs.IsNotFound(err) {
			continue // removed since it was listed
		}
		if err != nil {
			return nil, r.fail("inspect", err)
		}
		out = append(out, instanceOf(detail.Container))
	}
	slices.SortFunc(out, func(a, b runtime.Instance) int {
		return strings.Compare(a.Lease+"\x00"+a.Service, b.Lease+"\x00"+b.Service)
	})
	return out, nil
}

func instanceOf(c container.InspectResponse) runtime.Instance {
	labels := c.Config.Labels
	id, _ := strconv.ParseUint(labels[labelContainer], 10, 64) // 0 is no Container: treated as unknown
	i := runtime.Instance{
		ID: c.ID, Key: runtime.Key{Lease: labels[labelLease], Service: labels[labelService]}, Container: id,
		ManifestHash: labels[labelManifest], Definition: labels[labelDefined], Image: c.Config.Image, Restart: manifest.Restart(labels[labelRestart]),
		State: stateOf(c.State), ExitCode: c.State.ExitCode, OOMKilled: c.State.OOMKilled, Restarts: c.RestartCount,
		StartedAt: parseTime(c.State.StartedAt), FinishedAt: parseTime(c.State.FinishedAt),
	}
	i.CPUMilli, i.MemoryMiB = uint64(c.HostConfig.NanoCPUs/1_000_000), uint64(c.HostConfig.Memory>>20)
	for _, d := range c.HostConfig.DeviceRequests {
		i.GPUs = append(i.GPUs, d.DeviceIDs...)
	}
	for port, bindings := range c.HostConfig.PortBindings {
		for _, b := range bindings {
			if host, err := strconv.ParseUint(b.HostPort, 10, 16); err == nil {
				i.Ports = append(i.Ports, runtime.Port{Port: port.Num(), Host: uint16(host), Proto: string(port.Proto())})
			}
		}
	}
	slices.SortFunc(i.Ports, func(a, b runtime.Port) int { return int(a.Host) - int(b.Host) })
	return i
}

func stateOf(s *container.State) runtime.State {
	switch s.Status {
	case container.StateRunning, container.StatePaused:
		return runtime.StateRunning
	case container.StateRestarting:
		return runtime.StateRestarting
	case container.StateCreated:
		return runtime.StateCreated
	default:
		return runtime.StateExited
	}
}

// parseTime reads the engine's times; its "never" is the year 1, which is Go's zero time.
func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// find returns the engine's record of an instance. The name is a function of the key, so there is at most one.
func (r *Runtime) find(ctx context.Context, key runtime.Key) (container.InspectResponse, error) {
	found, err := r.engine.ContainerInspect(ctx, r.name(key), client.ContainerInspectOptions{})
	if err != nil {
		return container.InspectResponse{}, r.fail("inspect", err)
	}
	return found.Container, nil
}
