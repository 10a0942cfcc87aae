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
	AccessLevelName *string // the server's own word
}

// AccessLevel is what a member may do.
type AccessLevel int32

const (
	AccessUnknown     AccessLevel = C.KAL_ACCESS_UNKNOWN // absent, or a word that this version does not know
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
	CreatedAt         time.Time // in UTC, to the microsecond; the zero time where the API has none
	CreatedAtText     *string   // as the server wrote it
	UserID            *string   // the acting user
	FullName          *string   // the acting user's name
	PreferredName     *string
	ResourceID        *string         // what it happened to
	ResourceType      *string         // such as "task"
	ParentBulkEventID *string         // set when the event is part of a bulk event
	Attrs             json.RawMessage // a JSON object, its shape depends on Type
	IsBot             *bool
	IsBulk            *bool
}

// Text gives what a nullable field holds, and "" for nil.
func Text(field *string) string {
	if field == nil {
		return ""
	}
	return *field
}
