import Foundation

/// The arguments or the options of a call, or the settings of a client. They are encoded as one JSON object, without
/// values that are nil.
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

    /// The headers among the options of a call.
    var headers: [String: String] {
        members.last { $0.name == "headers" }?.value as? [String: String] ?? [:]
    }

    /// The base URL among the settings of a client.
    var baseURL: String? { members.last { $0.name == "baseUrl" }?.value as? String }

    /// Sets a time in milliseconds, rounded up so that a short time does not become zero.
    mutating func set(milliseconds name: String, _ time: Duration?) {
        set(name, time.map(\.milliseconds))
    }

    mutating func set(_ name: String, _ limit: RateLimit?) {
        set(name, limit.map { [Double($0.requests), $0.period / .seconds(1)] })
    }

    mutating func set(_ name: String, _ secret: Secret?) {
        set(name, secret?.text)
    }

    mutating func set(_ name: String, _ scope: LimitScope?) {
        set(name, scope?.text)
    }

    /// The parent of the elements of a list, as the arguments name it: the id of an identity graph or of a flow, or the
    /// slug of a sync.
    var parent: RecordParent {
        func argument<Value>(_ name: String) -> Value? { members.first { $0.name == name }?.value as? Value }
        var parent = RecordParent(graphId: argument("graphId"), flowId: argument("flowId"))
        if let sync: SyncReference = argument("sync"), !sync.isID { parent.syncSlug = sync.description }
        return parent
    }

    func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: AnyKey.self)
        // If a name was set more than once, the last value counts.
        for (name, value) in members {
            try object.encode(value, forKey: AnyKey(name))
        }
    }

    /// - Throws: `HightouchError` of kind `invalidRequest` for a value that JSON cannot express, such as NaN.
    func json(by encoder: JSONEncoder? = nil) throws -> String {
        if let plain = plainJSON { return plain }
        do {
            return String(decoding: try (encoder ?? Coding.doorEncoder()).encode(self), as: UTF8.self)
        } catch {
            throw HightouchError(
                .invalidRequest, "An argument cannot be written as JSON: \(Self.reason(error)).", because: error)
        }
    }

    /// The JSON if all values are strings, integers, Booleans or references to syncs, as in most calls; otherwise nil.
    /// For such values, an encoder would be slow.
    private var plainJSON: String? {
        var json = "{"
        for (place, (name, value)) in members.enumerated() {
            guard !members[..<place].contains(where: { $0.name == name }) else { return nil }
            if place > 0 { json += "," }
            JSONLevel.string(name).write(to: &json)
            json += ":"
            switch value {
            case let text as String: JSONLevel.string(text).write(to: &json)
            case let int as Int: json += String(int)
            case let bool as Bool: json += bool ? "true" : "false"
            case .id(let id) as SyncReference: json += String(id)
            case .slug(let slug) as SyncReference: JSONLevel.string(slug).write(to: &json)
            default: return nil
            }
        }
        return json + "}"
    }

    /// Describes an error by its path and its reason. The text of an `EncodingError` would also contain the value,
    /// which may be secret.
    private static func reason(_ error: any Error) -> String {
        guard case EncodingError.invalidValue(_, let context) = error else { return "\(error)" }
        let path = context.codingPath.map(\.stringValue).joined(separator: ".")
        return "\(path): \(context.debugDescription)"
    }
}

extension Duration {
    /// Whole milliseconds, rounded up and clamped to the range of `Int64`.
    var milliseconds: Int64 {
        guard self < .longest else { return .max }
        guard self > .milliseconds(Int64.min) else { return .min }
        let (seconds, attoseconds) = components
        let millisecond: Int64 = 1_000_000_000_000_000
        // Division truncates towards zero, which rounds negative values up.
        return seconds * 1000 + (attoseconds > 0 ? attoseconds + millisecond - 1 : attoseconds) / millisecond
    }

    /// The longest time that an `Int64` can hold in milliseconds.
    static let longest = Self.milliseconds(Int64.max)
}
