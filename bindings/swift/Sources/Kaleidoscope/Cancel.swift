import CKaleidoscope
import Synchronization

/// Owns a cancel handle, which the cancellation of a task fires.
final class Cancel: Sendable {
    let handle: kal_cancel
    private let fired = Atomic(false)

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

    func fire() {
        fired.store(true, ordering: .releasing)
        kal_cancel_fire(handle)
    }

    var isFired: Bool { fired.load(ordering: .acquiring) }
}
