// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"encoding/hex"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/manifest"
)

var update = flag.Bool("update", false, "rewrite golden files")

// Each testdata/*.yaml has a golden file: its canonical bytes and behind them their hash. A change of either breaks
// leases that are open, so it needs a new manifest.Version.
func TestCanonicalFormIsStable(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			file, err := manifest.Parse(path, data)
			require.NoError(t, err)
			canonical, err := file.Manifest.Canonical()
			require.NoError(t, err)
			have := string(canonical) + "\n" + hex.EncodeToString(manifest.Hash(canonical)) + "\n"
			golden := strings.TrimSuffix(path, ".yaml") + ".golden"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(have), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), have)
		})
	}
}

const digest = "@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

// sdl is a valid file with one service whose parts a test replaces.
func sdl(replace ...string) string {
	base := `version: "2.0"
services:
  web:
    image: nginx` + digest + `
    expose:
      - port: 80
        to: [{global: true}]
profiles:
  compute:
    web:
      resources:
        cpu: {units: 1}
        memory: {size: 1Gi}
        storage: {size: 1Gi}
  placement:
    dc: {pricing: {web: {denom: uakt, amount: 1}}}
deployment:
  web:
    dc: {profile: web, count: 1}
`
	return strings.NewReplacer(replace...).Replace(base)
}

