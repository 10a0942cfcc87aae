import CKaleidoscope
import Dispatch
import Synchronization

/// Asks the host for the ID token when the library does, which is on the thread that submits a call and has to wait.
///
/// Calls of a client with a provider are therefore submitted on a thread of Dispatch's, one after the other: none of Swift's
/// own is blocked, and the others would only wait for the same token.
final class IAPToken: Sendable {
    let thread = DispatchQueue(label: "bio.kaleidoscope.iap")
    private let provide: @Sendable () async throws -> String
    private let failure = Mutex<(any Error)?>(nil)
    /// The providers that the task is in, so that a call that would wait for itself is refused.
    @TaskLocal private static var asking: Set<ObjectIdentifier> = []

    init(_ provide: @escaping @Sendable () async throws -> String) {
        self.provide = provide
    }

    var isAskedByThisTask: Bool { Self.asking.contains(ObjectIdentifier(self)) }

    /// Why there is no token; asked for once.
    func takeFailure() -> (any Error)? {
        failure.withLock { failure in
            defer { failure = nil }
            return failure
        }
    }

    func set(on options: inout kal_client_options) {
        // The client keeps this alive while it has calls.
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
            if token.count > buffer.count { throw KaleidoscopeError.invalidArgument("iapToken: the token is too long") }
            buffer.copyBytes(from: token)
            length.pointee = token.count
            return KAL_OK
        } catch {
            failure.withLock { $0 = error }
            return KAL_AUTH_FAILED
        }
    }

    private func wait() throws -> String {
        let given = Given()
        let done = DispatchSemaphore(value: 0)
        Task.detached { [provide] in
            let result: Result<String, any Error>
            do {
                result = .success(try await Self.$asking.withValue(Self.asking.union([ObjectIdentifier(self)])) { try await provide() })
            } catch {
                result = .failure(error)
            }
            given.value.withLock { $0 = result }
            done.signal()
        }
        done.wait()
        return try given.value.withLock { $0! }.get()
    }

    /// What the provider gave, from its task to the thread that waits.
    private final class Given: Sendable {
        let value = Mutex<Result<String, any Error>?>(nil)
    }
}
