import Foundation
import Kaleidoscope
import Testing

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// A kal-emulator process. It exits when its standard input is closed: with this object or with the test process.
final class Emulator: @unchecked Sendable {
    let url: String
    private let process = Process()
    private let input = Pipe()

    init(_ arguments: String...) throws {
        process.executableURL = URL(fileURLWithPath: ProcessInfo.processInfo.environment["KAL_EMULATOR"]!)
        process.arguments = ["--exit-with-stdin"] + arguments
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        var line = Data()
        while let byte = try output.fileHandleForReading.read(upToCount: 1), byte != Data("\n".utf8), !byte.isEmpty {
            line += byte
        }
        url = String(decoding: line, as: UTF8.self).split(separator: " ").last.map(String.init) ?? "nowhere"
    }

    deinit {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    func options() -> ClientOptions {
        var options = ClientOptions()
        options.clientID = "demo-client"
        options.clientSecret = "demo-secret"
        options.baseURL = url
        return options
    }

    func client(_ change: (inout ClientOptions) -> Void = { _ in }) throws -> Client {
        var options = options()
        change(&options)
        return try Client(options)
    }

    @discardableResult
    func post(_ path: String, _ json: String) async throws -> Data {
        var request = URLRequest(url: URL(string: "\(url)/__emulator/\(path)")!)
        request.httpMethod = "POST"
        request.httpBody = Data(json.utf8)
        return try await URLSession.shared.data(for: request).0
    }

    func fault(_ json: String) async throws {
        try await post("faults", json)
    }

    /// Makes the next answer for a path.
    func answer(_ path: String, with json: String) async throws {
        let body = String(decoding: try JSONEncoder().encode(json), as: UTF8.self)
        try await fault(#"{"path": "\#(path)", "status": 200, "content_type": "application/json", "body": \#(body)}"#)
    }

    /// Appends events and returns their ids.
    func append(_ count: Int) async throws -> [String] {
        struct Answer: Decodable { let ids: [String] }
        return try JSONDecoder().decode(Answer.self, from: try await post("events", #"{"count": \#(count)}"#)).ids
    }

    /// The number of requests to a path.
    func requests(_ path: String) async throws -> Int {
        struct Answer: Decodable { let paths: [String: Int] }
        let (data, _) = try await URLSession.shared.data(from: URL(string: "\(url)/__emulator/counts")!)
        return try JSONDecoder().decode(Answer.self, from: data).paths[path] ?? 0
    }

    /// Waits until the path was requested.
    func hasSeen(_ path: String, times: Int = 1) async throws {
        while try await requests(path) < times { try Task.checkCancellation() }
    }
}

/// Returns the error of the library that a body throws, nil if it throws none.
func failure<Value: Sendable>(_ body: () async throws -> Value) async -> KaleidoscopeError? {
    let error = await thrown(body)
    if let error, !(error is KaleidoscopeError) { Issue.record(error) }
    return error as? KaleidoscopeError
}

/// Returns the error that a body throws, nil if it throws none.
func thrown<Value: Sendable>(_ body: () async throws -> Value) async -> (any Error)? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error
    }
}

let membersPath = "/workspaces/members"
let eventsPath = "/workspaces/events"
let tokenPath = "/auth/oauth/token"
