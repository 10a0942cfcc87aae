import Foundation
import Kaleidoscope
import Testing

@Suite(.timeLimit(.minutes(3))) struct EventTests {
    /// The ids of all events, newest first.
    func all(_ client: Client) async throws -> [String] {
        try await client.workspace.eventsPage(EventsQuery(pageSize: 1000)).map(\.id)
    }

    @Test("A loop over the events returns each once")
    func each() async throws {
        let emulator = try Emulator()
        let client = try emulator.client()
        var found: [String] = []
        for try await event in client.workspace.events(EventsQuery(pageSize: 30)) { found.append(event.id) }
        #expect(found.count == 250)
        #expect(try await Set(found) == Set(all(client)))
    }

    @Test("A second loop over the same sequence starts from the beginning")
    func anew() async throws {
        let emulator = try Emulator("--events", "20")
        let events = try emulator.client().workspace.events()
        let first = try await events.reduce(into: []) { $0.append($1.id) }
        let second = try await events.reduce(into: []) { $0.append($1.id) }
        #expect(first.count == 20)
        #expect(first == second)
    }

    @Test("Pages are fetched on demand")
    func lazily() async throws {
        let emulator = try Emulator("--events", "2000")
        let client = try emulator.client()
        let events = client.workspace.events(EventsQuery(pageSize: 10))
        #expect(try await emulator.requests(eventsPath) == 0)
        var iterator = events.makeAsyncIterator()
        #expect(try await emulator.requests(eventsPath) == 0)
        _ = try await iterator.next()
        let requests = try await emulator.requests(eventsPath)
        for _ in 0..<5 { _ = try await iterator.next() }
        #expect(try await emulator.requests(eventsPath) == requests)
    }

    @Test("The fields of an event match the server's")
    func fields() async throws {
        let emulator = try Emulator()
        let client = try emulator.client()
        let events = try await client.workspace.eventsPage(EventsQuery(pageSize: 50))
        let text = try await client.call("workspace.get_events", #"{"page_size": 50}"#)
        let json = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
        #expect(events.map(\.id) == json.map { $0["id"] as? String })
        #expect(events.map(\.type) == json.map { $0["event_type"] as? String })
        #expect(events.map(\.createdAtText) == json.map { $0["created_at"] as? String })
        #expect(events.map(\.userID) == json.map { $0["event_user_id"] as? String })
        #expect(events.map(\.isBot) == json.map { $0["is_bot"] as? Bool })
        #expect(events.map(\.resourceType) == json.map { $0["resource_type"] as? String })
        #expect(events.allSatisfy { $0.createdAt != nil && $0.attributes.hasPrefix("{") })
        let times = events.compactMap(\.createdAt)
        #expect(times == times.sorted(by: >))
    }

    @Test("The query filters, and its bounds may be a Date")
    func query() async throws {
        let emulator = try Emulator()
        let client = try emulator.client()
        let events = try await client.workspace.eventsPage(EventsQuery(pageSize: 1000))
        let type = try #require(events[0].type)
        let ofType = try await client.workspace.events(EventsQuery(eventTypes: [type])).reduce(into: []) { $0.append($1) }
        #expect(Set(ofType.map(\.id)) == Set(events.filter { $0.type == type }.map(\.id)))
        let middle = try #require(events[100].createdAt)
        let later = try await client.workspace.events(EventsQuery(after: EventsDate(middle))).reduce(into: []) { $0.append($1) }
        #expect(Set(later.map(\.id)) == Set(events.filter { $0.createdAt! >= middle }.map(\.id)))
    }

    @Test("A date is written to the microsecond")
    func dates() {
        #expect(EventsDate(Date(timeIntervalSince1970: 0)) == "1970-01-01T00:00:00.000000Z")
        #expect(EventsDate(Date(timeIntervalSince1970: 1_700_000_000.000123)) == "2023-11-14T22:13:20.000123Z")
        #expect(EventsDate(Date(timeIntervalSince1970: -0.25)) == "1969-12-31T23:59:59.750000Z")
        #expect(EventsDate(Date(timeIntervalSince1970: 1.999_999_9)) == "1970-01-01T00:00:02.000000Z")
    }

    @Test("Following returns a cursor at once, then new events, and resumes at the cursor in another loop")
    func following() async throws {
        let emulator = try Emulator()
        let client = try emulator.client()
        var pages = client.workspace.follow(shortestWait: .milliseconds(10), longestWait: .milliseconds(20)).pages.makeAsyncIterator()
        let first = try #require(await pages.next())
        #expect(first.events.isEmpty)
        #expect(!first.cursor.isEmpty)

        var wanted = try await emulator.append(3)
        var found: [String] = []
        var cursor = first.cursor
        while found.count < wanted.count {
            let page = try #require(await pages.next())
            found += page.events.map(\.id)
            cursor = page.cursor
        }
        #expect(Set(found) == Set(wanted))

        wanted = try await emulator.append(2)
        found = []
        let other = try emulator.client()
        for try await event in other.workspace.follow(from: cursor, shortestWait: .milliseconds(10)) {
            found.append(event.id)
            if found.count == wanted.count { break }
        }
        #expect(Set(found) == Set(wanted))
    }

    /// Red without kal_stream_set_read_ahead: the test waits for the second request until its time limit.
    @Test("With readAhead the next page is requested while the loop works on the one before, and no event is lost or repeated")
    func readAhead() async throws {
        let emulator = try Emulator("--events", "60")
        let workspace = try emulator.client().workspace
        var found: [String] = []
        for try await page in workspace.events(EventsQuery(pageSize: 20), readAhead: true).pages {
            if found.isEmpty { try await emulator.hasSeen(eventsPath, times: 2) }
            found += page.events.map(\.id)
        }
        #expect(found.count == 60)
        #expect(Set(found).count == 60)
        // The same while following, from the first event on.
        var requests = 0
        for readAhead in [false, true] {
            let emulator = try Emulator("--events", "60")
            let query = EventsQuery(pageSize: 20, after: "1970-01-01")
            var pages = try emulator.client().workspace.follow(query, readAhead: readAhead).pages.makeAsyncIterator()
            while try #require(await pages.next()).events.isEmpty {}
            if readAhead { try await emulator.hasSeen(eventsPath, times: requests + 1) }
            requests = try await emulator.requests(eventsPath)
        }
    }

    /// Red before: "page: out of range".
    @Test("Page 0 is sent")
    func pageZero() async throws {
        let emulator = try Emulator()
        let client = try emulator.client()
        // The emulator counts pages from 1.
        let error = await failure { try await client.workspace.eventsPage(EventsQuery(page: 0, pageSize: 3)) }
        #expect(error?.status == .unprocessable)
        #expect(error?.url?.contains("page=0&") == true)
        let stream = await failure { for try await _ in client.workspace.events(EventsQuery(page: 0)) {} }
        #expect(stream?.status == .invalidArgument)
    }

    @Test("After a retryable error the iterator continues and no event is lost")
    func continues() async throws {
        let emulator = try Emulator("--events", "60")
        let client = try emulator.client { $0.maxAttempts = 1 }
        var iterator = client.workspace.events(EventsQuery(pageSize: 10)).makeAsyncIterator()
        var found: [String] = []
        for _ in 0..<5 { found.append(try #require(await iterator.next()).id) }
        try await emulator.fault(#"{"path": "\#(eventsPath)", "status": 503, "times": 2}"#)
        var failures = 0
        var ended = false
        while !ended {
            let error = await failure {
                while let event = try await iterator.next() { found.append(event.id) }
                ended = true
            }
            if let error {
                try #require(error.isRetryable)
                failures += 1
            }
        }
        #expect(failures == 2)
        #expect(found.count == 60)
        #expect(try await Set(found) == Set(all(client)))
    }

    @Test("An invalid cursor is rejected when the loop starts")
    func invalidCursor() async throws {
        let emulator = try Emulator()
        let client = try emulator.client()
        let error = await failure {
            for try await _ in client.workspace.follow(from: "yesterday") {}
        }
        #expect(error?.status == .invalidArgument)
        #expect(error?.message.contains("cursor") == true)
    }

    @Test("A stream keeps its client open")
    func keepsTheClient() async throws {
        let emulator = try Emulator("--events", "30")
        let events = try { try emulator.client().workspace.events(EventsQuery(pageSize: 10)) }()
        #expect(try await events.reduce(into: 0) { count, _ in count += 1 } == 30)
    }
}
