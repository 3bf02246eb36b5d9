// SPDX-License-Identifier: Apache-2.0

package hostname

import (
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNames(t *testing.T) {
	for in, want := range map[string]string{
		"a.example": "a.example", "A.Example.": "a.example", "a.example:443": "a.example", "a.example:": "a.example", "x": "x", "1.a": "1.a",
		"xn--bcher-kva.example": "xn--bcher-kva.example", strings.Repeat("a", 63) + ".b": strings.Repeat("a", 63) + ".b",
		"": "", ".": "", "a..b": "", ".a": "", "a b": "", "-a.b": "", "a-.b": "", "a.b-": "", "a_b.c": "", "ü.example": "", "127.0.0.1": "", "0x7f.1": "", "127.1": "", "2130706433": "",
		"[::1]": "", "::1": "", "a:x": "", "a:123456": "", "a/b": "", "a@b": "", "a\x00b": "", "a%b": "", "*.a.b": "", "a..": "",
		strings.Repeat("a", 64) + ".b": "", strings.Repeat("a.", 126) + "a": strings.Repeat("a.", 126) + "a", strings.Repeat("a.", 126) + "aa": "",
	} {
		got, err := Parse(in)
		require.Equal(t, want, got, "%q", in)
		require.Equal(t, want == "", err != nil, "%q", in)
	}
	for in, want := range map[string]string{"*.a.b": "*.a.b", "*.A.b.": "*.a.b", "a.b": "a.b", "a": "", "*.a": "", "*": "", "*.*.a.b": "", "a.*.b": "", "a.b:80": "", "10.1.1.1": ""} {
		got, err := Wanted(in)
		require.Equal(t, want, got, "%q", in)
		require.Equal(t, want == "", err != nil, "%q", in)
	}
	require.Len(t, Label("c", "a/1", "web"), 24)
	require.NotEqual(t, Label("c", "a/1", "web"), Label("c", "a/1", "web2"))
	_, err := Parse(Label("c", "a/1", "web") + ".example.org")
	require.NoError(t, err)
	require.True(t, Within("*.apps.example", "apps.example"))
	require.True(t, Within("x.apps.example", "apps.example"))
	require.False(t, Within("xapps.example", "apps.example"))
}

// FuzzName: what comes out is a host name in its one form, and stays itself.
func FuzzName(f *testing.F) {
	for _, s := range []string{"a.example:443", "A.B.", "*.x.y", "[::1]:1", "127.0.0.1", "xn--a.b", strings.Repeat("a.", 200)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, read := range []func(string) (string, error){Parse, Wanted} {
			name, err := read(s)
			if err != nil {
				require.Empty(t, name)
				require.ErrorIs(t, err, Err)
				continue
			}
			again, err := read(name)
			require.NoError(t, err)
			require.Equal(t, name, again)
			require.LessOrEqual(t, len(name), maxName)
			bare := strings.TrimPrefix(name, "*.")
			require.Empty(t, strings.Trim(bare, "abcdefghijklmnopqrstuvwxyz0123456789-."))
			require.Nil(t, net.ParseIP(bare))
			for label := range strings.SplitSeq(bare, ".") {
				require.True(t, label != "" && len(label) <= maxLabel && label[0] != '-' && label[len(label)-1] != '-', name)
			}
		}
	})
}