func TestInvalidFilesNameTheirPlace(t *testing.T) {
	for _, tc := range []struct{ name, file, want string }{
		{"not yaml", "version: [", "app.yaml:1:1: not YAML"},
		{"empty", "", "app.yaml:1:1: the file is empty"},
		{"a list", "- a", "app.yaml:1:1: expected a mapping"},
		{"version", sdl(`"2.0"`, `"1.5"`), `app.yaml:1:10: version: expected "2.0", "2.1" or "2.2", found "1.5"`},
		{"unknown section", sdl("version:", "service: {}\nversion:"), "app.yaml:1:1: service: unknown section"},
		{"no deployment", sdl("deployment:", "x-deployment:"), `the section "deployment" is missing`},
		{"twice", sdl("  compute:", "  compute: {}\n  compute:"), "app.yaml:10:3: profiles.compute: the key is there twice, first in line 9"},
		{"no image", sdl("image:", "x-image:"), "app.yaml:4:5: services.web: image is missing"},
		{"image of nothing", sdl("image: nginx"+digest, `image: ""`), "app.yaml:4:12: services.web.image: expected an image"},
		{"port", sdl("port: 80", "port: 80000"), `app.yaml:6:15: services.web.expose[0].port: expected a whole number from 1 to 65535, found "80000"`},
		{"port in quotes", sdl("port: 80", `port: "80"`), `services.web.expose[0].port: expected a whole number from 1 to 65535, found the text "80"`},
		{"no port", sdl("port: 80", "as: 80"), "app.yaml:6:9: services.web.expose[0]: port is missing"},
		{"proto", sdl("port: 80", "port: 80\n        proto: sctp"), `services.web.expose[0].proto: expected tcp or udp, found "sctp"`},
		{"cpu", sdl("units: 1", "units: lots"), `profiles.compute.web.resources.cpu.units: expected CPU units`},
		{"no cpu", sdl("cpu:", "x-cpu:"), "cpu is missing"},
		{"negative memory", sdl("memory: {size: 1Gi}", "memory: {size: -1Gi}"), `resources.memory.size: expected a size such as 512Mi`},
		{"huge memory", sdl("memory: {size: 1Gi}", "memory: {size: 99999999Ei}"), `resources.memory.size: expected a size`},
		{"zero memory", sdl("memory: {size: 1Gi}", "memory: {size: 0}"), `resources.memory.size: expected 1Mi to 2Ti`},
		{"env", sdl("    expose:", "    env: [\"=x\"]\n    expose:"), `services.web.env[0]: expected KEY=value, found "=x"`},
		{"env mapping", sdl("    expose:", "    env: {A: b}\n    expose:"), `services.web.env: expected a list, found a mapping`},
		{"profile", sdl("profile: web", "profile: wbe"), `deployment.web.dc: there is no compute profile "wbe"; expected one of web`},
		{"placement", sdl("    dc: {profile", "    cd: {profile"), `deployment.web.cd: there is no placement profile of this name; expected one of dc`},
		{"service", sdl("deployment:\n  web", "deployment:\n  wbe"), `deployment.wbe: there is no service of this name; expected one of web`},
		{"count", sdl("count: 1", "count: 0"), `deployment.web.dc.count: expected a whole number from 1`},
		{"restart", sdl("    expose:", "    x-ath: {restart: sometimes}\n    expose:"), `services.web.x-ath.restart: expected always, on-failure or never`},
		{"extension", sdl("    expose:", "    x-ath: {privileged: true}\n    expose:"), `services.web.x-ath.privileged: unknown key; expected restart or read_only`},
		{"credentials", sdl("    expose:", "    credentials: {host: a}\n    expose:"), `services.web.credentials: username is missing`},
		{"host", sdl("port: 80", "port: 80\n        accept: [\"a b\"]"), `expected a host name in small letters such as www.example.com, found "a b"`},
		{"service name", sdl("  web:\n", "  Web_1:\n", "profile: web", "profile: Web_1"), `expected a name of 1 to 63 letters a-z, digits and dashes that begins with a letter, found "Web_1"`},
		{"http is no protocol", sdl("port: 80", "port: 80\n        proto: http"), `expected tcp or udp, found "http"`},
		{"price 0", sdl("amount: 1", "amount: 0"), "placement.dc.pricing.web.amount: expected an amount above 0"},
		{"price below 0", sdl("amount: 1", "amount: -1"), "expected an amount above 0"},
		{"no denom", sdl("denom: uakt, ", ""), "expected a price such as"},
		{"no price", sdl("pricing: {web:", "pricing: {other:"), `deployment.web.dc: the placement dc has no pricing for the profile "web"`},
		{"no placement", sdl("  placement:\n    dc: {pricing: {web: {denom: uakt, amount: 1}}}\n", ""), "there is no placement profile of this name"},
		{"no count", sdl(", count: 1", ""), "deployment.web.dc: count is missing"},
		{"no mount", sdl("storage: {size: 1Gi}", "storage: [{name: data, size: 1Gi, attributes: {persistent: true}}]"), "services.web: the volume data is persistent and needs params.storage.data.mount"},
		{"unknown volume", sdl("    expose:", "    params: {storage: {data: {mount: /data}}}\n    expose:"), `services.web.params.storage.data: the compute profile has no volume of the name "data"`},
		{"relative mount", sdl("    expose:", "    params: {storage: {default: {mount: data}}}\n    expose:"), "expected mount: and an absolute path"},
		{"two at one place", sdl("    expose:", "    params: {storage: {default: {mount: /data}, more: {mount: /data}}}\n    expose:"), "another volume is mounted at /data"},
		{"two of a name", sdl("{size: 1Gi}\n  pl", "[{size: 1Gi}, {size: 2Gi}]\n  pl"), "there are two volumes of the name"},
		{"class", sdl("storage: {size: 1Gi}", "storage: {size: 1Gi, attributes: {persistent: true, class: fast}}"), `attributes.class: expected one of default, beta1, beta2, beta3, ram, found "fast"`},
		{"class of ephemeral storage", sdl("storage: {size: 1Gi}", "storage: {size: 1Gi, attributes: {class: beta2}}"), "storage that is not persistent has no class"},
		{"persistent memory", sdl("storage: {size: 1Gi}", "storage: {size: 1Gi, attributes: {persistent: true, class: ram}}"), "a volume of class ram can't be persistent"},
		{"storage attribute", sdl("storage: {size: 1Gi}", "storage: {size: 1Gi, attributes: {speed: 9}}"), "SDL has no such attribute here"},
		{"gpu without attributes", sdl("storage: {size: 1Gi}", "storage: {size: 1Gi}\n        gpu: {units: 1}"), "resources.gpu: attributes is missing"},
		{"gpu without vendor", sdl("storage: {size: 1Gi}", "storage: {size: 1Gi}\n        gpu: {units: 1, attributes: {}}"), "expected a vendor"},
		{"gpu interface", sdl("storage: {size: 1Gi}", "storage: {size: 1Gi}\n        gpu: {units: 1, attributes: {vendor: {nvidia: [{model: a100, interface: agp}]}}}"), `expected pcie or sxm, found "agp"`},
		{"ip that is not global", sdl("global: true", "service: web, ip: mine", "deployment:", "endpoints: {mine: {kind: ip}}\ndeployment:"), "a rule with ip: needs global: true"},
		{"unused endpoint", sdl("deployment:", "endpoints: {mine: {kind: ip}}\ndeployment:"), "endpoints.mine: the endpoint is not used"},
		{"endpoint kind", sdl("global: true", "global: true, ip: mine", "deployment:", "endpoints: {mine: {kind: dns}}\ndeployment:"), `endpoints.mine: expected kind: ip, found "dns"`},
		{"body size", sdl("port: 80", "port: 80\n        http_options: {max_body_size: 104857601}"), "http_options.max_body_size: expected a whole number from 0 to 104857600"},
		{"next case", sdl("port: 80", "port: 80\n        http_options: {next_cases: [\"600\"]}"), `found "600"`},
		{"off and more", sdl("port: 80", "port: 80\n        http_options: {next_cases: [\"off\", error]}"), "off stands alone"},
		{"alias of itself", sdl("    expose:", "    env: &a [*a]\n    expose:"), "app.yaml:"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := manifest.Parse("app.yaml", []byte(tc.file))
			require.ErrorIs(t, err, manifest.ErrInvalid)
			require.Contains(t, err.Error(), tc.want)
		})
	}
}

