// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/offchain/manifest"
)

// parts of the file that sdl writes, to be replaced.
const (
	rule    = "    expose:"
	cpu     = "cpu: {units: 1}"
	memory  = "memory: {size: 1Gi}"
	storage = "storage: {size: 1Gi}"
	price   = "{denom: uakt, amount: 1}"
	service = "  web:\n    image: nginx" + digest + "\n    expose:\n      - port: 80\n        to: [{global: true}]\n"
)

// withGPU is the file with a gpu.
func withGPU(gpu string) string { return sdl(storage, storage+"\n        gpu: "+gpu) }

// connected is the file with two services whose GPUs are connected in the ways named, on a placement that has them connected.
func connected(one, other string) string {
	gpu := func(interconnect string) string {
		return storage + "\n        gpu: {units: 1, attributes: {vendor: {nvidia: }, interconnect: " + interconnect + "}}\n"
	}
	return sdl(service, service+second(), "        "+storage+"\n", "        "+gpu(one)+"    other:\n      resources:\n        "+cpu+"\n        "+memory+"\n        "+gpu(other),
		"{web: "+price+"}", "{web: "+price+", other: "+price+"}", "dc: {pricing", "dc: {attributes: {capabilities/gpu-interconnect: true}, pricing", "deployment:", deployed("other"))
}

// unusedProfile is the file with a second compute profile, on which nothing is deployed.
func unusedProfile(resources string) string {
	return sdl("  compute:\n", "  compute:\n    other:\n      resources: "+resources+"\n")
}

// volumeFile deploys a volume that is a lease of its own, as SDL 2.2 has them.
const volumeFile = `profiles:
  placement:
    dc: {pricing: {mine: {denom: uact, amount: 1}}}
volumes:
  mine: {size: 1Gi, class: beta3, lifecycle: {reclaim: retain, retention: 1h}}
deployment:
  mine: {dc: {profile: mine, count: 1}}
version: "2.2"
`

// second is the service of another name, and deployed says where it runs.
func second() string { return strings.Replace(service, "  web:", "  two:", 1) }
func deployed(profile string) string {
	return "deployment:\n  two: {dc: {profile: " + profile + ", count: 1}}"
}

// kinds is the file with two services on profiles of their own, each with the GPUs named.
func kinds(one, other, denom string) string {
	profile := func(name, models string) string {
		return "    " + name + ": {resources: {cpu: {units: 2}, memory: {size: 2Gi}, storage: {size: 2Gi}, gpu: {units: 1, attributes: {vendor: {nvidia: " + models + "}}}}}\n"
	}
	return sdl(service, service+second(), "{web: "+price+"}", "{one: "+price+", other: {denom: "+denom+", amount: 1}}",
		"  compute:\n", "  compute:\n"+profile("one", one)+profile("other", other),
		"    dc: {profile: web", "    dc: {profile: one", "deployment:", deployed("other"))
}

