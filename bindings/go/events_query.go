package kaleidoscope

// #include <kaleidoscope.h>
import "C"

import (
	"encoding/json"
	"time"
)

// EventsQuery selects events. An unset field does not filter; a nil query selects all events.
type EventsQuery struct {
	Page         int       `json:"page,omitzero"`            // page number; 0 selects the server's first page. Must be 0 for streams
	PageSize     int       `json:"page_size,omitzero"`       // events per page; 0: the server decides
	EventTypes   []string  `json:"event_types,omitempty"`    // only events of these types, such as "create"
	ResourceType string    `json:"resource_type,omitzero"`   // only events about resources of this type, such as "task"
	EventUserIDs []string  `json:"event_user_ids,omitempty"` // only events of these users
	After        time.Time `json:"after_date,omitzero"`      // the server decides whether the bounds are inclusive
	Before       time.Time `json:"before_date,omitzero"`
}

// toJSON returns the parameters of workspace.get_events, which the JSON of a query is.
func (query *EventsQuery) toJSON() ([]byte, error) {
	if query == nil {
		return nil, nil
	}
	in := &inputs{}
	in.pageNumber("Page", query.Page)
	in.pageNumber("PageSize", query.PageSize)
	if in.err != nil {
		return nil, in.err
	}
	for name, texts := range map[string][]string{
		"EventTypes": query.EventTypes, "ResourceType": {query.ResourceType}, "EventUserIDs": query.EventUserIDs,
	} {
		for _, text := range texts {
			if err := checkText(name, text); err != nil {
				return nil, err
			}
		}
	}
	text, err := json.Marshal(query)
	if err != nil {
		return nil, invalidArgument("query: " + err.Error())
	}
	return text, nil
}

func (query *EventsQuery) toC(in *inputs) C.kal_events_query {
	if query == nil {
		query = &EventsQuery{}
	}
	return C.kal_events_query{
		struct_size:        C.sizeof_kal_events_query,
		page:               C.int32_t(in.pageNumber("Page", query.Page)),
		page_size:          C.int32_t(in.pageNumber("PageSize", query.PageSize)),
		event_types:        in.texts("EventTypes", query.EventTypes),
		event_types_len:    C.size_t(len(query.EventTypes)),
		resource_type:      in.text("ResourceType", query.ResourceType),
		event_user_ids:     in.texts("EventUserIDs", query.EventUserIDs),
		event_user_ids_len: C.size_t(len(query.EventUserIDs)),
		after_date:         in.date("After", query.After),
		before_date:        in.date("Before", query.Before),
	}
}

func (in *inputs) pageNumber(name string, n int) int32 {
	if int(int32(n)) != n {
		in.reject(name + ": out of range")
	}
	return int32(n)
}

func (in *inputs) date(name string, t time.Time) *C.char {
	if t.IsZero() {
		return nil
	}
	return in.text(name, t.Format(time.RFC3339Nano))
}
