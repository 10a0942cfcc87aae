import CKaleidoscope

// Records are copied from the library's result. `nil` is JSON null or absent. As JSON they are what the API sends: its names, and
// nothing for `nil`.

/// The workspace that the credentials belong to.
public struct Workspace: Hashable, Sendable, Identifiable, Codable {
    public let id: String
    public let name: String?

    public init(id: String, name: String? = nil) {
        self.id = id
        self.name = name
    }

    init(_ record: kal_workspace) {
        self.init(id: String(cString: record.id), name: text(record.workspace_name))
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case name = "workspace_name"
    }
}

/// A member of the workspace.
public struct WorkspaceMember: Hashable, Sendable, Identifiable, Codable {
    public let id: String
    public let fullName: String?
    public let preferredName: String?
    public let email: String?
    public let accessLevel: AccessLevel?

    public init(
        id: String, fullName: String? = nil, preferredName: String? = nil, email: String? = nil, accessLevel: AccessLevel? = nil
    ) {
        self.id = id
        self.fullName = fullName
        self.preferredName = preferredName
        self.email = email
        self.accessLevel = accessLevel
    }

    init(_ record: kal_workspace_user) {
        self.init(
            id: String(cString: record.id), fullName: text(record.full_name), preferredName: text(record.preferred_name),
            email: text(record.email), accessLevel: text(record.access_level_name).map(AccessLevel.init(rawValue:)))
    }

    private enum CodingKeys: String, CodingKey {
        case id, email
        case fullName = "full_name"
        case preferredName = "preferred_name"
        case accessLevel = "access_level"
    }
}

/// A group of members.
public struct WorkspaceGroup: Hashable, Sendable, Identifiable, Codable {
    public let id: String
    public let name: String?
    public let email: String?
    public let userIDs: [String]
    public let programIDs: [String]

    public init(id: String, name: String? = nil, email: String? = nil, userIDs: [String] = [], programIDs: [String] = []) {
        self.id = id
        self.name = name
        self.email = email
        self.userIDs = userIDs
        self.programIDs = programIDs
    }

    init(_ record: kal_workspace_group) {
        self.init(
            id: String(cString: record.id), name: text(record.group_name), email: text(record.email),
            userIDs: texts(record.user_ids, record.user_ids_len), programIDs: texts(record.program_ids, record.program_ids_len))
    }

    public init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            id: try object.decode(String.self, forKey: .id), name: try object.decodeIfPresent(String.self, forKey: .name),
            email: try object.decodeIfPresent(String.self, forKey: .email),
            userIDs: try object.decodeIfPresent([String].self, forKey: .userIDs) ?? [],
            programIDs: try object.decodeIfPresent([String].self, forKey: .programIDs) ?? [])
    }

    private enum CodingKeys: String, CodingKey {
        case id, email
        case name = "group_name"
        case userIDs = "user_ids"
        case programIDs = "program_ids"
    }
}

private func texts(_ pointers: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int) -> [String] {
    UnsafeBufferPointer(start: pointers, count: count).map { String(cString: $0!) }
}
