import CKaleidoscope

/// The kind of a failure. A value from 400 to 599 is the HTTP status of the response, with or without a constant here. As JSON it is the
/// number.
public struct Status: RawRepresentable, Hashable, Sendable, Codable {
    public let rawValue: Int32

    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    // The call is invalid; nothing was sent.

    /// An argument is invalid; the message names it.
    public static let invalidArgument = Status(rawValue: KAL_INVALID_ARGUMENT)
    /// The client has been closed.
    public static let closed = Status(rawValue: KAL_INVALID_HANDLE)
    public static let invalidState = Status(rawValue: KAL_INVALID_STATE)
    /// Neither the options nor the environment contain credentials.
    public static let noCredentials = Status(rawValue: KAL_NO_CREDENTIALS)
    /// ``ClientOptions/iapToken`` called its own client.
    public static let wouldDeadlock = Status(rawValue: KAL_WOULD_DEADLOCK)
    public static let forked = Status(rawValue: KAL_FORKED)
    public static let unknownMethod = Status(rawValue: KAL_UNKNOWN_METHOD)

    // The request failed before a complete response was received.

    public static let resolveFailed = Status(rawValue: KAL_RESOLVE_FAILED)
    public static let connectFailed = Status(rawValue: KAL_CONNECT_FAILED)
    public static let tlsFailed = Status(rawValue: KAL_TLS_FAILED)
    public static let timedOut = Status(rawValue: KAL_TIMED_OUT)
    /// The client was closed. A call whose task is cancelled throws `CancellationError` instead.
    public static let cancelled = Status(rawValue: KAL_CANCELLED)
    public static let connectionLost = Status(rawValue: KAL_CONNECTION_LOST)
    public static let responseTooLarge = Status(rawValue: KAL_RESPONSE_TOO_LARGE)
    public static let badHTTP = Status(rawValue: KAL_BAD_HTTP)
    /// No descriptor, thread or memory for sockets is left. The same call may succeed later.
    public static let outOfResources = Status(rawValue: KAL_OUT_OF_RESOURCES)

    // The server rejected the request, or its response is unusable.

    /// The token endpoint rejected the credentials, or there is no IAP token.
    public static let authFailed = Status(rawValue: KAL_AUTH_FAILED)
    public static let badRequest = Status(rawValue: KAL_BAD_REQUEST)
    public static let unauthorized = Status(rawValue: KAL_UNAUTHORIZED)
    public static let forbidden = Status(rawValue: KAL_FORBIDDEN)
    /// Also ``CachePolicy/only`` with nothing cached.
    public static let notFound = Status(rawValue: KAL_NOT_FOUND)
    public static let methodNotAllowed = Status(rawValue: KAL_METHOD_NOT_ALLOWED)
    public static let requestTimeout = Status(rawValue: KAL_REQUEST_TIMEOUT)
    public static let conflict = Status(rawValue: KAL_CONFLICT)
    public static let gone = Status(rawValue: KAL_GONE)
    public static let contentTooLarge = Status(rawValue: KAL_CONTENT_TOO_LARGE)
    public static let unprocessable = Status(rawValue: KAL_UNPROCESSABLE)
    /// See ``KaleidoscopeError/retryAfter``.
    public static let rateLimited = Status(rawValue: KAL_RATE_LIMITED)
    public static let serverError = Status(rawValue: KAL_SERVER_ERROR)
    public static let notImplemented = Status(rawValue: KAL_NOT_IMPLEMENTED)
    public static let badGateway = Status(rawValue: KAL_BAD_GATEWAY)
    public static let serviceUnavailable = Status(rawValue: KAL_SERVICE_UNAVAILABLE)
    public static let gatewayTimeout = Status(rawValue: KAL_GATEWAY_TIMEOUT)
    /// The response is not what the method returns.
    public static let badResponse = Status(rawValue: KAL_BAD_RESPONSE)

    // Defects of the library: please report them with the message.

    public static let internalError = Status(rawValue: KAL_INTERNAL)
    public static let panic = Status(rawValue: KAL_PANIC)
}

extension Status: CustomStringConvertible {
    /// The library's name of the status, such as `"KAL_NOT_FOUND"`.
    public var description: String { String(cString: kal_status_name(rawValue)) }
}
