package kaleidoscope

// #include <kaleidoscope.h>
import "C"

import (
	"context"
	"log/slog"
	"runtime"
	"time"
	"unsafe"
)

// Options are the options of a client. The zero value of a field selects its default.
type Options struct {
	ClientID         string            // environment KALEIDOSCOPE_API_CLIENT_ID
	ClientSecret     string            // environment KALEIDOSCOPE_API_CLIENT_SECRET
	BaseURL          string            // environment KALEIDOSCOPE_API_URL, then https://api.kaleidoscope.bio
	Headers          map[string]string // sent with every request; override the library's own
	CABundle         string            // PEM file of CA certificates, trusted in addition to the system's
	CABundlePEM      string            // the same as PEM text; both may be set
	ProxyURL         string            // default: no proxy, unless ProxyFromEnv
	UserAgent        string            // prepended to the library's own
	ConnectTimeout   time.Duration     // name resolution, TCP and TLS together; default 10 s
	Timeout          time.Duration     // a whole call, including sign-in, retries and waits; default 60 s; see also the CallOption Timeout
	Name             string            // of the client, in its log lines: one word; default: a number
	MaxAttempts      int               // attempts per request; default 6; 1 disables retries
	RetryWait        time.Duration     // wait before the first retry, doubled for each further one; default 250 ms
	MaxResponseBytes int64             // maximum response size after decompression; default 256 MiB
	MaxInFlight      int               // maximum concurrent requests, token requests not included; default 64
	CacheTTL         time.Duration     // default: cached reads do not expire
	ProxyFromEnv     bool              // take the proxy from HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY
	InsecureTLS      bool              // do not verify the server's certificate: for tests only
	AllowHTTP        bool              // allow plain http to a non-loopback host: the secret is sent unencrypted
	// The certificate to present to a server that asks for one (mutual TLS), its intermediates after it, and its private key, which is
	// not encrypted: as a PEM file or as PEM text. The key may be with the certificate instead.
	ClientCertificate, ClientCertificatePEM string
	ClientKey, ClientKeyPEM                 string
	// Logger receives one record for each call and each page of a stream, with the call's context: at slog.LevelDebug, or at
	// slog.LevelInfo if it failed. Its attributes are "method" (as in Methods), "duration", "cached" if the cache answered, "events"
	// of a page, and "error", a group of the fields of [Error]. [SetLogger] has the library's own log, with every request and retry.
	Logger *slog.Logger
	// IAPToken returns the ID token for a server behind Google's Identity-Aware Proxy. It is called on a goroutine that makes a
	// call, one at a time, with the context of that call, which it cannot outlast otherwise: the call returns only after it. It is
	// called again after 50 minutes, before a JWT expires, and when the proxy rejects the token. It must not use the client. Its
	// error is a cause of the errors of this call and of those that wait for the same token.
	IAPToken func(ctx context.Context) (string, error)
}

// Client has one set of credentials, one workspace and one cache. Any number of goroutines may use it at once.
type Client struct {
	handle  C.kal_client
	timeout time.Duration
	iap     *iapProvider
	logger  *slog.Logger
	cleanup runtime.Cleanup
}

// Open opens a client. It does no I/O: the first call resolves names, verifies certificates and signs in. With nil options,
// credentials and URL come from the environment.
//
// Close the client when it is no longer needed. An unreachable client is closed by the garbage collector, without any guarantee
// when, or that it happens at all.
func Open(options *Options) (*Client, error) {
	if versionMismatch != nil {
		return nil, versionMismatch
	}
	if options == nil {
		options = &Options{}
	}
	in := &inputs{}
	defer in.free()
	client := &Client{timeout: options.Timeout, logger: options.Logger}
	if client.timeout == 0 {
		client.timeout = defaultTimeout
	}
	o := options.toC(in)
	if in.err != nil {
		return nil, in.err
	}
	if options.IAPToken != nil {
		client.iap = newIAPProvider(options.IAPToken)
		client.iap.setOn(&o)
	}
	var failure C.kal_error
	if status := C.kal_client_open(&o, &client.handle, &failure); status != C.KAL_OK {
		client.iap.forget()
		return nil, takeError(status, failure)
	}
	client.cleanup = runtime.AddCleanup(client, closed.close, closed{client.handle, client.iap})
	return client, nil
}

// closed holds what is needed to close a client, without a reference to the client.
type closed struct {
	handle C.kal_client
	iap    *iapProvider
}

func (c closed) close() {
	C.kal_client_close(c.handle)
	c.iap.forget()
}

