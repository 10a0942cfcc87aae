import Foundation
import Testing

@testable import Kaleidoscope

@Suite(.timeLimit(.minutes(3))) struct ErrorTests {
    @Test("An error response is reported with full details")
    func errorResponse() async throws {
        let emulator = try Emulator()
        let client = try emulator.client { $0.maxAttempts = 2 }
        try await emulator.fault("""
            {"path": "\(membersPath)", "status": 429, "times": 9, "headers": {"Retry-After": "0"},
             "body": "{\\"code\\": \\"slow_down\\"}", "content_type": "application/json"}
            """)
        let error = try #require(await failure { try await client.workspace.members() })
        #expect(error.status == .rateLimited)
        #expect(error.status.description == "KAL_RATE_LIMITED")
        #expect(error.httpStatus == 429)
        #expect(error.attempts == 2)
        #expect(error.isRetryable)
        #expect(error.retryAfter == .zero)
        #expect(error.method == "GET")
        #expect(error.url?.hasSuffix(membersPath) == true)
        #expect(error.code == "slow_down")
        #expect(error.requestID?.isEmpty == false)
        #expect(error.body.map { String(decoding: $0, as: UTF8.self) } == #"{"code": "slow_down"}"#)
        #expect(error.underlying == nil)
    }

    /// Red before it was a LocalizedError: "The operation could not be completed. (Kaleidoscope.KaleidoscopeError error 1.)".
    @Test("localizedDescription is the message, the request and the status")
    func localized() async throws {
        let emulator = try Emulator()
        try await emulator.fault(#"{"path": "\#(membersPath)", "status": 418}"#)
        let client = try emulator.client()
        let error: any Error = try #require(await thrown { try await client.workspace.members() })
        let text = error.localizedDescription
        #expect(text == "\(error)")
        #expect(text.contains("418") && text.contains("GET /workspaces/members") && text.hasSuffix("(GET /workspaces/members, KAL_HTTP_4XX)"))
    }

    @Test("An error can be made by a program, compared, and written as JSON for a log")
    func made() throws {
        func error(_ underlying: (any Error)? = nil) -> KaleidoscopeError {
            KaleidoscopeError(
                .rateLimited, "slow down", httpStatus: 429, attempts: 2, isRetryable: true, retryAfter: .milliseconds(1500), method: "GET",
                url: "/a", code: "c", requestID: "r", body: Array("é\u{0}".utf8) + [0xff], underlying: underlying)
        }
        #expect(error() == error())
        #expect(error(NoToken()) == error(NoToken()))
        #expect(error(NoToken()) != error(CancellationError()))
        #expect(Set([error(), error(), error(NoToken())]).count == 2)
        #expect("\(error(NoToken()))" == "slow down (GET /a, KAL_RATE_LIMITED): NoToken()")
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        #expect(String(decoding: try encoder.encode(error(NoToken())), as: UTF8.self) == """
            {"attempts":2,"body":"é\\u0000\u{fffd}","code":"c","http_status":429,"message":"slow down","method":"GET","request_id":"r",\
            "retry_after_ms":1500,"retryable":true,"status":429,"underlying":"NoToken()","url":"/a"}
            """)
        #expect(String(decoding: try encoder.encode(KaleidoscopeError(.closed, "m")), as: UTF8.self)
            == #"{"attempts":0,"message":"m","retryable":false,"status":101}"#)
    }

    @Test("A status without a constant is the HTTP status")
    func otherStatus() async throws {
        let emulator = try Emulator()
        let client = try emulator.client()
        try await emulator.fault(#"{"path": "\#(membersPath)", "status": 418}"#)
        let error = await failure { try await client.workspace.members() }
        #expect(error?.status == Status(rawValue: 418))
    }

    @Test("A wrong secret is rejected by the token endpoint and is not in the error")
    func wrongSecret() async throws {
        let emulator = try Emulator()
        let client = try emulator.client { $0.clientSecret = "wrong-secret-5137" }
        let error = try #require(await failure { try await client.workspace.members() })
        #expect(error.status == .authFailed)
        #expect(!"\(error) \(String(reflecting: error))".contains("wrong-secret-5137"))
    }

    @Test("A connection to a closed port fails")
    func nobodyListens() async throws {
        let url = try { try Emulator().url }()
        var options = ClientOptions()
        (options.clientID, options.clientSecret, options.baseURL, options.maxAttempts) = ("a", "b", url, 1)
        let client = try Client(options)
        let error = await failure { try await client.workspace.members() }
        #expect(error?.status == .connectFailed)
    }

    @Test("Invalid options are rejected by name")
    func options() async throws {
        let changes: [(String, (inout ClientOptions) -> Void)] = [
            ("clientID", { $0.clientID = "a\0b" }),
            ("headers", { $0.headers = ["a": "b\0"] }),
            ("connectTimeout", { $0.connectTimeout = .seconds(-1) }),
            ("maxAttempts", { $0.maxAttempts = -1 }),
            ("maxInFlight", { $0.maxInFlight = .max }),
            ("base_url", { $0.baseURL = "ftp://127.0.0.1" }),
        ]
        for (name, change) in changes {
            var options = ClientOptions()
            (options.clientID, options.clientSecret) = ("a", "b")
            change(&options)
            let error = await failure { try Client(options) }
            #expect(error?.status == .invalidArgument)
            #expect(error?.message.contains(name) == true, "\(error?.message ?? "none")")
        }
    }

    @Test("Invalid arguments are rejected by name, and nothing is sent")
    func arguments() async throws {
        let emulator = try Emulator()
        let workspace = try emulator.client().workspace
        let rejected: [(String, KaleidoscopeError?)] = [
            ("timeout", await failure { try await workspace.members(timeout: .seconds(-1)) }),
            ("page", await failure { try await workspace.eventsPage(EventsQuery(page: -1)) }),
            ("eventTypes", await failure {
                try await workspace.eventsPage(EventsQuery(eventTypes: ["a\0"])) }),
            ("after_date", await failure {
                try await workspace.eventsPage(EventsQuery(after: "yesterday")) }),
        ]
        for (name, error) in rejected {
            #expect(error?.status == .invalidArgument)
            #expect(error?.message.contains(name) == true, "\(error?.message ?? "none")")
        }
        #expect(try await emulator.requests(tokenPath) == 0)
    }

    @Test("Durations are rounded up to whole milliseconds")
    func durations() throws {
        #expect(try milliseconds("t", nil) == 0)
        #expect(try milliseconds("t", .zero) == 1)
        #expect(try milliseconds("t", .nanoseconds(1)) == 1)
        #expect(try milliseconds("t", .microseconds(1_500_001)) == 1501)
        #expect(try milliseconds("t", .milliseconds(1500)) == 1500)
        #expect(try milliseconds("t", .seconds(1_000_000_000)) == .max)
    }
}