// What SDL takes is taken, with or without an effect.
func TestWhatSDLTakesIsTaken(t *testing.T) {
	for name, file := range map[string]string{
		"version as a number":                 sdl(`"2.0"`, "2.1"),
		"version with zeros":                  sdl(`"2.0"`, `" v2.00 "`),
		"later patch of 2.1":                  sdl(`"2.0"`, `"2.1.4"`),
		"2.2, and rules of 2.1":               sdl(`"2.0"`, `"2.2"`, storage, "storage: {size: 1Gi, attributes: {persistent: true}}"),
		"version with two digits":             sdl(`"2.0"`, "v2.010"),
		"version that comes last":             strings.Replace(sdl(), "version: \"2.0\"\n", "", 1) + "version: 2.0\n",
		"prices in a list":                    sdl(`"2.0"`, `"2.2"`, price, "["+price+", {denom: uact, amount: 2}]"),
		"a byte order mark in front":          "\xef\xbb\xbf" + sdl(),
		"lines end as elsewhere":              strings.ReplaceAll(sdl(), "\n", "\r\n"),
		"to a service that is not there":      sdl("{global: true}", "{global: true}, {service: nobody}"),
		"depends on what is not there":        sdl(rule, "    depends_on: [nobody]\n"+rule),
		"depends on itself":                   sdl(rule, "    depends_on: [web]\n"+rule),
		"dependencies of others":              sdl(rule, "    depends_on: {db: {condition: service_healthy}}\n"+rule),
		"keys of others":                      sdl(rule, "    restart: always\n    volumes: [a:/b]\n    healthcheck: {test: [x]}\n"+rule),
		"two ports under one number":          sdl("      - port: 80\n", "      - {port: 3000, as: 80, accept: [a.example], to: [{global: true}]}\n      - port: 80\n        accept: [b.example]\n"),
		"one port for two names":              sdl("      - port: 80\n", "      - {port: 80, accept: [a.example]}\n      - port: 80\n        accept: [b.example]\n"),
		"one rule twice":                      sdl("      - port: 80\n", "      - {port: 80, to: [{global: true}]}\n      - port: 80\n"),
		"nothing where something may be":      sdl(rule, "    command:\n    args: ~\n    env:\n    params:\n    credentials:\n    dependencies:\n"+rule),
		"nothing in a list":                   sdl(rule, "    args: [a, ~]\n"+rule),
		"a name with a dash in front":         sdl(rule, "    env: [-a=b, .c=d, e]\n"+rule),
		"cpu in parts":                        sdl(cpu, "cpu: {units: .5}"),
		"cpu with a sign":                     sdl(cpu, `cpu: {units: "+1"}`),
		"memory with an exponent":             sdl(memory, "memory: {size: 1e9}"),
		"memory attributes":                   sdl(memory, "memory: {size: 1Gi, attributes: {speed: 9}}"),
		"gpu of nothing":                      withGPU("{units: 0}"),
		"gpu of nothing at all":               withGPU("{units: , attributes: }"),
		"gpu without an end":                  withGPU("{units: \"1\", attributes: {vendor: {nvidia: [{model: }]}}}"),
		"gpu without memory":                  withGPU("{units: 1, attributes: {vendor: {nvidia: [{model: a100, ram: , interface: }]}}}"),
		"persistent without a place, in 2.1":  sdl(`"2.0"`, `"2.1"`, storage, "storage: {size: 1Gi, attributes: {persistent: true}}"),
		"read only memory, in 2.0":            sdl(rule, "    params: {storage: {default: {mount: /dev/shm, readOnly: true}}}\n"+rule, storage, "storage: {size: 1Gi, attributes: {class: ram}}"),
		"not persistent, in another word":     sdl(storage, "storage: {size: 1Gi, attributes: {persistent: off, class: beta3}}"),
		"a port for itself under two numbers": sdl("      - port: 80\n", "      - {port: 81, as: 82, to: [{service: web}, {service: nobody}]}\n      - port: 80\n"),
		"a place that is no attribute":        sdl("dc: {", "dc: {attributes: , signedBy: {anyOf: }, "),
		"a price of another denom, not used":  sdl(price, price+", other: {denom: uusd, amount: 1}"),
		"a profile without size, not used":    unusedProfile("{cpu: {units: 1m}}"),
		"a profile with a dream, not used":    unusedProfile("{cpu: {units: 1, attributes: {arch: arm64}}}"),
		"a service that is deployed nowhere":  sdl("deployment:", "deployment:\n  other: {}", service, service+"  other: {image: x}\n"),
		"a service that is not deployed":      sdl(service, service+"  other: {expose: [{port: 0, proto: http}]}\n"),
		"two kinds of GPU that can be one":    kinds("", "[{model: a100}]", "uakt"),
		"permissions of nothing":              sdl(rule, "    params: {permissions: {read: []}}\n"+rule),
		"the highest price":                   sdl("denom: uakt, amount: 1}", "denom: uakt, amount: \"10000000.0\"}"),
		"verification of nothing":             sdl("dc: {", "dc: {verification: {min_tier: 0}, "),
		"verification":                        sdl("dc: {", "dc: {verification: {min_tier: 3, capabilities: [persistent_storage, bare_metal], auditors: [akash1a], auditor_mode: all, min_auditor_count: 1}, "),
		"no tee":                              sdl(rule, "    params: {tee: , kbs: }\n"+rule),
		"no rdma":                             withGPU("{units: 1, attributes: {rdma: false, vendor: {nvidia: }}}"),
		"credentials kept nowhere":            sdl(rule, "    credentials: {uri: \"\", host: a, username: b, password: c}\n"+rule),
		"no key":                              sdl(rule, "    params: {storage: {default: {mount: /data, keyRef: \"\"}}}\n"+rule),
		"include of nothing":                  sdl("services:", "include: []\nservices:"),
		"include":                             sdl("services:", "include: [other.yaml]\nservices:"),
		"work without a port, of this market": sdl("to: [{global: true}]", "to: []", rule, "    x-ath: {restart: never}\n"+rule),
	} {
		t.Run(name, func(t *testing.T) {
			parsed, err := manifest.Parse("app.yaml", []byte(file))
			require.NoError(t, err)
			require.NotEmpty(t, parsed.Manifest.Services)
		})
	}
}

