package kaleidoscope

// #include <kaleidoscope.h>
import "C"

import (
	"context"
	"encoding/json"
	"fmt"
)

// Call is the generic call: it calls any method of the library by name and returns the answer as JSON, as the server sent it:
//
//	answer, err := client.Call(ctx, "workspace.get_events", map[string]any{"page_size": 50})
//
// params is any value that encoding/json marshals to a JSON object; nil means no parameters. [Methods] lists the methods.
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

// Request sends a request to any endpoint of the platform and returns the answer as JSON, as the server sent it (null if the response
// has no body):
//
//	answer, err := client.Request(ctx, "POST", "/programs", nil, map[string]any{"title": "Solubility"})
//
// verb is GET, POST, PUT, PATCH or DELETE; path begins with / and is percent-encoded. query is any value that encoding/json marshals
// to a JSON object: its string members are sent without quotes, all others as their JSON text. body is any value that encoding/json
// can marshal. nil means none. A [json.RawMessage] is sent unchanged. A GET is retried; any other verb only when the server cannot
// have processed it.
func (c *Client) Request(
	ctx context.Context, verb, path string, query, body any, options ...CallOption,
) (json.RawMessage, error) {
	in := &inputs{}
	defer in.free()
	method, target := in.required("verb", verb), in.required("path", path)
	queryJSON, bodyJSON := in.json("query", query), in.json("body", body)
	if in.err != nil {
		return nil, in.err
	}
	return c.json(ctx, options,
		func(c C.kal_client, o *C.kal_call_options, r *C.kal_result, e *C.kal_error) C.kal_status {
			return C.kal_request(c, method, target, queryJSON, bodyJSON, o, r, e)
		})
}

// json returns the C string of a value's JSON; NULL for nil.
func (in *inputs) json(name string, value any) *C.char {
	if value == nil {
		return nil
	}
	// Marshal would reformat it.
	text, isRaw := value.(json.RawMessage)
	if !isRaw {
		var err error
		if text, err = json.Marshal(value); err != nil {
			in.reject(name + ": " + err.Error())
			return nil
		}
	}
	return in.required(name, string(text))
}

// json makes a call and returns its answer as JSON.
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

// Methods returns a JSON array of the methods that Call accepts: name, parameters with their types, whether it is cached.
func Methods() json.RawMessage {
	return json.RawMessage(C.GoString(C.kal_methods()))
}
