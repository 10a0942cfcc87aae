import CKaleidoscope
import Dispatch
import Synchronization

/// Resumes tasks that wait for the library. No thread blocks: Dispatch monitors the queue's descriptor.
final class CompletionQueue: Sendable {
    private static let opened = Mutex<CompletionQueue?>(nil)

    /// The queue of the process. A failure to open it is not remembered: there may be a descriptor the next time.
    static func shared() throws(KaleidoscopeError) -> CompletionQueue {
        try opened.withLock { opened throws(KaleidoscopeError) in
            if let opened { return opened }
            let queue = try CompletionQueue()
            opened = queue
            return queue
        }
    }

    private let handle: kal_queue
    // Dispatch objects are thread-safe, but not declared Sendable on Linux.
    nonisolated(unsafe) private let source: any DispatchSourceRead

    typealias Submit = @Sendable (kal_queue, UnsafeMutableRawPointer, UnsafeMutablePointer<kal_error>) -> kal_status

    private init() throws(KaleidoscopeError) {
        let handle = try Self.open()
        do {
            // With its first source, Dispatch opens three descriptors of its own, and it ends the process if it cannot.
            var spare: [kal_queue] = []
            defer { spare.forEach(kal_queue_close) }
            for _ in 0..<3 { spare.append(try Self.open()) }
        } catch {
            kal_queue_close(handle)
            throw error
        }
        self.handle = handle
        source = DispatchSource.makeReadSource(
            fileDescriptor: kal_queue_fd(handle), queue: DispatchQueue(label: "bio.kaleidoscope.completions"))
        source.setEventHandler { Self.drain(handle) }
        source.activate()
    }

    private static func open() throws(KaleidoscopeError) -> kal_queue {
        var handle = kal_queue()
        var error = kal_error()
        let status = kal_queue_open(&handle, &error)
        if status != KAL_OK { throw KaleidoscopeError(taking: error, status: status) }
        return handle
    }

    private static func drain(_ handle: kal_queue) {
        var next = kal_completion()
        next.struct_size = MemoryLayout<kal_completion>.size
        while kal_queue_next(handle, 0, &next, nil) == KAL_OK {
            let call = Unmanaged<PendingCall>.fromOpaque(next.user_data).takeRetainedValue()
            call.complete(Completion(status: next.status, result: next.result, error: next.error))
        }
    }

    /// Runs `submit` and waits for the completion. Fires `cancel` when the task is or was cancelled.
    ///
    /// `submit` runs on `thread` if that is not nil, where it may block: a task that is cancelled before it returns gets nil.
    func completion(cancelling cancel: Cancel, on thread: DispatchQueue?, _ submit: @escaping Submit) async -> Completion? {
        let call = PendingCall()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                guard call.begin(continuation) else { return }
                let start: @Sendable () -> Void = { [handle] in
                    guard call.isWaiting else { return }
                    let retained = Unmanaged.passRetained(call)
                    var error = kal_error()
                    let status = submit(handle, retained.toOpaque(), &error)
                    if status == KAL_OK {
                        call.markSubmitted()
                    } else {
                        retained.release()
                        call.complete(Completion(status: status, error: error))
                    }
                }
                if let thread { thread.async(execute: start) } else { start() }
            }
        } onCancel: {
            cancel.fire()
            call.abandon()
        }
    }
}
