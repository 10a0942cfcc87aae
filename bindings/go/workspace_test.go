package kaleidoscope_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"kaleidoscope.bio/kaleidoscope"
)

var ctx = context.Background()

func pointer[T any](value T) *T { return &value }

func text(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	must(t, err)
	return string(text)
}

func same(t testing.TB, what string, got, want any) {
	t.Helper()
	equal(t, what, text(t, got), text(t, want))
}

func TestEveryFieldOfARecordIsReadAndNullIsNil(t *testing.T) {
	server := startEmulator(t)
	server.post("data", object{
		"workspace": object{"id": "w1", "workspace_name": "Lab ü"},
		"members": []object{
			{"id": "m1", "full_name": "Ada L", "preferred_name": "Ada", "email": "ada@example.com", "access_level": "admin"},
			{"id": "m2", "access_level": "astronaut"},
			{"id": "m3", "full_name": "", "email": nil},
		},
		"groups": []object{{"id": "g1", "group_name": "Chemists", "email": "c@example.com",
			"user_ids": []string{"m1", "m2"}, "program_ids": []string{"p1"}}, {"id": "g2"}},
	})
	workspace := server.open().Workspace()

	w, err := workspace.Get(ctx)
	must(t, err)
	same(t, "the workspace", w, kaleidoscope.Workspace{ID: "w1", Name: pointer("Lab ü")})
	members, err := workspace.Members(ctx)
	must(t, err)
	same(t, "members", members, []kaleidoscope.Member{
		{ID: "m1", FullName: pointer("Ada L"), PreferredName: pointer("Ada"), Email: pointer("ada@example.com"),
			AccessLevel: kaleidoscope.AccessAdmin, AccessLevelName: pointer("admin")},
		{ID: "m2", AccessLevelName: pointer("astronaut")},
		{ID: "m3", FullName: pointer("")},
	})
	groups, err := workspace.Groups(ctx)
	must(t, err)
	same(t, "groups", groups, []kaleidoscope.Group{
		{ID: "g1", Name: pointer("Chemists"), Email: pointer("c@example.com"),
			UserIDs: []string{"m1", "m2"}, ProgramIDs: []string{"p1"}},
		{ID: "g2", UserIDs: []string{}, ProgramIDs: []string{}},
	})
}

// Red when the end of a text is searched in its first page of memory only, and when the texts of the freed result are returned.
func TestTextsOfEveryLengthAreCopiedWholeAndKeepNothingOfTheLibrary(t *testing.T) {
	server := startEmulator(t)
	var groups []object
	var want []kaleidoscope.Group
	for length := 0; length < 12_000; length += 61 {
		name, id := strings.Repeat("ü", length/2), fmt.Sprint("g", length)
		groups = append(groups, object{"id": id, "group_name": name, "email": "", "user_ids": []string{"", name, id}})
		want = append(want, kaleidoscope.Group{
			ID: id, Name: &name, Email: pointer(""), UserIDs: []string{"", name, id}, ProgramIDs: []string{},
		})
	}
	server.post("data", object{"groups": groups, "unchecked": true})
	client := server.open()
	got, err := client.Workspace().Groups(ctx)
	must(t, err)
	client.Close()
	again := server.open()
	_, err = again.Workspace().Groups(ctx)
	must(t, err)
	same(t, "the groups", got, want)
}

func TestEveryFieldOfAnEventIsRead(t *testing.T) {
	server := startEmulator(t, "--events", "0")
	server.post("events", object{"events": []object{
		{"id": "e1", "event_type": "create", "event_type_version": 2, "created_at": "2025-03-01T12:00:00.123456+02:00",
			"event_user_id": "m1", "event_user": object{"full_name": "Ada L", "preferred_name": "Ada"},
			"full_name": "Ada L", "preferred_name": "Ada", "resource_id": "r1", "resource_type": "task",
			"parent_bulk_event_id": "b1", "event_attrs": object{"k": 1}, "is_bot": true, "is_bulk": false},
	}})
	events, err := server.open().Workspace().Events(ctx, nil)
	must(t, err)
	same(t, "events", events, []kaleidoscope.Event{{
		ID: "e1", Type: pointer("create"), TypeVersion: pointer(int64(2)),
		CreatedAt:     time.Date(2025, 3, 1, 10, 0, 0, 123456000, time.UTC),
		CreatedAtText: pointer("2025-03-01T12:00:00.123456+02:00"),
		UserID:        pointer("m1"), FullName: pointer("Ada L"), PreferredName: pointer("Ada"),
		ResourceID: pointer("r1"), ResourceType: pointer("task"), ParentBulkEventID: pointer("b1"),
		Attrs: json.RawMessage(`{"k":1}`), IsBot: pointer(true), IsBulk: pointer(false),
	}})
}

