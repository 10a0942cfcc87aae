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
	result, err := c.do(ctx, options,
		func(c C.kal_client, o *C.kal_call_options, r *C.kal_result, e *C.kal_error) C.kal_status {
			return C.kal_call(c, name, paramsJSON, o, r, e)
		})
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
