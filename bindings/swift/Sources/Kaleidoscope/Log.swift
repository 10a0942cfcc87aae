import CKaleidoscope
import Synchronization

/// The library's log, for the whole program. There is no secret in it.
public enum KaleidoscopeLog {
    public enum Level: Int32, Sendable, Comparable {
        /// Defects of the library.
        case error = 1
        /// What a user should change, such as certificates that are not checked.
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

    /// Sends what the library has to say, from `error` to `level`, to `handler`, instead of to the one before.
    ///
    /// It is called on whatever thread has something to say, the library's own included, possibly on several at once. It must
    /// return soon. When this returns, the former handler is not running and will not be called again.
    public static func send(upTo level: Level, to handler: @escaping @Sendable (Level, String) -> Void) throws(KaleidoscopeError) {
        try set(level.rawValue, Handler(handler))
    }

    /// Ends the log.
    public static func stop() throws(KaleidoscopeError) {
        try set(KAL_LOG_OFF, nil)
    }

    private static func set(_ level: Int32, _ handler: Handler?) throws(KaleidoscopeError) {
        let status = current.withLock { current in
            // The one before stays until the library has let go of it.
            let status = kal_set_log(level, handler == nil ? nil : { userData, level, message in
                guard let userData, let message else { return }
                let handler = Unmanaged<Handler>.fromOpaque(userData).takeUnretainedValue()
                handler.take(Level(rawValue: level) ?? .error, String(cString: message))
            }, handler.map { Unmanaged.passUnretained($0).toOpaque() })
            if status == KAL_OK { current = handler }
            return status
        }
        if status != KAL_OK { throw KaleidoscopeError(Status(rawValue: status), "the log cannot be set here") }
    }
}