// Red without a tag: "FullName":null in the JSON; without omitzero: "created_at":"0001-01-01T00:00:00Z".
func TestRecordsAsJSONHaveTheNamesOfTheAPIAndNothingThatIsAbsent(t *testing.T) {
	server := startEmulator(t, "--events", "0")
	const (
		member = `{"id":"m1","full_name":"Ada L","preferred_name":"Ada","email":"ada@example.com","access_level":"team-member"`
		group  = `{"id":"g1","group_name":"Chemists","email":"c@example.com","user_ids":["m1"],"program_ids":[]}`
		event  = `{"id":"e1","event_type":"create","event_type_version":2,"created_at":"2025-03-01T10:00:00.123456Z",`
		rest   = `"event_user_id":"m1","full_name":"Ada L","preferred_name":"Ada","resource_id":"r1","resource_type":"task",` +
			`"parent_bulk_event_id":"b1","event_attrs":{"k":1},"is_bot":true,"is_bulk":false}`
	)
	server.post("data", object{
		"workspace": json.RawMessage(`{"id":"w1","workspace_name":"Lab"}`),
		"members":   []json.RawMessage{json.RawMessage(member + `}`), json.RawMessage(`{"id":"m2"}`)},
		"groups":    []json.RawMessage{json.RawMessage(group)},
	})
	server.post("events", object{"events": []json.RawMessage{json.RawMessage(event + rest)}})
	server.post("events", object{"events": []json.RawMessage{json.RawMessage(`{"id":"e2","created_at":null}`)}})
	workspace := server.open().Workspace()
	w, err := workspace.Get(ctx)
	must(t, err)
	members, err := workspace.Members(ctx)
	must(t, err)
	groups, err := workspace.Groups(ctx)
	must(t, err)
	events, err := workspace.Events(ctx, nil)
	must(t, err)
	slices.SortFunc(events, func(a, b kaleidoscope.Event) int { return strings.Compare(a.ID, b.ID) })
	equal(t, "the number of events", len(events), 2)
	equal(t, "whether an absent time is zero", events[1].CreatedAt.IsZero(), true)
	for want, record := range map[string]any{
		`{"id":"w1","workspace_name":"Lab"}`:           w,
		member + `,"access_level_name":"team-member"}`: members[0],
		`{"id":"m2","access_level":"unknown"}`:         members[1],
		group:                                          groups[0],
		event + `"created_at_text":"2025-03-01T10:00:00.123456Z",` + rest: events[0],
		`{"id":"e2","event_attrs":{}}`:                                    events[1],
	} {
		equal(t, "the JSON", text(t, record), want)
		read := reflect.New(reflect.TypeOf(record))
		must(t, json.Unmarshal([]byte(want), read.Interface()))
		if !reflect.DeepEqual(read.Elem().Interface(), record) {
			t.Errorf("%s reads as %+v", want, read.Elem().Interface())
		}
	}
}

// Red before it had String: "what fmt prints is 1, want admin".
func TestAnAccessLevelIsTheWordOfTheAPI(t *testing.T) {
	for level, word := range map[kaleidoscope.AccessLevel]string{
		kaleidoscope.AccessUnknown: "unknown", kaleidoscope.AccessAdmin: "admin", kaleidoscope.AccessTeamMember: "team-member",
		kaleidoscope.AccessGuest: "guest", kaleidoscope.AccessViewer: "viewer", kaleidoscope.AccessDeactivated: "deactivated",
	} {
		equal(t, "what fmt prints", fmt.Sprint(level), word)
		equal(t, "the JSON", text(t, level), `"`+word+`"`)
		var read kaleidoscope.AccessLevel
		must(t, json.Unmarshal([]byte(`"`+word+`"`), &read))
		equal(t, "the level of "+word, read, level)
	}
	read := kaleidoscope.AccessAdmin
	must(t, json.Unmarshal([]byte(`"astronaut"`), &read))
	equal(t, "the level of an unknown word", read, kaleidoscope.AccessUnknown)
	equal(t, "an unknown number", fmt.Sprint(kaleidoscope.AccessLevel(99)), "AccessLevel(99)")
}

func TestEventsAreFilteredByEveryFieldOfTheQuery(t *testing.T) {
	server := startEmulator(t, "--events", "500")
	workspace := server.open().Workspace()
	all, err := workspace.Events(ctx, &kaleidoscope.EventsQuery{PageSize: 1000})
	must(t, err)
	equal(t, "the number of all events", len(all), 500)
	sample := all[slices.IndexFunc(all, func(e kaleidoscope.Event) bool {
		return e.Type != nil && e.ResourceType != nil && e.UserID != nil && !e.CreatedAt.IsZero()
	})]
	query := &kaleidoscope.EventsQuery{
		PageSize: 1000, EventTypes: []string{*sample.Type, "no-such-type"}, ResourceType: *sample.ResourceType,
		EventUserIDs: []string{*sample.UserID}, After: sample.CreatedAt.Add(-time.Hour), Before: sample.CreatedAt.Add(time.Hour),
	}
	var want []string
	for _, e := range all {
		if text(t, []*string{e.Type, e.ResourceType, e.UserID}) == text(t, []*string{sample.Type, sample.ResourceType, sample.UserID}) &&
			e.CreatedAt.After(query.After) && e.CreatedAt.Before(query.Before) {
			want = append(want, e.ID)
		}
	}
	found, err := workspace.Events(ctx, query)
	must(t, err)
	same(t, "the filtered events", ids(found), want)

	second, err := workspace.Events(ctx, &kaleidoscope.EventsQuery{Page: 2, PageSize: 7})
	must(t, err)
	same(t, "the second page", ids(second), ids(all[7:14]))
}

