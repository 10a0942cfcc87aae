import CKaleidoscope

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

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

    public init(
        _ status: Status, _ message: String, httpStatus: Int? = nil, attempts: Int = 0, isRetryable: Bool = false,
        retryAfter: Duration? = nil, method: String? = nil, url: String? = nil, code: String? = nil, requestID: String? = nil,
        body: [UInt8]? = nil, underlying: (any Error)? = nil
    ) {
        self.status = status
        self.message = message
        self.httpStatus = httpStatus
        self.attempts = attempts
        self.isRetryable = isRetryable
        self.retryAfter = retryAfter
        self.method = method
        self.url = url
        self.code = code
        self.requestID = requestID
        self.body = body
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

/// `underlying` is compared and hashed as its text.
extension KaleidoscopeError: Hashable {
    public static func == (left: KaleidoscopeError, right: KaleidoscopeError) -> Bool {
        left.status == right.status && left.message == right.message && left.httpStatus == right.httpStatus
            && left.attempts == right.attempts && left.isRetryable == right.isRetryable && left.retryAfter == right.retryAfter
            && left.method == right.method && left.url == right.url && left.code == right.code && left.requestID == right.requestID
            && left.body == right.body && left.underlying.map { "\($0)" } == right.underlying.map { "\($0)" }
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(status)
        hasher.combine(message)
        hasher.combine(requestID)
    }
}

extension KaleidoscopeError: LocalizedError, CustomStringConvertible {
    /// The same as ``description``: what `localizedDescription` returns.
    public var errorDescription: String? { description }

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

/// For structured logs: the names of `kal_error_info`, and nothing for `nil`. `body` and `underlying` are texts. It cannot be read back,
/// as any error may be the underlying one.
extension KaleidoscopeError: Encodable {
    private enum CodingKeys: String, CodingKey {
        case status, message, attempts, method, url, code, body, underlying
        case httpStatus = "http_status"
        case isRetryable = "retryable"
        case retryAfter = "retry_after_ms"
        case requestID = "request_id"
    }

    public func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: CodingKeys.self)
        try object.encode(status, forKey: .status)
        try object.encode(message, forKey: .message)
        try object.encodeIfPresent(httpStatus, forKey: .httpStatus)
        try object.encode(attempts, forKey: .attempts)
        try object.encode(isRetryable, forKey: .isRetryable)
        try object.encodeIfPresent(retryAfter.map { $0 / .milliseconds(1) }, forKey: .retryAfter)
        try object.encodeIfPresent(method, forKey: .method)
        try object.encodeIfPresent(url, forKey: .url)
        try object.encodeIfPresent(code, forKey: .code)
        try object.encodeIfPresent(requestID, forKey: .requestID)
        try object.encodeIfPresent(body.map { String(decoding: $0, as: UTF8.self) }, forKey: .body)
        try object.encodeIfPresent(underlying.map { "\($0)" }, forKey: .underlying)
    }
}
