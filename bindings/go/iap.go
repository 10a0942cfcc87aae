package kaleidoscope

// #include <kaleidoscope.h>
// kal_status kaleidoscopeIAPToken(void *user_data, char *buffer, size_t capacity, size_t *length);
//
// static void kaleidoscope_set_iap(kal_client_options *options, uintptr_t number) {
//     options->iap_token_provider = kaleidoscopeIAPToken;
//     options->iap_user_data = (void *)number;
// }
import "C"

import (
	"sync"
	"sync/atomic"
)

// iapProvider is a token function of the application, known to the library by a number. A call may still be in progress when its
// client is closed; a number that is no longer registered makes it fail.
type iapProvider struct {
	token  func() (string, error)
	number uintptr
	last   atomic.Pointer[error]
}

var (
	iapProviders sync.Map // number to *iapProvider
	iapNumbers   atomic.Uintptr
)

func newIAPProvider(token func() (string, error)) *iapProvider {
	p := &iapProvider{token: token, number: iapNumbers.Add(1)}
	iapProviders.Store(p.number, p)
	return p
}

func (p *iapProvider) setOn(options *C.kal_client_options) {
	C.kaleidoscope_set_iap(options, C.uintptr_t(p.number))
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
