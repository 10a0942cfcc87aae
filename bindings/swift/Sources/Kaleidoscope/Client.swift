import CKaleidoscope

/// Options of a client. `nil` selects the default.
public struct ClientOptions: Sendable {
    /// Default: environment `KALEIDOSCOPE_API_CLIENT_ID`.
    public var clientID: String?
    /// Default: environment `KALEIDOSCOPE_API_CLIENT_SECRET`.
    public var clientSecret: String?
    /// Default: environment `KALEIDOSCOPE_API_URL`, then `https://api.kaleidoscope.bio`.
    public var baseURL: String?
    /// Sent with every request; override the library's own.
    public var headers: [String: String] = [:]
    /// PEM file of CA certificates that are trusted in addition to the system's.
    public var caBundlePath: String?
    /// The same as PEM text; both may be set.
    public var caBundlePEM: String?
    /// PEM file of the certificate to present to a server that asks for one (mutual TLS), its intermediates after it.
    public var clientCertificatePath: String?
    /// The same as PEM text; one of the two may be set.
    public var clientCertificatePEM: String?
    /// PEM file of the certificate's private key, not encrypted. Default: the key is with the certificate.
    public var clientKeyPath: String?
    /// The same as PEM text; one of the two may be set.
    public var clientKeyPEM: String?
    /// The client's name in its log lines: one word of visible ASCII. Default: a number.
    public var name: String?
    /// Default: no proxy, unless ``takesProxyFromEnvironment``.
    public var proxyURL: String?
    /// Prepended to the library's own.
    public var userAgent: String?
    /// Name resolution, TCP and TLS together. Default: 10 s.
    public var connectTimeout: Duration?
    /// A whole call, including sign-in, retries and waits. Default: 60 s.
    public var timeout: Duration?
    /// Attempts per request. Default: 6; 1 disables retries.
    public var maxAttempts: Int?
    /// Wait before the first retry, doubled for each further one. Default: 250 ms.
    public var retryWait: Duration?
    /// Maximum response size after decompression. Default: 256 MiB.
    public var maxResponseBytes: Int?
    /// Maximum concurrent requests, token requests not included. Default: 64.
    public var maxInFlight: Int?
    /// Default: cached reads do not expire.
    public var cacheTTL: Duration?
    /// Takes the proxy from `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`.
    public var takesProxyFromEnvironment = false
    /// Does not verify the server's certificate: for tests only.
    public var isTLSInsecure = false
    /// Allows plain http to a non-loopback host: the secret is sent unencrypted.
    public var allowsHTTP = false
    /// Called after each call and each page of a stream, for logs, metrics and traces. It runs in the task of the call, whose task-local
    /// values it sees, and must return quickly. ``KaleidoscopeLog`` is the library's own log, of requests and retries.
    public var onCall: (@Sendable (CallRecord) -> Void)?
    /// Returns the ID token for a server behind Google's Identity-Aware Proxy. Called for one task at a time, again after 50 minutes,
    /// and once more by a call whose token the proxy rejects. It must not call its own client: that fails with ``Status/wouldDeadlock``. An error that it throws is
    /// ``KaleidoscopeError/underlying`` of the call that needed the token. Cancelling that call does not cancel it.
    public var iapToken: (@Sendable () async throws -> String)?

    public init() {}

    fileprivate func toC(_ inputs: Inputs) throws(KaleidoscopeError) -> kal_client_options {
        var options = kal_client_options()
        options.struct_size = MemoryLayout<kal_client_options>.size
        options.client_id = try inputs.string("clientID", clientID)
        options.client_secret = try inputs.string("clientSecret", clientSecret)
        options.base_url = try inputs.string("baseURL", baseURL)
        options.headers = try inputs.headers(headers)
        options.headers_len = headers.count
        options.ca_bundle_path = try inputs.string("caBundlePath", caBundlePath)
        options.ca_bundle_pem = try inputs.string("caBundlePEM", caBundlePEM)
        options.client_certificate_path = try inputs.string("clientCertificatePath", clientCertificatePath)
        options.client_certificate_pem = try inputs.string("clientCertificatePEM", clientCertificatePEM)
        options.client_key_path = try inputs.string("clientKeyPath", clientKeyPath)
        options.client_key_pem = try inputs.string("clientKeyPEM", clientKeyPEM)
        options.name = try inputs.string("name", name)
        options.proxy_url = try inputs.string("proxyURL", proxyURL)
        options.user_agent = try inputs.string("userAgent", userAgent)
        options.connect_timeout_ms = try milliseconds("connectTimeout", connectTimeout)
        options.timeout_ms = try milliseconds("timeout", timeout)
        options.max_attempts = try number("maxAttempts", maxAttempts)
        options.retry_wait_ms = UInt64(try milliseconds("retryWait", retryWait))
        options.max_response_bytes = try number("maxResponseBytes", maxResponseBytes)
        options.max_in_flight = try number("maxInFlight", maxInFlight)
        options.cache_ttl_ms = UInt64(try milliseconds("cacheTTL", cacheTTL))
        if takesProxyFromEnvironment { options.flags |= UInt32(KAL_CLIENT_PROXY_FROM_ENV) }
        if isTLSInsecure { options.flags |= UInt32(KAL_CLIENT_INSECURE_TLS) }
        if allowsHTTP { options.flags |= UInt32(KAL_CLIENT_ALLOW_HTTP) }
        return options
    }
}

/// Selects how a call uses the client's cache.
public enum CachePolicy: Sendable {
    /// Answers from the cache; sends a request only on a miss.
    case use
    /// Sends a request and caches the answer.
    case refresh
    /// Sends no request: ``Status/notFound`` on a miss.
    case only

