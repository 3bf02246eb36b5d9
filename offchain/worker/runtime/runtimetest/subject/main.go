// SPDX-License-Identifier: Apache-2.0

// Command subject is the program inside the test image: it does what a test tells it to by environment and arguments.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "do" {
		os.Exit(beside(os.Args[2]))
	}
	fmt.Println("hello")
	for _, arg := range os.Args[1:] {
		fmt.Println(arg)
	}
	if code, err := strconv.Atoi(os.Getenv("EXIT")); err == nil {
		os.Exit(code)
	}
	switch os.Getenv("DO") {
	case "eat": // until the memory limit ends it
		if os.Getenv("FIRST") != "" { // before its parent
			_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
		}
		var hoard [][]byte
		for {
			block := make([]byte, 1<<20)
			for i := range block {
				block[i] = byte(i)
			}
			hoard = append(hoard, block)
			runtime.KeepAlive(hoard)
		}
	case "hold": // MIB of memory, for as long as it lives
		n, _ := strconv.Atoi(os.Getenv("MIB"))
		block := make([]byte, n<<20)
		for i := range block {
			block[i] = byte(i)
		}
		fmt.Println("holds")
		for {
			time.Sleep(time.Minute)
			runtime.KeepAlive(block)
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
	case "volume": // leaves a file in every directory of FILES and says whether one was there
		for dir := range strings.SplitSeq(os.Getenv("FILES"), ",") {
			file := filepath.Join(dir, "left")
			_, before := os.Stat(file)
			var at syscall.Statfs_t
			serr := syscall.Statfs(dir, &at)
			fmt.Printf("%s: there: %v, written: %v, %d MiB, %v\n", dir, before == nil, os.WriteFile(file, []byte("x"), 0o600) == nil, int64(at.Blocks)*at.Bsize>>20, serr)
		}
		if os.Getenv("STAY") == "" {
			os.Exit(0)
		}
	case "write":
		err := os.WriteFile("/file", []byte("x"), 0o600)
		fmt.Println("root:", err == nil)
		err = os.WriteFile("/tmp/file", []byte("x"), 0o600)
		fmt.Println("tmp:", err == nil)
		os.Exit(0)
	case "peers": // who answers to each of NAMES
		for host := range strings.SplitSeq(os.Getenv("NAMES"), ",") {
			peers(host, time.Now().Add(15*time.Second))
		}
		os.Exit(0)
	case "dial":
		conn, err := net.DialTimeout("tcp", os.Getenv("ADDRESS"), 2*time.Second)
		fmt.Println("reached:", err == nil)
		if err == nil {
			_ = conn.Close()
		}
		os.Exit(0)
	case "listen":
		listen(os.Getenv("PORTS"))
	case "echo":
		echo(os.Getenv("PORT"))
	case "site":
		if ports := os.Getenv("PORTS"); ports != "" {
			listen(ports)
		}
		fmt.Println(site(os.Getenv("NAME"), os.Getenv("TO")))
	case "escape":
		escape()
		os.Exit(0)
	case "fill":
		fill(os.Getenv("FILES"), 1<<30)
	case "flows":
		n, _ := strconv.Atoi(os.Getenv("COUNT"))
		flows(os.Getenv("ADDRESS"), os.Getenv("PORT"), n)
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
	case "bandwidth":
		bandwidth("http://" + os.Getenv("ADDRESS"))
		os.Exit(0)
	case "name":
		name, err := os.Hostname()
		addresses, lerr := net.LookupHost(name)
		fmt.Println("name", name, err, len(addresses), lerr)
		addresses, lerr = net.LookupHost("localhost")
		fmt.Println("localhost", addresses, lerr)
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
		http.HandleFunc("/sink", func(w http.ResponseWriter, req *http.Request) {
			begin := time.Now()
			n, _ := io.Copy(io.Discard, req.Body)
			fmt.Fprintln(w, rate(n, begin))
		})
		http.HandleFunc("/source", func(w http.ResponseWriter, _ *http.Request) {
			for begin, block := time.Now(), make([]byte, 16<<10); time.Since(begin) < transfer; {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		})
		http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "served") })
		port := os.Getenv("PORT")
		if port == "" {
			port = "8080"
		}
		fmt.Println(http.ListenAndServe(":"+port, nil))
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	<-stop
}

// peers asks every address of a name until all have answered, which they may not do before they have started.
func peers(host string, until time.Time) {
	for {
		addresses, err := net.LookupHost(host)
		answered := 0
		for _, address := range addresses {
			if conn, err := net.DialTimeout("tcp", net.JoinHostPort(address, "8080"), time.Second); err == nil {
				answered++
				_ = conn.Close()
			}
		}
		if answered > 0 && answered == len(addresses) || time.Now().After(until) {
			fmt.Printf("%s: %d of %d answer, %v\n", host, answered, len(addresses), err)
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}
