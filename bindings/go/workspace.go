package kaleidoscope

// #include <kaleidoscope.h>
import "C"

import (
	"context"
	"encoding/json"
)

// WorkspaceService is the workspace API: the workspace, its members, groups and events.
type WorkspaceService struct {
	client *Client
}

// Workspace returns the workspace service.
func (c *Client) Workspace() WorkspaceService {
	return WorkspaceService{c}
}

var (
	getWorkspace   = method{"workspace.get_workspace\x00", true}
	getMembers     = method{"workspace.get_members\x00", true}
	getMembersByID = method{"workspace.get_members_by_ids\x00", true}
	getGroups      = method{"workspace.get_groups\x00", true}
	getGroupsByID  = method{"workspace.get_groups_by_ids\x00", true}
	getEvents      = method{"workspace.get_events\x00", false}
)

// Get returns the workspace that the credentials belong to. Cached.
func (s WorkspaceService) Get(ctx context.Context, options ...CallOption) (Workspace, error) {
	return do(ctx, s.client, getWorkspace, nil, options, takeWorkspace)
}

// Members returns all members of the workspace, in the server's order. Cached.
func (s WorkspaceService) Members(ctx context.Context, options ...CallOption) ([]Member, error) {
	return do(ctx, s.client, getMembers, nil, options, takeMembers)
}

// MembersByIDs returns the members with these ids, from the cached list of all members: in the server's order, each once. Unknown
// ids are omitted.
func (s WorkspaceService) MembersByIDs(ctx context.Context, ids []string, options ...CallOption) ([]Member, error) {
	return byIDs(ctx, s.client, getMembersByID, ids, options, takeMembers)
}

// Groups returns all groups of the workspace, in the server's order. Cached.
func (s WorkspaceService) Groups(ctx context.Context, options ...CallOption) ([]Group, error) {
	return do(ctx, s.client, getGroups, nil, options, takeGroups)
}

// GroupsByIDs returns the groups with these ids, as MembersByIDs does.
func (s WorkspaceService) GroupsByIDs(ctx context.Context, ids []string, options ...CallOption) ([]Group, error) {
	return byIDs(ctx, s.client, getGroupsByID, ids, options, takeGroups)
}

// Events returns one page of events; a nil query selects the server's first page of all events. Not cached. StreamEvents returns all
// matching events.
func (s WorkspaceService) Events(ctx context.Context, query *EventsQuery, options ...CallOption) ([]Event, error) {
	params, err := query.toJSON()
	if err != nil {
		return nil, err
	}
	return do(ctx, s.client, getEvents, params, options, takeEvents)
}

func byIDs[Record any](
	ctx context.Context, client *Client, m method, ids []string, options []CallOption, take func(C.kal_result) ([]Record, error),
) ([]Record, error) {
	for _, id := range ids {
		if err := checkText("ids", id); err != nil {
			return nil, err
		}
	}
	params, err := json.Marshal(map[string][]string{"ids": append([]string{}, ids...)})
	if err != nil {
		return nil, invalidArgument("ids: " + err.Error())
	}
	return do(ctx, client, m, params, options, take)
}

func takeWorkspace(result C.kal_result) (Workspace, error) {
	workspace := C.kal_result_workspace(result)
	if workspace == nil {
		return Workspace{}, &Error{Status: ErrInternal, RetryAfter: -1, Message: "the result does not hold a workspace"}
	}
	return copyWorkspace(workspace), nil
}

func takeMembers(result C.kal_result) ([]Member, error) {
	var n C.size_t
	users := C.kal_result_workspace_users(result, &n)
	return copyAll(users, int(n), copyMember)
}

func takeGroups(result C.kal_result) ([]Group, error) {
	var n C.size_t
	groups := C.kal_result_workspace_groups(result, &n)
	return copyAll(groups, int(n), copyGroup)
}

func takeEvents(result C.kal_result) ([]Event, error) {
	var n C.size_t
	events := C.kal_result_workspace_events(result, &n)
	return copyAll(events, int(n), copyEvent)
}
