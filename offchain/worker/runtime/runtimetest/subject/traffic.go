// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// flows opens n UDP flows to one address, to one port or to as many.
func flows(address, to string, n int) {
	sent := 0
	for port := 1; port <= n; port++ {
		target := to
		if target == "" {
			target = strconv.Itoa(port)
		}
		conn, err := net.Dial("udp", net.JoinHostPort(address, target))
		if err != nil {
			continue
		}
		if _, err := conn.Write([]byte("x")); err == nil {
			sent++
		}
		_ = conn.Close()
	}
	fmt.Println("sent", sent)
}

// transfer is how long a measurement of bandwidth goes on.
const transfer = 4 * time.Second

func rate(n int64, begin time.Time) int64 {
	return n * 8 / 1000 * int64(time.Second) / int64(time.Since(begin))
}

// bandwidth prints how fast a server takes and gives, as seen at the end that receives.
func bandwidth(url string) {
	begin := time.Now()
	body, w := io.Pipe()
	go func() {
		block := make([]byte, 16<<10)
		for time.Since(begin) < transfer {
			_, _ = w.Write(block)
		}
		_ = w.Close()
	}()
	if resp, err := http.Post(url+"/sink", "application/octet-stream", body); err == nil {
		kbits, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		fmt.Printf("sent %s kbit/s\n", strings.TrimSpace(string(kbits)))
	}
	begin = time.Now()
	if resp, err := http.Get(url + "/source"); err == nil {
		n, _ := io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		fmt.Printf("received %d kbit/s\n", rate(n, begin))
	}
}

// reach dials every address of a comma-separated list.
func reach(addresses string) {
	var all sync.WaitGroup
	list := strings.Split(addresses, ",")
	results := make([]bool, len(list))
	for i, address := range list {
		all.Go(func() {
			conn, err := net.DialTimeout("tcp", address, 2*time.Second)
			if results[i] = err == nil; results[i] {
				_ = conn.Close()
			}
		})
	}
	all.Wait()
	for i, address := range list {
		fmt.Printf("%s reached: %t\n", address, results[i])
	}
}

// storm takes all it can get of everything at once, for ever: processors, memory, disk, connections, processes and output.
func storm(addresses string) {
	again := func(fn func()) {
		go func() {
			for {
				fn()
			}
		}()
	}
	for range 8 {
		go func() {
			for n := 0; ; n++ {
				_ = n
			}
		}()
	}
	again(func() {
		c := exec.Command("/subject")
		c.Env = []string{"DO=eat", "FIRST=1"}
		_ = c.Run()
	})
	again(func() {
		c := exec.Command("/subject")
		c.Env = []string{"DO=sleep"}
		if c.Start() != nil {
			time.Sleep(10 * time.Millisecond)
		}
	})
	again(func() {
		f, err := os.Create("/storm")
		for block := make([]byte, 1<<20); err == nil; {
			_, err = f.Write(block)
			_ = f.Sync()
		}
		_ = f.Close()
		_ = os.Remove("/storm")
	})
	for _, address := range strings.Split(addresses, ",") {
		for range 16 {
			again(func() {
				if conn, err := net.DialTimeout("tcp", address, 100*time.Millisecond); err == nil {
					_ = conn.Close()
				}
			})
		}
	}
	line := strings.Repeat("storm ", 1000)
	again(func() { fmt.Println(line) })
	select {}
}
