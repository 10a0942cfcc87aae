package kaleidoscope

// #include <kaleidoscope.h>
import "C"

import "context"

// WorkspaceService is the workspace API: the workspace, its members, groups and events.
type WorkspaceService struct {
	client *Client
}

// Workspace returns the workspace service.
func (c *Client) Workspace() WorkspaceService {
	return WorkspaceService{c}
}

// Get returns the workspace that the credentials belong to. Cached.
func (s WorkspaceService) Get(ctx context.Context, options ...CallOption) (Workspace, error) {
	result, err := s.client.do(ctx, options,
		func(c C.kal_client, o *C.kal_call_options, r *C.kal_result, e *C.kal_error) C.kal_status {
			return C.kal_workspace_get_workspace(c, o, r, e)
		})
	if err != nil {
		return Workspace{}, err
	}
	defer C.kal_result_free(result)
	workspace := C.kal_result_workspace(result)
	if workspace == nil {
		return Workspace{}, &Error{Status: ErrInternal, RetryAfter: -1, Message: "the result does not hold a workspace"}
	}
	return copyWorkspace(workspace), nil
}

// Members returns all members of the workspace, in the server's order. Cached.
func (s WorkspaceService) Members(ctx context.Context, options ...CallOption) ([]Member, error) {
	result, err := s.client.do(ctx, options,
		func(c C.kal_client, o *C.kal_call_options, r *C.kal_result, e *C.kal_error) C.kal_status {
			return C.kal_workspace_get_members(c, o, r, e)
		})
	if err != nil {
		return nil, err
	}
	return takeMembers(result)
}

// MembersByIDs returns the members with these ids, from the cached list of all members: in the server's order, each once. Unknown
// ids are omitted.
func (s WorkspaceService) MembersByIDs(ctx context.Context, ids []string, options ...CallOption) ([]Member, error) {
	result, err := s.byIDs(ctx, ids, options,
		func(c C.kal_client, ids **C.char, n C.size_t, o *C.kal_call_options, r *C.kal_result, e *C.kal_error) C.kal_status {
			return C.kal_workspace_get_members_by_ids(c, ids, n, o, r, e)
		})
	if err != nil {
		return nil, err
	}
	return takeMembers(result)
}

// Groups returns all groups of the workspace, in the server's order. Cached.
func (s WorkspaceService) Groups(ctx context.Context, options ...CallOption) ([]Group, error) {
	result, err := s.client.do(ctx, options,
		func(c C.kal_client, o *C.kal_call_options, r *C.kal_result, e *C.kal_error) C.kal_status {
			return C.kal_workspace_get_groups(c, o, r, e)
		})
	if err != nil {
		return nil, err
	}
	return takeGroups(result)
}

// GroupsByIDs returns the groups with these ids, as MembersByIDs does.
func (s WorkspaceService) GroupsByIDs(ctx context.Context, ids []string, options ...CallOption) ([]Group, error) {
	result, err := s.byIDs(ctx, ids, options,
		func(c C.kal_client, ids **C.char, n C.size_t, o *C.kal_call_options, r *C.kal_result, e *C.kal_error) C.kal_status {
			return C.kal_workspace_get_groups_by_ids(c, ids, n, o, r, e)
		})
	if err != nil {
		return nil, err
	}
	return takeGroups(result)
}

// Events returns one page of events; a nil query selects the server's first page of all events. Not cached. StreamEvents returns all
// matching events.
func (s WorkspaceService) Events(ctx context.Context, query *EventsQuery, options ...CallOption) ([]Event, error) {
	in := &inputs{}
	defer in.free()
	q := query.toC(in)
	if in.err != nil {
		return nil, in.err
	}
	result, err := s.client.do(ctx, options,
		func(c C.kal_client, o *C.kal_call_options, r *C.kal_result, e *C.kal_error) C.kal_status {
			return C.kal_workspace_get_events(c, &q, o, r, e)
		})
	if err != nil {
		return nil, err
	}
	return takeEvents(result)
}

func (s WorkspaceService) byIDs(
	ctx context.Context, ids []string, options []CallOption,
	f func(C.kal_client, **C.char, C.size_t, *C.kal_call_options, *C.kal_result, *C.kal_error) C.kal_status,
) (C.kal_result, error) {
	in := &inputs{}
	defer in.free()
	texts := in.texts("ids", ids)
	if in.err != nil {
		return C.kal_result{}, in.err
	}
	return s.client.do(ctx, options,
		func(c C.kal_client, o *C.kal_call_options, r *C.kal_result, e *C.kal_error) C.kal_status {
			return f(c, texts, C.size_t(len(ids)), o, r, e)
		})
}

func takeMembers(result C.kal_result) ([]Member, error) {
	defer C.kal_result_free(result)
	var n C.size_t
	users := C.kal_result_workspace_users(result, &n)
	return copyAll(users, int(n), copyMember)
}

func takeGroups(result C.kal_result) ([]Group, error) {
	defer C.kal_result_free(result)
	var n C.size_t
	groups := C.kal_result_workspace_groups(result, &n)
	return copyAll(groups, int(n), copyGroup)
}

func takeEvents(result C.kal_result) ([]Event, error) {
	defer C.kal_result_free(result)
	var n C.size_t
	events := C.kal_result_workspace_events(result, &n)
	return copyAll(events, int(n), copyEvent)
}
