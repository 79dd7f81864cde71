/// A sync by its id or its slug. Literals do: `7`, `"7"` and `"orders-to-salesforce"`.
public enum SyncReference: Sendable, Hashable {
    /// The numeric id.
    case id(Int)
    /// The slug; text of digits alone is read as an id.
    case slug(String)
}

extension SyncReference: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
    /// An id.
    public init(integerLiteral value: Int) { self = .id(value) }
    /// A slug.
    public init(stringLiteral value: String) { self = .slug(value) }
}

extension SyncReference: CustomStringConvertible {
    /// The id or the slug.
    public var description: String {
        switch self {
        case .id(let id): String(id)
        case .slug(let slug): slug
        }
    }
}

extension SyncReference: Codable {
    public init(from decoder: any Decoder) throws {
        let single = try decoder.singleValueContainer()
        if let slug = try? single.decode(String.self) {
            self = .slug(slug)
        } else {
            self = .id(try single.decode(Int.self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var single = encoder.singleValueContainer()
        switch self {
        case .id(let id): try single.encode(id)
        case .slug(let slug): try single.encode(slug)
        }
    }
}
