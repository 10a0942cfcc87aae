import Foundation
import Testing

@testable import Kaleidoscope

@Suite(.timeLimit(.minutes(3))) struct CallTests {
    @Test("The members match the server's, field by field")
    func members() async throws {
        let emulator = try Emulator("--seed", "7")
        let client = try emulator.client()
        let members = try await client.workspace.members()
        let text = try await client.call("workspace.get_members")
        let json = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
        #expect(members.count == 12)
        #expect(members.map(\.id) == json.map { $0["id"] as? String })
        #expect(members.map(\.fullName) == json.map { $0["full_name"] as? String })
        #expect(members.map(\.email) == json.map { $0["email"] as? String })
        #expect(members.map(\.accessLevel?.rawValue) == json.map { $0["access_level"] as? String })
        #expect(members.contains { $0.email == nil })
        #expect(Set(members.map(\.accessLevel)).isSuperset(of: [.admin, .teamMember]))
    }

    @Test("The workspace and its groups are returned")
    func workspaceAndGroups() async throws {
        let emulator = try Emulator()
        let client = try emulator.client()
        let workspace = try await client.workspace.get()
        let groups = try await client.workspace.groups()
        let members = Set(try await client.workspace.members().map(\.id))
        #expect(!workspace.id.isEmpty)
        #expect(groups.count == 4)
        #expect(groups.contains { !$0.userIDs.isEmpty })
        #expect(groups.allSatisfy { members.isSuperset(of: $0.userIDs) })
    }

    @Test("Members and groups by ids are in the server's order, without unknown ids")
    func byIDs() async throws {
        let emulator = try Emulator()
        let client = try emulator.client()
        let members = try await client.workspace.members()
        let some = try await client.workspace.members(ids: [members[3].id, "nobody's \"id\"", members[1].id, members[3].id])
        #expect(some == [members[1], members[3]])
        let groups = try await client.workspace.groups()
        #expect(try await client.workspace.groups(ids: [groups[2].id]) == [groups[2]])
        #expect(try await client.workspace.groups(ids: []) == [])
    }

    @Test("A second call is answered from the cache, a refreshing call is not")
    func cache() async throws {
        let emulator = try Emulator()
        let client = try emulator.client()
        let early = await failure { try await client.workspace.members(cache: .only) }
        #expect(early?.status == .notFound)
        _ = try await client.workspace.members()
        _ = try await client.workspace.members()
        _ = try await client.workspace.members(cache: .only)
        #expect(try await emulator.requests(membersPath) == 1)
        #expect(try client.statistics().cacheHits == 2)
        _ = try await client.workspace.members(cache: .refresh)
        #expect(try await emulator.requests(membersPath) == 2)
        try client.clearCaches()
        _ = try await client.workspace.members()
        #expect(try await emulator.requests(membersPath) == 3)
    }

    @Test("Five hundred tasks that miss the cache get the same answer from one request")
    func manyTasks() async throws {
        let emulator = try Emulator("--latency", "100")
        let client = try emulator.client()
        let answers = try await withThrowingTaskGroup(of: [WorkspaceMember].self) { group in
            for _ in 0..<500 { group.addTask { try await client.workspace.members() } }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(answers.count == 1)
        #expect(try await emulator.requests(membersPath) == 1)
    }

    @Test("The generic call returns the server's JSON, and its methods are listed")
    func genericCall() async throws {
        let emulator = try Emulator()
        let client = try emulator.client()
        let text = try await client.call("workspace.get_events", #"{"page_size": 3}"#)
        let json = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
        #expect(json.count == 3)
        #expect(Client.methods.contains("\"workspace.get_events\""))
        let unknown = await failure { try await client.call("workspace.gets") }
        #expect(unknown?.status == .unknownMethod)
    }

    @Test("A client without references is closed after its call")
    func unreferenced() async throws {
        let emulator = try Emulator()
        weak var forgotten: Client?
        do {
            let members: [WorkspaceMember]
            do {
                let service = try {
                    let client = try emulator.client()
                    forgotten = client
                    return client.workspace
                }()
                members = try await service.members()
            }
            #expect(members.count == 12)
        }
        // Dispatch may still be releasing the block that it ran last.
        while forgotten != nil { await Task.yield() }
    }

    @Test("A library that is older than the headers or has another major version is rejected")
    func version() throws {
        #expect(Client.libraryVersion.split(separator: ".").count == 3)
        try checkVersion(header: 0x000102, library: 0x000103)
        for (header, library) in [(0x000200, 0x000103), (0x000102, 0x010000)] as [(UInt32, UInt32)] {
            #expect(throws: KaleidoscopeError.self) { try checkVersion(header: header, library: library) }
        }
    }
}
