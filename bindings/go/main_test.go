package kaleidoscope_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"kaleidoscope.bio/kaleidoscope"
)

// serveExamples starts the emulator of the examples, and names it in the environment.
func serveExamples(m *testing.M) (code int) {
	t := &outside{}
	defer t.end()
	server := startEmulator(t, "--events", "0")
	server.post("data", object{
		"workspace": object{"id": "w1", "workspace_name": "Example Lab"},
		"members": []object{
			{"id": "m1", "full_name": "Ada Lovelace", "email": "ada@example.com", "access_level": "admin"},
			{"id": "m2", "full_name": "Rosalind Franklin", "email": "rosalind@example.com", "access_level": "team-member"},
		},
		"groups": []object{},
	})
	server.post("events", object{"events": []object{
		{"id": "e1", "event_type": "create", "created_at": "2026-01-01T12:00:00Z", "resource_type": "experiment"},
		{"id": "e2", "event_type": "create", "created_at": "2026-01-02T12:00:00Z", "resource_type": "task"},
		{"id": "e3", "event_type": "update", "created_at": "2026-01-03T12:00:00Z", "resource_type": "task"},
	}})
	for name, value := range map[string]string{"CLIENT_ID": "demo-client", "CLIENT_SECRET": "demo-secret", "URL": server.url} {
		os.Setenv("KALEIDOSCOPE_API_"+name, value)
	}
	return m.Run()
}

// outside stands for a test where there is none.
type outside struct {
	testing.TB
	cleanups []func()
}

func (*outside) Helper()              {}
func (*outside) Fatal(values ...any)  { panic(fmt.Sprint(values...)) }
func (o *outside) Cleanup(end func()) { o.cleanups = append(o.cleanups, end) }

func (o *outside) end() {
	for _, end := range o.cleanups {
		end()
	}
}

func TestMain(m *testing.M) {
	if os.Getenv("KAL_EMULATOR") != "" {
		os.Exit(serveExamples(m))
	}
	// An example cannot skip itself.
	fmt.Println("examples are skipped: " + noEmulator)
	flag.Parse()
	skipped := flag.Lookup("test.skip").Value
	must(&outside{}, skipped.Set(strings.TrimPrefix(skipped.String()+"|^Example", "|")))
	os.Exit(m.Run())
}

func TestTheExamplePrintsAllMembers(t *testing.T) {
	server := startEmulator(t)
	members, err := server.open().Workspace().Members(ctx)
	must(t, err)
	program := t.TempDir() + "/members"
	build := exec.Command("go", "build", "-o", program, "-tags", os.Getenv("KAL_GO_TAGS"), "./examples/members")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	run := exec.Command(program)
	run.Env = append(os.Environ(), "KALEIDOSCOPE_API_CLIENT_ID=demo-client", "KALEIDOSCOPE_API_CLIENT_SECRET=demo-secret",
		"KALEIDOSCOPE_API_URL="+server.url)
	output, err := run.Output()
	must(t, err)
	var want strings.Builder
	for _, member := range members {
		fmt.Fprintf(&want, "%s <%s>\n", kaleidoscope.Text(member.FullName), kaleidoscope.Text(member.Email))
	}
	equal(t, "the output", string(output), want.String())
}
