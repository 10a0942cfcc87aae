package kaleidoscope_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"kaleidoscope.bio/kaleidoscope"
)

// emulator is a server started by a test and stopped with it.
type emulator struct {
	t   testing.TB
	url string
}

const noEmulator = "KAL_EMULATOR is not set to the path of kal-emulator, which `make test-go` builds"

func startEmulator(t testing.TB, options ...string) *emulator {
	t.Helper()
	program := os.Getenv("KAL_EMULATOR")
	if program == "" {
		t.Skip(noEmulator)
	}
	command := exec.Command(program, append([]string{"--exit-with-stdin"}, options...)...)
	stdin, err := command.StdinPipe()
	must(t, err)
	stdout, err := command.StdoutPipe()
	must(t, err)
	must(t, command.Start())
	t.Cleanup(func() {
		stdin.Close()
		command.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	must(t, err)
	return &emulator{t, line[strings.LastIndexByte(line, ' ')+1 : len(line)-1]}
}

func (e *emulator) options() *kaleidoscope.Options {
	return &kaleidoscope.Options{BaseURL: e.url, ClientID: "demo-client", ClientSecret: "demo-secret"}
}

// open opens a client that is closed with the test.
func (e *emulator) open(change ...func(*kaleidoscope.Options)) *kaleidoscope.Client {
	e.t.Helper()
	options := e.options()
	for _, change := range change {
		change(options)
	}
	client, err := kaleidoscope.Open(options)
	must(e.t, err)
	e.t.Cleanup(func() { client.Close() })
	return client
}

// A connection that is kept has goroutines, which tests that count goroutines would see come and go.
var emulatorClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

type object = map[string]any

func (e *emulator) post(path string, body any) {
	e.t.Helper()
	text, err := json.Marshal(body)
	must(e.t, err)
	response, err := emulatorClient.Post(e.url+"/__emulator/"+path, "application/json", bytes.NewReader(text))
	must(e.t, err)
	response.Body.Close()
	if response.StatusCode >= 300 {
		e.t.Fatalf("POST /__emulator/%s failed: %s", path, response.Status)
	}
}

// fault adds a fault to the emulator of this test.
func (e *emulator) fault(fault object) {
	e.t.Helper()
	e.post("faults", fault)
}

// requests returns the number of requests to a path.
func (e *emulator) requests(path string) int {
	e.t.Helper()
	response, err := emulatorClient.Get(e.url + "/__emulator/counts")
	must(e.t, err)
	defer response.Body.Close()
	var counts struct{ Paths map[string]int }
	must(e.t, json.NewDecoder(response.Body).Decode(&counts))
	return counts.Paths[path]
}

func (e *emulator) waitForRequests(path string, n int) {
	e.t.Helper()
	for e.requests(path) < n {
		time.Sleep(time.Millisecond)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}
