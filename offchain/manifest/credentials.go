// SPDX-License-Identifier: Apache-2.0

package manifest

import "strings"

// Credentials of a private registry. They are part of the manifest body, never of the chain.
type Credentials struct {
	Host     string `json:"host"`
	Username string `json:"username"`
	Password string `json:"password"`
}

// dockerHub are the names under which Docker's own registry is known to its users.
var dockerHub = map[string]bool{
	"docker.io": true, "index.docker.io": true, "registry-1.docker.io": true, "registry.hub.docker.com": true, "hub.docker.com": true,
}

// For says whether credentials are of the registry that an image is in: a password goes to nobody else.
func (c *Credentials) For(image string) bool {
	if c == nil {
		return false
	}
	name, _, _ := strings.Cut(image, "@")
	host, _ := splitHost(name)
	theirs := strings.ToLower(strings.TrimSpace(c.Host))
	theirs = strings.TrimPrefix(strings.TrimPrefix(theirs, "https://"), "http://")
	theirs, _, _ = strings.Cut(theirs, "/")
	return theirs == strings.ToLower(host) || dockerHub[theirs] && dockerHub[strings.ToLower(host)]
}

func (v value) credentials() *Credentials {
	c := &Credentials{}
	fields := map[string]*string{"host": &c.Host, "username": &c.Username, "password": &c.Password}
	for _, e := range v.entries() {
		if field, ok := fields[e.key]; ok {
			*field = strings.TrimSpace(e.value.word("text"))
		} else if e.key != "email" {
			e.unknown("host, username, password, email")
		}
	}
	for _, key := range []string{"host", "username", "password"} {
		if *fields[key] == "" {
			v.errorf("%s is missing; expected host, username and password", key)
		}
	}
	return c
}
