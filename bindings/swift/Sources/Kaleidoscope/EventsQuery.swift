import CKaleidoscope

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Selects events. An unset property does not filter.
public struct EventsQuery: Sendable {
    /// The page number, for a single page; must be unset for streams.
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
        query.page = try number("page", page)
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
        return try jsonText(Parameters(
            page: page, page_size: pageSize, event_types: eventTypes.isEmpty ? nil : eventTypes, resource_type: resourceType,
            event_user_ids: eventUserIDs.isEmpty ? nil : eventUserIDs, after_date: after?.text, before_date: before?.text))
    }

    private struct Parameters: Encodable {
        let page, page_size: Int?
        let event_types: [String]?
        let resource_type: String?
        let event_user_ids: [String]?
        let after_date, before_date: String?
    }
}

/// A bound of ``EventsQuery``: a `Date`, or text that is an RFC 3339 time or a date alone. The server decides whether it is inclusive.
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
        let fraction = String(Int(microseconds - seconds * 1_000_000))
        let whole = Date(timeIntervalSince1970: seconds).formatted(.iso8601)
        text = whole.dropLast() + "." + String(repeating: "0", count: 6 - fraction.count) + fraction + "Z"
    }
}

func jsonText(_ value: some Encodable) throws(KaleidoscopeError) -> String {
    do {
        return String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
    } catch {
        throw KaleidoscopeError(.invalidArgument, "the parameters cannot be written as JSON", underlying: error)
    }
}