// What SDL refuses is refused.
func TestWhatSDLRefusesIsRefused(t *testing.T) {
	many := func(rule string) string {
		return sdl("      - port: 80\n", rule+"      - port: 80\n")
	}
	for name, tc := range map[string]struct{ file, want string }{
		"version between":              {sdl(`"2.0"`, `"2.0.1"`), `version: expected "2.0", "2.1" or "2.2", found "2.0.1"`},
		"version of another time":      {sdl(`"2.0"`, `"3.0"`), `found "3.0"`},
		"version of nobody":            {sdl(`"2.0"`, `"2.x"`), `found "2.x"`},
		"volumes before 2.2":           {sdl(`"2.0"`, `"2.1"`, "services:", "volumes: {mine: {size: 1Gi}}\nservices:"), "volumes: unknown section"},
		"a volume of both kinds":       {sdl(`"2.0"`, `"2.2"`, "services:", "volumes: {mine: {external: {dseq: 1}, size: 1Gi}}\nservices:"), "volumes.mine: expected either external"},
		"a volume of no deployment":    {sdl(`"2.0"`, `"2.2"`, "services:", "volumes: {mine: {external: {dseq: 0}}}\nservices:"), "volumes.mine.external.dseq: expected a whole number"},
		"no profile beside a volume":   {sdl(`"2.0"`, `"2.2"`, "services:", "volumes: {mine: {external: {dseq: 1}}}\nservices:", "  compute:", "  x-compute:"), "profiles: the section compute is missing"},
		"a volume beside services":     {sdl(`"2.0"`, `"2.2"`, "services:", "volumes: {mine: {size: 1Gi}}\nservices:"), "write a file for each"},
		"a volume that is not there":   {sdl(`"2.0"`, `"2.2"`, rule, "    params: {storage: {data: {mount: /data, volume: mine}}}\n"+rule), `there is no external volume "mine"`},
		"another than the volume":      {strings.ReplaceAll(volumeFile, "  mine: {dc", "  other: {dc"), "deployment.other: there is no volume of this name; expected one of mine"},
		"no price in a list":           {sdl(`"2.0"`, `"2.2"`, price, "[]"), "pricing.web: expected a price"},
		"a price of a list above":      {sdl(`"2.0"`, `"2.2"`, price, "["+price+", {denom: uact, amount: 10000001}]"), "pricing.web[1].amount: expected an amount of at most"},
		"a price of a list of nothing": {sdl(`"2.0"`, `"2.2"`, price, "["+price+", {denom: uact, amount: 0}]"), "pricing.web[1].amount: expected an amount above 0"},
		"no port that is global":       {sdl("global: true", "global: false"), "no rule is global"},
		"version to come":              {sdl(`"2.0"`, `"3.0"`), `expected "2.0", "2.1" or "2.2"`},
		"fifty-one replicas":           {sdl("count: 1", "count: 51"), "from 1 to 50"},
		"fifty-one of two services":    {sdl(`"2.0"`, `"2.1"`, service, service+second(), "deployment:", strings.Replace(deployed("web"), "count: 1", "count: 50", 1)), "have more than 50 replicas"},
		"twenty-one services":          {profiles(21), "more than 20 services"},
		"memory kept in another word":  {sdl(storage, "storage: {size: 1Gi, attributes: {persistent: no, class: ram}}"), "can't be persistent"},
		"count in quotes":              {sdl("count: 1", `count: "1"`), `found the text "1"`},
		"global in quotes":             {sdl("global: true", `global: "true"`), "expected true or false"},
		"name begins with a digit":     {strings.NewReplacer("  web:", "  3d:", "profile: web", "profile: 3d", "{web:", "{3d:").Replace(sdl()), "begins with a letter"},
		"variable begins with a digit": {sdl(rule, "    env: [1A=b]\n"+rule), "expected KEY=value"},
		"variable of two dots":         {sdl(rule, "    env: [\"..=b\"]\n"+rule), "expected KEY=value"},
		"variables as a mapping item":  {sdl(rule, "    env: [A: b]\n"+rule), "found a mapping"},
		"parts of a thousandth":        {sdl(cpu, "cpu: {units: 0.5m}"), "expected CPU units"},
		"cpu below":                    {sdl(cpu, "cpu: {units: 9m}"), "expected 10m to 384 cores"},
		"cpu above":                    {sdl(cpu, "cpu: {units: 385}"), "expected 10m to 384 cores"},
		"cpu key":                      {sdl(cpu, "cpu: {units: 1, speed: 9}"), "SDL has no such key here"},
		"cpu attribute":                {sdl(cpu, "cpu: {units: 1, attributes: {speed: 9}}"), "SDL has no such attribute here"},
		"cpu of nothing":               {sdl(cpu, "cpu:"), "cpu is missing"},
		"memory below":                 {sdl(memory, "memory: {size: 1023Ki}"), "expected 1Mi to 2Ti"},
		"memory above":                 {sdl(memory, "memory: {size: 3Ti}"), "expected 1Mi to 2Ti"},
		"cpu of another kind":          {sdl(cpu, "cpu: {units: 1, attributes: {arch: sparc64}}"), "expected amd64 or arm64"},
		"tee of a GPU without one":     {sdl(rule, "    params: {tee: cpu-gpu}\n"+rule), "the compute profile has none"},
		"tee of a kind":                {sdl(rule, "    params: {tee: {type: sgx}}\n"+rule), "expected cpu or cpu-gpu"},
		"tee without a kind":           {sdl(rule, "    params: {tee: {attestation: false}}\n"+rule), "expected cpu or cpu-gpu"},
		"keys without tee":             {sdl(rule, "    params: {kbs: {mode: provider}}\n"+rule), "kbs is there without tee"},
		"keys without a mode":          {sdl(rule, "    params: {tee: cpu, kbs: {mode: own}}\n"+rule), "expected mode: provider or tenant"},
		"a key of another form":        {sdl(rule, "    params: {storage: {default: {mount: /data, keyRef: sealed.a.b}}}\n"+rule, storage, "storage: {size: 1Gi, attributes: {persistent: true}}"), "a token of three parts"},
		"a key of what is not kept":    {sdl(rule, "    params: {storage: {default: {mount: /data, keyRef: sealed.a.b.c}}}\n"+rule), "a volume with a keyRef is persistent"},
		"price above":                  {sdl("denom: uakt, amount: 1}", "denom: uakt, amount: 10000000.01}"), "at most 10000000"},
		"tier above":                   {sdl("dc: {", "dc: {verification: {min_tier: 5}, "), "from 0 to 4"},
		"auditors without a tier":      {sdl("dc: {", "dc: {verification: {auditors: [akash1a]}, "), "expected min_tier"},
		"auditors of another chain":    {sdl("dc: {", "dc: {verification: {min_tier: 1, auditors: [osmo1a]}, "), "begin with akash1"},
		"auditors with spaces":         {sdl("dc: {", "dc: {verification: {min_tier: 1, auditors: [\"akash1a \"]}, "), "without spaces around"},
		"a capability of nobody":       {sdl("dc: {", "dc: {verification: {min_tier: 1, capabilities: [bare_metal, fast]}, "), `found "fast"`},
		"mode of auditors":             {sdl("dc: {", "dc: {verification: {min_tier: 1, auditor_mode: some}, "), "expected any or all"},
		"memory in words":              {sdl(memory, "memory: {size: 1GiB}"), "expected a size"},
		"memory in bytes and B":        {sdl(memory, "memory: {size: 1000000000B}"), "expected a size"},
		"memory with a space":          {sdl(memory, "memory: {size: 1 Gi}"), "expected a size"},
		"memory in underscores":        {sdl(memory, "memory: {size: 1_000_000_000}"), "expected a size"},
		"storage below":                {sdl(storage, "storage: {size: 4Mi}"), "expected a size from 5Mi to 32Ti"},
		"storage as a word":            {sdl(storage, "storage: 1Gi"), "expected a list"},
		"storage of words":             {sdl(storage, "storage: [1Gi]"), "expected a mapping"},
		"gpu attributes without units": {withGPU("{units: 0, attributes: {vendor: {nvidia: }}}"), "units is 0"},
		"gpu above":                    {withGPU("{units: 25, attributes: {vendor: {nvidia: }}}"), "from 0 to 24"},
		"gpu twice":                    {withGPU("{units: 1, attributes: {vendor: {nvidia: [{model: a100}, {model: a100}]}}}"), "listed twice"},
		"gpu memory in decimal":        {withGPU("{units: 1, attributes: {vendor: {nvidia: [{model: a100, ram: 80G}]}}}"), "expected a size such as 24Gi"},
		"gpu model of two words":       {withGPU("{units: 1, attributes: {vendor: {nvidia: [{model: rtx 4090}]}}}"), "expected a model"},
		"gpu model alone":              {withGPU("{units: 1, attributes: {vendor: {nvidia: {model: a100}}}}"), "expected a list"},
		"gpu interconnect":             {withGPU("{units: 1, attributes: {interconnect: true, vendor: {nvidia: }}}"), "expected a mapping"},
		"gpu interconnect of nobody":   {withGPU("{units: 1, attributes: {interconnect: [], vendor: {nvidia: }}}"), "attributes.interconnect: the placement dc needs the attribute capabilities/gpu-interconnect"},
		"gpu interconnect of some":     {strings.Replace(connected("[]", "[]"), "gpu-interconnect: true", "gpu-interconnect: false", 1), "the placement dc needs the attribute"},
		"gpu interconnect both ways":   {connected("[]", "{group: a}"), "the placement dc has profiles with a group and profiles with []"},
		"gpu interconnect of all":      {withGPU("{units: 1, attributes: {interconnect: {group: auto}, vendor: {nvidia: }}}"), "another name than auto"},
		"prices in two denoms":         {kinds("", "", "uusd"), "the denom of the other prices"},
		"denom":                        {sdl("denom: uakt", "denom: $"), "expected a denom"},
		"price of many places":         {sdl("amount: 1}", "amount: 1.0000000000000000001}"), "expected an amount above 0"},
		"price in two denoms":          {sdl(price, "["+price+"]"), "expected a mapping"},
		"auditors as a word":           {sdl("dc: {", "dc: {signedBy: {anyOf: a}, "), "expected a list"},
		"attributes in lists":          {sdl("dc: {", "dc: {attributes: {region: [a]}, "), "expected text"},
		"host twice":                   {many("      - {port: 81, accept: [a.example]}\n      - {port: 82, accept: [a.example]}\n"), "is there twice"},
		"host in large letters":        {sdl("port: 80", "port: 80\n        accept: [A.example]"), "in small letters"},
		"host of two rules":            {sdl("port: 80", "port: 80\n        accept: [a.example]", "{global: true}", "{global: true}, {service: web}"), "one entry in to:"},
		"read only memory, in 2.1":     {sdl(`"2.0"`, `"2.1"`, rule, "    params: {storage: {default: {mount: /dev/shm, readOnly: true}}}\n"+rule, storage, "storage: {size: 1Gi, attributes: {class: ram}}"), "can't be readOnly"},
		"port of an address twice": {sdl("global: true", "global: true, ip: mine", "deployment:", "endpoints: {mine: {kind: ip}}\ndeployment:",
			"      - port: 80\n", "      - {port: 80, to: [{global: true, ip: mine}]}\n      - port: 80\n"), "is taken"},
		"no deployment at all":            {sdl("    dc: {profile: web, count: 1}", "    {}"), "expected at least one service"},
		"include of a word":               {sdl("services:", "include: other.yaml\nservices:"), "include: expected a list"},
		"kept credentials, and no tee":    {sdl(rule, "    credentials: {uri: \"kbs:///a/b/c\"}\n"+rule), "credentials.uri: only confidential computing"},
		"kept credentials of a form":      {sdl(rule, "    credentials: {uri: \"kbs:///a/b\"}\n    params: {tee: cpu}\n"+rule), "expected kbs:/// and three names"},
		"kept credentials of a host":      {sdl(rule, "    credentials: {uri: \"kbs://a/b/c/d\"}\n    params: {tee: cpu}\n"+rule), "expected kbs:/// and three names"},
		"kept credentials beside others":  {sdl(rule, "    credentials: {uri: \"kbs:///a/b/c\", host: a}\n    params: {tee: cpu}\n"+rule), "either uri or host"},
		"spaces for a password":           {sdl(rule, "    credentials: {host: a, username: b, password: \" \"}\n"+rule), "password is missing"},
		"reclamation without a window":    {sdl("services:", "reclamation: {min_window: soon}\nservices:"), "a duration such as 24h"},
		"a profile of nonsense, not used": {unusedProfile("{cpu: {units: lots}}"), "compute.other.resources.cpu.units: expected CPU units"},
		"a rule of nonsense, unused":      {sdl(service, service+"  other: {expose: [{port: \"80\"}]}\n"), "services.other.expose[0].port: expected a whole number"},
		"a service of nonsense, unused":   {sdl(service, service+"  other: {env: {A: b}}\n"), "services.other.env: expected a list, found a mapping"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := manifest.Parse("app.yaml", []byte(tc.file))
			require.ErrorIs(t, err, manifest.ErrInvalid)
			require.ErrorContains(t, err, tc.want)
			var list *manifest.Error
			require.True(t, errors.As(err, &list))
			require.Greater(t, list.Problems[0].Line, 0)
		})
	}
}

