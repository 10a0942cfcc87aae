// Command bench calls Members with the library's Go package, and with a plain client on net/http and encoding/json.
//
//	bench ours|plain cached|crowd COUNT [THREADS]
//	bench version
//
// cached makes COUNT calls one after another, crowd COUNT at once, each on a goroutine of its own. It prints the CPU time of a call
// and the number of threads of the process as one line of JSON. Credentials and URL come from the environment, as for the library; so
// does SSL_CERT_FILE, which Go reads itself.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// members returns the number of members that one call has read.
type members func() (int, error)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "version" {
		fmt.Println(runtime.Version())
		return
	}
	if len(os.Args) < 4 {
		fail("usage: bench ours|plain cached|crowd COUNT | bench version")
	}
	count, err := strconv.Atoi(os.Args[3])
	if err != nil || count < 1 {
		fail("COUNT is not a positive number: %q", os.Args[3])
	}
	open := map[string]func() (members, error){"ours": openOurs, "plain": openPlain}[os.Args[1]]
	run := map[string]func(members, int) int{"cached": oneAfterAnother, "crowd": atOnce}[os.Args[2]]
	if open == nil || run == nil {
		fail("unknown side or workload: %s %s", os.Args[1], os.Args[2])
	}
	call, err := open()
	check(err)
	if os.Args[2] == "cached" {
		// Signs in, connects and fills the cache.
		read(call)
	}
	before := cpu()
	records := run(call, count)
	fmt.Printf("{\"workload\": %q, \"calls\": %d, \"records\": %d, \"cpu_ns\": %.1f, \"threads\": %d}\n",
		os.Args[2], count, records/count, float64(cpu()-before)/float64(count), threads())
}

func oneAfterAnother(call members, count int) (records int) {
	for range count {
		records += read(call)
	}
	return records
}

func atOnce(call members, count int) int {
	var group sync.WaitGroup
	begin := make(chan struct{})
	found := make([]int, count)
	for i := range count {
		group.Add(1)
		go func() {
			defer group.Done()
			<-begin
			found[i] = read(call)
		}()
	}
	close(begin)
	group.Wait()
	records := 0
	for _, one := range found {
		records += one
	}
	return records
}

func read(call members) int {
	count, err := call()
	check(err)
	return count
}

func cpu() time.Duration {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// threads is the number of threads now. Go does not end its own, so it is also the largest there was.
func threads() int {
	status, err := os.Open("/proc/self/status")
	check(err)
	defer status.Close()
	for lines := bufio.NewScanner(status); lines.Scan(); {
		if text, found := strings.CutPrefix(lines.Text(), "Threads:"); found {
			count, err := strconv.Atoi(strings.TrimSpace(text))
			check(err)
			return count
		}
	}
	fail("/proc/self/status has no line Threads")
	return 0
}

func check(err error) {
	if err != nil {
		fail("%s", err)
	}
}

func fail(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
	os.Exit(1)
}
