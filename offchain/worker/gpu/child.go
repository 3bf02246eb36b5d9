// SPDX-License-Identifier: Apache-2.0

package gpu

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"time"
)

// childTime is what a driver may take to list its devices; the first look at one may compile kernels.
const childTime = time.Minute

// Child is a source whose driver runs in a process of its own, which ends with the answer. A vendor's compute driver may bring a
// whole compiler into memory, or crash; neither is the worker's business.
type Child struct {
	// Command prints a list of devices in JSON on standard output.
	Command string
	Args    []string
}

var _ Source = (*Child)(nil)

// Devices implements Source.
func (c *Child) Devices(ctx context.Context) ([]Device, error) {
	ctx, cancel := context.WithTimeout(ctx, childTime)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, c.Command, c.Args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %w: %s", ErrUnavailable, err, bytes.TrimSpace(stderr.Bytes()))
	}
	var devices []Device
	if err := json.Unmarshal(out, &devices); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrUnavailable, c.Command, err)
	}
	return devices, nil
}

// Stats implements Source: a look from outside sees no more than the list.
func (*Child) Stats(context.Context) ([]Stat, error) { return nil, nil }
