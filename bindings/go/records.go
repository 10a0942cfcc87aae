package kaleidoscope

// #include <kaleidoscope.h>
import "C"

import (
	"encoding/json"
	"time"
)

// Workspace is the workspace that the credentials belong to.
type Workspace struct {
	ID   string
	Name *string
}

// Member is a member of the workspace.
type Member struct {
	ID              string
	FullName        *string
	PreferredName   *string
	Email           *string
	AccessLevel     AccessLevel
	AccessLevelName *string // as the server sent it
}

// AccessLevel is the role of a member.
type AccessLevel int32

const (
	AccessUnknown     AccessLevel = C.KAL_ACCESS_UNKNOWN // absent, or a level unknown to this version
	AccessAdmin       AccessLevel = C.KAL_ACCESS_ADMIN
	AccessTeamMember  AccessLevel = C.KAL_ACCESS_TEAM_MEMBER
	AccessGuest       AccessLevel = C.KAL_ACCESS_GUEST
	AccessViewer      AccessLevel = C.KAL_ACCESS_VIEWER
	AccessDeactivated AccessLevel = C.KAL_ACCESS_DEACTIVATED
)

// Group is a group of members.
type Group struct {
	ID         string
	Name       *string
	Email      *string
	UserIDs    []string
	ProgramIDs []string
}

// Event is something that happened in the workspace.
type Event struct {
	ID                string
	Type              *string // such as "create"
	TypeVersion       *int64
	CreatedAt         time.Time // in UTC, to the microsecond; the zero time if absent
	CreatedAtText     *string   // as the server sent it
	UserID            *string   // the acting user
	FullName          *string   // the acting user's name
	PreferredName     *string
	ResourceID        *string         // the resource that the event is about
	ResourceType      *string         // such as "task"
	ParentBulkEventID *string         // set when the event is part of a bulk event
	Attrs             json.RawMessage // a JSON object whose members depend on Type
	IsBot             *bool
	IsBulk            *bool
}

// Text returns the value of a nullable field, and "" for nil.
func Text(field *string) string {
	if field == nil {
		return ""
	}
	return *field
}
