// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/athnet/ath/offchain/manifest"
)

// definition names all of a service that an instance can't change once it is made: one that has the same goes on under another
// manifest. CPU and memory are not in it, since engines change those while an instance runs; nor is what the worker itself heeds, such as
// order of start, host names and routes; nor the size of what lies on the lease's storage, which all share.
//
// A service with GPUs is made anew whatever changes of its resources: engines set up an instance's devices anew as they change its
// limits, and what NVIDIA's driver had added is then gone.
func definition(s manifest.Service) string {
	type port struct {
		Port, As uint16
		Proto    string
		Options  bool // for HTTP: then a worker with an ingress publishes it there
	}
	d := struct {
		Image              string
		Command, Args, Env []string
		Ports              []port
		Restart            manifest.Restart
		ReadOnly           bool
		Volumes            []manifest.Volume
		Alias              string
		GPUs               *manifest.Resources
	}{Image: s.Image, Command: s.Command, Args: s.Args, Env: s.Env, Restart: s.Restart, ReadOnly: s.ReadOnly, Alias: s.ReplicaOf}
	for _, e := range s.Expose {
		if e.Global {
			d.Ports = append(d.Ports, port{e.Port, e.As, e.Proto, e.IsHTTP() && e.HTTP != nil})
		}
	}
	for _, v := range s.Volumes {
		if v.Class == manifest.ClassDisk {
			v.SizeMiB = 0
		}
		d.Volumes = append(d.Volumes, v)
	}
	if s.Resources.GPUs > 0 {
		d.GPUs = &s.Resources
	}
	text, err := json.Marshal(d)
	if err != nil {
		panic(err) // strings and numbers
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
