// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"strings"
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

// Who asks a service for a port that it has for the world alone is told where it listens.
func TestPortsOfTheWorldAreNotThoseOfTheLease(t *testing.T) {
	for text, want := range map[string]string{
		"curl http://two/jobs":      "within the lease the service two listens on 3000; nothing listens on 80, as which the port is exposed",
		"URL=http://two":            "within the lease the service two listens on 3000; nothing listens on 80, as which the port is exposed",
		"two:80,two:3000":           "within the lease the service two listens on 3000; nothing listens on 80, as which the port is exposed",
		"http://two:3000/ two 80":   "",
		"http://two.example/ x-two": "",
		"https://two/ at-two:80":    "",
		"two:8000 two:9000":         "",
	} {
		other := strings.Replace(second(), "      - port: 80\n", "      - {port: 3000, as: 80, to: [{global: true}]}\n      - {port: 9000, as: 9001}\n      - {port: 9001}\n      - port: 8000\n", 1)
		parsed, err := manifest.Parse("app.yaml", []byte(sdl(service, strings.Replace(service, rule, "    args: [\""+text+"\"]\n"+rule, 1)+other, "deployment:", deployed("web"))))
		require.NoError(t, err)
		if want == "" {
			require.Len(t, parsed.Warnings, 1, "%s: %v", text, parsed.Warnings) // of prices
			continue
		}
		require.Len(t, parsed.Warnings, 2, text)
		require.Equal(t, want, parsed.Warnings[0].Text)
		require.Equal(t, 5, parsed.Warnings[0].Line)
	}
}