// SDL takes what can't be deployed here: each is named.
func TestWhatSDLTakesAndThisMarketDoesNot(t *testing.T) {
	services := ""
	where := ""
	for i := range 17 {
		name := "s" + string(rune('a'+i))
		services += "  " + name + ":\n    image: nginx" + digest + "\n    expose: [{port: 80, to: [{global: true}]}]\n"
		where += "  " + name + ": {dc: {profile: web, count: 1}}\n"
	}
	for name, tc := range map[string]struct{ file, feature string }{
		"seventeen services":      {sdl(service, services, "  web:\n    dc: {profile: web, count: 1}\n", where), "count"},
		"a replica's name":        {sdl("count: 1", "count: 2", service, service+strings.Replace(service, "web", "web-2", 1), "deployment:", "deployment:\n  web-2: {dc: {profile: web, count: 1}}"), "count"},
		"a volume of its own":     {volumeFile, "leased-volumes"},
		"an image of a form":      {sdl("nginx"+digest, `"<your image>"`), "image-name"},
		"an image in large":       {sdl("nginx"+digest, "Acme/App:v1"), "image-name"},
		"a digest in large":       {sdl("sha256:aaaa", "sha256:AAAA"), "image-name"},
		"a tag of two words":      {sdl("nginx"+digest, "nginx:a b"), "image-name"},
		"two volumes in one path": {sdl(rule, "    params: {storage: {default: {mount: /data}, more: {mount: /data/}}}\n"+rule, storage, "storage: [{size: 1Gi}, {name: more, size: 1Gi}]"), "volume-mount"},
		"many volumes":            {sdl(storage, "storage: ["+strings.TrimSuffix(strings.Repeat("{size: 1Gi, name: a}, ", 33), ", ")+"]"), "volumes"},
		"tee as a mapping":        {sdl(rule, "    params: {tee: {type: tdx, attestation: false}}\n"+rule), "tee"},
		"tee of a placement":      {sdl("dc: {", "dc: {attributes: {confidential-compute: \"true\"}, "), "tee"},
		"tee of a capability":     {sdl("dc: {", "dc: {verification: {min_tier: 3, capabilities: [tee_hardware_attestation]}, "), "tee"},
		"kept credentials":        {sdl(rule, "    credentials: {uri: \"kbs:///a/b/c\"}\n    params: {tee: cpu}\n"+rule), "tee"},
		"tee of another name":     {sdl("dc: {", "dc: {verification: {min_tier: 3, capabilities: [confidential_computing]}, "), "tee"},
		"tee of a GPU":            {strings.Replace(withGPU("{units: 1, attributes: {vendor: {nvidia: }}}"), rule, "    params: {tee: cpu-gpu}\n"+rule, 1), "tee"},
		"connected GPUs":          {connected("[]", "[]"), "gpu-interconnect"},
		"groups of GPUs":          {connected("{group: a}", "{group: b}"), "gpu-interconnect"},
		"rdma":                    {withGPU("{units: 1, attributes: {rdma: true, vendor: {nvidia: }}}"), "gpu-interconnect"},
		"a port for another":      {sdl(service, strings.Replace(service, "      - port: 80\n", "      - {port: 3000, as: 80, to: [{service: two}]}\n      - port: 80\n", 1)+second(), "deployment:", deployed("web")), "service-port"},
		"fifty replicas":          {sdl("count: 1", "count: 50"), "count"},
		"fifty-one of two":        {sdl(service, service+second(), "deployment:", strings.Replace(deployed("web"), "count: 1", "count: 50", 1)), "count"},
		"twenty services":         {profiles(20), "count"},
		"little memory":           {sdl(memory, "memory: {size: 5Mi}"), "memory"},
		"many published ports":    {sdl("count: 1", "count: 9", "      - port: 80\n", strings.Repeat("      - {port: 1, to: [{global: true}]}\n      - {port: 2, to: [{global: true}]}\n      - {port: 3, to: [{global: true}]}\n", 2)+"      - port: 80\n"), "ports"},
		"many rules":              {sdl("      - port: 80\n", ports(65)+"      - port: 80\n"), "ports"},
		"two kinds of GPU":        {kinds("[{model: a100}]", "[{model: h100}]", "uakt"), "several-gpu-kinds"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := manifest.Parse("app.yaml", []byte(tc.file))
			require.ErrorIs(t, err, manifest.ErrNotOffered)
			var list *manifest.Error
			require.True(t, errors.As(err, &list))
			require.Equal(t, tc.feature, list.Problems[0].Feature)
		})
	}
}

