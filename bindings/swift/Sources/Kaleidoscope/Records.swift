import CKaleidoscope

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

// Records are copied from the library's result. `nil` is JSON null or absent.

/// The workspace that the credentials belong to.
public struct Workspace: Hashable, Sendable, Identifiable {
    public let id: String
    public let name: String?

    init(_ record: kal_workspace) {
        id = String(cString: record.id)
        name = text(record.workspace_name)
    }
}

/// A member of the workspace.
public struct WorkspaceMember: Hashable, Sendable, Identifiable {
    public let id: String
    public let fullName: String?
    public let preferredName: String?
    public let email: String?
    public let accessLevel: AccessLevel
    /// As the server sent it.
    public let accessLevelName: String?

    init(_ record: kal_workspace_user) {
        id = String(cString: record.id)
        fullName = text(record.full_name)
        preferredName = text(record.preferred_name)
        email = text(record.email)
        accessLevel = AccessLevel(rawValue: record.access_level)
        accessLevelName = text(record.access_level_name)
    }
}

/// The role of a member. Later versions of the library may add values.
public struct AccessLevel: RawRepresentable, Hashable, Sendable {
    public let rawValue: Int32

    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// Absent, or a level unknown to this version of the library.
    public static let unknown = AccessLevel(rawValue: KAL_ACCESS_UNKNOWN)
    public static let admin = AccessLevel(rawValue: KAL_ACCESS_ADMIN)
    public static let teamMember = AccessLevel(rawValue: KAL_ACCESS_TEAM_MEMBER)
    public static let guest = AccessLevel(rawValue: KAL_ACCESS_GUEST)
    public static let viewer = AccessLevel(rawValue: KAL_ACCESS_VIEWER)
    public static let deactivated = AccessLevel(rawValue: KAL_ACCESS_DEACTIVATED)
}

/// A group of members.
public struct WorkspaceGroup: Hashable, Sendable, Identifiable {
    public let id: String
    public let name: String?
    public let email: String?
    public let userIDs: [String]
    public let programIDs: [String]

    init(_ record: kal_workspace_group) {
        id = String(cString: record.id)
        name = text(record.group_name)
        email = text(record.email)
        userIDs = texts(record.user_ids, record.user_ids_len)
        programIDs = texts(record.program_ids, record.program_ids_len)
    }
}

/// Something that happened in the workspace.
public struct WorkspaceEvent: Hashable, Sendable, Identifiable {
    public let id: String
    /// Such as `"create"`.
    public let type: String?
    public let typeVersion: Int64?
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

    init(_ record: kal_workspace_event) {
        id = String(cString: record.id)
        type = text(record.event_type)
        typeVersion = record.event_type_version < 0 ? nil : record.event_type_version
        createdAt = record.created_at_us == .min
            ? nil : Date(timeIntervalSince1970: Double(record.created_at_us) / 1_000_000)
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

private func texts(_ pointers: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int) -> [String] {
    UnsafeBufferPointer(start: pointers, count: count).map { String(cString: $0!) }
}

/// Owns the result of a call until its records are copied.
struct Answer: ~Copyable {
    private let handle: kal_result

    init(_ handle: kal_result) {
        self.handle = handle
    }

    deinit {
        kal_result_free(handle)
    }

    func workspace() throws(KaleidoscopeError) -> Workspace {
        guard let record = kal_result_workspace(handle) else { throw Self.unexpectedType }
        return Workspace(record.pointee)
    }

    func members() throws(KaleidoscopeError) -> [WorkspaceMember] {
        try records(kal_result_workspace_users) { WorkspaceMember($0) }
    }

    func groups() throws(KaleidoscopeError) -> [WorkspaceGroup] {
        try records(kal_result_workspace_groups) { WorkspaceGroup($0) }
    }

    func events() throws(KaleidoscopeError) -> [WorkspaceEvent] {
        try records(kal_result_workspace_events) { WorkspaceEvent($0) }
    }

    func json() throws(KaleidoscopeError) -> String {
        var length = 0
        guard let pointer = kal_result_json(handle, &length) else { throw Self.unexpectedType }
        return pointer.withMemoryRebound(to: UInt8.self, capacity: length) {
            String(decoding: UnsafeBufferPointer(start: $0, count: length), as: UTF8.self)
        }
    }

    private static var unexpectedType: KaleidoscopeError {
        KaleidoscopeError(.internalError, "the result does not hold the expected record type")
    }

    private func records<C, Record>(
        _ view: (kal_result, UnsafeMutablePointer<Int>?) -> UnsafePointer<UnsafePointer<C>?>?, _ copy: (C) -> Record
    ) throws(KaleidoscopeError) -> [Record] {
        var count = 0
        guard let records = view(handle, &count) else { throw Self.unexpectedType }
        return UnsafeBufferPointer(start: records, count: count).map { copy($0!.pointee) }
    }
}
