// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// Figures of the chain alone come from Go benchmarks whose name starts with BenchmarkFigure: each metric that such a
// benchmark reports under a name in lower case is a figure of build/bench.json. A new figure is so one benchmark in the
// package that it is about, and nothing else.
var (
	figureName = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)+$`)
	figureUnit = map[string]string{"ratio": "ratio", "ms": "ms", "s": "s", "gas": "gas", "mib": "MiB", "ath": "ATH"}
)

// chain runs the benchmarks of the chain's packages, all or only one, once each: they repeat what needs repeating by themselves.
func (fs figures) chain(ctx context.Context, root, only string, talk io.Writer) error {
	var out bytes.Buffer
	which := "^BenchmarkFigure"
	if only != "" {
		which += regexp.QuoteMeta(only) + "$"
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", which, "-benchtime", "1x", "-timeout", "60m", "./x/...", "./app/...")
	cmd.Dir, cmd.Stdout, cmd.Stderr = root, io.MultiWriter(&out, talk), talk
	cmd.WaitDelay = stopTime
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("benchmarks of the chain: %w", err)
	}
	if err := fs.parse(out.String()); err != nil || only == "" || len(fs) > 0 {
		return err
	}
	return fmt.Errorf("--only %s: no benchmark BenchmarkFigure%s has reported a figure", only, only)
}

// parse reads what `go test -bench` printed.
func (fs figures) parse(out string) error {
	pkg := ""
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) == 2 && fields[0] == "pkg:" {
			pkg = fields[1]
		}
		if len(fields) < 2 || !strings.HasPrefix(fields[0], "BenchmarkFigure") {
			continue
		}
		for i := 2; i+1 < len(fields); i += 2 {
			name := fields[i+1]
			if !figureName.MatchString(name) {
				continue // ns/op and the like
			}
			value, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return fmt.Errorf("%s of %s: %w", name, fields[0], err)
			}
			if _, twice := fs[name]; twice {
				return fmt.Errorf("%s is reported twice, the second time by %s in %s", name, fields[0], pkg)
			}
			benchmark, _, _ := strings.Cut(fields[0], "-")
			fs[name] = figure{value, figureUnit[name[strings.LastIndexByte(name, '_')+1:]], benchmark + " in " + pkg}
		}
	}
	return nil
}

// keep takes over the figures of an earlier run that this one does not measure.
func (fs figures) keep(path string) error {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read earlier figures: %w", err)
	}
	earlier := figures{}
	if err := json.Unmarshal(b, &earlier); err != nil {
		return fmt.Errorf("read earlier figures in %s: %w", path, err)
	}
	for name, f := range earlier {
		if _, measured := fs[name]; !measured {
			fs[name] = f
		}
	}
	return nil
}
