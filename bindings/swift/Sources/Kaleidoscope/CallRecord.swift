/// A call or a page of a stream that has ended, see ``ClientOptions/onCall``.
public struct CallRecord: Sendable {
    /// Such as `"workspace.get_members"`; of streams `"workspace.stream_events"` and `"workspace.follow_events"`.
    public let method: String
    public let duration: Duration
    /// What the call threw: ``KaleidoscopeError`` or `CancellationError`.
    public let error: (any Error)?

    public init(method: String, duration: Duration, error: (any Error)? = nil) {
        self.method = method
        self.duration = duration
        self.error = error
    }
}

extension Client {
    /// Runs a call and reports it to ``ClientOptions/onCall``, in the same task.
    func recorded<Value: Sendable>(
        _ method: String, isolation: isolated (any Actor)? = #isolation, _ call: () async throws -> Value,
        isReported: (Value) -> Bool = { _ in true }
    ) async throws -> Value {
        guard let onCall else { return try await call() }
        let start = ContinuousClock.now
        do {
            let value = try await call()
            if isReported(value) { onCall(CallRecord(method: method, duration: ContinuousClock.now - start)) }
            return value
        } catch {
            onCall(CallRecord(method: method, duration: ContinuousClock.now - start, error: error))
            throw error
        }
    }
}
