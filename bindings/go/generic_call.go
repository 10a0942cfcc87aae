package kaleidoscope

// #include <kaleidoscope.h>
import "C"

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
)

// Call is the generic call: it calls any method of the library by name and returns the answer as JSON, as the server sent it:
//
//	answer, err := client.Call(ctx, "workspace.get_events", map[string]any{"page_size": 50})
//
// params is any value that encoding/json marshals to a JSON object; nil means no parameters. [Methods] lists the methods.
func (c *Client) Call(ctx context.Context, name string, params any, options ...CallOption) (json.RawMessage, error) {
	if err := checkText("method", name); err != nil {
		return nil, err
	}
	var text []byte
	if params != nil {
		var err error
		if text, err = json.Marshal(params); err != nil {
			return nil, fmt.Errorf("kaleidoscope: params: %w", err)
		}
	}
	return do(ctx, c, method{name + "\x00", cachedMethods()[name]}, text, options, takeJSON)
}

// Request sends a request to any endpoint of the platform and returns the answer as JSON, as the server sent it (null if the response
// has no body):
//
//	answer, err := client.Request(ctx, "POST", "/programs", nil, map[string]any{"title": "Solubility"})
//
// verb is GET, POST, PUT, PATCH or DELETE; path begins with / and is percent-encoded. query is any value that encoding/json marshals
// to a JSON object: its string members are sent without quotes, all others as their JSON text. body is any value that encoding/json
// can marshal. nil, and what marshals to null, means none. A [json.RawMessage] is sent unchanged. A GET is retried; any other verb
// only when the server cannot have processed it.
func (c *Client) Request(
	ctx context.Context, verb, path string, query, body any, options ...CallOption,
) (json.RawMessage, error) {
	params, err := requestParams(verb, path, query, body)
	if err != nil {
		return nil, err
	}
	return do(ctx, c, method{name: "request\x00"}, params, options, takeJSON)
}

func requestParams(verb, path string, query, body any) ([]byte, error) {
	var params []byte
	for _, param := range []struct {
		name  string
		value any
	}{{"verb", verb}, {"path", path}, {"query", query}, {"body", body}} {
		if param.value == nil {
			continue
		}
		if text, ok := param.value.(string); ok && (param.name == "verb" || param.name == "path") {
			if err := checkText(param.name, text); err != nil {
				return nil, err
			}
		}
		// Marshal would reformat it.
		text, isRaw := param.value.(json.RawMessage)
		if isRaw && !json.Valid(text) {
			return nil, invalidArgument(param.name + ": not valid JSON")
		}
		if !isRaw {
			var err error
			if text, err = json.Marshal(param.value); err != nil {
				return nil, invalidArgument(param.name + ": " + err.Error())
			}
		}
		params = append(fmt.Appendf(params, ",%q:", param.name), text...)
	}
	params[0] = '{'
	return append(params, '}'), nil
}

func takeJSON(result C.kal_result) (json.RawMessage, error) {
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

var cachedMethods = sync.OnceValue(func() map[string]bool {
	var methods []struct {
		Name   string
		Cached bool
	}
	// A method that is missing here is submitted, which returns a cached answer too.
	_ = json.Unmarshal(Methods(), &methods)
	cached := map[string]bool{}
	for _, m := range methods {
		cached[m.Name] = m.Cached
	}
	return cached
})
