/// How many requests fit in how long.
public struct RateLimit: Sendable, Hashable {
    /// Requests in one window.
    public var requests: Int
    /// The window.
    public var period: Duration

    /// - Parameters:
    ///   - requests: How many, at least 1.
    ///   - period: In how long.
    public init(requests: Int, per period: Duration) {
        self.requests = requests
        self.period = period
    }
}

/// A call's class while it waits for the limit. They take turns at 8 : 4 : 2 : 1.
public struct Priority: RawRepresentable, Codable, Hashable, Sendable {
    /// What crosses to the core.
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }

    /// What starts something.
    public static let trigger = Self(rawValue: "trigger")
    /// Looking after a run.
    public static let poll = Self(rawValue: "poll")
    /// Reading for somebody who waits.
    public static let read = Self(rawValue: "read")
    /// Reading much; leaves a tenth of the limit free for others.
    public static let bulk = Self(rawValue: "bulk")
}

/// Text that is never printed, such as a proxy's URL with its password. A literal does.
public struct Secret: Sendable, Hashable, ExpressibleByStringLiteral {
    let text: String

    /// - Parameter text: What to keep.
    public init(_ text: String) { self.text = text }

    /// What to keep.
    public init(stringLiteral value: String) { self.init(value) }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// `[secret]`, whatever it is.
    public var description: String { "[secret]" }
    /// `[secret]`, whatever it is.
    public var debugDescription: String { description }
    /// Nothing: the text is for nobody to see.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
