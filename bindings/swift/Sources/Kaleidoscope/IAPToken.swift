import CKaleidoscope
import Dispatch
import Synchronization

/// Calls the application's token provider when the library requests an ID token, which blocks the thread that submits a call.
///
/// Calls of a client with a provider are therefore submitted on a serial Dispatch queue: no thread of Swift's pool blocks, and
/// concurrent submissions would only wait for the same token.
final class IAPToken: Sendable {
    let thread = DispatchQueue(label: "bio.kaleidoscope.iap")
    private let provide: @Sendable () async throws -> String
    private let failure = Mutex<(any Error)?>(nil)
    /// A call has succeeded with a token.
    private let isAccepted = Atomic(false)
    /// The providers that this task runs in, to detect a call that would wait for itself.
    @TaskLocal private static var active: Set<ObjectIdentifier> = []

    init(_ provide: @escaping @Sendable () async throws -> String) {
        self.provide = provide
    }

    var isRunningInThisTask: Bool { Self.active.contains(ObjectIdentifier(self)) }

    /// Returns why there is no token, and clears it.
    func takeFailure() -> (any Error)? {
        failure.withLock { failure in
            defer { failure = nil }
            return failure
        }
    }

    /// Whether a call may have failed because the proxy rejected the token. If the token had been accepted, the library reports an error
    /// that is retryable; one that was never accepted may be an old one of the provider's.
    func mayBeRejected(_ completion: Completion) -> Bool {
        if completion.status < KAL_INVALID_ARGUMENT { isAccepted.store(true, ordering: .relaxed) }
        guard let info = kal_error_get(completion.error)?.pointee else { return false }
        return (300...403).contains(info.http_status) && info.status != KAL_BAD_REQUEST
            && (info.retryable || !isAccepted.load(ordering: .relaxed))
    }

    func set(on options: inout kal_client_options) {
        // The client keeps this object alive during its calls.
        options.iap_user_data = Unmanaged.passUnretained(self).toOpaque()
        options.iap_token_provider = { userData, buffer, capacity, length in
            guard let userData, let buffer, let length else { return KAL_INTERNAL }
            let token = Unmanaged<IAPToken>.fromOpaque(userData).takeUnretainedValue()
            return token.write(to: UnsafeMutableRawBufferPointer(start: buffer, count: capacity), length)
        }
    }

    private func write(to buffer: UnsafeMutableRawBufferPointer, _ length: UnsafeMutablePointer<Int>) -> kal_status {
        do {
            let token = Array(try wait().utf8)
            if token.count > buffer.count { throw KaleidoscopeError.invalidArgument("iapToken: token is too long") }
            buffer.copyBytes(from: token)
            length.pointee = token.count
            return KAL_OK
        } catch {
            failure.withLock { $0 = error }
            return KAL_AUTH_FAILED
        }
    }

    private func wait() throws -> String {
        let handover = Handover()
        let done = DispatchSemaphore(value: 0)
        Task.detached { [provide] in
            let result: Result<String, any Error>
            do {
                result = .success(try await Self.$active.withValue(Self.active.union([ObjectIdentifier(self)])) { try await provide() })
            } catch {
                result = .failure(error)
            }
            handover.value.withLock { $0 = result }
            done.signal()
        }
        done.wait()
        return try handover.value.withLock { $0! }.get()
    }

    /// Passes the provider's result from its task to the waiting thread.
    private final class Handover: Sendable {
        let value = Mutex<Result<String, any Error>?>(nil)
    }
}
