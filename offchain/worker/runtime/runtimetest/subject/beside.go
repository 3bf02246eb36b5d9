// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// beside is what is run in an instance that runs already; it returns the exit code.
func beside(what string) int {
	switch what {
	case "cat":
		if _, err := io.Copy(os.Stdout, os.Stdin); err != nil {
			return 1
		}
		fmt.Fprintln(os.Stderr, "end")
		return 3
	case "env":
		fmt.Println(strings.Join(os.Environ(), "\n"))
	case "size": // of its terminal, now and whenever it changes, until its input ends
		changed := make(chan os.Signal, 1)
		signal.Notify(changed, unix.SIGWINCH)
		ended := make(chan struct{})
		go func() { _, _ = os.Stdin.Read(make([]byte, 1)); close(ended) }()
		for {
			s, err := unix.IoctlGetWinsize(0, unix.TIOCGWINSZ)
			if err != nil {
				fmt.Println(err)
				return 1
			}
			fmt.Printf("%d x %d\n", s.Row, s.Col)
			select {
			case <-changed:
			case <-ended:
				return 0
			}
		}
	case "sleep": // with a child that hears no end of a terminal
		child := exec.Command("/subject", "do", "rest")
		if err := child.Start(); err != nil {
			fmt.Println(err)
			return 1
		}
		fmt.Println("asleep")
		time.Sleep(time.Hour)
	case "rest":
		signal.Ignore(unix.SIGHUP, unix.SIGTERM, unix.SIGINT)
		time.Sleep(time.Hour)
	case "flood":
		for {
			if _, err := os.Stdout.Write(make([]byte, 8<<10)); err != nil {
				return 1
			}
		}
	}
	return 0
}

// echo sends back what comes on a port of loopback alone.
func echo(port string) {
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(conn, conn)
				_ = conn.Close()
			}()
		}
	}()
}
