import CKaleidoscope

/// How a client is opened. `nil` means the default.
public struct ClientOptions: Sendable {
    /// Environment `KALEIDOSCOPE_API_CLIENT_ID`.
    public var clientID: String?
    /// Environment `KALEIDOSCOPE_API_CLIENT_SECRET`.
    public var clientSecret: String?
    /// Environment `KALEIDOSCOPE_API_URL`, then `https://api.kaleidoscope.bio`.
    public var baseURL: String?
    /// Sent with every request; they win over the library's own.
    public var headers: [String: String] = [:]
    /// A PEM file of certificates that are trusted in addition to the system's.
    public var caBundlePath: String?
    /// No proxy, unless ``takesProxyFromEnvironment``.
    public var proxyURL: String?
    /// Put before the library's own.
    public var userAgent: String?
    /// Name lookup, TCP and TLS together; 10 s.
    public var connectTimeout: Duration?
    /// One whole call: sign-in, retries and waits included; 60 s.
    public var timeout: Duration?
    /// Tries per request; 6, and 1 means never retry.
    public var maxAttempts: Int?
    /// The first wait before another try, which doubles from try to try; 250 ms.
    public var retryWait: Duration?
    /// The longest answer taken, after decompression; 256 MiB.
    public var maxResponseBytes: Int?
    /// Requests on the wire at once; 64.
    public var maxInFlight: Int?
    /// Cached reads never expire by themselves.
    public var cacheTTL: Duration?
    /// Takes the proxy from `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`.
    public var takesProxyFromEnvironment = false
    /// Does not check the server's certificate: for test benches only.
    public var isTLSInsecure = false
    /// Plain http to a host that is not loopback: the secret travels in clear.
    public var allowsHTTP = false
    /// Gives the ID token for a server behind Google's identity-aware proxy, and is asked again after 50 minutes, by one task at
    /// a time. It must not call the client that asks: that is ``Status/wouldDeadlock``. What it throws is
    /// ``KaleidoscopeError/underlying`` of the call that needed the token. It is not cancelled with that call.
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

/// How a call uses the client's cache.
public enum CachePolicy: Sendable {
    /// Answers from the cache, and asks the server only when nothing is there.
    case use
    /// Asks the server and keeps the answer.
    case refresh
    /// Never asks the server: ``Status/notFound`` where nothing is cached.
    case only

    fileprivate var toC: Int32 {
        switch self {
        case .use: KAL_CACHE_USE
        case .refresh: KAL_CACHE_REFRESH
        case .only: KAL_CACHE_ONLY
        }
    }
}

/// What a client did since it was opened.
public struct ClientStatistics: Hashable, Sendable {
    /// HTTP requests sent, token requests and retries included.
    public let requests: UInt64
    /// How many of them were retries.
    public let retries: UInt64
    /// How many of them were token requests.
    public let tokenRequests: UInt64
    /// Calls answered from the cache.
    public let cacheHits: UInt64
    /// Calls that waited for another call's request instead of sending their own.
    public let sharedRequests: UInt64
    /// Bytes of answers, after decompression.
    public let bytesReceived: UInt64
}

/// One set of credentials, one workspace, one cache, for any number of tasks. It is closed when nobody has it any more.
///
///     let client = try Client()            // credentials and URL from the environment
///     for member in try await client.workspace.members() {
///         print(member.fullName ?? member.id)
///     }
public final class Client: Sendable {
    let handle: kal_client
    let iap: IAPToken?
    let completions: CompletionQueue