func TestFeaturesNotOfferedAreNamed(t *testing.T) {
	for feature, file := range map[string]string{
		"count":               sdl("count: 1", "count: 17"),
		"volume-mount":        sdl("    expose:", "    params: {storage: {default: {mount: /proc}}}\n    expose:"),
		"volume-encryption":   sdl("    expose:", "    params: {storage: {default: {mount: /data, keyRef: sealed.a.b.c}}}\n    expose:", "storage: {size: 1Gi}", "storage: {size: 1Gi, attributes: {persistent: true}}"),
		"permissions":         sdl("    expose:", "    params: {permissions: {read: [logs]}}\n    expose:"),
		"tee":                 sdl("    expose:", "    params: {tee: cpu}\n    expose:"),
		"reclamation":         sdl("services:", "reclamation: {min_window: 1h}\nservices:"),
		"cpu-arch":            sdl("units: 1", "units: 1, attributes: {arch: arm64}"),
		"ip-endpoint":         sdl("global: true", "global: true, ip: mine", "deployment:", "endpoints: {mine: {kind: ip}}\ndeployment:"),
		"accept":              sdl("port: 80", "port: 80\n        accept: ["+names(33)+"]"),
		"several-placements":  sdl("    dc: {profile: web, count: 1}", "    dc: {profile: web, count: 1}\n    eu: {profile: web, count: 1}", "    dc: {pricing", "    eu: {pricing: {web: {denom: uakt, amount: 1}}}\n    dc: {pricing"),
		"several-gpu-vendors": sdl("storage: {size: 1Gi}", "storage: {size: 1Gi}\n        gpu: {units: 1, attributes: {vendor: {amd: , nvidia: }}}"),
		"gpu-interconnect":    sdl("storage: {size: 1Gi}", "storage: {size: 1Gi}\n        gpu: {units: 1, attributes: {interconnect: [], vendor: {nvidia: }}}", "dc: {", "dc: {attributes: {capabilities/gpu-interconnect: \"true\"}, "),
	} {
		t.Run(feature, func(t *testing.T) {
			parsed, err := manifest.Parse("app.yaml", []byte(file))
			require.ErrorIs(t, err, manifest.ErrNotOffered)
			require.NotNil(t, parsed, "the rest of the file is read all the same")
			var list *manifest.Error
			require.True(t, errors.As(err, &list))
			require.Len(t, list.Problems, 1)
			require.Equal(t, feature, list.Problems[0].Feature)
			require.Positive(t, list.Problems[0].Line)
		})
	}
}

