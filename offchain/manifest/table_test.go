// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/manifest"
)

// TestTheTableIsTrue tries every row of docs/sdl.md, and asks that every key that the parser knows is in that document.
func TestTheTableIsTrue(t *testing.T) {
	const at, disk = "    expose:", "storage: {size: 1Gi}"
	gpu := func(attributes string) string {
		return sdl(disk, disk+"\n        gpu: {units: 1, attributes: {"+attributes+"}}")
	}
	samples := map[string]string{
		"version":     sdl(`"2.0"`, `"2.1"`),
		"include":     sdl("services:", "include: [a.yaml]\nservices:"),
		"volumes":     sdl(`"2.0"`, `"2.2"`, "deployment:", "volumes: {mine: {external: {dseq: 1}}}\ndeployment:"),
		"endpoints":   sdl("global: true", "global: true, ip: mine", "deployment:", "endpoints: {mine: {kind: ip}}\ndeployment:"),
		"reclamation": sdl("services:", "reclamation: {min_window: 1h}\nservices:"),

		"services.image":                                             sdl(),
		"services.command":                                           sdl(at, "    command: [sh]\n"+at),
		"services.args":                                              sdl(at, "    args: [a]\n"+at),
		"services.env":                                               sdl(at, "    env: [A=b]\n"+at),
		"services.depends_on":                                        sdl("  web:\n    image", "  db:\n    image: nginx"+digest+"\n  web:\n    depends_on: [db]\n    image", "deployment:", "deployment:\n  db: {dc: {profile: web, count: 1}}"),
		"services.credentials":                                       sdl(at, "    credentials: {host: docker.io, username: b, password: c}\n"+at),
		"services.credentials.uri":                                   sdl(at, "    credentials: {uri: \"kbs:///a/b/c\"}\n    params: {tee: cpu}\n"+at),
		"services.expose.port":                                       sdl(),
		"services.expose.as":                                         sdl("port: 80", "port: 80\n        as: 8080"),
		"services.expose.proto":                                      sdl("port: 80", "port: 80\n        proto: UDP"),
		"services.expose.to.global":                                  sdl(),
		"services.expose.to.service":                                 sdl("to: [{global: true}]", "to: [{service: web}]\n      - port: 81\n        to: [{global: true}]"),
		"services.expose.to.service: as another port":                sdl("  web:\n    image", "  db:\n    image: nginx"+digest+"\n    expose: [{port: 5432, as: 5433, to: [{service: web}]}]\n  web:\n    image", "deployment:", "deployment:\n  db: {dc: {profile: web, count: 1}}"),
		"services.expose.to.ip":                                      sdl("global: true", "global: true, ip: mine", "deployment:", "endpoints: {mine: {kind: ip}}\ndeployment:"),
		"services.expose.to.http_options":                            sdl("global: true", "global: true, http_options: {next_tries: 1}"),
		"services.expose.accept":                                     sdl("port: 80", "port: 80\n        accept: [a.example]"),
		"services.expose.accept: of another port":                    sdl("port: 80", "port: 81\n        accept: [a.example]"),
		"services.expose.http_options: of another port":              sdl("port: 80", "port: 81\n        http_options: {next_tries: 1}"),
		"services.expose.http_options":                               sdl("port: 80", "port: 80\n        http_options: {next_tries: 1}"),
		"services.params.storage.mount":                              sdl(at, "    params: {storage: {default: {mount: /data}}}\n"+at),
		"services.params.storage.readOnly":                           sdl(at, "    params: {storage: {default: {mount: /data, readOnly: true}}}\n"+at),
		"services.params.storage.keyRef":                             sdl(at, "    params: {storage: {default: {mount: /data, keyRef: sealed.a.b.c}}}\n"+at, disk, "storage: {size: 1Gi, attributes: {persistent: true}}"),
		"services.params.storage.volume":                             sdl(`"2.0"`, `"2.2"`, "deployment:", "volumes: {mine: {external: {dseq: 1}}}\ndeployment:", at, "    params: {storage: {data: {mount: /data, volume: mine}}}\n"+at),
		"profiles.placement.pricing: a list":                         sdl(`"2.0"`, `"2.2"`, "{denom: uakt, amount: 1}", "[{denom: uakt, amount: 1}, {denom: uact, amount: 2}]"),
		"services.params.permissions":                                sdl(at, "    params: {permissions: {read: [logs]}}\n"+at),
		"services.params.tee":                                        sdl(at, "    params: {tee: cpu}\n"+at),
		"services.x-ath":                                             sdl(at, "    x-ath: {restart: never, read_only: true}\n"+at),
		"profiles.compute.resources.cpu.units":                       sdl("units: 1", "units: 500m"),
		"profiles.compute.resources.cpu.attributes.arch":             sdl("units: 1", "units: 1, attributes: {arch: arm64}"),
		"profiles.compute.resources.memory.size":                     sdl("memory: {size: 1Gi}", "memory: {size: 1G}"),
		"profiles.compute.resources.storage.size":                    sdl(),
		"profiles.compute.resources.storage.name":                    sdl(disk, "storage: [{name: a, size: 1Gi}, {name: b, size: 1Gi}]"),
		"profiles.compute.resources.storage.attributes.persistent":   sdl(at, "    params: {storage: {default: {mount: /data}}}\n"+at, disk, "storage: {size: 1Gi, attributes: {persistent: true}}"),
		"profiles.compute.resources.storage.attributes.class":        sdl(at, "    params: {storage: {default: {mount: /dev/shm}}}\n"+at, disk, "storage: {size: 1Gi, attributes: {class: ram}}"),
		"profiles.compute.resources.storage.attributes.class: beta3": sdl(at, "    params: {storage: {default: {mount: /data}}}\n"+at, disk, "storage: {size: 1Gi, attributes: {persistent: true, class: beta3}}"),
		"profiles.compute.resources.gpu.units":                       gpu("vendor: {nvidia: }"),
		"profiles.compute.resources.gpu.attributes.vendor":           gpu("vendor: {nvidia: [{model: h100, ram: 80Gi, interface: sxm}, {model: a100}]}"),
		"profiles.compute.resources.gpu.attributes.vendor: two":      gpu("vendor: {nvidia: , amd: }"),
		"profiles.compute.resources.gpu.attributes.interconnect":     strings.Replace(gpu("vendor: {nvidia: }, interconnect: []"), "dc: {", "dc: {attributes: {capabilities/gpu-interconnect: \"true\"}, ", 1),
		"profiles.placement.pricing":                                 sdl(),
		"profiles.placement.attributes":                              sdl("dc: {", "dc: {attributes: {region: eu}, "),
		"profiles.placement.attributes: tee/type":                    sdl("dc: {", "dc: {attributes: {tee/type: cpu}, "),
		"profiles.placement.verification":                            sdl("dc: {", "dc: {verification: {min_tier: 1}, "),
		"profiles.compute.resources.gpu.attributes.rdma":             gpu("vendor: {nvidia: }, rdma: true, rdma_group: a"),
		"services.params.kbs":                                        sdl(at, "    params: {tee: cpu, kbs: {mode: provider}}\n"+at),
		"profiles.placement.signedBy":                                sdl("dc: {", "dc: {signedBy: {anyOf: [a]}, "),
		"deployment.profile":                                         sdl(),
		"deployment.count":                                           sdl("count: 1", "count: 3"),
		"deployment: two placements":                                 sdl("    dc: {profile: web, count: 1}", "    dc: {profile: web, count: 1}\n    eu: {profile: web, count: 1}", "    dc: {pricing", "    eu: {pricing: {web: {denom: uakt, amount: 1}}}\n    dc: {pricing"),
	}
	document, err := os.ReadFile("../../docs/sdl.md")
	require.NoError(t, err)
	row := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (offered|ignored|not offered \\(([a-z-]+)\\)) \\|")
	for _, m := range row.FindAllStringSubmatch(string(document), -1) {
		key, state, feature := m[1], m[2], m[3]
		sample, ok := samples[key]
		require.True(t, ok, "no sample for the row %s", key)
		delete(samples, key)
		t.Run(key, func(t *testing.T) {
			// The sample alone must make the difference to the plain file, whose one warning is of its prices.
			file, err := manifest.Parse("app.yaml", []byte(sample))
			require.NotNil(t, file, "%v", err)
			switch state {
			case "offered":
				require.NoError(t, err)
				require.Len(t, file.Warnings, 1, "%v", file.Warnings)
			case "ignored":
				require.NoError(t, err)
				require.True(t, len(file.Warnings) > 1 || strings.HasPrefix(key, "profiles.placement.pricing") && len(file.Warnings) == 1, "%v", file.Warnings)
			default:
				var list *manifest.Error
				require.True(t, errors.As(err, &list))
				require.ErrorIs(t, err, manifest.ErrNotOffered)
				require.Equal(t, feature, list.Problems[0].Feature)
			}
		})
	}
	require.Empty(t, samples, "rows that the document lacks")

	sources, err := filepath.Glob("sdl*.go")
	require.NoError(t, err)
	words := regexp.MustCompile(`"([A-Za-z_-]+)"`)
	known := 0
	for _, path := range sources {
		code, err := os.ReadFile(path)
		require.NoError(t, err)
		for line := range strings.Lines(string(code)) {
			// Keys stand in cases of switches over e.key, p.key, k.key or a.key; values of switches over text are the table's remarks.
			if trimmed := strings.TrimSpace(line); strings.HasPrefix(trimmed, `case "`) && !strings.HasSuffix(path, "_test.go") {
				for _, w := range words.FindAllStringSubmatch(trimmed, -1) {
					if known++; w[1] != "true" && w[1] != "on" && w[1] != "yes" && w[1] != "false" && w[1] != "off" && w[1] != "no" {
						named := regexp.MustCompile("[`.]" + regexp.QuoteMeta(w[1]) + "[`:.]")
						require.True(t, named.Match(document), "%s is a key that docs/sdl.md does not name", w[1])
					}
				}
			}
		}
	}
	require.Greater(t, known, 40)
}
