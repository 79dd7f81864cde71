import Foundation

/// JSON whose shape this package does not know, such as a sync's configuration.
///
/// What came from the API is kept as the text that came, is read when it is looked at, and goes out as it came when it is
/// given back: to the last digit, its members in their order. Two are equal when their values are: numbers where they are
/// the same number (`3` and `3.0`), exactly, members in any order.
///
/// ```swift
/// let configuration: JSONValue = ["mode": "upsert", "mappings": [["from": "id", "to": "Id"]]]
/// configuration["mappings"]?[0]?["to"]?.string  // "Id"
/// switch configuration.shape {
/// case .object(let members): print(members.keys)
/// default: break
/// }
/// ```
public struct JSONValue: Sendable {
    /// What it is, and what is in it.
    public enum Shape: Sendable, Hashable {
        /// `null`.
        case null
        /// `true` or `false`.
        case bool(Bool)
        /// A number spelt without fraction and exponent that fits 64 bits.
        case int(Int)
        /// Any other number, as near as a double comes to it: infinite beyond 1e308. ``JSONValue/text`` has its digits.
        case double(Double)
        /// Text.
        case string(String)
        /// A list.
        case array([JSONValue])
        /// Members by name; of several with one name the last. ``JSONValue/text`` has their order.
        case object([String: JSONValue])
    }

    private enum Storage {
        case read(JSONText)
        case built(JSONLevel)
    }

    private let storage: Storage

    private init(_ level: JSONLevel) { storage = .built(level) }

    /// Takes text that is known to be JSON.
    init(known text: String) { storage = .read(JSONText(text)) }

    /// Takes JSON text as it is.
    ///
    /// - Parameter text: One JSON value, nested no deeper than 127.
    /// - Throws: `HightouchError` of the kind `invalidRequest` where it is none.
    public init(text: String) throws {
        do {
            self.init(known: try JSONScanner.checked(text))
        } catch {
            throw HightouchError(.invalidRequest, "what was given as the text of JSON is not JSON", because: error)
        }
    }

    /// The JSON text: as it came, or what will go out.
    public var text: String {
        if case .read(let read) = storage { return read.text }
        var text = ""
        write(to: &text)
        return text
    }

    var level: JSONLevel {
        switch storage {
        case .read(let read): read.level
        case .built(let level): level
        }
    }

    /// What of it is not text that came.
    var built: JSONLevel? { if case .built(let level) = storage { level } else { nil } }

    func write(to text: inout String) {
        switch storage {
        case .read(let read): text += read.text
        case .built(let level): level.write(to: &text)
        }
    }
}

extension JSONValue {
    /// `null`.
    public static let null = JSONValue(.null)

    /// `true` or `false`.
    public static func bool(_ value: Bool) -> JSONValue { JSONValue(.bool(value)) }

    /// A whole number.
    public static func int(_ value: Int) -> JSONValue { JSONValue(.number("\(value)")) }

    /// A number. One that is not finite has no form in JSON: calls that are given it throw, and send nothing.
    public static func double(_ value: Double) -> JSONValue { JSONValue(.number("\(value)")) }

    /// Text.
    public static func string(_ value: String) -> JSONValue { JSONValue(.string(value)) }

    /// A list.
    public static func array(_ elements: [JSONValue]) -> JSONValue { JSONValue(.array(elements)) }

    /// An object; its members go out in the order of their names.
    public static func object(_ members: [String: JSONValue]) -> JSONValue {
        JSONValue(.object(members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))
    }

    /// What it is, to switch over.
    public var shape: Shape {
        switch level {
        case .null: .null
        case .bool(let value): .bool(value)
        case .number(let text): Int(text).map(Shape.int) ?? .double(Double(text) ?? .nan)
        case .string(let value): .string(value)
        case .array(let elements): .array(elements)
        case .object(let members): .object(Dictionary(members.map { ($0.name, $0.value) }) { $1 })
        }
    }

    /// Whether it is `null`.
    public var isNull: Bool { if case .null = level { true } else { false } }

    /// The boolean, or nil where it is something else.
    public var bool: Bool? { if case .bool(let value) = level { value } else { nil } }

    /// The whole number, or nil where it is something else, or does not fit 64 bits.
    public var int: Int? { if case .int(let value) = shape { value } else { nil } }

    /// The number, whole or not, or nil where it is something else.
    public var double: Double? { if case .number(let text) = level { Double(text) } else { nil } }

    /// The text, or nil where it is something else.
    public var string: String? { if case .string(let value) = level { value } else { nil } }

    /// The list, or nil where it is something else.
    public var array: [JSONValue]? { if case .array(let value) = level { value } else { nil } }

    /// The members, or nil where it is something else.
    public var object: [String: JSONValue]? { if case .object(let value) = shape { value } else { nil } }

    /// A member of an object; nil where there is none, or it is no object.
    public subscript(name: String) -> JSONValue? {
        guard case .object(let members) = level else { return nil }
        return members.last { $0.name.utf8.elementsEqual(name.utf8) }?.value
    }

    /// An element of a list; nil where there is none, or it is no list.
    public subscript(index: Int) -> JSONValue? {
        guard let array, array.indices.contains(index) else { return nil }
        return array[index]
    }
}

extension JSONValue: Hashable {
    /// Numbers are equal where they are the same number, exactly: JSON does not tell `3` from `3.0`.
    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        if case (.read(let left), .read(let right)) = (left.storage, right.storage),
            left === right || left.text.utf8.elementsEqual(right.text.utf8)
        {
            return true
        }
        return left.canonical == right.canonical
    }

    /// Equal values have equal hashes.
    public func hash(into hasher: inout Hasher) { hasher.combine(canonical) }

    private var canonical: [UInt8] {
        var bytes: [UInt8] = []
        level.canonical(to: &bytes)
        return bytes
    }
}

extension JSONValue: CustomStringConvertible, CustomReflectable {
    /// The JSON text.
    public var description: String { text }

    /// No parts. A mirror of what is kept would look past the lock at what another thread may be reading.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// `nil` is `null`.
    public init(nilLiteral: ()) { self = .null }
    /// `true` or `false`.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A whole number.
    public init(integerLiteral value: Int) { self = .int(value) }
    /// A number with a fraction.
    public init(floatLiteral value: Double) { self = .double(value) }
    /// Text.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A list.
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }

    /// Members in their order; of two with one name the last one stands.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init(.object(elements.map { ($0.0, $0.1) }))
    }
}
