package kaleidoscope

// #include <kaleidoscope.h>
import "C"

import (
	"bytes"
	"encoding/json"
	"math"
	"time"
	"unsafe"
)

// These functions copy records out of a result, so that the result can be freed immediately.

func copyWorkspace(w *C.kal_workspace) Workspace {
	texts := copyTexts(w.id, w.workspace_name)
	return Workspace{ID: texts[0], Name: optional(w.workspace_name, &texts[1])}
}

func copyMember(u *C.kal_workspace_user) Member {
	texts := copyTexts(u.id, u.full_name, u.preferred_name, u.email, u.access_level_name)
	return Member{
		ID:              texts[0],
		FullName:        optional(u.full_name, &texts[1]),
		PreferredName:   optional(u.preferred_name, &texts[2]),
		Email:           optional(u.email, &texts[3]),
		AccessLevel:     AccessLevel(u.access_level),
		AccessLevelName: optional(u.access_level_name, &texts[4]),
	}
}

func copyGroup(g *C.kal_workspace_group) Group {
	texts := copyTexts(g.id, g.group_name, g.email)
	return Group{
		ID:         texts[0],
		Name:       optional(g.group_name, &texts[1]),
		Email:      optional(g.email, &texts[2]),
		UserIDs:    copyTexts(unsafe.Slice(g.user_ids, int(g.user_ids_len))...),
		ProgramIDs: copyTexts(unsafe.Slice(g.program_ids, int(g.program_ids_len))...),
	}
}

func copyEvent(e *C.kal_workspace_event) Event {
	texts := copyTexts(e.id, e.event_type, e.created_at, e.event_user_id, e.full_name, e.preferred_name, e.resource_id, e.resource_type,
		e.parent_bulk_event_id)
	event := Event{
		ID:                texts[0],
		Type:              optional(e.event_type, &texts[1]),
		CreatedAtText:     optional(e.created_at, &texts[2]),
		UserID:            optional(e.event_user_id, &texts[3]),
		FullName:          optional(e.full_name, &texts[4]),
		PreferredName:     optional(e.preferred_name, &texts[5]),
		ResourceID:        optional(e.resource_id, &texts[6]),
		ResourceType:      optional(e.resource_type, &texts[7]),
		ParentBulkEventID: optional(e.parent_bulk_event_id, &texts[8]),
		Attrs:             append(json.RawMessage{}, bytesOf(e.event_attrs)...),
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

// copyTexts copies texts of the library, "" for NULL. They share one block of memory: those of a record need two allocations instead of
// two each, and keep no other record's memory.
func copyTexts(from ...*C.char) []string {
	total := 0
	texts := make([]string, len(from))
	for i, text := range from {
		found := bytesOf(text)
		texts[i] = unsafe.String(unsafe.SliceData(found), len(found))
		total += len(found)
	}
	block := make([]byte, 0, total)
	for i, text := range texts {
		start := len(block)
		block = append(block, text...)
		texts[i] = unsafe.String(unsafe.SliceData(block[start:]), len(text))
	}
	return texts
}

// bytesOf returns the bytes of a text of the library, without its NUL; none for NULL.
func bytesOf(text *C.char) []byte {
	if text == nil {
		return nil
	}
	// Memory behind the page of the NUL need not be mapped, and IndexByte may look at what it was given in any order.
	const page = 4096
	for length := 0; ; {
		left := page - (int(uintptr(unsafe.Pointer(text))%page)+length)%page
		rest := unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(text), length)), left)
		if end := bytes.IndexByte(rest, 0); end >= 0 {
			return unsafe.Slice((*byte)(unsafe.Pointer(text)), length+end)
		}
		length += left
	}
}

// optional returns the copy of a text, or nil for NULL.
func optional(text *C.char, copied *string) *string {
	if text == nil {
		return nil
	}
	return copied
}

func optionalBool(b C.int8_t) *bool {
	if b < 0 {
		return nil
	}
	value := b != 0
	return &value
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
