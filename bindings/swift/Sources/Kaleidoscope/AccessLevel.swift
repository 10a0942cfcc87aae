/// The role of a member: the API's word for it, in JSON and as text too. The server may send words that have no constant here.
public struct AccessLevel: RawRepresentable, Hashable, Sendable, Codable {
    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    public static let admin = AccessLevel(rawValue: "admin")
    public static let teamMember = AccessLevel(rawValue: "team-member")
    public static let guest = AccessLevel(rawValue: "guest")
    public static let viewer = AccessLevel(rawValue: "viewer")
    public static let deactivated = AccessLevel(rawValue: "deactivated")
}

extension AccessLevel: CustomStringConvertible {
    /// The word, such as `team-member`.
    public var description: String { rawValue }
}