    /// Opens a client without any I/O: names, certificates and credentials are first used by the first call.
    public init(_ options: ClientOptions = ClientOptions()) throws(KaleidoscopeError) {
        try checkVersion(header: UInt32(bitPattern: KAL_VERSION_MAJOR << 16 | KAL_VERSION_MINOR << 8 | KAL_VERSION_PATCH),
                         library: kal_version_number())
        completions = try CompletionQueue.shared.get()
        iap = options.iapToken.map { IAPToken($0) }
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

    /// The part of the API about the workspace.
    public var workspace: WorkspaceService { WorkspaceService(client: self) }

    /// Closes the client now. Calls that are under way end with ``Status/cancelled``, later ones give ``Status/closed``.
    public func close() {
        kal_client_close(handle)
    }

    /// Forgets everything cached.
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

    /// Calls any method of the library by its name, with parameters as the text of a JSON object, and gives the answer as JSON, as
    /// the server sent it: `try await client.call("workspace.get_events", #"{"page_size": 50}"#)`.
    ///
    /// ``methods`` lists what there is. The method `request` sends a request to any endpoint of the platform, see `kal_request`:
    /// `try await client.call("request", #"{"verb": "POST", "path": "/programs", "body": {"title": "T"}}"#)`.
    public func call(
        _ method: String, _ parameters: String = "{}", cache: CachePolicy = .use, timeout: Duration? = nil
    ) async throws(KaleidoscopeError) -> String {
        try await answer(method, parameters, cache, timeout).json()
    }

    /// Every method that ``call(_:_:cache:timeout:)`` knows, as JSON: name, parameters with their types, whether it is cached.
    public static var methods: String { String(cString: kal_methods()) }

    /// The version of the library that is loaded, such as `"0.2.0"`.
    public static var libraryVersion: String { String(cString: kal_version()) }

    func answer(
        _ method: String, _ parameters: String, _ cache: CachePolicy, _ timeout: Duration?
    ) async throws(KaleidoscopeError) -> Answer {
        for (name, value) in [("method", method), ("parameters", parameters)] where value.utf8.contains(0) {
            throw .invalidArgument("\(name): it contains a NUL")
        }
        let cancel = try Cancel()
        let options = try callOptions(timeout, cancel, cache)
        return try await submitted(cancel) { [handle] queue, userData, error in
            var options = options
            return kal_submit(handle, method, parameters, &options, queue, userData, error)
        }.answer()
    }

    func callOptions(_ timeout: Duration?, _ cancel: Cancel, _ cache: CachePolicy = .use) throws(KaleidoscopeError) -> kal_call_options {
        var options = kal_call_options()
        options.struct_size = MemoryLayout<kal_call_options>.size
        options.timeout_ms = try milliseconds("timeout", timeout)
        options.cache = cache.toC
        options.cancel = cancel.handle
        return options
    }

    /// Submits on a thread that may wait for the token, if there is one to wait for, and waits for the completion.
    func submitted(_ cancel: Cancel, _ submit: @escaping CompletionQueue.Submit) async throws(KaleidoscopeError) -> Completion {
        if let iap, iap.isAskedByThisTask {
            throw KaleidoscopeError(.wouldDeadlock, "iapToken: it calls the client that asks it for a token")
        }
        let completion = await completions.completion(cancelling: cancel.handle, on: iap?.thread) { queue, userData, error in
            // Closing the client would be too early before its call, and the token's provider is its.
            withExtendedLifetime((self, cancel)) { submit(queue, userData, error) }
        }
        if completion.status == KAL_AUTH_FAILED, let reason = iap?.takeFailure() {
            var error = KaleidoscopeError(taking: completion.error, status: completion.status)
            error.underlying = reason
            throw error
        }
        // Until here: nobody else may have the client.
        withExtendedLifetime((self, cancel)) {}
        return completion
    }
}

/// An older library lacks what this package was compiled against, and another major version is another interface.
func checkVersion(header: UInt32, library: UInt32) throws(KaleidoscopeError) {
    if library >= header, library >> 16 == header >> 16 { return }
    let text = { (version: UInt32) in "\(version >> 16).\(version >> 8 & 0xff).\(version & 0xff)" }
    throw KaleidoscopeError(.invalidState, "compiled against libkaleidoscope \(text(header)), but \(text(library)) is loaded")
}
