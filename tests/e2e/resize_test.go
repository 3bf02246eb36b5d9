// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"strconv"
	"time"

	"github.com/moby/moby/client"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

func init() {
	commands["limits"] = limits
	commands["one"] = one
	commands["larger"] = larger
}

// one LEASE: waits until one container of the lease runs, and no more.
func one(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, "LEASE")
	ctx, cancel := scriptContext()
	defer cancel()
	ts.Check(net.Poll(ctx, 30*time.Second, "the other containers to go", func(ctx context.Context) (bool, error) {
		ids, err := running(ctx, args[0])
		return len(ids) == 1, err
	}))
}

// larger LEASE MIB: waits until the lease's worker has a disk of more than so many MiB, and the one container runs on it.
func larger(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, "LEASE", "MIB")
	ctx, cancel := scriptContext()
	defer cancel()
	mib, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	c, err := client.New(client.WithHost(net.DockerHost()))
	ts.Check(err)
	defer c.Close()
	ts.Check(net.Poll(ctx, 30*time.Second, "a larger disk", func(ctx context.Context) (bool, error) {
		ids, err := running(ctx, args[0])
		if err != nil || len(ids) != 1 {
			return false, err
		}
		one, err := c.ContainerInspect(ctx, ids[0], client.ContainerInspectOptions{})
		if err != nil {
			return false, err
		}
		for _, m := range one.Container.Mounts {
			var s unix.Statfs_t
			if m.Destination == "/data" && unix.Statfs(m.Source, &s) == nil {
				return int64(s.Blocks)*s.Bsize > mib<<20, nil
			}
		}
		return false, nil
	}))
}

// limits LEASE SERVICE MILLI MIB: waits until the service's container runs with so much CPU and memory.
func limits(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, "LEASE", "SERVICE", "MILLI", "MIB")
	ctx, cancel := scriptContext()
	defer cancel()
	milli, err := strconv.ParseInt(args[2], 10, 64)
	ts.Check(err)
	mib, err := strconv.ParseInt(args[3], 10, 64)
	ts.Check(err)
	c, err := client.New(client.WithHost(net.DockerHost()))
	ts.Check(err)
	defer c.Close()
	filters := client.Filters{}.Add("label", "ath.lease="+args[0]).Add("label", "ath.service="+args[1])
	ts.Check(net.Poll(ctx, 30*time.Second, "limits of "+args[1], func(ctx context.Context) (bool, error) {
		found, err := c.ContainerList(ctx, client.ContainerListOptions{Filters: filters})
		if err != nil || len(found.Items) != 1 {
			return false, err
		}
		one, err := c.ContainerInspect(ctx, found.Items[0].ID, client.ContainerInspectOptions{})
		if err != nil {
			return false, err
		}
		has := one.Container.HostConfig
		return has.NanoCPUs == milli*1_000_000 && has.Memory == mib<<20, nil
	}))
}
