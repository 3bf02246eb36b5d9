// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"regexp"
	"strings"
)

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

// brokerURI names credentials that a broker of keys hands to confidential computing.
var brokerURI = regexp.MustCompile(`^kbs://(/[\w-][\w.-]*){3}$`)

// brokered says whether credentials are such; an empty uri is none.
func (v value) brokered(tee bool) bool {
	uri := v.word("text")
	switch {
	case uri == "":
		return false
	case !brokerURI.MatchString(uri):
		v.errorf("expected kbs:/// and three names, found %q", uri)
	case !tee:
		v.errorf("only confidential computing has a uri here; expected host, username and password")
	}
	v.refusef("tee", "confidential computing is not offered")
	return true
}

// credentials reads a name and its password; nil for what a broker keeps, which only a service with a tee gets.
func (v value) credentials(tee bool) *Credentials {
	c := &Credentials{}
	kept := false
	fields := map[string]*string{"host": &c.Host, "username": &c.Username, "password": &c.Password}
	for _, e := range v.entries() {
		field, ok := fields[e.key]
		switch {
		case ok:
			*field = strings.TrimSpace(e.value.word("text"))
		case e.key == "uri":
			kept = e.value.brokered(tee)
		case e.key != "email":
			e.unknown("host, username, password, email, uri")
		}
	}
	if kept {
		if *c != (Credentials{}) {
			v.errorf("expected either uri or host, username and password")
		}
		return nil
	}
	for _, key := range []string{"host", "username", "password"} {
		if *fields[key] == "" {
			v.errorf("%s is missing; expected host, username and password", key)
		}
	}
	return c
}
