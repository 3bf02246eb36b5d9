// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
)

// listen answers on ports such as tcp/7001,udp/7002: with the port's name and what it was sent.
func listen(ports string) {
	for port := range strings.SplitSeq(ports, ",") {
		proto, number, _ := strings.Cut(port, "/")
		if proto == "udp" {
			conn, err := net.ListenPacket("udp", ":"+number)
			die(err)
			go func() {
				buf := make([]byte, 1500)
				for {
					n, from, err := conn.ReadFrom(buf)
					if err != nil {
						return
					}
					_, _ = conn.WriteTo(append([]byte(port+" "), buf[:n]...), from)
				}
			}()
			continue
		}
		l, err := net.Listen("tcp", ":"+number)
		die(err)
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer conn.Close()
					if _, err := io.WriteString(conn, port+" "); err == nil {
						_, _ = io.Copy(conn, conn)
					}
				}()
			}
		}()
	}
	fmt.Println("listening")
}

func die(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
