import Kaleidoscope
import Synchronization
import Testing

struct NoToken: Error {}

final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    func append(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
}

/// Callbacks of the library: the IAP token provider and the log handler.
@Suite(.serialized, .timeLimit(.minutes(3))) struct HostTests {
    @Test("The IAP token is sent, and requested once for many tasks")
    func token() async throws {
        let emulator = try Emulator("--iap-token", "the-token")
        let requests = Lines()
        let client = try emulator.client {
            $0.iapToken = {
                try await Task.sleep(for: .milliseconds(1))
                requests.append("request")
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
        #expect(requests.all.count == 1)
    }

    @Test("The provider's error is the underlying error of the call")
    func throwing() async throws {
        let emulator = try Emulator("--iap-token", "the-token")
        let client = try emulator.client { $0.iapToken = { throw NoToken() } }
        let error = await failure { try await client.workspace.members() }
        #expect(error?.status == .authFailed)
        #expect(error?.underlying is NoToken)
    }

    @Test("A provider that calls its own client fails instead of waiting for itself")
    func deadlock() async throws {
        let emulator = try Emulator("--iap-token", "the-token")
        let client = try emulator.client { $0.iapToken = { try await Own.client.withLock { $0 }!.workspace.get().id } }
        Own.client.withLock { $0 = client }
        defer { Own.client.withLock { $0 = nil } }
        let error = await failure { try await client.workspace.members() }
        #expect((error?.underlying as? KaleidoscopeError)?.status == .wouldDeadlock)
    }

    /// Red with one submission only: "1 request for a token".
    @Test("A token that the proxy rejects is replaced once, for calls and for streams")
    func rejected() async throws {
        let emulator = try Emulator("--iap-token", "the-token", "--events", "10")
        for (first, second) in [("expired", "the-token"), ("expired", "wrong")] {
            for isStream in [false, true] {
                let tokens = Lines()
                let client = try emulator.client {
                    $0.iapToken = {
                        tokens.append("token")
                        return tokens.all.count == 1 ? first : second
                    }
                }
                let error = await failure {
                    if isStream { for try await _ in client.workspace.events() {} } else { _ = try await client.workspace.members() }
                }
                #expect((error == nil) == (second == "the-token"), "\(error.map { "\($0)" } ?? "")")
                #expect(tokens.all.count == 2)
            }
        }
    }

    private enum Own {
        static let client = Mutex<Client?>(nil)
    }

    @TaskLocal static var trace = "none"

    @Test("onCall receives each call and each page, with its error, in the task of the call")
    func records() async throws {
        let emulator = try Emulator("--events", "20")
        let lines = Lines()
        let client = try emulator.client {
            $0.maxAttempts = 1
            $0.onCall = { call in
                let error = call.error.map { ($0 as? KaleidoscopeError)?.status.description ?? "\($0)" } ?? "ok"
                lines.append("\(Self.trace) \(call.method) \(error) \(call.duration > .zero)")
            }
        }
        try await Self.$trace.withValue("t") { _ = try await client.workspace.members() }
        _ = try await client.call("workspace.get_members")
        for try await _ in client.workspace.events(EventsQuery(pageSize: 10)) {}
        try await emulator.fault(#"{"path": "\#(eventsPath)", "status": 503}"#)
        _ = await failure { try await client.workspace.eventsPage() }
        _ = await thrown { try await client.call("a\0") }
        await Task {
            withUnsafeCurrentTask { $0?.cancel() }
            _ = await thrown { for try await _ in client.workspace.follow() {} }
        }.value
        #expect(lines.all == [
            "t workspace.get_members ok true", "none workspace.get_members ok true", "none workspace.stream_events ok true",
            "none workspace.stream_events ok true", "none workspace.get_events KAL_SERVICE_UNAVAILABLE true",
            "none a\0 KAL_INVALID_ARGUMENT true", "none workspace.follow_events CancellationError() true",
        ])
    }

    @Test("The log contains requests without secrets, and nothing once stopped")
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
        // Requests of other tests are not logged either.
        _ = try await client.workspace.members(cache: .refresh)
        #expect(lines.all == before)
    }
}
