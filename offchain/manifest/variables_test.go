// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/manifest"
)

// Variables in round brackets are put in, two dollars are one, and what a shell would read is left to it.
func TestVariablesArePutIn(t *testing.T) {
	for text, want := range map[string]string{
		"$(NAME)":                   "a b",
		"x$(NAME)y$(OTHER)":         "xa by",
		"$(NAME":                    "$(NAME",
		"$(NOBODY) $(date +%s)":     "$(NOBODY) $(date +%s)",
		"$((1+2))":                  "$((1+2))",
		"$NAME ${NAME} $1 $? $":     "$NAME ${NAME} $1 $? $",
		"$$":                        "$",
		"/proc/$$$$/exe $$(NAME)":   "/proc/$$/exe $(NAME)",
		"costs 5$, or $é, and $()$": "costs 5$, or $é, and $()$",
	} {
		quoted := "'" + text + "'"
		parsed, err := manifest.Parse("app.yaml", []byte(sdl(rule, "    command: ["+quoted+"]\n    args: [-c, "+quoted+"]\n    env: [NAME=a b, OTHER=]\n"+rule)))
		require.NoError(t, err)
		require.Equal(t, []string{want}, parsed.Manifest.Services[0].Command)
		require.Equal(t, []string{"-c", want}, parsed.Manifest.Services[0].Args)
	}
}

// A variable sees those before it, and not itself or those behind it.
func TestVariablesOfVariables(t *testing.T) {
	parsed, err := manifest.Parse("app.yaml", []byte(sdl(rule, "    args: [$(URL)]\n    env: [URL=//$(HOST), HOST=db, URL=//$(HOST)/$(URL)]\n"+rule)))
	require.NoError(t, err)
	require.Equal(t, []string{"URL=//$(HOST)", "HOST=db", "URL=//db///$(HOST)"}, parsed.Manifest.Services[0].Env)
	require.Equal(t, []string{"//db///$(HOST)"}, parsed.Manifest.Services[0].Args)
}

// Who reads a variable that only other providers set is told so.
func TestVariablesOfOtherProviders(t *testing.T) {
	for text, want := range map[string]string{
		"echo $AKASH_CLUSTER_PUBLIC_HOSTNAME": "there is no variable AKASH_CLUSTER_PUBLIC_HOSTNAME here, which Akash's providers set; set it under env",
		"x ${WEB_SERVICE_HOST}:80":            "there is no variable WEB_SERVICE_HOST here, which Akash's providers set; the service is reached by its name, web",
		"$(WEB_PORT_80_TCP_ADDR)":             "there is no variable WEB_PORT_80_TCP_ADDR here, which Akash's providers set; the service is reached by its name, web",
		"$AKASH_OWNERS $AKASH_KEY":            "",
		"$SET_SERVICE_HOST $WEB_PORT":         "",
		"$DB_SERVICE_HOST":                    "",
	} {
		for _, key := range []string{"command: [", "args: [", "env: [A="} {
			env := ""
			if key != "env: [A=" {
				env = "    env: [SET_SERVICE_HOST=x]\n"
			}
			parsed, err := manifest.Parse("app.yaml", []byte(sdl(rule, "    "+key+"\""+text+"\"]\n"+env+rule)))
			if key == "env: [A=" {
				parsed, err = manifest.Parse("app.yaml", []byte(sdl(rule, "    env: [\"A="+text+"\"]\n"+rule)))
			}
			require.NoError(t, err)
			if want == "" {
				require.Len(t, parsed.Warnings, 1, "%v", parsed.Warnings) // of prices
				continue
			}
			require.Len(t, parsed.Warnings, 2)
			require.Equal(t, want, parsed.Warnings[0].Text)
			require.Equal(t, 5, parsed.Warnings[0].Line)
		}
	}
}