    var toC: Int32 {
        switch self {
        case .use: KAL_CACHE_USE
        case .refresh: KAL_CACHE_REFRESH
        case .only: KAL_CACHE_ONLY
        }
    }
}

/// Counters since the client was opened.
public struct ClientStatistics: Hashable, Sendable, Codable {
    /// HTTP requests sent, token requests included. Each is counted once there is a connection for it.
    public let requests: UInt64
    /// Retries among ``requests``. A repetition with a new token is none.
    public let retries: UInt64
    /// Token requests among ``requests``.
    public let tokenRequests: UInt64
    /// Calls answered from the cache.
    public let cacheHits: UInt64
    /// Calls that joined another call's request instead of sending their own.
    public let sharedRequests: UInt64
    /// Bytes of response bodies after decompression, counted as they arrive.
    public let bytesReceived: UInt64

    public init(
        requests: UInt64 = 0, retries: UInt64 = 0, tokenRequests: UInt64 = 0, cacheHits: UInt64 = 0, sharedRequests: UInt64 = 0,
        bytesReceived: UInt64 = 0
    ) {
        self.requests = requests
        self.retries = retries
        self.tokenRequests = tokenRequests
        self.cacheHits = cacheHits
        self.sharedRequests = sharedRequests
        self.bytesReceived = bytesReceived
    }

    private enum CodingKeys: String, CodingKey {
        case requests, retries
        case tokenRequests = "token_requests"
        case cacheHits = "cache_hits"
        case sharedRequests = "shared_requests"
        case bytesReceived = "bytes_received"
    }
}

/// One set of credentials, one workspace, one cache, for any number of tasks. Closed when the last reference is released.
///
///     let client = try Client()            // credentials and URL from the environment
///     for member in try await client.workspace.members() {
///         print(member.fullName ?? member.id)
///     }
public final class Client: Sendable {
    let handle: kal_client
    let iap: IAPToken?
    let completions: CompletionQueue
    let timeout: Duration
    let onCall: (@Sendable (CallRecord) -> Void)?

    /// Opens a client. Does no I/O: the first call resolves names, verifies certificates and signs in.
    public init(_ options: ClientOptions = ClientOptions()) throws(KaleidoscopeError) {
        try checkVersion(header: UInt32(bitPattern: KAL_VERSION_MAJOR << 16 | KAL_VERSION_MINOR << 8 | KAL_VERSION_PATCH),
                         library: kal_version_number())
        completions = try CompletionQueue.shared()
        iap = options.iapToken.map { IAPToken($0) }
        timeout = options.timeout ?? .seconds(60)
        onCall = options.onCall
        let inputs = Inputs()
        var cOptions = try options.toC(inputs)
        iap?.set(on: &cOptions)
        var handle = kal_client()
        var error = kal_error()
        let status = withExtendedLifetime(inputs) { kal_client_open(&cOptions, &handle, &error) }
        if status != KAL_OK { throw KaleidoscopeError(taking: error, status: status) }
        self.handle = handle
    }

    deinit {
        kal_client_close(handle)
    }

    /// The workspace API.
    public var workspace: WorkspaceService { WorkspaceService(client: self) }

    /// Closes the client now. Calls in progress fail with ``Status/cancelled``, later calls with ``Status/closed``.
    public func close() {
        kal_client_close(handle)
    }

    /// Clears the client's cache.
    public func clearCaches() throws(KaleidoscopeError) {
        var error = kal_error()
        let status = kal_client_clear_caches(handle, &error)
        if status != KAL_OK { throw KaleidoscopeError(taking: error, status: status) }
    }

    public func statistics() throws(KaleidoscopeError) -> ClientStatistics {
        var stats = kal_stats()
        stats.struct_size = MemoryLayout<kal_stats>.size
        var error = kal_error()
        let status = kal_client_stats(handle, &stats, &error)
        if status != KAL_OK { throw KaleidoscopeError(taking: error, status: status) }
        return ClientStatistics(
            requests: stats.requests, retries: stats.retries, tokenRequests: stats.token_requests,
            cacheHits: stats.cache_hits, sharedRequests: stats.shared_requests, bytesReceived: stats.bytes_received)
    }

    /// The generic call: calls any method of the library by name, with parameters as JSON text of an object, and returns the answer
    /// as JSON, as the server sent it: `try await client.call("workspace.get_events", #"{"page_size": 50}"#)`.
    ///
    /// ``methods`` lists the methods. The method `request` sends a request to any endpoint of the platform, see `kal_request`:
    /// `try await client.call("request", #"{"verb": "POST", "path": "/programs", "body": {"title": "T"}}"#)`.
    public func call(
        _ method: String, _ parameters: String = "{}", cache: CachePolicy = .use, timeout: Duration? = nil
    ) async throws -> String {
        try await answer(method, parameters, cache, timeout) { try $0.json() }
    }

    /// A JSON array of the methods that ``call(_:_:cache:timeout:)`` accepts: name, parameters with their types, whether it is cached.
    public static var methods: String { String(cString: kal_methods()) }

    /// The version of the loaded library, such as `"0.2.0"`.
    public static var libraryVersion: String { String(cString: kal_version()) }
}

/// An older library lacks functions that this package was compiled against, and another major version has another ABI.
func checkVersion(header: UInt32, library: UInt32) throws(KaleidoscopeError) {
    if library >= header, library >> 16 == header >> 16 { return }
    let text = { (version: UInt32) in "\(version >> 16).\(version >> 8 & 0xff).\(version & 0xff)" }
    throw KaleidoscopeError(.invalidState, "compiled against libkaleidoscope \(text(header)), but \(text(library)) is loaded")
}
