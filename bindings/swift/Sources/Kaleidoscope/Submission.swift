import CKaleidoscope

extension Client {
    /// Makes a call by its name and returns the answer, which the caller reads the records from.
    func answer<Value: Sendable>(
        _ method: String, _ parameters: String, _ cache: CachePolicy, _ timeout: Duration?, _ read: (borrowing Answer) throws -> Value
    ) async throws -> Value {
        try await recorded(method) {
            for (name, value) in [("method", method), ("parameters", parameters)] where value.utf8.contains(0) {
                throw KaleidoscopeError.invalidArgument("\(name): contains a NUL")
            }
            let cancel = try Cancel()
            let options = try callOptions(timeout, cancel, cache)
            let deadline = ContinuousClock.now + (timeout ?? self.timeout)
            let completion = try await submitted(cancel, until: deadline) { [handle, hasProvider = iap != nil] queue, userData, error in
                var options = options
                // Others may have waited for their token in the meantime.
                if hasProvider { options.timeout_ms = wholeMilliseconds(deadline - ContinuousClock.now) }
                return kal_submit(handle, method, parameters, &options, queue, userData, error)
            }
            return try read(try completion.answer())
        }
    }

    func callOptions(_ timeout: Duration?, _ cancel: Cancel, _ cache: CachePolicy = .use) throws(KaleidoscopeError) -> kal_call_options {
        var options = kal_call_options()
        options.struct_size = MemoryLayout<kal_call_options>.size
        options.timeout_ms = try milliseconds("timeout", timeout)
        options.cache = cache.toC
        options.cancel = cancel.handle
        return options
    }

    /// Submits a call and waits for its completion. With a token provider it submits on a thread that may block, and once more when the
    /// proxy has rejected the token, as calls that block do: the next submission requests another one.
    func submitted(
        _ cancel: Cancel, until deadline: ContinuousClock.Instant?, _ submit: @escaping CompletionQueue.Submit
    ) async throws -> Completion {
        if let iap, iap.isRunningInThisTask {
            throw KaleidoscopeError(.wouldDeadlock, "iapToken: called its own client")
        }
        var isRepeated = false
        while true {
            let completion = await completions.completion(cancelling: cancel, on: iap?.thread) { queue, userData, error in
                // The client owns the token provider: keep it open until the call is submitted.
                withExtendedLifetime((self, cancel)) { submit(queue, userData, error) }
            }
            // This may be the last reference to the client.
            withExtendedLifetime((self, cancel)) {}
            guard let completion else { throw CancellationError() }
            if completion.status == KAL_CANCELLED, cancel.isFired {
                completion.free()
                throw CancellationError()
            }
            guard let iap else { return completion }
            if completion.status == KAL_AUTH_FAILED, let reason = iap.takeFailure() {
                var error = KaleidoscopeError(taking: completion.error, status: completion.status)
                error.underlying = reason
                throw error
            }
            let isInTime = deadline.map { ContinuousClock.now < $0 } ?? true
            if isRepeated || !iap.mayBeRejected(completion) || !isInTime { return completion }
            completion.free()
            isRepeated = true
        }
    }
}
