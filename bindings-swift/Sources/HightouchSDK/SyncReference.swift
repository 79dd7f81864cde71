/// A sync, identified by its id or its slug.
///
/// Literals work wherever a reference is expected: `7`, `"7"` and `"orders-to-salesforce"`.
public enum SyncReference: Sendable {
    /// The numeric id.
    case id(Int)
    /// The slug. Text that consists only of digits is an id.
    case slug(String)

    /// This reference, but with an id in place of a slug that consists only of digits.
    private var normalized: SyncReference {
        guard case .slug(let text) = self, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let id = Int(text)
        else { return self }
        return .id(id)
    }
}

extension SyncReference {
    var isID: Bool { if case .id = normalized { true } else { false } }
}

extension SyncReference: Hashable {
    /// Compares the references: `.id(7)` equals `.slug("7")`.
    public static func == (left: SyncReference, right: SyncReference) -> Bool {
        switch (left.normalized, right.normalized) {
        case (.id(let left), .id(let right)): left == right
        case (.slug(let left), .slug(let right)): left == right
        default: false
        }
    }

    /// Hashes the reference so that equal references have equal hashes.
    public func hash(into hasher: inout Hasher) { hasher.combine(normalized.description) }
}

extension SyncReference: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
    /// Creates a reference to the sync with this id.
    public init(integerLiteral value: Int) { self = .id(value) }
    /// Creates a reference to the sync with this slug, or with this id if the text consists only of digits.
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