func ids(events []kaleidoscope.Event) (ids []string) {
	for _, event := range events {
		ids = append(ids, event.ID)
	}
	return ids
}

func TestByIDsReturnsTheServersOrderAndOmitsUnknownIDs(t *testing.T) {
	workspace := startEmulator(t).open().Workspace()
	members, err := workspace.Members(ctx)
	must(t, err)
	found, err := workspace.MembersByIDs(ctx, []string{members[4].ID, "unknown", members[1].ID, members[4].ID})
	must(t, err)
	same(t, "members", found, []kaleidoscope.Member{members[1], members[4]})
	groups, err := workspace.Groups(ctx)
	must(t, err)
	someGroups, err := workspace.GroupsByIDs(ctx, []string{groups[2].ID, groups[0].ID})
	must(t, err)
	same(t, "groups", someGroups, []kaleidoscope.Group{groups[0], groups[2]})

	none, err := workspace.MembersByIDs(ctx, nil)
	must(t, err)
	if none == nil || len(none) != 0 {
		t.Errorf("without ids it returns %v, not an empty list", none)
	}
}

func TestTheCacheOptionSelectsHowACallUsesTheCache(t *testing.T) {
	server := startEmulator(t)
	client := server.open()
	workspace := client.Workspace()
	_, err := workspace.Members(ctx, kaleidoscope.CacheOnly)
	isStatus(t, err, kaleidoscope.ErrNotFound)
	for range 3 {
		_, err = workspace.Members(ctx)
		must(t, err)
	}
	equal(t, "the number of requests", server.requests("/workspaces/members"), 1)
	_, err = workspace.Members(ctx, kaleidoscope.CacheRefresh)
	must(t, err)
	equal(t, "the number of requests after CacheRefresh", server.requests("/workspaces/members"), 2)
	must(t, client.ClearCaches())
	_, err = workspace.Members(ctx)
	must(t, err)
	equal(t, "the number of requests after ClearCaches", server.requests("/workspaces/members"), 3)

	stats, err := client.Stats()
	must(t, err)
	equal(t, "Stats.CacheHits", stats.CacheHits, 2)
	equal(t, "Stats.Requests", stats.Requests, 4)
	equal(t, "Stats.TokenRequests", stats.TokenRequests, 1)
	if stats.BytesReceived == 0 {
		t.Error("Stats.BytesReceived is 0")
	}
}

func TestRequestReachesAnyEndpoint(t *testing.T) {
	client := startEmulator(t).open()
	answer, err := client.Request(ctx, "POST", "/echo/a", object{"q": "x y"}, json.RawMessage(`{"n": 1.10}`))
	must(t, err)
	if !strings.HasPrefix(string(answer), `{"verb":"POST","path":"/echo/a","query":[["q","x y"]],`) ||
		!strings.HasSuffix(string(answer), `"body":{"n": 1.10}}`) {
		t.Errorf("the answer is %s", answer)
	}
	nothing, err := client.Request(ctx, "DELETE", "/echo?status=204", nil, nil)
	must(t, err)
	equal(t, "an answer without a body", string(nothing), "null")
	for _, path := range []string{"", "echo", "/echo/..", "/a\x00b"} {
		_, err = client.Request(ctx, "GET", path, nil, nil)
		isStatus(t, err, kaleidoscope.ErrInvalidArgument)
	}
	_, err = client.Request(ctx, "POST", "/echo", nil, make(chan int))
	isStatus(t, err, kaleidoscope.ErrInvalidArgument)
}

func TestCallReturnsTheServersJSON(t *testing.T) {
	client := startEmulator(t).open()
	answer, err := client.Call(ctx, "workspace.get_events", object{"page_size": 3})
	must(t, err)
	var events []struct{ ID string }
	must(t, json.Unmarshal(answer, &events))
	equal(t, "the number of events", len(events), 3)

	_, err = client.Call(ctx, "workspace.get_moon", nil)
	isStatus(t, err, kaleidoscope.ErrUnknownMethod)
	_, err = client.Call(ctx, "workspace.get_events", object{"page_sise": 3})
	isStatus(t, err, kaleidoscope.ErrInvalidArgument)

	var methods []object
	must(t, json.Unmarshal(kaleidoscope.Methods(), &methods))
	if !slices.ContainsFunc(methods, func(m object) bool { return m["name"] == "workspace.get_events" }) {
		t.Errorf("Methods does not list workspace.get_events: %v", methods)
	}
}
