/// The workspace API: the workspace, its members, groups and events.
///
/// Calls throw ``KaleidoscopeError``. When its task is cancelled, a call throws `CancellationError`, whatever it is waiting for; in a task
/// that is cancelled already it sends nothing.
public struct WorkspaceService: Sendable {
    let client: Client

    /// The workspace that the credentials belong to. Cached.
    public func get(cache: CachePolicy = .use, timeout: Duration? = nil) async throws -> Workspace {
        try await client.answer("workspace.get_workspace", "{}", cache, timeout) { try $0.workspace() }
    }

    /// All members of the workspace, in the server's order. Cached.
    public func members(cache: CachePolicy = .use, timeout: Duration? = nil) async throws -> [WorkspaceMember] {
        try await client.answer("workspace.get_members", "{}", cache, timeout) { try $0.members() }
    }

    /// The members with these ids, from the cached list of all members: in the server's order, each once. Unknown ids are omitted.
    public func members(
        ids: some Sequence<String>, cache: CachePolicy = .use, timeout: Duration? = nil
    ) async throws -> [WorkspaceMember] {
        let parameters = try jsonText(["ids": Array(ids)])
        return try await client.answer("workspace.get_members_by_ids", parameters, cache, timeout) { try $0.members() }
    }

    /// All groups of the workspace, in the server's order. Cached.
    public func groups(cache: CachePolicy = .use, timeout: Duration? = nil) async throws -> [WorkspaceGroup] {
        try await client.answer("workspace.get_groups", "{}", cache, timeout) { try $0.groups() }
    }

    /// The groups with these ids, as ``members(ids:cache:timeout:)``.
    public func groups(
        ids: some Sequence<String>, cache: CachePolicy = .use, timeout: Duration? = nil
    ) async throws -> [WorkspaceGroup] {
        let parameters = try jsonText(["ids": Array(ids)])
        return try await client.answer("workspace.get_groups_by_ids", parameters, cache, timeout) { try $0.groups() }
    }

    /// One page of events. Not cached. See ``events(_:timeout:readAhead:)`` for all matching events.
    public func eventsPage(_ query: EventsQuery = EventsQuery(), timeout: Duration? = nil) async throws -> [WorkspaceEvent] {
        try await client.answer("workspace.get_events", query.json(), .use, timeout) { try $0.events() }
    }

    /// Every matching event exactly once, even while new events arrive. Pages are fetched on demand; memory use does not depend on
    /// the number of events.
    ///
    ///     for try await event in client.workspace.events() {
    ///         print(event.id)
    ///     }
    ///
    /// `timeout` applies to each request. With `readAhead` the next pages, up to twelve, are requested while the program works on the
    /// one before. Use ``WorkspaceEvents/pages`` to save the cursor.
    public func events(
        _ query: EventsQuery = EventsQuery(), timeout: Duration? = nil, readAhead: Bool = false
    ) -> WorkspaceEvents {
        WorkspaceEvents(pages: WorkspaceEventPages(
            client: client, query: query, timeout: timeout, readAhead: readAhead, following: nil))
    }

    /// Matching events as they happen, until the task is cancelled.
    ///
    ///     for try await page in client.workspace.follow(from: saved).pages {
    ///         handle(page.events)
    ///         save(page.cursor)
    ///     }
    ///
    /// Resumes at the cursor, without losing or repeating an event; without a cursor it starts at the query's `after`, without that at
    /// the present. Without a cursor the first of ``WorkspaceEvents/pages`` may be empty, so that there is a cursor from the start.
    /// While there are no new events, the poll interval starts at `shortestWait` (1 s) and doubles up to `longestWait` (30 s). The
    /// query's `page` and `before` must not be set. `readAhead` as for ``events(_:timeout:readAhead:)``.
    public func follow(
        _ query: EventsQuery = EventsQuery(), from cursor: String? = nil, timeout: Duration? = nil,
        shortestWait: Duration? = nil, longestWait: Duration? = nil, readAhead: Bool = false
    ) -> WorkspaceEvents {
        WorkspaceEvents(pages: WorkspaceEventPages(
            client: client, query: query, timeout: timeout, readAhead: readAhead,
            following: .init(cursor: cursor, shortestWait: shortestWait, longestWait: longestWait)))
    }
}
