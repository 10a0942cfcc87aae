import Kaleidoscope
import Testing

@Suite(.timeLimit(.minutes(3))) struct CancellationTests {
    /// Red before: KaleidoscopeError, with the status KAL_CANCELLED.
    @Test("A call whose task is cancelled throws CancellationError, and its request ends in the library")
    func underWay() async throws {
        let emulator = try Emulator()
        // With one request at a time, the second call would wait for the first one's for ever.
        let client = try emulator.client { $0.maxInFlight = 1 }
        try await emulator.fault(#"{"path": "\#(membersPath)", "drop": "hang"}"#)
        let task = Task { try await client.workspace.members() }
        try await emulator.hasSeen(membersPath)
        task.cancel()
        #expect(await thrown { try await task.value } is CancellationError)
        #expect(try await client.workspace.members().count == 12)
    }

    @Test("A call in a task that is already cancelled throws CancellationError and sends nothing, cached or not")
    func before() async throws {
        let emulator = try Emulator()
        let client = try emulator.client()
        let workspace = client.workspace
        func errors() async -> [(any Error)?] {
            await Task {
                withUnsafeCurrentTask { $0?.cancel() }
                let call = await thrown { try await workspace.members() }
                let generic = await thrown { try await client.call("workspace.get_members") }
                let events = await thrown { for try await _ in workspace.events() {} }
                let page = await thrown { for try await _ in workspace.follow().pages {} }
                return [call, generic, events, page]
            }.value
        }
        #expect(await errors().allSatisfy { $0 is CancellationError })
        #expect(try await emulator.requests(tokenPath) == 0)
        _ = try await workspace.members()
        #expect(await errors().allSatisfy { $0 is CancellationError })
        #expect(try await emulator.requests(eventsPath) == 0)
    }

    @Test("The loop over a stream throws CancellationError when its task is cancelled, while it requests and while it waits")
    func streams() async throws {
        for hangs in [true, false] {
            for follows in hangs ? [true, false] : [true] {
                let emulator = try Emulator()
                let workspace = try emulator.client().workspace
                if hangs { try await emulator.fault(#"{"path": "\#(eventsPath)", "drop": "hang"}"#) }
                let task = Task {
                    if follows { for try await _ in workspace.follow() {} } else { for try await _ in workspace.events() {} }
                }
                try await emulator.hasSeen(eventsPath)
                task.cancel()
                #expect(await thrown { try await task.value } is CancellationError)
            }
        }
    }

    /// Red with `Task.isCancelled` for `cancel.isFired`: KaleidoscopeError in a task that is not cancelled.
    @Test("An iterator whose task was cancelled stays cancelled in another task")
    func iterator() async throws {
        let emulator = try Emulator()
        let workspace = try emulator.client().workspace
        try await emulator.fault(#"{"path": "\#(eventsPath)", "drop": "hang"}"#)
        let task = Task {
            var iterator = workspace.events().makeAsyncIterator()
            let first = await thrown { try await iterator.next() }
            nonisolated(unsafe) var same = iterator
            let second = await Task.detached { await thrown { try await same.next() } }.value
            return [first, second]
        }
        try await emulator.hasSeen(eventsPath)
        task.cancel()
        #expect(await task.value.allSatisfy { $0 is CancellationError })
    }

    /// Red before: the calls ended when the provider returned.
    @Test("A call that waits for the IAP token ends when its task is cancelled, and the provider goes on for the others")
    func iapToken() async throws {
        let emulator = try Emulator("--iap-token", "the-token")
        let (asked, asks) = AsyncStream.makeStream(of: Void.self)
        let (answers, answer) = AsyncStream.makeStream(of: String.self)
        let client = try emulator.client {
            $0.iapToken = {
                asks.yield()
                return await answers.first { _ in true }!
            }
        }
        let first = Task { try await client.workspace.members() }
        _ = await asked.first { _ in true }
        let second = Task { try await client.workspace.members() }
        let third = Task { try await client.workspace.members() }
        first.cancel()
        #expect(await thrown { try await first.value } is CancellationError)
        second.cancel()
        #expect(await thrown { try await second.value } is CancellationError)
        answer.yield("the-token")
        #expect(try await third.value.count == 12)
    }

    @Test("A call ends when its timeout expires")
    func timeout() async throws {
        let emulator = try Emulator()
        let client = try emulator.client()
        try await emulator.fault(#"{"path": "\#(membersPath)", "drop": "hang", "times": 0}"#)
        let error = await failure { try await client.workspace.members(timeout: .milliseconds(200)) }
        #expect(error?.status == .timedOut)
    }

    @Test("Closing the client ends the call in progress and rejects later calls")
    func close() async throws {
        let emulator = try Emulator()
        let client = try emulator.client()
        try await emulator.fault(#"{"path": "\#(membersPath)", "drop": "hang"}"#)
        let task = Task { await failure { try await client.workspace.members() } }
        try await emulator.hasSeen(membersPath)
        client.close()
        // Not CancellationError: no task was cancelled.
        #expect(await task.value?.status == .cancelled)
        let later = await failure { try await client.workspace.members() }
        #expect(later?.status == .closed)
    }

    @Test("A thousand calls cancelled at arbitrary moments each complete once")
    func anyMoment() async throws {
        let emulator = try Emulator()
        let client = try emulator.client()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<1000 {
                group.addTask {
                    let call = Task { await thrown { try await client.workspace.eventsPage() } }
                    for _ in 0..<(number % 50) { await Task.yield() }
                    call.cancel()
                    let error = await call.value
                    #expect(error == nil || error is CancellationError)
                }
            }
        }
    }
}
