package kaleidoscope

// #include "bridge.h"
import "C"

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// iapProvider is a token function of the application, known to the library by a number. A call may still be in progress when its
// client is closed; a number that is no longer registered makes it fail.
type iapProvider struct {
	token      func(context.Context) (string, error)
	number     uintptr
	last       atomic.Pointer[error]
	isAccepted atomic.Bool // a call succeeded
}

var (
	iapProviders sync.Map // number to *iapProvider
	iapNumbers   atomic.Uintptr
)

func newIAPProvider(token func(context.Context) (string, error)) *iapProvider {
	p := &iapProvider{token: token, number: iapNumbers.Add(1)}
	iapProviders.Store(p.number, p)
	return p
}

func (p *iapProvider) setOn(options *C.kal_client_options) {
	C.kaleidoscope_go_set_iap(options, C.uintptr_t(p.number))
}

func (p *iapProvider) forget() {
	if p != nil {
		iapProviders.Delete(p.number)
	}
}

// failure returns why there is no token.
func (p *iapProvider) failure() error {
	if err := p.last.Load(); err != nil {
		return *err
	}
	return nil
}

// mayBeRejected reports whether a call may have failed because the proxy rejected the token. Where it did, and the token had been
// accepted before, the library calls the error retryable; a token that was never accepted may be one from an old cache.
func (p *iapProvider) mayBeRejected(failure error) bool {
	var e *Error
	if p == nil || !errors.As(failure, &e) {
		return false
	}
	return e.HTTPStatus >= 300 && e.HTTPStatus <= 403 && e.Status != ErrBadRequest && (e.Retryable || !p.isAccepted.Load())
}
