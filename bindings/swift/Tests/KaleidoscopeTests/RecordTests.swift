import Foundation
import Kaleidoscope
import Testing

/// Records as JSON, and records that tests of programs make.
@Suite(.timeLimit(.minutes(3))) struct RecordTests {
    private func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private func decode<Value: Decodable>(_ text: String) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(text.utf8))
    }

    /// Red with `createdAtText` as text of the time in UTC, and without a default for `user_ids`.
    @Test("What the server sends decodes as the records that the library returns")
    func sent() async throws {
        let emulator = try Emulator("--seed", "7")
        let client = try emulator.client()
        let members: [WorkspaceMember] = try decode(await client.call("workspace.get_members"))
        let groups: [WorkspaceGroup] = try decode(await client.call("workspace.get_groups"))
        let workspace: Workspace = try decode(await client.call("workspace.get_workspace"))
        #expect(try await members == client.workspace.members())
        #expect(try await groups == client.workspace.groups())
        #expect(try await workspace == client.workspace.get())
        let events: [WorkspaceEvent] = try decode(await client.call("workspace.get_events", #"{"page_size": 1000}"#))
        let read = try await client.workspace.eventsPage(EventsQuery(pageSize: 1000))
        #expect(events.count == 250)
        // Decoding sorts the members of attributes.
        let again: [WorkspaceEvent] = try decode(json(read))
        #expect(events == again)
        for (event, same) in zip(events, read) {
            let objects = try [event, same].map { try JSONSerialization.jsonObject(with: Data($0.attributes.utf8)) as! NSDictionary }
            #expect(objects[0] == objects[1])
        }
        try await emulator.post("data", #"{"groups": [{"id": "g"}], "members": [{"id": "m", "access_level": null}]}"#)
        try client.clearCaches()
        #expect(try await client.workspace.groups() == [WorkspaceGroup(id: "g")])
        #expect(try decode(#"{"id": "g"}"#) == WorkspaceGroup(id: "g"))
        #expect(try await client.workspace.members() == [WorkspaceMember(id: "m")])
    }

    /// Red without coding keys: `{"email":...,"fullName":`.
    @Test("Records have public initialisers, and as JSON the names of the API and nothing for nil")
    func names() throws {
        func check<Record: Codable & Hashable & Sendable>(_ record: Record, _ text: String) throws {
            #expect(try json(record) == text)
            #expect(try decode(text) == record)
            #expect(Set([record, try decode(text)]).count == 1)
        }
        try check(Workspace(id: "w", name: "Lab"), #"{"id":"w","workspace_name":"Lab"}"#)
        try check(Workspace(id: "w"), #"{"id":"w"}"#)
        try check(
            WorkspaceMember(id: "m", fullName: "Ada L", preferredName: "Ada", email: "a@example.com", accessLevel: .teamMember),
            #"{"access_level":"team-member","email":"a@example.com","full_name":"Ada L","id":"m","preferred_name":"Ada"}"#)
        try check(WorkspaceMember(id: "m"), #"{"id":"m"}"#)
        try check(
            WorkspaceGroup(id: "g", name: "Chemists", email: "c@example.com", userIDs: ["m"], programIDs: ["p"]),
            #"{"email":"c@example.com","group_name":"Chemists","id":"g","program_ids":["p"],"user_ids":["m"]}"#)
        let event = WorkspaceEvent(
            id: "e", type: "create", typeVersion: 2, createdAt: "2025-03-01T12:00:00.123456+02:00", userID: "m", fullName: "Ada L",
            preferredName: "Ada", resourceID: "r", resourceType: "task", parentBulkEventID: "b", attributes: #"{"k":[1,"/"]}"#, isBot: true,
            isBulk: false)
        try check(event, """
            {"created_at":"2025-03-01T12:00:00.123456+02:00","event_attrs":{"k":[1,"/"]},"event_type":"create","event_type_version":2,\
            "event_user_id":"m","full_name":"Ada L","id":"e","is_bot":true,"is_bulk":false,"parent_bulk_event_id":"b",\
            "preferred_name":"Ada","resource_id":"r","resource_type":"task"}
            """)
        #expect(event.createdAt == Date(timeIntervalSince1970: 1_740_823_200.123456))
        try check(WorkspaceEvent(id: "e"), #"{"event_attrs":{},"id":"e"}"#)
        try check(WorkspaceEventPage(events: [WorkspaceEvent(id: "e")], cursor: "c"), #"{"cursor":"c","events":[{"event_attrs":{},"id":"e"}]}"#)
        try check(
            ClientStatistics(requests: 1, retries: 2, tokenRequests: 3, cacheHits: 4, sharedRequests: 5, bytesReceived: 6),
            #"{"bytes_received":6,"cache_hits":4,"requests":1,"retries":2,"shared_requests":5,"token_requests":3}"#)
        try check(
            EventsQuery(page: 0, pageSize: 9, eventTypes: ["a"], resourceType: "task", eventUserIDs: ["m"], after: "2025-03-01",
                        before: EventsDate(Date(timeIntervalSince1970: 0))), """
            {"after_date":"2025-03-01","before_date":"1970-01-01T00:00:00.000000Z","event_types":["a"],"event_user_ids":["m"],"page":0,\
            "page_size":9,"resource_type":"task"}
            """)
        try check(EventsQuery(), "{}")
        try check([Status.rateLimited, Status(rawValue: 418)], "[429,418]")
    }

    @Test("An event made of a Date has its time to the microsecond, also after JSON")
    func ofDate() throws {
        let date = Date(timeIntervalSince1970: 1_740_823_200.123456)
        let event = WorkspaceEvent(id: "e", createdAt: EventsDate(date))
        #expect(event.createdAt == date)
        #expect(event.createdAtText == "2025-03-01T10:00:00.123456Z")
        #expect(try decode(json(event)) == event)
        // No time, and no trap.
        for seconds in [Double.infinity, -.infinity, .nan] {
            #expect(WorkspaceEvent(id: "e", createdAt: EventsDate(Date(timeIntervalSince1970: seconds))).createdAt == nil)
        }
    }

    /// Red with divisions that do not round down before year 0, and with a fraction that is rounded.
    @Test("Times decode as the library reads them, in every form")
    func times() async throws {
        let texts = [
            "2025-03-01T12:00:00Z", "2025-03-01t12:00:00z", "2025-03-01 12:00:00.25+01:00", "2025-03-01_12:00:00", "2025-03-01T12:00",
            "2025-03-01T12:00:00,5-0130", "2025-03-01T12:00:00\u{2212}01:30", "2025-03-01", "2024-02-29", "2023-02-29", "1900-02-29",
            "2000-02-29", "0000-01-01", "0000-02-29T23:59:59.999999Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z",
            "2016-12-31T23:59:60Z", "2016-12-30T23:59:60Z", "2017-01-01T00:59:60+01:00", "1969-06-30T23:59:60Z", "0399-12-31T23:59:60Z",
            "2025-03-01T24:00:00Z", "2025-03-01T12:60:00Z", "2025-03-01T12:00:61Z", "2025-13-01", "2025-00-10", "2025-03-00",
            "2025-03-01T12:00:00.Z", "2025-03-01T12:00:00.1234567899Z", "2025-03-01T12:00:00+24:00", "2025-03-01T12:00:00+1:00",
            "2025-03-01T12:00:00+01", "2025-03-01T", "2025-03-01T12:00:0", "2025-3-01", "yesterday", "", "1740823200", "-1", "+5",
            "1740823200123", "1740823200.5", "1740823200.5e0", "1e3", ".5", "5.", "-0.25", "20000000000", "20000000001", "-20000000001",
            "99999999999999999999", "253402300800", "253402300799999", "253402300800000", "-62135596800000", "-62135596800001", "1.5.2", "--1",
            "2025-03-01T12:00:00Z ", "٢٠٢٥-03-01",
        ]
        let values = try texts.map { try json($0) } + ["1740823200", "1740823200123", "1740823200.25", "-1", "20000000001", "1.7e9", "0", "null"]
        let sent = "[" + values.enumerated().map { #"{"id": "\#($0)", "created_at": \#($1)}"# }.joined(separator: ", ") + "]"
        let emulator = try Emulator()
        let client = try emulator.client()
        try await emulator.answer(eventsPath, with: sent)
        let read = try await client.workspace.eventsPage()
        let decoded: [WorkspaceEvent] = try decode(sent)
        #expect(read.count == values.count)
        #expect(read.count { $0.createdAt != nil } > 30)
        for (event, value) in zip(zip(read, decoded), values) {
            #expect(event.0.createdAt == event.1.createdAt, "\(value)")
        }
    }

    /// Red with a Double for each number: "p":0.12345678901234568.
    @Test("Attributes are an object in JSON, whose numbers stay the same")
    func attributes() throws {
        let text = #"{"a":[1,[],{}],"b":true,"d":0.1,"h":1e+300,"i":-9223372036854775808,"m":1.10,"n":null,"#
            + #""p":0.1234567890123456789012345,"s":"é/\"","u":18446744073709551615}"#
        let event = WorkspaceEvent(id: "e", attributes: text)
        let read: WorkspaceEvent = try decode(json(event))
        #expect(read.attributes == text.replacingOccurrences(of: "1.10", with: "1.1"))
        #expect(try decode(json(read)) == read)
        for text in ["", "[]", "{", "1"] {
            #expect(throws: EncodingError.self) { try json(WorkspaceEvent(id: "e", attributes: text)) }
        }
        #expect(throws: DecodingError.self) { try decode(#"{"id": "e", "event_attrs": []}"#) as WorkspaceEvent }
        #expect(throws: DecodingError.self) { try decode("{}") as WorkspaceEvent }
    }

    /// Red before it was the word: "AccessLevel(rawValue: 2)".
    @Test("An access level is the word of the API: as text, in JSON, and when it is one that the package does not know")
    func accessLevels() async throws {
        let levels: [(AccessLevel, String)] = [
            (.admin, "admin"), (.teamMember, "team-member"), (.guest, "guest"), (.viewer, "viewer"), (.deactivated, "deactivated"),
        ]
        for (level, word) in levels {
            #expect("\(level)" == word)
            #expect(level.rawValue == word)
            #expect(try json([level]) == #"["\#(word)"]"#)
            #expect(try decode(#"["\#(word)"]"#) == [level])
        }
        let emulator = try Emulator()
        let words = levels.map(\.1) + ["astronaut"]
        let members = words.map { #"{"id": "\#($0)", "access_level": "\#($0)"}"# } + [#"{"id": "none"}"#]
        try await emulator.post("data", #"{"members": [\#(members.joined(separator: ","))]}"#)
        let read = try await emulator.client().workspace.members()
        #expect(read.map(\.accessLevel) == words.map(AccessLevel.init(rawValue:)) + [nil])
    }
}
