// SPDX-License-Identifier: Apache-2.0

// Command subject is the program inside the test image: it does what a test tells it to by environment and arguments.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	fmt.Println("hello")
	for _, arg := range os.Args[1:] {
		fmt.Println(arg)
	}
	if code, err := strconv.Atoi(os.Getenv("EXIT")); err == nil {
		os.Exit(code)
	}
	switch os.Getenv("DO") {
	case "eat": // until the memory limit ends it
		var hoard [][]byte
		for {
			block := make([]byte, 1<<20)
			for i := range block {
				block[i] = byte(i)
			}
			hoard = append(hoard, block)
			runtime.KeepAlive(hoard)
		}
	case "fork": // until the pids limit refuses
		for n := 0; ; n++ {
			child := exec.Command("/subject")
			child.Env = []string{"DO=sleep"}
			if err := child.Start(); err != nil {
				fmt.Println("refused after", n)
				os.Exit(0)
			}
		}
	case "spin": // as much CPU as it gets, on two threads
		for range 2 {
			go func() {
				for n := 0; ; n++ {
					runtime.KeepAlive(n)
				}
			}()
		}
	case "write":
		err := os.WriteFile("/file", []byte("x"), 0o600)
		fmt.Println("root:", err == nil)
		err = os.WriteFile("/tmp/file", []byte("x"), 0o600)
		fmt.Println("tmp:", err == nil)
		os.Exit(0)
	case "dial":
		conn, err := net.DialTimeout("tcp", os.Getenv("ADDRESS"), 2*time.Second)
		fmt.Println("reached:", err == nil)
		if err == nil {
			_ = conn.Close()
		}
		os.Exit(0)
	case "escape":
		escape()
		os.Exit(0)
	case "fill":
		fill(os.Getenv("FILES"), 1<<30)
	case "flows":
		n, _ := strconv.Atoi(os.Getenv("COUNT"))
		flows(os.Getenv("ADDRESS"), n)
		os.Exit(0)
	case "reach":
		reach(os.Getenv("ADDRESS"))
		os.Exit(0)
	case "rebind": // a name that turns to a private address
		if err := os.WriteFile("/etc/hosts", []byte(os.Getenv("HOSTS")+"\n"), 0o644); err != nil {
			fmt.Println(err)
		}
		reach(os.Getenv("ADDRESS"))
		os.Exit(0)
	case "setuid":
		setuid()
		os.Exit(0)
	case "who":
		fmt.Println("uid", os.Geteuid())
		os.Exit(0)
	case "dump":
		dump()
		os.Exit(0)
	case "abort":
		panic("as told")
	case "flood":
		n, _ := strconv.Atoi(os.Getenv("COUNT"))
		for line := strings.Repeat("x", 1023); n > 0; n-- {
			fmt.Println(line)
		}
		os.Exit(0)
	case "storm":
		storm(os.Getenv("ADDRESS"))
	case "serve":
		http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "served") })
		fmt.Println(http.ListenAndServe(":8080", nil))
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	<-stop
}