// profiles is the file with so many services more, each on a compute profile of its own, of which web is one.
func profiles(n int) string {
	services, compute, prices, where := "", "", "", ""
	for i := range n - 1 {
		name := fmt.Sprintf("s%02d", i)
		services += strings.Replace(service, "  web:", "  "+name+":", 1)
		compute += "    " + name + ": {resources: {" + cpu + ", " + memory + ", " + storage + "}}\n"
		prices += name + ": " + price + ", "
		where += "  " + name + ": {dc: {profile: " + name + ", count: 1}}\n"
	}
	return sdl(service, service+services, "  compute:\n", "  compute:\n"+compute, "pricing: {", "pricing: {"+prices, "deployment:\n", "deployment:\n"+where)
}

func ports(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("      - {port: " + string(rune('1'+i/10)) + string(rune('0'+i%10)) + "}\n")
	}
	return b.String()
}

// Dependencies that close a circle are passed over; those that don't are kept.
func TestCirclesAreOpened(t *testing.T) {
	parsed, err := manifest.Parse("app.yaml", []byte(sdl(
		service, strings.Replace(service, rule, "    dependencies: [{service: two}]\n"+rule, 1)+strings.Replace(second(), rule, "    depends_on: [web, nobody]\n"+rule, 1),
		"deployment:", deployed("web"))))
	require.NoError(t, err)
	require.Equal(t, "two", parsed.Manifest.Services[0].Name)
	require.Equal(t, []string{"web"}, parsed.Manifest.Services[0].DependsOn)
	require.Empty(t, parsed.Manifest.Services[1].DependsOn)
	texts := ""
	for _, w := range parsed.Warnings {
		texts += w.String() + "\n"
	}
	require.Contains(t, texts, `depends on "nobody", which is not deployed`)
	require.Contains(t, texts, "dependencies go round in a circle")
}

