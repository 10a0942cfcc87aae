import CKaleidoscope
import Synchronization

/// The outcome of a submitted call. The receiver owns its handles.
struct Completion: Sendable {
    var status: kal_status
    var result = kal_result()
    var error = kal_error()

    /// Returns the answer or throws the error.
    func answer() throws(KaleidoscopeError) -> Answer {
        if status != KAL_OK { throw KaleidoscopeError(taking: error, status: status) }
        return Answer(result)
    }

    func free() {
        kal_result_free(result)
        kal_error_free(error)
    }
}

/// A call that a task waits for. Its continuation is resumed exactly once.
final class PendingCall: Sendable {
    private enum State {
        case new
        case submitting(CheckedContinuation<Completion?, Never>)
        case submitted(CheckedContinuation<Completion?, Never>)
        case ended
    }

    private let state = Mutex(State.new)

    /// Returns false if the call was abandoned, and resumes the continuation then.
    func begin(_ continuation: CheckedContinuation<Completion?, Never>) -> Bool {
        let isNew = state.withLock { state in
            guard case .new = state else { return false }
            state = .submitting(continuation)
            return true
        }
        if !isNew { continuation.resume(returning: nil) }
        return isNew
    }

    /// Whether the call has been neither abandoned nor completed.
    var isWaiting: Bool {
        state.withLock { state in
            if case .ended = state { false } else { true }
        }
    }

    /// From now on the call completes by itself, also when it is cancelled. It may have completed already.
    func markSubmitted() {
        state.withLock { state in
            if case .submitting(let continuation) = state { state = .submitted(continuation) }
        }
    }

    /// The completion of an abandoned call is freed.
    func complete(_ completion: Completion) {
        let continuation = state.withLock { state in
            defer { state = .ended }
            return switch state {
            case .submitting(let continuation), .submitted(let continuation): continuation
            case .new, .ended: nil as CheckedContinuation<Completion?, Never>?
            }
        }
        if let continuation { continuation.resume(returning: completion) } else { completion.free() }
    }

    /// Resumes the task with nil, unless the call has been submitted.
    func abandon() {
        let continuation = state.withLock { state -> CheckedContinuation<Completion?, Never>? in
            switch state {
            case .new:
                state = .ended
                return nil
            case .submitting(let continuation):
                state = .ended
                return continuation
            case .submitted, .ended:
                return nil
            }
        }
        continuation?.resume(returning: nil)
    }
}
