package kaleidoscope_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"kaleidoscope.bio/kaleidoscope"
)

// The examples run against an emulator that the environment names, as it would name the platform.

func Example() {
	client, err := kaleidoscope.Open(nil) // credentials and URL from the environment
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	members, err := client.Workspace().Members(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, member := range members {
		fmt.Printf("%s <%s>, %s\n", kaleidoscope.Text(member.FullName), kaleidoscope.Text(member.Email), member.AccessLevel)
	}
	// Output:
	// Ada Lovelace <ada@example.com>, admin
	// Rosalind Franklin <rosalind@example.com>, team-member
}

// A client of several goroutines, which waits for two seconds at most and logs what it does.
func ExampleOpen() {
	client, err := kaleidoscope.Open(&kaleidoscope.Options{
		Timeout:  2 * time.Second,
		CacheTTL: 10 * time.Minute,
		Logger:   slog.New(slog.NewJSONHandler(os.Stderr, nil)),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	workspace, err := client.Workspace().Get(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(kaleidoscope.Text(workspace.Name))
	// Output: Example Lab
}

func ExampleWorkspaceService_MembersByIDs() {
	ctx, client := context.Background(), openExample()
	defer client.Close()
	members, err := client.Workspace().MembersByIDs(ctx, []string{"m2", "no such id"})
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := json.Marshal(members)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", text)
	// Output: [{"id":"m2","full_name":"Rosalind Franklin","email":"rosalind@example.com","access_level":"team-member","access_level_name":"team-member"}]
}

func ExampleWorkspaceService_StreamEvents() {
	ctx, client := context.Background(), openExample()
	defer client.Close()
	query := &kaleidoscope.EventsQuery{EventTypes: []string{"create"}}
	for event, err := range client.Workspace().StreamEvents(ctx, query) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(event.ID, event.CreatedAt.Format(time.DateTime), kaleidoscope.Text(event.ResourceType))
	}
	// Output:
	// e2 2026-01-02 12:00:00 task
	// e1 2026-01-01 12:00:00 experiment
}

// The loop ends when its context does. A program saves the cursor where it can read it when it starts again.
func ExampleWorkspaceService_FollowEvents() {
	client := openExample()
	defer client.Close()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	saved := "" // from now on
	for page, err := range client.Workspace().FollowEvents(ctx, nil, saved) {
		if err != nil {
			var failure *kaleidoscope.Error
			if errors.As(err, &failure) && failure.Retryable {
				continue // nothing is lost: the stream sends the request again
			}
			break
		}
		for _, event := range page.Events {
			fmt.Println(event.ID)
		}
		saved = page.Cursor
		stop() // an example has to end
	}
	fmt.Println(saved != "")
	// Output: true
}

func ExampleClient_Request() {
	ctx, client := context.Background(), openExample()
	defer client.Close()
	answer, err := client.Request(ctx, "POST", "/echo", nil, map[string]string{"title": "Solubility"})
	if err != nil {
		fmt.Println(err)
		return
	}
	var echo struct {
		Verb, Path string
		Body       json.RawMessage
	}
	if err := json.Unmarshal(answer, &echo); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(echo.Verb, echo.Path, string(echo.Body))
	// Output: POST /echo {"title":"Solubility"}
}

func ExampleClient_Call() {
	ctx, client := context.Background(), openExample()
	defer client.Close()
	answer, err := client.Call(ctx, "workspace.get_workspace", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(answer))
	// Output: {"id":"w1","workspace_name":"Example Lab"}
}

func ExampleError() {
	ctx, client := context.Background(), openExample()
	defer client.Close()
	_, err := client.Request(ctx, "GET", "/echo?status=404", nil, nil)
	var failure *kaleidoscope.Error
	switch {
	case errors.Is(err, kaleidoscope.ErrNotFound) && errors.As(err, &failure):
		fmt.Println(failure.Method, failure.URL, failure.HTTPStatus, failure.Retryable)
	case errors.Is(err, context.DeadlineExceeded):
		fmt.Println("too late")
	}
	// Output: GET /echo?status=404 404 false
}

func ExampleTimeout() {
	ctx, client := context.Background(), openExample()
	defer client.Close()
	groups, err := client.Workspace().Groups(ctx, kaleidoscope.CacheRefresh, kaleidoscope.Timeout(5*time.Second))
	fmt.Println(len(groups), err)
	// Output: 0 <nil>
}

func openExample() *kaleidoscope.Client {
	client, err := kaleidoscope.Open(nil)
	if err != nil {
		panic(err)
	}
	return client
}
