package kaleidoscope

// #include <kaleidoscope.h>
import "C"

import (
	"encoding/json"
	"fmt"
	"time"
)

// As JSON, records have the names of the API, and no members for what is absent.

// Workspace is the workspace that the credentials belong to.
type Workspace struct {
	ID   string  `json:"id"`
	Name *string `json:"workspace_name,omitempty"`
}

// Member is a member of the workspace.
type Member struct {
	ID              string      `json:"id"`
	FullName        *string     `json:"full_name,omitempty"`
	PreferredName   *string     `json:"preferred_name,omitempty"`
	Email           *string     `json:"email,omitempty"`
	AccessLevel     AccessLevel `json:"access_level"`
	AccessLevelName *string     `json:"access_level_name,omitempty"` // as the server sent it
}

// AccessLevel is the role of a member. As text, in JSON too, it is the word of the API, such as "team-member", or "unknown".
type AccessLevel int32

const (
	AccessUnknown     AccessLevel = C.KAL_ACCESS_UNKNOWN // absent, or a level unknown to this version
	AccessAdmin       AccessLevel = C.KAL_ACCESS_ADMIN
	AccessTeamMember  AccessLevel = C.KAL_ACCESS_TEAM_MEMBER
	AccessGuest       AccessLevel = C.KAL_ACCESS_GUEST
	AccessViewer      AccessLevel = C.KAL_ACCESS_VIEWER
	AccessDeactivated AccessLevel = C.KAL_ACCESS_DEACTIVATED
)

var accessLevels = map[AccessLevel]string{
	AccessUnknown: "unknown", AccessAdmin: "admin", AccessTeamMember: "team-member", AccessGuest: "guest", AccessViewer: "viewer",
	AccessDeactivated: "deactivated",
}

// String returns the word of the API, or "unknown"; of a number without a constant here, "AccessLevel(n)".
func (a AccessLevel) String() string {
	if word, ok := accessLevels[a]; ok {
		return word
	}
	return fmt.Sprintf("AccessLevel(%d)", int32(a))
}

// MarshalText returns what String returns.
func (a AccessLevel) MarshalText() ([]byte, error) {
	return []byte(a.String()), nil
}

// UnmarshalText reads the word of the API. Any other word is AccessUnknown.
func (a *AccessLevel) UnmarshalText(text []byte) error {
	*a = AccessUnknown
	for level, word := range accessLevels {
		if word == string(text) {
			*a = level
		}
	}
	return nil
}

// Group is a group of members.
type Group struct {
	ID         string   `json:"id"`
	Name       *string  `json:"group_name,omitempty"`
	Email      *string  `json:"email,omitempty"`
	UserIDs    []string `json:"user_ids"`
	ProgramIDs []string `json:"program_ids"`
}

// Event is something that happened in the workspace.
type Event struct {
	ID          string  `json:"id"`
	Type        *string `json:"event_type,omitempty"` // such as "create"
	TypeVersion *int64  `json:"event_type_version,omitempty"`
	// CreatedAt is in UTC, to the microsecond. Where the server sent none, or none that can be read, IsZero is true, and JSON has no
	// created_at: a Time has a value for it, so that it needs no pointer.
	CreatedAt         time.Time       `json:"created_at,omitzero"`
	CreatedAtText     *string         `json:"created_at_text,omitempty"` // as the server sent it
	UserID            *string         `json:"event_user_id,omitempty"`   // the acting user
	FullName          *string         `json:"full_name,omitempty"`       // the acting user's name
	PreferredName     *string         `json:"preferred_name,omitempty"`
	ResourceID        *string         `json:"resource_id,omitempty"`          // the resource that the event is about
	ResourceType      *string         `json:"resource_type,omitempty"`        // such as "task"
	ParentBulkEventID *string         `json:"parent_bulk_event_id,omitempty"` // set when the event is part of a bulk event
	Attrs             json.RawMessage `json:"event_attrs,omitempty"`          // a JSON object whose members depend on Type
	IsBot             *bool           `json:"is_bot,omitempty"`
	IsBulk            *bool           `json:"is_bulk,omitempty"`
}

// Text returns the value of a nullable field, and "" for nil.
func Text(field *string) string {
	if field == nil {
		return ""
	}
	return *field
}
