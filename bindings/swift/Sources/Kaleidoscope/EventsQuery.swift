import CKaleidoscope

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Selects events. An unset property does not filter.
public struct EventsQuery: Hashable, Sendable {
    /// The page number, for a single page; 0 is sent too. Must be unset for streams.
    public var page: Int?
    /// Events per page. Default: the server decides.
    public var pageSize: Int?
    /// Only events of these types, such as `"create"`.
    public var eventTypes: [String]
    /// Only events about resources of this type, such as `"task"`.
    public var resourceType: String?
    /// Only events of these users.
    public var eventUserIDs: [String]
    public var after: EventsDate?
    public var before: EventsDate?

    public init(
        page: Int? = nil, pageSize: Int? = nil, eventTypes: [String] = [], resourceType: String? = nil,
        eventUserIDs: [String] = [], after: EventsDate? = nil, before: EventsDate? = nil
    ) {
        self.page = page
        self.pageSize = pageSize
        self.eventTypes = eventTypes
        self.resourceType = resourceType
        self.eventUserIDs = eventUserIDs
        self.after = after
        self.before = before
    }

    func toC(_ inputs: Inputs) throws(KaleidoscopeError) -> kal_events_query {
        var query = kal_events_query()
        query.struct_size = MemoryLayout<kal_events_query>.size
        query.page = page == 0 ? KAL_PAGE_ZERO : try number("page", page)
        query.page_size = try number("pageSize", pageSize)
        query.event_types = try inputs.strings("eventTypes", eventTypes)
        query.event_types_len = eventTypes.count
        query.resource_type = try inputs.string("resourceType", resourceType)
        query.event_user_ids = try inputs.strings("eventUserIDs", eventUserIDs)
        query.event_user_ids_len = eventUserIDs.count
        query.after_date = try inputs.string("after", after?.text)
        query.before_date = try inputs.string("before", before?.text)
        return query
    }

    /// As JSON parameters of the generic call.
    func json() throws(KaleidoscopeError) -> String {
        // Makes the same checks as for a stream.
        _ = try toC(Inputs())
        return try jsonText(self)
    }
}

/// As JSON a query is the parameters of the API: the names that it gives them, and nothing for what is unset.
extension EventsQuery: Codable {
    private enum CodingKeys: String, CodingKey {
        case page
        case pageSize = "page_size"
        case eventTypes = "event_types"
        case resourceType = "resource_type"
        case eventUserIDs = "event_user_ids"
        case after = "after_date"
        case before = "before_date"
    }

    public init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            page: try object.decodeIfPresent(Int.self, forKey: .page), pageSize: try object.decodeIfPresent(Int.self, forKey: .pageSize),
            eventTypes: try object.decodeIfPresent([String].self, forKey: .eventTypes) ?? [],
            resourceType: try object.decodeIfPresent(String.self, forKey: .resourceType),
            eventUserIDs: try object.decodeIfPresent([String].self, forKey: .eventUserIDs) ?? [],
            after: try object.decodeIfPresent(EventsDate.self, forKey: .after),
            before: try object.decodeIfPresent(EventsDate.self, forKey: .before))
    }

    public func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: CodingKeys.self)
        try object.encodeIfPresent(page, forKey: .page)
        try object.encodeIfPresent(pageSize, forKey: .pageSize)
        if !eventTypes.isEmpty { try object.encode(eventTypes, forKey: .eventTypes) }
        try object.encodeIfPresent(resourceType, forKey: .resourceType)
        if !eventUserIDs.isEmpty { try object.encode(eventUserIDs, forKey: .eventUserIDs) }
        try object.encodeIfPresent(after, forKey: .after)
        try object.encodeIfPresent(before, forKey: .before)
    }
}

/// A bound of ``EventsQuery``, or the time of a ``WorkspaceEvent``: a `Date`, or text that is an RFC 3339 time or a date alone. As JSON
/// it is the text. The server decides whether a bound is inclusive.
public struct EventsDate: Hashable, Sendable, ExpressibleByStringLiteral {
    let text: String

    public init(_ text: String) {
        self.text = text
    }

    public init(stringLiteral text: String) {
        self.text = text
    }

    /// Rounded to microseconds, the precision of event times.
    public init(_ date: Date) {
        let microseconds = (date.timeIntervalSince1970 * 1_000_000).rounded()
        let seconds = (microseconds / 1_000_000).rounded(.down)
        guard let fraction = Int(exactly: microseconds - seconds * 1_000_000) else {
            // Infinite: no time, which is rejected.
            self.init("\(date.timeIntervalSince1970)")
            return
        }
        let digits = String(fraction)
        let whole = Date(timeIntervalSince1970: seconds).formatted(.iso8601)
        self.init(whole.dropLast() + "." + String(repeating: "0", count: 6 - digits.count) + digits + "Z")
    }
}

extension EventsDate: CustomStringConvertible, Codable {
    /// The text that is sent.
    public var description: String { text }

    public init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        try value.encode(text)
    }
}
