import Kaleidoscope
import Synchronization
import Testing

struct NoToken: Error {}

final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    func append(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
}

/// What the library calls in the host: the provider of the IAP token, and the log.
@Suite(.serialized, .timeLimit(.minutes(3))) struct HostTests {
    @Test("The IAP token is sent, and asked for once by many tasks")
    func token() async throws {
        let emulator = try Emulator("--iap-token", "the-token")
        let asked = Lines()
        let client = try emulator.client {
            $0.iapToken = {
                try await Task.sleep(for: .milliseconds(1))
                asked.append("asked")
                return "the-token"
            }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<100 { group.addTask { _ = try await client.workspace.eventsPage() } }
            try await group.waitForAll()
        }
        var events = 0
        for try await _ in client.workspace.events() { events += 1 }
        #expect(events == 250)
        #expect(asked.all.count == 1)
    }

    @Test("What the provider throws is why the call failed")
    func throwing() async throws {
        let emulator = try Emulator("--iap-token", "the-token")
        let client = try emulator.client { $0.iapToken = { throw NoToken() } }
        let error = await failure { () throws(KaleidoscopeError) in try await client.workspace.members() }
        #expect(error?.status == .authFailed)
        #expect(error?.underlying is NoToken)
    }

    @Test("A provider that calls its own client is refused, and does not wait for itself")
    func deadlock() async throws {
        let emulator = try Emulator("--iap-token", "the-token")
        let client = try emulator.client { $0.iapToken = { try await Own.client.withLock { $0 }!.workspace.get().id } }
        Own.client.withLock { $0 = client }
        defer { Own.client.withLock { $0 = nil } }
        let error = await failure { () throws(KaleidoscopeError) in try await client.workspace.members() }
        #expect((error?.underlying as? KaleidoscopeError)?.status == .wouldDeadlock)
    }

    private enum Own {
        static let client = Mutex<Client?>(nil)
    }

    @Test("The log tells of requests without secrets, and is silent once stopped")
    func log() async throws {
        let emulator = try Emulator()
        let client = try emulator.client()
        let lines = Lines()
        try KaleidoscopeLog.send(upTo: .debug) { _, line in lines.append(line) }
        _ = try await client.workspace.members()
        try KaleidoscopeLog.stop()
        let before = lines.all
        #expect(before.contains { $0.contains(membersPath) })
        #expect(!before.contains { $0.contains("demo-secret") })
        // Other tests' requests are not told of either, whenever they come.
        _ = try await client.workspace.members(cache: .refresh)
        #expect(lines.all == before)
    }
}