// Volumes: what is mounted is a volume, the rest is the root file system's; memory is not storage.
func TestVolumes(t *testing.T) {
	parsed, err := manifest.Parse("app.yaml", []byte(sdl("    expose:", `    params:
      storage:
        data: {mount: /data/, readOnly: true}
        shm: {mount: /dev/shm}
    expose:`, "storage: {size: 1Gi}", `storage:
          - size: 1Gi
          - {name: data, size: 5G, attributes: {persistent: true, class: beta3}}
          - {name: shm, size: 64Mi, attributes: {class: ram}}`)))
	require.NoError(t, err)
	svc := parsed.Manifest.Services[0]
	require.Equal(t, uint64(1024+4769), svc.Resources.DiskMiB)
	require.Equal(t, []manifest.Volume{
		{Name: "data", Mount: "/data", Class: manifest.ClassDisk, SizeMiB: 4769, Persistent: true, ReadOnly: true},
		{Name: "shm", Mount: "/dev/shm", Class: manifest.ClassRAM, SizeMiB: 64},
	}, svc.Volumes)
	require.NoError(t, manifest.CheckVolumes(svc.Volumes))
	require.Equal(t, manifest.Asked{Replicas: 1, MemoryBytes: 1 << 30, Storage: []manifest.Storage{
		{Name: "default", Size: 1 << 30},
		{Name: "data", Size: 5e9, Class: "beta3", Persistent: true, Mount: "/data/", ReadOnly: true},
		{Name: "shm", Size: 64 << 20, Class: "ram", Mount: "/dev/shm"},
	}}, parsed.Asked["web"])
}

// What a tenant sends a worker need not have come from a file.
func TestCheckVolumes(t *testing.T) {
	good := manifest.Volume{Name: "v", Mount: "/data", Class: manifest.ClassDisk, SizeMiB: 1}
	require.NoError(t, manifest.CheckVolumes([]manifest.Volume{good}))
	for _, at := range []string{"/", "/proc", "/proc/sys", "/sys/fs", "/dev", "/dev/null", "/dev/shm/x", "/etc", "/etc/hosts", "data", "/a/../proc", "/a/", "/a:b", ""} {
		bad := good
		bad.Mount = at
		require.Error(t, manifest.CheckVolumes([]manifest.Volume{bad}), at)
	}
	for _, change := range []func(*manifest.Volume){
		func(v *manifest.Volume) { v.Name = "" },
		func(v *manifest.Volume) { v.Class = "tape" },
		func(v *manifest.Volume) { v.Class, v.Persistent = manifest.ClassRAM, true },
		func(v *manifest.Volume) { v.SizeMiB = 0 },
		func(v *manifest.Volume) { v.SizeMiB = 1 << 60 },
	} {
		bad := good
		change(&bad)
		require.Error(t, manifest.CheckVolumes([]manifest.Volume{bad}), "%+v", bad)
	}
	other := good
	other.Mount = "/other"
	require.Error(t, manifest.CheckVolumes([]manifest.Volume{good, other}), "one name")
	other.Name, other.Mount = "other", good.Mount
	require.Error(t, manifest.CheckVolumes([]manifest.Volume{good, other}), "one path")
	require.Error(t, manifest.CheckVolumes(make([]manifest.Volume, 33)))
}

// Replicas are services that answer to one name, in order of their names, each with all that the file asks for.
func TestReplicas(t *testing.T) {
	parsed, err := manifest.Parse("app.yaml", []byte(sdl("count: 1", "count: 11")))
	require.NoError(t, err)
	require.Len(t, parsed.Manifest.Services, 11)
	require.Equal(t, uint64(11), parsed.Asked["web"].Replicas)
	for i, svc := range parsed.Manifest.Services {
		require.Equal(t, uint64(1000), svc.Resources.CPUMilli)
		require.Len(t, svc.Expose, 1)
		if svc.Name != "web" {
			require.Equal(t, "web", svc.ReplicaOf)
		}
		if i > 0 {
			require.Less(t, parsed.Manifest.Services[i-1].Name, svc.Name)
		}
	}
}

