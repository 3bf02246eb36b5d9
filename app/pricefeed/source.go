// SPDX-License-Identifier: Apache-2.0

// Package pricefeed tells a validator's node what an ATH is worth in USD. It is outside of consensus: what it says is one
// vote among many.
package pricefeed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// maxAnswer bounds what a source may answer with.
const maxAnswer = 64 << 10

// Kinds of sources.
const (
	KindFile    = "file"
	KindCommand = "command"
	KindHTTP    = "http"
)

// Config is the table [price] of app.toml.
type Config struct {
	// Source is file, command or http; nothing is said about the price where it is empty.
	Source string `mapstructure:"source"`
	// From is a path, a command line whose words are separated by blanks (no shell), or a URL.
	From string `mapstructure:"from"`
	// JSONPath leads to the price in the answer, such as data.ath.usd; the answer is the price where it is empty.
	JSONPath string `mapstructure:"json-path"`
	// Interval between two questions.
	Interval time.Duration `mapstructure:"interval"`
	// Timeout of one question.
	Timeout time.Duration `mapstructure:"timeout"`
	// MaxAge of an answer: one that is older is not voted for.
	MaxAge time.Duration `mapstructure:"max-age"`
}

// DefaultConfig has no source.
func DefaultConfig() Config {
	return Config{Interval: 10 * time.Second, Timeout: 3 * time.Second, MaxAge: time.Minute}
}

// Validate says what is wrong with a configuration.
func (c Config) Validate() error {
	if c.Source == "" {
		return nil
	}
	if !slices.Contains([]string{KindFile, KindCommand, KindHTTP}, c.Source) {
		return fmt.Errorf("price.source in app.toml is %q; want file, command, http or nothing", c.Source)
	}
	if strings.TrimSpace(c.From) == "" {
		return fmt.Errorf("price.from in app.toml is empty; want what price.source = %q reads from", c.Source)
	}
	if at, err := url.Parse(c.From); c.Source == KindHTTP && (err != nil || at.Host == "" || (at.Scheme != "http" && at.Scheme != "https")) {
		return fmt.Errorf("price.from in app.toml is %q; want a URL, such as https://prices.example.org/ath", c.From)
	}
	for _, d := range []struct {
		name string
		is   time.Duration
	}{{"interval", c.Interval}, {"timeout", c.Timeout}, {"max-age", c.MaxAge}} {
		if d.is < 100*time.Millisecond || d.is > 24*time.Hour {
			return fmt.Errorf("price.%s in app.toml is %s; want 100ms to 24h", d.name, d.is)
		}
	}
	return nil
}

// Ask asks the source once and returns the price in 10^-9 USD per ATH.
func (c Config) Ask(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	answer, err := c.read(ctx)
	if err != nil {
		return 0, fmt.Errorf("price source %s %s: %w", c.Source, c.From, err)
	}
	text := string(answer)
	if c.JSONPath != "" {
		if text, err = pick(answer, c.JSONPath); err != nil {
			return 0, fmt.Errorf("price source %s %s: %w", c.Source, c.From, err)
		}
	}
	price, err := ParsePrice(text)
	if err != nil {
		return 0, fmt.Errorf("price source %s %s: %w", c.Source, c.From, err)
	}
	return price, nil
}

func (c Config) read(ctx context.Context) ([]byte, error) {
	switch c.Source {
	case KindFile:
		return readFile(c.From)
	case KindCommand:
		return runCommand(ctx, strings.Fields(c.From))
	case KindHTTP:
		return get(ctx, c.From)
	default:
		return nil, errors.New("no such kind of source")
	}
}

// readFile reads a plain file only: to open a pipe or a device may take forever, and a node that ends waits for it.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no plain file (mode %s)", path, info.Mode())
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readAnswer(file)
}

func readAnswer(r io.Reader) ([]byte, error) {
	answer, err := io.ReadAll(io.LimitReader(r, maxAnswer+1))
	if err == nil && len(answer) > maxAnswer {
		err = fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	}
	return answer, err
}

func runCommand(ctx context.Context, words []string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.WaitDelay = time.Second // children of the command may hold its output open
	out, talk := &bounded{}, &bounded{}
	cmd.Stdout, cmd.Stderr = out, talk
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, fmt.Errorf("%w: %s", err, bytes.TrimSpace(talk.kept.Bytes()))
	}
	if out.full {
		return nil, fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	}
	return out.kept.Bytes(), nil
}

// bounded keeps the first maxAnswer bytes of what is written.
type bounded struct {
	kept bytes.Buffer // not embedded: its ReadFrom would go round the bound
	full bool
}

// Write never fails: a command that talks too much is no reason to kill it in the middle of a word.
func (b *bounded) Write(p []byte) (int, error) {
	room := min(len(p), maxAnswer-b.kept.Len())
	b.full = b.full || room < len(p)
	b.kept.Write(p[:room])
	return len(p), nil
}

func get(ctx context.Context, from string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json, text/plain")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer is %s", res.Status)
	}
	return readAnswer(res.Body)
}
