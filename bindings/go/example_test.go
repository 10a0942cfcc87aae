package kaleidoscope_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"kaleidoscope.bio/kaleidoscope"
)

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
