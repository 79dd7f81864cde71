import Foundation

/// A flat JSON object in the making: arguments, options or settings. What is nil is left out.
struct Fields: Encodable, Sendable, ExpressibleByDictionaryLiteral {
    private var members: [(name: String, value: any Encodable & Sendable)] = []

    init(dictionaryLiteral elements: (String, (any Encodable & Sendable)?)...) {
        for (name, value) in elements { set(name, value) }
    }

    mutating func set(_ name: String, _ value: (any Encodable & Sendable)?) {
        if let value {
            members.append((name, value))
        }
    }

    /// In milliseconds, rounded up: a short time must not become none.
    mutating func set(milliseconds name: String, _ time: Duration?) {
        set(name, time.map(\.milliseconds))
    }

    mutating func set(_ name: String, _ limit: RateLimit?) {
        set(name, limit.map { [Double($0.requests), $0.period / .seconds(1)] })
    }

    mutating func set(_ name: String, _ secret: Secret?) {
        set(name, secret?.text)
    }

    func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: AnyKey.self)
        for (name, value) in members {
            try object.encode(value, forKey: AnyKey(name))
        }
    }

    /// - Throws: `HightouchError` of the kind `invalidRequest` for what JSON cannot hold, such as a NaN.
    func json(by encoder: JSONEncoder = Coding.doorEncoder()) throws -> String {
        do {
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        } catch {
            throw HightouchError(.invalidRequest, "a value cannot be written as JSON: \(error)")
        }
    }
}

extension Duration {
    /// Rounded up, and clamped to what 64 bits hold.
    var milliseconds: Int64 {
        guard self < .longest else { return .max }
        guard self > .milliseconds(Int64.min) else { return .min }
        let (seconds, attoseconds) = components
        let millisecond: Int64 = 1_000_000_000_000_000
        // Division cuts towards zero, which for a time before zero is up.
        return seconds * 1000 + (attoseconds > 0 ? attoseconds + millisecond - 1 : attoseconds) / millisecond
    }

    /// The longest time that 64 bits hold in milliseconds.
    static let longest = Self.milliseconds(Int64.max)
}