// A vendor that is left out in braces is SDL's default; one that is left out without them is missing.
func TestGPUOfNoVendor(t *testing.T) {
	parsed, err := manifest.Parse("app.yaml", []byte(withGPU("{units: 1, attributes: {vendor: {}}}")))
	require.NoError(t, err)
	require.Equal(t, []manifest.GPU{{Vendor: "nvidia"}}, parsed.GPUs)
	require.Equal(t, "nvidia", parsed.Manifest.Services[0].Resources.GPUVendor)
	_, err = manifest.Parse("app.yaml", []byte(withGPU("{units: 1, attributes: {vendor: }}")))
	require.ErrorContains(t, err, "expected a vendor")
	_, err = manifest.Parse("app.yaml", []byte(withGPU("{units: 1, attributes: {vendor: []}}")))
	require.ErrorContains(t, err, "expected a mapping")
}

// Services that leave a choice of GPU agree on what suits all.
func TestGPUsThatSuitAll(t *testing.T) {
	parsed, err := manifest.Parse("app.yaml", []byte(kinds("[{model: a100, ram: 40Gi}, {model: h100}]", "[{model: h100, ram: 80Gi, interface: sxm}, {model: l40}]", "uakt")))
	require.NoError(t, err)
	require.Equal(t, []manifest.GPU{{Vendor: "nvidia", Model: "h100", VRAMMiB: 80 << 10, Interface: "sxm"}}, parsed.GPUs)
}