// Two services may publish the same port: each has host ports of its own.
func TestTwoServicesPublishOnePort(t *testing.T) {
	web := "  web:\n    image: nginx" + digest + "\n    expose:\n      - port: 80\n        to: [{global: true}]\n"
	_, err := manifest.Parse("app.yaml", []byte(sdl(web, web+strings.Replace(web, "web", "two", 1), "deployment:", "deployment:\n  two: {dc: {profile: web, count: 1}}")))
	require.NoError(t, err)
}

func TestWarnings(t *testing.T) {
	parsed, err := manifest.Parse("app.yaml", []byte(sdl("    expose:", "    environ: [A=b]\n    expose:")))
	require.NoError(t, err)
	require.Len(t, parsed.Warnings, 2)
	require.Contains(t, parsed.Warnings[0].String(), "app.yaml:5:5: services.web.environ: unknown key, ignored")
	require.Contains(t, parsed.Warnings[1].String(), "prices of another market, ignored")
}

func TestDefaultsAndUnits(t *testing.T) {
	parsed, err := manifest.Parse("app.yaml", []byte(sdl("units: 1", `units: "1.5"`, "memory: {size: 1Gi}", "memory: {size: 1000000001}")))
	require.NoError(t, err)
	svc := parsed.Manifest.Services[0]
	require.Equal(t, "docker.io/library/nginx"+digest, svc.Image)
	require.Equal(t, manifest.RestartAlways, svc.Restart)
	require.Equal(t, []manifest.Expose{{Port: 80, As: 80, Proto: "tcp", Global: true}}, svc.Expose)
	require.Equal(t, manifest.Resources{CPUMilli: 1500, MemoryMiB: 954, DiskMiB: 1024}, svc.Resources, "parts count as a whole")
}

// A file that expands without end through aliases is refused and costs little.
func TestAliasBomb(t *testing.T) {
	var b strings.Builder
	b.WriteString("version: \"2.0\"\nx-0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 9; i++ {
		prev := string(rune('0' + i - 1))
		b.WriteString("x-" + string(rune('0'+i)) + ": &a" + string(rune('0'+i)) + " [" + strings.Repeat("*a"+prev+", ", 9) + "*a" + prev + "]\n")
	}
	b.WriteString("services: {web: {env: *a8}}\nprofiles: {}\ndeployment: {}\n")
	_, err := manifest.Parse("bomb.yaml", []byte(b.String()))
	require.ErrorIs(t, err, manifest.ErrInvalid)
}

// What parses has one canonical form, and that form says the same when it is read again.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.yaml")
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(kinds("[{model: a100, ram: 40Gi}, {model: h100}]", "[{model: h100, ram: 80Gi, interface: sxm}]", "uakt")))
	f.Add([]byte(sdl(`"2.0"`, "2.1", "    expose:", "    depends_on: {a: {b: c}}\n    params: {storage: {default: {mount: /dev/shm}}}\n    credentials: {host: a, username: b, password: c}\n    expose:", "storage: {size: 1Gi}", "storage: [{size: 5Mi, attributes: {class: ram, persistent: no}}]")))
	f.Add([]byte(sdl("global: true", "global: true, ip: mine", "deployment:", "endpoints: {mine: {kind: ip}}\nreclamation: {min_window: 1h}\ndeployment:", "port: 80", "port: 80\n        accept: [a.example]\n        http_options: {next_cases: [off]}")))
	f.Add([]byte(sdl(service, service+"  other: &o {env: [A=b]}\n  more: {<<: *o, image: x}\n")))
	f.Add([]byte(sdl(service, service+"  other: &o {env: [A=b]}\n  more: {<<, *o, x}\n"))) // a key that is a mapping
	f.Add([]byte(sdl("1Gi", "1e9", "    expose:", "    env: &a [*a]\n    expose:")))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := manifest.Parse("fuzz.yaml", data)
		if err != nil {
			var list *manifest.Error
			require.True(t, errors.As(err, &list))
			for _, p := range list.Problems {
				require.Positive(t, p.Line)
				require.Positive(t, p.Column)
			}
			return
		}
		one, err := file.Manifest.Canonical()
		require.NoError(t, err)
		require.LessOrEqual(t, len(one), manifest.MaxBytes)
		again, err := manifest.Parse("fuzz.yaml", data)
		require.NoError(t, err)
		two, err := again.Manifest.Canonical()
		require.NoError(t, err)
		require.Equal(t, one, two)
	})
}

