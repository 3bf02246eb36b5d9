// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"net/http"
	"time"
)

// site serves HTTP on port 8080: its name, a way to elsewhere, what it can fetch from there itself, and lines back after an upgrade.
func site(name, to string) error {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(rw http.ResponseWriter, req *http.Request) {
		fmt.Fprintln(rw, name, req.Host, req.Header.Get("X-Forwarded-Proto"), req.Header.Get("X-Forwarded-For"))
	})
	mux.HandleFunc("/redirect", func(rw http.ResponseWriter, req *http.Request) { http.Redirect(rw, req, to, http.StatusFound) })
	mux.HandleFunc("/fetch", func(rw http.ResponseWriter, _ *http.Request) {
		resp, err := (&http.Client{Timeout: 2 * time.Second}).Get(to)
		if err != nil {
			fmt.Fprintln(rw, err)
			return
		}
		defer resp.Body.Close()
		_, _ = io.Copy(rw, resp.Body)
	})
	mux.HandleFunc("/upload", func(rw http.ResponseWriter, req *http.Request) {
		n, _ := io.Copy(io.Discard, req.Body)
		fmt.Fprintln(rw, "took", n)
	})
	mux.HandleFunc("/echo", func(rw http.ResponseWriter, req *http.Request) {
		conn, buf, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = fmt.Fprintf(buf, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", req.Header.Get("Upgrade"))
		if buf.Flush() == nil {
			_, _ = io.Copy(conn, buf)
		}
	})
	return (&http.Server{Addr: ":8080", Handler: mux, ReadHeaderTimeout: 10 * time.Second}).ListenAndServe()
}
