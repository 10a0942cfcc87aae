import Kaleidoscope
import Testing

@Suite(.timeLimit(.minutes(3))) struct CancellationTests {
    @Test("A call ends when its task is cancelled")
    func underWay() async throws {
        let emulator = try Emulator()
        let client = try emulator.client()
        try await emulator.fault(#"{"path": "\#(membersPath)", "drop": "hang"}"#)
        let task = Task { await failure { () throws(KaleidoscopeError) in try await client.workspace.members() } }
        try await emulator.hasSeen(membersPath)
        task.cancel()
        #expect(await task.value?.status == .cancelled)
        // The client remains usable.
        #expect(try await client.workspace.members().count == 12)
    }

    @Test("A task that is already cancelled sends nothing")
    func before() async throws {
        let emulator = try Emulator()
        let client = try emulator.client()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await failure { () throws(KaleidoscopeError) in try await client.workspace.members() }
        }
        #expect(await task.value?.status == .cancelled)
        #expect(try await emulator.requests(membersPath) == 0)
    }

    @Test("A call ends when its timeout expires")
    func timeout() async throws {
        let emulator = try Emulator()
        let client = try emulator.client()
        try await emulator.fault(#"{"path": "\#(membersPath)", "drop": "hang", "times": 0}"#)
        let error = await failure { () throws(KaleidoscopeError) in try await client.workspace.members(timeout: .milliseconds(200)) }
        #expect(error?.status == .timedOut)
    }

    @Test("Closing the client ends the call in progress and rejects later calls")
    func close() async throws {
        let emulator = try Emulator()
        let client = try emulator.client()
        try await emulator.fault(#"{"path": "\#(membersPath)", "drop": "hang"}"#)
        let task = Task { await failure { () throws(KaleidoscopeError) in try await client.workspace.members() } }
        try await emulator.hasSeen(membersPath)
        client.close()
        #expect(await task.value?.status == .cancelled)
        let later = await failure { () throws(KaleidoscopeError) in try await client.workspace.members() }
        #expect(later?.status == .closed)
    }

    @Test("A thousand calls cancelled at arbitrary moments each complete once")
    func anyMoment() async throws {
        let emulator = try Emulator()
        let client = try emulator.client()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<1000 {
                group.addTask {
                    let call = Task { await failure { () throws(KaleidoscopeError) in try await client.workspace.eventsPage() } }
                    for _ in 0..<(number % 50) { await Task.yield() }
                    call.cancel()
                    let status = await call.value?.status
                    #expect(status == nil || status == .cancelled)
                }
            }
        }
    }
}