// Only the first document of a file is SDL's.
// Akash's Console writes 8GB, which its command line refuses: such a size is taken as the Console means it, with a word about it.
func TestSizesOfTheConsole(t *testing.T) {
	for size, want := range map[string]struct {
		plain string
		bytes uint64
	}{
		"8GB":   {"8G", 8e9},
		"15Gb":  {"15G", 15e9},
		"2gi":   {"2Gi", 2 << 30},
		"1.5gb": {"1.5G", 1.5e9},
		"512MB": {"512M", 512e6},
		"512m":  {"512M", 512e6},
		"7KI":   {"", 0},
		"0.1tb": {"0.1T", 1e11},
	} {
		t.Run(size, func(t *testing.T) {
			file, err := manifest.Parse("app.yaml", []byte(sdl(memory, "memory: {size: "+size+"}")))
			if want.plain == "" {
				require.ErrorContains(t, err, "expected 1Mi to 2Ti")
				return
			}
			require.NoError(t, err)
			require.Equal(t, want.bytes, file.Asked["web"].MemoryBytes)
			said := ""
			for _, w := range file.Warnings {
				said += w.String() + "\n"
			}
			require.Contains(t, said, `"`+size+`" is read as `+want.plain+", as Akash's Console reads it")
		})
	}
}

