/// A number of requests in a period of time.
public struct RateLimit: Sendable, Hashable {
    /// The number of requests in one window.
    public var requests: Int
    /// The length of the window.
    public var period: Duration

    /// Creates a rate limit.
    ///
    /// - Parameters:
    ///   - requests: The number of requests in one window, at least 1.
    ///   - period: The length of the window.
    public init(requests: Int, per period: Duration) {
        self.requests = requests
        self.period = period
    }
}

/// The priority of a call that waits for the rate limit.
///
/// If calls of all priorities are waiting, ``trigger``, ``poll``, ``read`` and ``bulk`` get 8, 4, 2 and 1 of every 15
/// requests.
public struct Priority: RawRepresentable, Codable, Hashable, Sendable {
    /// The name of the priority.
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }

    /// Calls that start a run.
    public static let trigger = Self(rawValue: "trigger")
    /// Calls that check on a run.
    public static let poll = Self(rawValue: "poll")
    /// Reads that a person or a program waits for.
    public static let read = Self(rawValue: "read")
    /// Bulk reads, which leave a tenth of the limit free for other calls.
    public static let bulk = Self(rawValue: "bulk")
}

/// Text that is never printed, such as a proxy's URL with its password.
///
/// A string literal works wherever a `Secret` is expected.
public struct Secret: Sendable, Hashable, ExpressibleByStringLiteral {
    let text: String

    /// Creates a secret.
    ///
    /// - Parameter text: The text to keep secret.
    public init(_ text: String) { self.text = text }

    /// Creates a secret from a string literal.
    public init(stringLiteral value: String) { self.init(value) }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Always `[secret]`.
    public var description: String { "[secret]" }
    /// Always `[secret]`.
    public var debugDescription: String { description }
    /// Empty, so that `dump` does not show the text.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
