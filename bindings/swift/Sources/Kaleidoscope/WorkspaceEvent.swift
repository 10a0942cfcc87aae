import CKaleidoscope

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Something that happened in the workspace.
public struct WorkspaceEvent: Hashable, Sendable, Identifiable {
    public let id: String
    /// Such as `"create"`.
    public let type: String?
    public let typeVersion: Int64?
    /// To the microsecond. `nil` also if ``createdAtText`` is not a time.
    public let createdAt: Date?
    /// As the server sent it.
    public let createdAtText: String?
    /// The acting user.
    public let userID: String?
    /// The acting user's name.
    public let fullName: String?
    public let preferredName: String?
    /// The resource that the event is about.
    public let resourceID: String?
    /// Such as `"task"`.
    public let resourceType: String?
    /// Set when the event is part of a bulk event.
    public let parentBulkEventID: String?
    /// JSON text of an object whose members depend on ``type``.
    public let attributes: String
    public let isBot: Bool?
    public let isBulk: Bool?

    public init(
        id: String, type: String? = nil, typeVersion: Int64? = nil, createdAt: EventsDate? = nil, userID: String? = nil,
        fullName: String? = nil, preferredName: String? = nil, resourceID: String? = nil, resourceType: String? = nil,
        parentBulkEventID: String? = nil, attributes: String = "{}", isBot: Bool? = nil, isBulk: Bool? = nil
    ) {
        self.id = id
        self.type = type
        self.typeVersion = typeVersion
        self.createdAt = createdAt.flatMap { eventTime($0.text) }.map(Date.init(microseconds:))
        self.createdAtText = createdAt?.text
        self.userID = userID
        self.fullName = fullName
        self.preferredName = preferredName
        self.resourceID = resourceID
        self.resourceType = resourceType
        self.parentBulkEventID = parentBulkEventID
        self.attributes = attributes
        self.isBot = isBot
        self.isBulk = isBulk
    }

    init(_ record: kal_workspace_event) {
        id = String(cString: record.id)
        type = text(record.event_type)
        typeVersion = record.event_type_version < 0 ? nil : record.event_type_version
        createdAt = record.created_at_us == .min ? nil : Date(microseconds: record.created_at_us)
        createdAtText = text(record.created_at)
        userID = text(record.event_user_id)
        fullName = text(record.full_name)
        preferredName = text(record.preferred_name)
        resourceID = text(record.resource_id)
        resourceType = text(record.resource_type)
        parentBulkEventID = text(record.parent_bulk_event_id)
        attributes = String(cString: record.event_attrs)
        isBot = record.is_bot < 0 ? nil : record.is_bot != 0
        isBulk = record.is_bulk < 0 ? nil : record.is_bulk != 0
    }
}

/// As JSON an event is what the API sends: its names, ``createdAtText`` as `created_at`, and ``attributes`` as an object, whose members
/// are sorted when it is read.
extension WorkspaceEvent: Codable {
    private enum CodingKeys: String, CodingKey {
        case id
        case type = "event_type"
        case typeVersion = "event_type_version"
        case createdAt = "created_at"
        case userID = "event_user_id"
        case fullName = "full_name"
        case preferredName = "preferred_name"
        case resourceID = "resource_id"
        case resourceType = "resource_type"
        case parentBulkEventID = "parent_bulk_event_id"
        case attributes = "event_attrs"
        case isBot = "is_bot"
        case isBulk = "is_bulk"
    }

    public init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: CodingKeys.self)
        func text(_ key: CodingKeys) throws -> String? { try object.decodeIfPresent(String.self, forKey: key) }
        self.init(
            id: try object.decode(String.self, forKey: .id), type: try text(.type),
            typeVersion: try object.decodeIfPresent(Int64.self, forKey: .typeVersion),
            createdAt: try object.decodeIfPresent(SentTime.self, forKey: .createdAt)?.date, userID: try text(.userID),
            fullName: try text(.fullName), preferredName: try text(.preferredName), resourceID: try text(.resourceID),
            resourceType: try text(.resourceType), parentBulkEventID: try text(.parentBulkEventID),
            attributes: try object.decodeIfPresent([String: JSONValue].self, forKey: .attributes).map { try jsonText($0) } ?? "{}",
            isBot: try object.decodeIfPresent(Bool.self, forKey: .isBot), isBulk: try object.decodeIfPresent(Bool.self, forKey: .isBulk))
    }

    public func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: CodingKeys.self)
        try object.encode(id, forKey: .id)
        try object.encodeIfPresent(type, forKey: .type)
        try object.encodeIfPresent(typeVersion, forKey: .typeVersion)
        try object.encodeIfPresent(createdAtText, forKey: .createdAt)
        try object.encodeIfPresent(userID, forKey: .userID)
        try object.encodeIfPresent(fullName, forKey: .fullName)
        try object.encodeIfPresent(preferredName, forKey: .preferredName)
        try object.encodeIfPresent(resourceID, forKey: .resourceID)
        try object.encodeIfPresent(resourceType, forKey: .resourceType)
        try object.encodeIfPresent(parentBulkEventID, forKey: .parentBulkEventID)
        guard let members = try? JSONDecoder().decode([String: JSONValue].self, from: Data(attributes.utf8)) else {
            throw EncodingError.invalidValue(attributes, EncodingError.Context(
                codingPath: encoder.codingPath + [CodingKeys.attributes], debugDescription: "attributes: not the JSON text of an object"))
        }
        try object.encode(members, forKey: .attributes)
        try object.encodeIfPresent(isBot, forKey: .isBot)
        try object.encodeIfPresent(isBulk, forKey: .isBulk)
    }

    /// `created_at`: a text, or a Unix time as a number.
    private struct SentTime: Decodable {
        let date: EventsDate

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let number = try? value.decode(Int64.self) {
                date = EventsDate(String(number))
            } else if let number = try? value.decode(Double.self) {
                date = EventsDate(String(number))
            } else {
                date = EventsDate(try value.decode(String.self))
            }
        }
    }
}