// A file that is no YAML is refused where it ceases to be, not where the parser began what it did not understand.
func TestBrokenYAMLNamesItsLine(t *testing.T) {
	long := "version: \"2.0\"\nx-text: 'one\n" + strings.Repeat("  more\n", 20) + "  end'\n" + strings.Repeat("x-a:\n  - b\n", 30)
	for name, tc := range map[string]struct {
		file string
		line int
	}{
		"a key left of its list":        {"version: \"2.0\"\nservices:\n  web:\n    expose:\n      - port: 80\n        as: 80\n      to:\n        - global: true\n", 7},
		"a key left of its mapping":     {long + "services:\n  web:\n    image: x\n   env: [a]\n  db:\n    image: y\n", 87},
		"a word without a colon":        {"version: \"2.0\"\nservices:\n  web:\n    image\n    env: [a]\n  db:\n", 5},
		"a quote that is not closed":    {"version: \"2.0\"\nservices:\n  web:\n    args: [\"a, b]\n    env: [a]\n", 4},
		"a tab":                         {"version: \"2.0\"\nservices:\n\tweb:\n", 3},
		"an anchor that is not there":   {"version: \"2.0\"\nservices:\n  web:\n    env: *common\n    image: x\n", 4},
		"a character that is no letter": {"version: \"2.0\"\nservices:\n  web:\n    image: \"a\x01\"\n", 4},
		"at its end":                    {"version: \"2.0\"\nservices: {web: {", 2},
		"at its beginning":              {"--\nversion: \"2.0\"\nservices:\n", 2},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := manifest.Parse("app.yaml", []byte(tc.file))
			var list *manifest.Error
			require.True(t, errors.As(err, &list))
			require.ErrorIs(t, err, manifest.ErrInvalid)
			require.Len(t, list.Problems, 1)
			require.Contains(t, list.Problems[0].Text, "not YAML: ")
			require.NotContains(t, list.Problems[0].Text, "line")
			require.Equal(t, tc.line, list.Problems[0].Line, "%v", err)
		})
	}
	begin := time.Now()
	_, err := manifest.Parse("app.yaml", []byte(strings.Repeat("a: &a\n", 1<<17)+"x: [\n"))
	require.ErrorIs(t, err, manifest.ErrInvalid)
	require.Less(t, time.Since(begin), 20*time.Second)
}

func TestFurtherDocuments(t *testing.T) {
	parsed, err := manifest.Parse("app.yaml", []byte(sdl()+"---\nversion: \"1.0\"\n"))
	require.NoError(t, err)
	require.Contains(t, parsed.Warnings[len(parsed.Warnings)-1].String(), "only the first document")
}

// A file of a megabyte is answered soon, and the answer is not many times its size.
func TestLargeFilesCostLittle(t *testing.T) {
	var b strings.Builder
	b.WriteString("version: \"2.0\"\nservices:\n")
	for i := range 6_000 {
		fmt.Fprintf(&b, "  s%05d: {image: x, depends_on: [nobody], expose: [{port: 1, to: [{service: n}]}]}\n", i)
	}
	b.WriteString("profiles: {compute: {p: {}}, placement: {d: {pricing: {}}}}\ndeployment:\n")
	begin := time.Now()
	_, err := manifest.Parse("large.yaml", []byte(b.String()))
	require.ErrorIs(t, err, manifest.ErrInvalid)
	deep := strings.Repeat("[", 300_000)
	_, err = manifest.Parse("deep.yaml", []byte(deep))
	require.ErrorIs(t, err, manifest.ErrInvalid)
	require.Less(t, time.Since(begin), 20*time.Second)

	services, where := "", ""
	for i := range 1_000 {
		services += fmt.Sprintf("  s%04d: {image: x, expose: [{port: 1, to: [{service: n}]}]}\n", i)
		where += fmt.Sprintf("  s%04d: {dc: {profile: web, count: 1}}\n", i)
	}
	_, err = manifest.Parse("many.yaml", []byte(sdl(service, services, "  web:\n    dc: {profile: web, count: 1}\n", where)))
	require.Error(t, err)
	require.Less(t, len(err.Error()), 8<<20)
}
