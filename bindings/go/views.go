package kaleidoscope

// #include <kaleidoscope.h>
import "C"

import (
	"encoding/json"
	"math"
	"time"
	"unsafe"
)

// These functions copy records out of a result, so that the result can be freed immediately.

func copyWorkspace(w *C.kal_workspace) Workspace {
	return Workspace{ID: C.GoString(w.id), Name: optional(w.workspace_name)}
}

func copyMember(u *C.kal_workspace_user) Member {
	return Member{
		ID:              C.GoString(u.id),
		FullName:        optional(u.full_name),
		PreferredName:   optional(u.preferred_name),
		Email:           optional(u.email),
		AccessLevel:     AccessLevel(u.access_level),
		AccessLevelName: optional(u.access_level_name),
	}
}

func copyGroup(g *C.kal_workspace_group) Group {
	return Group{
		ID:         C.GoString(g.id),
		Name:       optional(g.group_name),
		Email:      optional(g.email),
		UserIDs:    copyTexts(g.user_ids, g.user_ids_len),
		ProgramIDs: copyTexts(g.program_ids, g.program_ids_len),
	}
}

func copyEvent(e *C.kal_workspace_event) Event {
	event := Event{
		ID:                C.GoString(e.id),
		Type:              optional(e.event_type),
		CreatedAtText:     optional(e.created_at),
		UserID:            optional(e.event_user_id),
		FullName:          optional(e.full_name),
		PreferredName:     optional(e.preferred_name),
		ResourceID:        optional(e.resource_id),
		ResourceType:      optional(e.resource_type),
		ParentBulkEventID: optional(e.parent_bulk_event_id),
		Attrs:             json.RawMessage(C.GoString(e.event_attrs)),
		IsBot:             optionalBool(e.is_bot),
		IsBulk:            optionalBool(e.is_bulk),
	}
	if e.event_type_version >= 0 {
		version := int64(e.event_type_version)
		event.TypeVersion = &version
	}
	if e.created_at_us != math.MinInt64 {
		event.CreatedAt = time.UnixMicro(int64(e.created_at_us)).UTC()
	}
	return event
}

func optional(s *C.char) *string {
	if s == nil {
		return nil
	}
	text := C.GoString(s)
	return &text
}

func optionalBool(b C.int8_t) *bool {
	if b < 0 {
		return nil
	}
	value := b != 0
	return &value
}

func copyTexts(p **C.char, n C.size_t) []string {
	texts := make([]string, int(n))
	for i, s := range unsafe.Slice(p, int(n)) {
		texts[i] = C.GoString(s)
	}
	return texts
}

// copyAll copies the records of an array of the library. NULL means that the result holds other data.
func copyAll[C, Go any](p **C, n int, one func(*C) Go) ([]Go, error) {
	if p == nil {
		return nil, &Error{Status: ErrInternal, RetryAfter: -1, Message: "the result does not hold the expected record type"}
	}
	records := make([]Go, n)
	for i, record := range unsafe.Slice(p, n) {
		records[i] = one(record)
	}
	return records, nil
}