// A tag is pinned to the digest that its registry names, with the file's own credentials; a digest is left alone.
func TestPin(t *testing.T) {
	for image, want := range map[string]string{
		"nginx":                                 "docker.io/library/nginx:latest",
		"nginx:1.27":                            "docker.io/library/nginx:1.27",
		"ghcr.io/acme/app:v1":                   "ghcr.io/acme/app:v1",
		"127.0.0.1:5000/app":                    "127.0.0.1:5000/app:latest",
		"localhost/app:x":                       "localhost/app:x",
		"lmsysorg/sglang:v0.4.9.post3-cu126":    "docker.io/lmsysorg/sglang:v0.4.9.post3-cu126",
		"index.docker.io/library/redis:alpine3": "docker.io/library/redis:alpine3",
	} {
		host, _, _ := strings.Cut(want, "/")
		for _, theirs := range []string{host, "elsewhere.example"} {
			file, err := manifest.Parse("app.yaml", []byte(sdl("nginx"+digest, image, "    expose:", "    credentials: {host: "+theirs+", username: me, password: secret}\n    expose:")))
			require.NoError(t, err, image)
			require.False(t, file.Pinned(), image)
			require.ErrorContains(t, file.Pin(func(string, *manifest.Credentials) (string, error) { return "sha256:1", nil }), `the registry names `+want+` by "sha256:1"`)
			require.NoError(t, file.Pin(func(asked string, c *manifest.Credentials) (string, error) {
				require.Equal(t, want, asked)
				if theirs == host {
					require.Len(t, file.Warnings, 2, "prices, and the tag: %v", file.Warnings)
					require.Equal(t, &manifest.Credentials{Host: host, Username: "me", Password: "secret"}, c)
				} else {
					require.Len(t, file.Warnings, 3, "and the host: %v", file.Warnings)
					require.Nil(t, c, "a password goes to nobody but its registry")
				}
				return strings.TrimPrefix(digest, "@"), nil
			}))
			require.True(t, file.Pinned())
			require.Equal(t, want[:strings.LastIndex(want, ":")]+digest, file.Manifest.Services[0].Image)
		}
	}
	file, err := manifest.Parse("app.yaml", []byte(sdl()))
	require.NoError(t, err)
	require.True(t, file.Pinned())
	require.NoError(t, file.Pin(func(string, *manifest.Credentials) (string, error) { panic("there is nothing to ask") }))
}

// People write the host of their registry in many ways.
func TestCredentialsAreForARegistry(t *testing.T) {
	for _, host := range []string{"docker.io", "index.docker.io", "https://index.docker.io/v1/", "registry-1.docker.io", "Docker.io "} {
		require.True(t, (&manifest.Credentials{Host: host}).For("docker.io/acme/app@sha256:1"), host)
		require.True(t, (&manifest.Credentials{Host: host}).For("acme/app:v1"), host)
		require.False(t, (&manifest.Credentials{Host: host}).For("ghcr.io/acme/app:v1"), host)
	}
	require.True(t, (&manifest.Credentials{Host: "https://ghcr.io/acme"}).For("ghcr.io/acme/app:v1"))
	require.False(t, (&manifest.Credentials{Host: "ghcr.io.example"}).For("ghcr.io/acme/app:v1"))
	require.False(t, (&manifest.Credentials{Host: "registry.example:5000"}).For("registry.example/app:v1"))
	require.False(t, (*manifest.Credentials)(nil).For("nginx"))
}