// Close closes the client. Calls in progress return ErrCancelled, later calls ErrClosed. Closing again has no effect. The error is
// always nil.
func (c *Client) Close() error {
	c.cleanup.Stop()
	closed{c.handle, c.iap}.close()
	runtime.KeepAlive(c)
	return nil
}

// ClearCaches clears the client's cache.
func (c *Client) ClearCaches() error {
	defer runtime.KeepAlive(c)
	var failure C.kal_error
	if status := C.kal_client_clear_caches(c.handle, &failure); status != C.KAL_OK {
		return takeError(status, failure)
	}
	return nil
}

// Stats are counters since the client was opened.
type Stats struct {
	Requests       uint64 `json:"requests"`        // HTTP requests sent, each counted once there is a connection for it
	Retries        uint64 `json:"retries"`         // retries among Requests; a repetition with a new token is none
	TokenRequests  uint64 `json:"token_requests"`  // token requests among Requests
	CacheHits      uint64 `json:"cache_hits"`      // calls answered from the cache
	SharedRequests uint64 `json:"shared_requests"` // calls that joined another call's request instead of sending their own
	BytesReceived  uint64 `json:"bytes_received"`  // bytes of response bodies after decompression, counted as they arrive
}

// Stats returns the client's counters.
func (c *Client) Stats() (Stats, error) {
	defer runtime.KeepAlive(c)
	stats := C.kal_stats{struct_size: C.sizeof_kal_stats}
	var failure C.kal_error
	if status := C.kal_client_stats(c.handle, &stats, &failure); status != C.KAL_OK {
		return Stats{}, takeError(status, failure)
	}
	return Stats{
		Requests:       uint64(stats.requests),
		Retries:        uint64(stats.retries),
		TokenRequests:  uint64(stats.token_requests),
		CacheHits:      uint64(stats.cache_hits),
		SharedRequests: uint64(stats.shared_requests),
		BytesReceived:  uint64(stats.bytes_received),
	}, nil
}

func (options *Options) toC(in *inputs) C.kal_client_options {
	o := C.kal_client_options{
		struct_size:             C.sizeof_kal_client_options,
		client_id:               in.text("ClientID", options.ClientID),
		client_secret:           in.text("ClientSecret", options.ClientSecret),
		base_url:                in.text("BaseURL", options.BaseURL),
		ca_bundle_path:          in.text("CABundle", options.CABundle),
		ca_bundle_pem:           in.text("CABundlePEM", options.CABundlePEM),
		client_certificate_path: in.text("ClientCertificate", options.ClientCertificate),
		client_certificate_pem:  in.text("ClientCertificatePEM", options.ClientCertificatePEM),
		client_key_path:         in.text("ClientKey", options.ClientKey),
		client_key_pem:          in.text("ClientKeyPEM", options.ClientKeyPEM),
		proxy_url:               in.text("ProxyURL", options.ProxyURL),
		user_agent:              in.text("UserAgent", options.UserAgent),
		name:                    in.text("Name", options.Name),
		connect_timeout_ms:      C.uint32_t(in.timeout("ConnectTimeout", options.ConnectTimeout)),
		timeout_ms:              C.uint32_t(in.timeout("Timeout", options.Timeout)),
		max_attempts:            C.uint32_t(in.count("MaxAttempts", options.MaxAttempts)),
		retry_wait_ms:           C.uint64_t(in.timeout("RetryWait", options.RetryWait)),
		max_in_flight:           C.uint32_t(in.count("MaxInFlight", options.MaxInFlight)),
		cache_ttl_ms:            C.uint64_t(in.timeout("CacheTTL", options.CacheTTL)),
	}
	if options.MaxResponseBytes < 0 {
		in.reject("MaxResponseBytes: must not be negative")
	}
	o.max_response_bytes = C.uint64_t(options.MaxResponseBytes)
	if n := len(options.Headers); n > 0 {
		o.headers = (*C.kal_header)(in.array(n, C.sizeof_kal_header))
		o.headers_len = C.size_t(n)
		headers := unsafe.Slice(o.headers, n)
		i := 0
		for name, value := range options.Headers {
			headers[i] = C.kal_header{name: in.required("Headers", name), value: in.required("Headers", value)}
			i++
		}
	}
	for flag, set := range map[C.uint32_t]bool{
		C.KAL_CLIENT_PROXY_FROM_ENV: options.ProxyFromEnv,
		C.KAL_CLIENT_INSECURE_TLS:   options.InsecureTLS,
		C.KAL_CLIENT_ALLOW_HTTP:     options.AllowHTTP,
	} {
		if set {
			o.flags |= flag
		}
	}
	return o
}
