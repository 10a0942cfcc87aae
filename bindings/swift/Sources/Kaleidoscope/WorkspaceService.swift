/// The part of the API about the workspace: itself, its members, groups and events.
///
/// A call ends when its task is cancelled, whatever it is waiting for, with ``Status/cancelled``.
public struct WorkspaceService: Sendable {
    let client: Client

    /// The workspace of the credentials. Cached.
    public func get(cache: CachePolicy = .use, timeout: Duration? = nil) async throws(KaleidoscopeError) -> Workspace {
        try await client.answer("workspace.get_workspace", "{}", cache, timeout).workspace()
    }

    /// All members of the workspace, in the server's order. Cached.
    public func members(cache: CachePolicy = .use, timeout: Duration? = nil) async throws(KaleidoscopeError) -> [WorkspaceMember] {
        try await client.answer("workspace.get_members", "{}", cache, timeout).members()
    }

    /// The members with these ids, taken from the cached list of all: in the server's order, each once; unknown ids are left out.
    public func members(
        ids: some Sequence<String>, cache: CachePolicy = .use, timeout: Duration? = nil
    ) async throws(KaleidoscopeError) -> [WorkspaceMember] {
        let parameters = try jsonText(["ids": Array(ids)])
        return try await client.answer("workspace.get_members_by_ids", parameters, cache, timeout).members()
    }

    /// All groups of the workspace, in the server's order. Cached.
    public func groups(cache: CachePolicy = .use, timeout: Duration? = nil) async throws(KaleidoscopeError) -> [WorkspaceGroup] {
        try await client.answer("workspace.get_groups", "{}", cache, timeout).groups()
    }

    /// The groups with these ids, as ``members(ids:cache:timeout:)``.
    public func groups(
        ids: some Sequence<String>, cache: CachePolicy = .use, timeout: Duration? = nil
    ) async throws(KaleidoscopeError) -> [WorkspaceGroup] {
        let parameters = try jsonText(["ids": Array(ids)])
        return try await client.answer("workspace.get_groups_by_ids", parameters, cache, timeout).groups()
    }

    /// One page of events. Not cached. See ``events(_:timeout:)`` for all that match.
    public func eventsPage(_ query: EventsQuery = EventsQuery(), timeout: Duration? = nil) async throws(KaleidoscopeError) -> [WorkspaceEvent] {
        try await client.answer("workspace.get_events", query.json(), .use, timeout).events()
    }

    /// Every event that matches, each exactly once, page after page, even while new ones arrive. Memory does not grow with their
    /// number, and no page is fetched before it is asked for.
    ///
    ///     for try await event in client.workspace.events() {
    ///         print(event.id)
    ///     }
    ///
    /// `timeout` is for each request. Take ``WorkspaceEvents/pages`` to keep the cursor.
    public func events(_ query: EventsQuery = EventsQuery(), timeout: Duration? = nil) -> WorkspaceEvents {
        WorkspaceEvents(pages: WorkspaceEventPages(client: client, query: query, timeout: timeout, following: nil))
    }

    /// The events that match as they happen; it ends with its task only.
    ///
    ///     for try await page in client.workspace.follow(from: saved).pages {
    ///         handle(page.events)
    ///         save(page.cursor)
    ///     }
    ///
    /// It begins where the cursor was taken, with nothing lost and nothing given twice, or without one at the query's `after`, or
    /// else at the present. The first of ``WorkspaceEvents/pages`` has no events then, if there are none yet, so that there is a
    /// cursor from the start. While nothing new comes, it asks again after the shortest wait (1 s), then twice as long each time up
    /// to the longest (30 s). The query's `page` and `before` must not be set.
    public func follow(
        _ query: EventsQuery = EventsQuery(), from cursor: String? = nil, timeout: Duration? = nil,
        shortestWait: Duration? = nil, longestWait: Duration? = nil
    ) -> WorkspaceEvents {
        WorkspaceEvents(pages: WorkspaceEventPages(
            client: client, query: query, timeout: timeout,
            following: .init(cursor: cursor, shortestWait: shortestWait, longestWait: longestWait)))
    }
}
