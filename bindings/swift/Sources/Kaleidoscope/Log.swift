import CKaleidoscope
import Synchronization

/// The library's log, for the whole program. Messages contain no secrets.
public enum KaleidoscopeLog {
    public enum Level: Int32, Sendable, Comparable {
        /// Defects of the library.
        case error = 1
        /// Unsafe settings, such as disabled certificate verification.
        case warning
        /// Retries, sign-ins, recoveries.
        case info
        /// Every request.
        case debug

        public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    private final class Handler: Sendable {
        let take: @Sendable (Level, String) -> Void

        init(_ take: @escaping @Sendable (Level, String) -> Void) {
            self.take = take
        }
    }

    private static let current = Mutex<Handler?>(nil)

    /// Sends log messages from `error` to `level` to `handler`, which replaces the previous handler.
    ///
    /// The handler is called on the thread that logs, the library's own included, possibly on several at once. It must return
    /// quickly. When this function returns, the previous handler is not running and will not be called again.
    public static func send(upTo level: Level, to handler: @escaping @Sendable (Level, String) -> Void) throws(KaleidoscopeError) {
        try set(level.rawValue, Handler(handler))
    }

    /// Disables the log.
    public static func stop() throws(KaleidoscopeError) {
        try set(KAL_LOG_OFF, nil)
    }

    private static func set(_ level: Int32, _ handler: Handler?) throws(KaleidoscopeError) {
        let status = current.withLock { current in
            // The previous handler is released only after the library has stopped using it.
            let status = kal_set_log(level, handler == nil ? nil : { userData, level, message in
                guard let userData, let message else { return }
                let handler = Unmanaged<Handler>.fromOpaque(userData).takeUnretainedValue()
                handler.take(Level(rawValue: level) ?? .error, String(cString: message))
            }, handler.map { Unmanaged.passUnretained($0).toOpaque() })
            if status == KAL_OK { current = handler }
            return status
        }
        if status != KAL_OK { throw KaleidoscopeError(Status(rawValue: status), "the log cannot be set from a callback or in a forked process") }
    }
}
