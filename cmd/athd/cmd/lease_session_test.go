// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/worker/api"
)

func TestRemotePaths(t *testing.T) {
	for s, want := range map[string]remotePath{
		"1:/data":           {"1", "", "/data"},
		"12:web:/a b/c":     {"12", "web", "/a b/c"},
		"ath1abc/3:web-2:/": {"ath1abc/3", "web-2", "/"},
		"ath1abc/3:/x:y":    {"ath1abc/3", "", "/x:y"},
		"7:/trailing/":      {"7", "", "/trailing/"},
	} {
		got, ok := parseRemote(s)
		require.True(t, ok, s)
		require.Equal(t, want, got, s)
	}
	for _, s := range []string{"data", "./1:/x", "1:data", "1", "/abs/1:/x", "C:\\x", "1:Web:/x", ":/x", ""} {
		_, ok := parseRemote(s)
		require.False(t, ok, s)
	}
}

func TestForwardedPorts(t *testing.T) {
	for line, want := range map[string]struct {
		service string
		ports   []portPair
	}{
		"8080:80":            {"", []portPair{{8080, 80}}},
		"80":                 {"", []portPair{{80, 80}}},
		"web 0:80 5432:5432": {"web", []portPair{{0, 80}, {5432, 5432}}},
		"65535":              {"", []portPair{{65535, 65535}}},
	} {
		service, ports, err := parseForward(strings.Fields(line))
		require.NoError(t, err, line)
		require.Equal(t, want.service, service, line)
		require.Equal(t, want.ports, ports, line)
	}
	for _, line := range []string{"web", "80:0", "0", "65536", "80:65536", "1:2:3", "web x", ":80", "80:"} {
		_, _, err := parseForward(strings.Fields(line))
		require.Error(t, err, line)
	}
}

func TestServiceIn(t *testing.T) {
	one, two := api.Status{Services: []api.Service{{Name: "web"}}}, api.Status{Services: []api.Service{{Name: "db"}, {Name: "web"}}}
	name, err := serviceIn(one, "")
	require.NoError(t, err)
	require.Equal(t, "web", name)
	name, err = serviceIn(two, "db")
	require.NoError(t, err)
	require.Equal(t, "db", name)
	_, err = serviceIn(two, "")
	require.ErrorContains(t, err, "db, web")
	_, err = serviceIn(one, "db")
	require.ErrorContains(t, err, "web")
	_, err = serviceIn(api.Status{}, "")
	require.ErrorContains(t, err, "no services yet")
}

func TestExecArguments(t *testing.T) {
	for line, want := range map[string]string{
		"1 -- ls -l":      "",
		"1 web -it -- sh": "",
		"1":               "behind --",
		"1 ls":            "behind --",
		"1 --":            "behind --",
		"-- ls":           "LEASE",
		"1 web more -- x": "LEASE",
	} {
		cmd := leaseExecCommand()
		cmd.RunE = func(*cobra.Command, []string) error { return nil }
		cmd.SetArgs(strings.Fields(line))
		cmd.SetErr(io.Discard)
		cmd.SetOut(io.Discard)
		err := cmd.ExecuteContext(context.Background())
		if want == "" {
			require.NoError(t, err, line)
			continue
		}
		require.ErrorContains(t, err, want, line)
	}
}

// TestExitCodes: the remote command's own, and 255 where nobody knows it.
func TestExitCodes(t *testing.T) {
	var coder interface{ ExitCode() int }
	require.ErrorAs(t, error(remoteError(3)), &coder)
	require.Equal(t, 3, coder.ExitCode())
	err := error(lostError{sessionProblem(api.ErrBroken)})
	require.ErrorAs(t, err, &coder)
	require.Equal(t, unknownExit, coder.ExitCode())
	require.ErrorIs(t, err, api.ErrBroken)
	require.ErrorContains(t, sessionProblem(context.Canceled), "interrupted")
	require.ErrorContains(t, sessionProblem(errors.New("x")), "try again")
}

func TestDestination(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for _, tc := range []struct{ local, remote, want string }{
		{dir, "/data/x", filepath.Join(dir, "x")},
		{dir, "/data/x/", filepath.Join(dir, "x")},
		{dir, "/", filepath.Join(dir, "root")},
		{file, "/data/x", file},
		{filepath.Join(dir, "new"), "/data/x", filepath.Join(dir, "new")},
	} {
		got, err := destination(tc.local, remotePath{"1", "", tc.remote})
		require.NoError(t, err)
		require.Equal(t, tc.want, got)
	}
	for _, local := range []string{filepath.Join(dir, "new") + "/", filepath.Join(dir, "no", "where")} {
		_, err := destination(local, remotePath{"1", "", "/x"})
		require.ErrorContains(t, err, "make it first")
	}
}

func TestSizes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1 << 20: "1.0 MiB", 5 << 40: "5.0 TiB", 1<<63 - 1: "8.0 EiB"} {
		require.Equal(t, want, sizeOf(n))
	}
}

func TestEndOfInputIsTyped(t *testing.T) {
	b, err := io.ReadAll(io.MultiReader(strings.NewReader("ls\n"), endOfInput()))
	require.NoError(t, err)
	require.Equal(t, "ls\n\x04", string(b))
}
