package kaleidoscope

// #include <kaleidoscope.h>
import "C"

import (
	"context"
	"encoding/json"
	"fmt"
)

// Call calls any method of the library by its name and gives the answer as JSON, as the server sent it:
//
//	answer, err := client.Call(ctx, "workspace.get_events", map[string]any{"page_size": 50})
//
// params is anything that encoding/json makes a JSON object of; nil: no parameters. [Methods] lists what there is.
func (c *Client) Call(ctx context.Context, method string, params any, options ...CallOption) (json.RawMessage, error) {
	in := &inputs{}
	defer in.free()
	name := in.required("method", method)
	var paramsJSON *C.char
	if params != nil {
		text, err := json.Marshal(params)
		if err != nil {
			return nil, fmt.Errorf("kaleidoscope: params: %w", err)
		}
		paramsJSON = in.required("params", string(text))
	}
	if in.err != nil {
		return nil, in.err
	}
	return c.json(ctx, options,
		func(c C.kal_client, o *C.kal_call_options, r *C.kal_result, e *C.kal_error) C.kal_status {
			return C.kal_call(c, name, paramsJSON, o, r, e)
		})
}

// Request sends a request to any endpoint of the platform and gives the answer as JSON, as the server sent it (null where it has no
// body):
//
//	answer, err := client.Request(ctx, "POST", "/programs", nil, map[string]any{"title": "Solubility"})
//
// verb is GET, POST, PUT, PATCH or DELETE; path begins with / and is percent-encoded. query is anything that encoding/json makes a JSON
// object of, whose strings are sent as they are and everything else as its JSON text; body anything that it makes JSON of; nil: none.
// A [json.RawMessage] is sent as it is. A GET is retried; any other verb is sent again only when the server cannot have carried it out.
func (c *Client) Request(
	ctx context.Context, verb, path string, query, body any, options ...CallOption,
) (json.RawMessage, error) {
	in := &inputs{}
	defer in.free()
	method, where := in.required("verb", verb), in.required("path", path)
	queryJSON, bodyJSON := in.json("query", query), in.json("body", body)
	if in.err != nil {
		return nil, in.err
	}
	return c.json(ctx, options,
		func(c C.kal_client, o *C.kal_call_options, r *C.kal_result, e *C.kal_error) C.kal_status {
			return C.kal_request(c, method, where, queryJSON, bodyJSON, o, r, e)
		})
}

// json gives the C string of a value's JSON; NULL for nil.
func (in *inputs) json(name string, value any) *C.char {
	if value == nil {
		return nil
	}
	// Marshal would write it anew.
	text, isRaw := value.(json.RawMessage)
	if !isRaw {
		var err error
		if text, err = json.Marshal(value); err != nil {
			in.refuse(name + ": " + err.Error())
			return nil
		}
	}
	return in.required(name, string(text))
}

// json makes a call and gives its answer's JSON.
func (c *Client) json(
	ctx context.Context, options []CallOption,
	call func(C.kal_client, *C.kal_call_options, *C.kal_result, *C.kal_error) C.kal_status,
) (json.RawMessage, error) {
	result, err := c.do(ctx, options, call)
	if err != nil {
		return nil, err
	}
	defer C.kal_result_free(result)
	var n C.size_t
	text := C.kal_result_json(result, &n)
	if text == nil {
		return nil, &Error{Status: ErrInternal, RetryAfter: -1, Message: "the result has no JSON"}
	}
	return json.RawMessage(copyBytes(text, n)), nil
}

// Methods lists every method that Call knows, as JSON: name, parameters with their types, whether it is cached.
func Methods() json.RawMessage {
	return json.RawMessage(C.GoString(C.kal_methods()))
}
