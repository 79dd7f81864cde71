/// A number of requests in a window of time.
public struct RateLimit: Sendable, Hashable {
    /// The number of requests in one window, from 1 to 1,000,000.
    public var requests: Int
    /// The length of the window, from 1 ms to 24 hours.
    public var period: Duration

    /// Creates a rate limit.
    ///
    /// - Parameters:
    ///   - requests: The number of requests in one window, from 1 to 1,000,000.
    ///   - period: The length of the window, from 1 ms to 24 hours.
    public init(requests: Int, per period: Duration) {
        self.requests = requests
        self.period = period
    }
}

/// The setting for who shares a rate limit. ``LimitStats/scope`` says who shares the limit at present.
public struct LimitScope: Hashable, Sendable {
    let text: Secret

    /// All processes of the same user on this host.
    public static let host = Self(text: "host")
    /// The clients of this process.
    public static let process = Self(text: "process")

    /// All processes, on any host, that name the same Redis or Valkey server share the rate limit.
    ///
    /// - Parameter url: The URL of the server: `redis://[user:password@]host[:port][/database]`. `rediss://` uses TLS
    ///   and trusts ``Configuration/caBundle`` too. `redis+sentinel://host:port,host:port/service` asks Sentinels for
    ///   the server. No error, log or description shows the URL.
    /// - Returns: The scope of all processes that name this server.
    public static func server(_ url: String) -> Self { Self(text: Secret(url)) }
}

/// The priority of a call that waits for the rate limit.
///
/// If calls of all priorities are waiting, then of every 15 requests ``trigger`` gets 8, ``poll`` 4, ``read`` 2 and
/// ``bulk`` 1. Each call has a priority by default, and ``CallOptions/priority`` sets another priority.
public struct Priority: RawRepresentable, Codable, Hashable, Sendable {
    /// The name of the priority.
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }

    /// Calls that start something, such as a run.
    public static let trigger = Self(rawValue: "trigger")
    /// Calls that read the state of a run while a handle or a batch follows the run.
    public static let poll = Self(rawValue: "poll")
    /// All other calls, such as those that read, create or change a resource.
    public static let read = Self(rawValue: "read")
    /// Calls that fetch a page of a list after the first page. These calls leave a tenth of the rate limit to other
    /// calls.
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
    /// A mirror without children, so that `dump` does not show the text.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
