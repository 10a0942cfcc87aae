import CKaleidoscope

/// A page of a stream of events.
public struct WorkspaceEventPage: Hashable, Sendable, Codable {
    public let events: [WorkspaceEvent]
    /// The position after this page. ``WorkspaceService/follow(_:from:timeout:shortestWait:longestWait:readAhead:)`` resumes there, in another
    /// process and after any time. Save it once the page is processed.
    public let cursor: String

    public init(events: [WorkspaceEvent], cursor: String) {
        self.events = events
        self.cursor = cursor
    }
}

/// A stream of single events. Every loop over it starts from the beginning.
///
/// It throws ``KaleidoscopeError``, or `CancellationError` when its task is cancelled, which ends the iterator's stream.
///
/// After an error with ``KaleidoscopeError/isRetryable``, `next` of the same iterator may be called again: no event is lost.
public struct WorkspaceEvents: AsyncSequence, Sendable {
    public typealias Element = WorkspaceEvent
    public typealias Failure = any Error

    /// The same events in pages, for programs that save the cursor.
    public let pages: WorkspaceEventPages

    public struct AsyncIterator: AsyncIteratorProtocol {
        private var pages: WorkspaceEventPages.AsyncIterator
        private var events: [WorkspaceEvent] = []
        private var position = 0

        init(_ pages: WorkspaceEventPages.AsyncIterator) {
            self.pages = pages
        }

        public mutating func next() async throws -> WorkspaceEvent? {
            try await next(isolation: nil)
        }

        public mutating func next(isolation actor: isolated (any Actor)?) async throws -> WorkspaceEvent? {
            while position == events.count {
                guard let page = try await pages.next(isolation: actor) else { return nil }
                events = page.events
                position = 0
            }
            position += 1
            return events[position - 1]
        }
    }

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(pages.makeAsyncIterator())
    }
}

/// A stream of pages of events. Every loop over it starts from the beginning.
public struct WorkspaceEventPages: AsyncSequence, Sendable {
    public typealias Element = WorkspaceEventPage
    public typealias Failure = any Error

    struct Following: Sendable {
        let cursor: String?
        let shortestWait, longestWait: Duration?
    }

    let client: Client
    let query: EventsQuery
    let timeout: Duration?
    let readAhead: Bool
    let following: Following?

    public struct AsyncIterator: AsyncIteratorProtocol {
        private let pages: WorkspaceEventPages
        private var stream: EventStream?

        init(_ pages: WorkspaceEventPages) {
            self.pages = pages
        }

        public mutating func next() async throws -> WorkspaceEventPage? {
            try await next(isolation: nil)
        }

        public mutating func next(isolation actor: isolated (any Actor)?) async throws -> WorkspaceEventPage? {
            let method = pages.following == nil ? "workspace.stream_events" : "workspace.follow_events"
            return try await pages.client.recorded(method, isolation: actor) {
                // A stream that starts at the present has a cursor before its first event.
                let waits = self.stream != nil || pages.following == nil || pages.following?.cursor != nil
                let stream = try self.stream ?? EventStream(pages)
                self.stream = stream
                return try await stream.next(waiting: waits)
            } isReported: {
                $0 != nil
            }
        }
    }

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(self)
    }
}

/// Owns a stream handle.
final class EventStream: Sendable {
    private let handle: kal_stream
    private let client: Client
    private let cancel: Cancel

    /// Opens the stream, which does no I/O.
    init(_ pages: WorkspaceEventPages) throws(KaleidoscopeError) {
        let client = pages.client
        let cancel = try Cancel()
        let inputs = Inputs()
        var query = try pages.query.toC(inputs)
        var options = try client.callOptions(pages.timeout, cancel)
        let cursor = try inputs.string("cursor", pages.following?.cursor)
        let shortest = try milliseconds("shortestWait", pages.following?.shortestWait)
        let longest = try milliseconds("longestWait", pages.following?.longestWait)
        var handle = kal_stream()
        var error = kal_error()
        let opened = withExtendedLifetime((inputs, client)) {
            pages.following == nil
                ? kal_workspace_stream_events(client.handle, &query, &options, &handle, &error)
                : kal_workspace_follow_events(client.handle, &query, cursor, &options, &handle, &error)
        }
        if opened != KAL_OK { throw KaleidoscopeError(taking: error, status: opened) }
        var set = kal_stream_set_backoff(handle, shortest, longest, &error)
        if set == KAL_OK { set = kal_stream_set_read_ahead(handle, pages.readAhead ? 12 : 0, &error) }
        if set != KAL_OK {
            kal_stream_free(handle)
            throw KaleidoscopeError(taking: error, status: set)
        }
        self.handle = handle
        self.client = client
        self.cancel = cancel
    }

    deinit {
        kal_stream_free(handle)
    }

    /// Returns the next page; nil at the end. Without `waiting`, an empty page when there are no new events.
    func next(waiting: Bool) async throws -> WorkspaceEventPage? {
        while true {
            let completion = try await client.submitted(cancel, until: nil) { [self] queue, userData, error in
                kal_stream_submit_next(handle, waiting ? UInt32(KAL_WAIT_FOREVER) : 0, queue, userData, error)
            }
            switch completion.status {
            case KAL_OK:
                return WorkspaceEventPage(events: try completion.answer().events(), cursor: cursor)
            case KAL_DONE:
                return nil
            case KAL_NOT_READY:
                if !waiting { return WorkspaceEventPage(events: [], cursor: cursor) }
            default:
                _ = try completion.answer()
            }
        }
    }

    private var cursor: String { kal_stream_cursor(handle).map { String(cString: $0) } ?? "" }
}
