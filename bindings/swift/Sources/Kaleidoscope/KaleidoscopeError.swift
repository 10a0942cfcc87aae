import CKaleidoscope

/// A failed call with full details. No property contains a secret.
///
/// Every function of this package throws this type, and a call whose task is cancelled throws `CancellationError`:
///
///     do {
///         members = try await client.workspace.members()
///     } catch let error as KaleidoscopeError where error.status == .rateLimited {
///         try await Task.sleep(for: error.retryAfter ?? .seconds(30))
///     }
public struct KaleidoscopeError: Error, Sendable {
    public let status: Status
    /// One English sentence.
    public let message: String
    /// `nil` if no response was received.
    public private(set) var httpStatus: Int?
    /// Attempts of the request that failed, which may be the token request; 1 without a retry, 0 if none was made.
    public private(set) var attempts = 0
    /// Whether the same call may succeed later.
    public private(set) var isRetryable = false
    /// The wait that the server requested.
    public private(set) var retryAfter: Duration?
    /// Such as `"GET"`; `nil` if no attempt was made.
    public private(set) var method: String?
    /// Path and query; `nil` if no attempt was made.
    public private(set) var url: String?
    /// The server's error code, if the body contains one.
    public private(set) var code: String?
    /// From the response headers, if any.
    public private(set) var requestID: String?
    /// The response body, up to 64 KiB.
    public private(set) var body: [UInt8]?
    /// The error that ``ClientOptions/iapToken`` threw, if that was the reason.
    public internal(set) var underlying: (any Error)?

    init(_ status: Status, _ message: String, underlying: (any Error)? = nil) {
        self.status = status
        self.message = message
        self.underlying = underlying
    }

    /// Copies an error of the library and frees the handle.
    init(taking handle: kal_error, status: kal_status) {
        defer { kal_error_free(handle) }
        guard let info = kal_error_get(handle)?.pointee else {
            self.init(Status(rawValue: status), "error details are unavailable")
            return
        }
        self.init(Status(rawValue: info.status), String(cString: info.message))
        httpStatus = info.http_status == 0 ? nil : Int(info.http_status)
        attempts = Int(info.attempts)
        isRetryable = info.retryable
        retryAfter = info.retry_after_ms < 0 ? nil : .milliseconds(info.retry_after_ms)
        method = text(info.method)
        url = text(info.url)
        code = text(info.code)
        requestID = text(info.request_id)
        body = info.body.map { body in
            body.withMemoryRebound(to: UInt8.self, capacity: info.body_len) {
                [UInt8](UnsafeBufferPointer(start: $0, count: info.body_len))
            }
        }
    }

    static func invalidArgument(_ message: String) -> KaleidoscopeError {
        KaleidoscopeError(.invalidArgument, message)
    }
}

extension KaleidoscopeError: CustomStringConvertible {
    /// The message, the request and the status.
    public var description: String {
        let request = method.map { "\($0) \(url ?? ""), " } ?? ""
        let cause = underlying.map { ": \($0)" } ?? ""
        return "\(message) (\(request)\(status))\(cause)"
    }
}

func text(_ pointer: UnsafePointer<CChar>?) -> String? {
    pointer.map { String(cString: $0) }
}
