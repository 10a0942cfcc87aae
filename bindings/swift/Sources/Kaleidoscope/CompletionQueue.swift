import CKaleidoscope
import Dispatch

/// How a submitted call ended; what it holds is the receiver's to free.
struct Completion: Sendable {
    var status: kal_status
    var result = kal_result()
    var error = kal_error()

    /// The answer, or what the failure is.
    func answer() throws(KaleidoscopeError) -> Answer {
        if status != KAL_OK { throw KaleidoscopeError(taking: error, status: status) }
        return Answer(result)
    }
}

/// Resumes the tasks that wait for the library. No thread waits: Dispatch sees when the queue's descriptor is readable.
final class CompletionQueue: Sendable {
    /// One for the process; where it could not be opened, every call says why.
    static let shared = Result { () throws(KaleidoscopeError) in try CompletionQueue() }

    private let handle: kal_queue
    // Dispatch's objects may be used from any thread; on Linux they do not say so.
    nonisolated(unsafe) private let source: any DispatchSourceRead

    /// The call that submits is over when this is resumed, which happens exactly once.
    private final class Waiting: Sendable {
        let continuation: CheckedContinuation<Completion, Never>

        init(_ continuation: CheckedContinuation<Completion, Never>) {
            self.continuation = continuation
        }
    }

    typealias Submit = @Sendable (kal_queue, UnsafeMutableRawPointer, UnsafeMutablePointer<kal_error>) -> kal_status

    private init() throws(KaleidoscopeError) {
        var handle = kal_queue()
        var error = kal_error()
        let status = kal_queue_open(&handle, &error)
        if status != KAL_OK { throw KaleidoscopeError(taking: error, status: status) }
        self.handle = handle
        source = DispatchSource.makeReadSource(
            fileDescriptor: kal_queue_fd(handle), queue: DispatchQueue(label: "bio.kaleidoscope.completions"))
        source.setEventHandler { Self.drain(handle) }
        source.activate()
    }

    private static func drain(_ handle: kal_queue) {
        var next = kal_completion()
        next.struct_size = MemoryLayout<kal_completion>.size
        while kal_queue_next(handle, 0, &next, nil) == KAL_OK {
            let waiting = Unmanaged<Waiting>.fromOpaque(next.user_data).takeRetainedValue()
            waiting.continuation.resume(returning: Completion(status: next.status, result: next.result, error: next.error))
        }
    }

    /// Waits for the completion of what `submit` starts. A task that is cancelled, now or before, fires `cancel`.
    ///
    /// `thread`, where there is one, is where `submit` may block.
    func completion(cancelling cancel: kal_cancel, on thread: DispatchQueue?, _ submit: @escaping Submit) async -> Completion {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let start: @Sendable () -> Void = { [handle] in
                    let waiting = Unmanaged.passRetained(Waiting(continuation))
                    var error = kal_error()
                    let status = submit(handle, waiting.toOpaque(), &error)
                    if status != KAL_OK {
                        waiting.release()
                        continuation.resume(returning: Completion(status: status, error: error))
                    }
                }
                if let thread { thread.async(execute: start) } else { start() }
            }
        } onCancel: {
            // A number: firing one that has been closed meanwhile does nothing.
            kal_cancel_fire(cancel)
        }
    }
}

/// Owns a means to cancel.
final class Cancel: Sendable {
    let handle: kal_cancel

    init() throws(KaleidoscopeError) {
        var handle = kal_cancel()
        var error = kal_error()
        let status = kal_cancel_open(&handle, &error)
        if status != KAL_OK { throw KaleidoscopeError(taking: error, status: status) }
        self.handle = handle
    }

    deinit {
        kal_cancel_close(handle)
    }
}
