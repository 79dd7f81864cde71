import Foundation

/// A JSON value of a shape that the API does not define, such as the configuration of a sync.
///
/// A value from the API keeps its text, which is parsed on first access. If you send the value back, every digit and
/// the order of members stay the same. If you change one member, the text of all other members stays the same:
///
/// ```swift
/// var configuration: JSONValue = ["mode": "upsert", "mappings": [["from": "id", "to": "Id"]]]
/// configuration["mappings"]?[0]?["to"] = "OrderId"
/// print(configuration["mode"]?.string ?? "")  // upsert
/// switch configuration.shape {
/// case .object(let members): print(members.keys)
/// default: break
/// }
/// ```
///
/// Two values are equal if their texts or their contents are equal. `3` equals `3.0`, and the order of members does not
/// matter. A number that is not an `Int` is compared as a `Double`.
public struct JSONValue: Sendable {
    /// The type of a JSON value, with its content.
    public enum Shape: Sendable, Hashable {
        /// `null`.
        case null
        /// `true` or `false`.
        case bool(Bool)
        /// A number that fits in an `Int` and is written without a fraction and without an exponent.
        case int(Int)
        /// Any other number, as the nearest `Double`. It is infinite if the number is too large for a `Double`.
        /// ``JSONValue/text`` has all digits.
        case double(Double)
        /// A string.
        case string(String)
        /// An array.
        case array([JSONValue])
        /// An object. If a name occurs more than once, its last value counts. ``JSONValue/text`` shows the order of
        /// the members.
        case object([String: JSONValue])
    }

    private enum Storage {
        case text(JSONText)
        case built(JSONLevel)
    }

    private var storage: Storage

    private init(_ level: JSONLevel) { storage = .built(level) }

    /// - Parameter text: Valid JSON.
    init(known text: String) { storage = .text(JSONText(text)) }

    /// Creates a value from JSON text. The value keeps the text unchanged, without the whitespace around it.
    ///
    /// - Parameter text: The text of one JSON value, nested at most 127 levels deep.
    /// - Throws: ``HightouchError`` of kind `invalidRequest` if `text` is not valid JSON.
    public init(text: String) throws {
        do {
            self.init(known: try JSONScanner.checked(text))
        } catch {
            throw HightouchError(.invalidRequest, "The text is not valid JSON.", because: error)
        }
    }

    /// The JSON text. A value from the API or from ``init(text:)`` has its original text. Any other value has the text
    /// that a call sends.
    public var text: String {
        if case .text(let json) = storage { return json.text }
        var text = ""
        write(to: &text)
        return text
    }

    var level: JSONLevel {
        switch storage {
        case .text(let json): json.level
        case .built(let level): level
        }
    }

    /// The first level of a value that was built or changed in Swift; nil for a value that still has its original text.
    var built: JSONLevel? { if case .built(let level) = storage { level } else { nil } }

    func write(to text: inout String) {
        switch storage {
        case .text(let json): text += json.text
        case .built(let level): level.write(to: &text)
        }
    }
}

extension JSONValue {
    /// `null`.
    public static let null = JSONValue(.null)

    /// `true` or `false`.
    public static func bool(_ value: Bool) -> JSONValue { JSONValue(.bool(value)) }

    /// An integer.
    public static func int(_ value: Int) -> JSONValue { JSONValue(.number("\(value)")) }

    /// A number. JSON cannot express numbers that are not finite. A call with such a number in an argument throws
    /// ``HightouchError`` of kind `invalidRequest` and sends nothing.
    public static func double(_ value: Double) -> JSONValue { JSONValue(.number("\(value)")) }

    /// A string.
    public static func string(_ value: String) -> JSONValue { JSONValue(.string(value)) }

    /// An array.
    public static func array(_ elements: [JSONValue]) -> JSONValue { JSONValue(.array(elements)) }

    /// An object, with its members sorted by name.
    public static func object(_ members: [String: JSONValue]) -> JSONValue {
        JSONValue(.object(members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))
    }

    /// Creates a string from a variable. Literals of any type work without an initializer.
    public init(_ value: String) { self = .string(value) }
    /// Creates an integer.
    public init(_ value: Int) { self = .int(value) }
    /// Creates a number.
    public init(_ value: Double) { self = .double(value) }
    /// Creates a Boolean.
    public init(_ value: Bool) { self = .bool(value) }
    /// Creates an array.
    public init(_ elements: [JSONValue]) { self = .array(elements) }
    /// Creates an object from a dictionary, with its members sorted by name.
    public init(_ members: [String: JSONValue]) { self = .object(members) }

    /// The type and content of the value, for use in a `switch`.
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

    /// Whether the value is `null`.
    public var isNull: Bool { if case .null = level { true } else { false } }

    /// The Boolean, or nil if the value is not a Boolean.
    public var bool: Bool? { if case .bool(let value) = level { value } else { nil } }

    /// The integer. Nil if the value is not a number, does not fit in an `Int`, or is written with a fraction or an
    /// exponent.
    public var int: Int? { if case .int(let value) = shape { value } else { nil } }

    /// The nearest `Double`, or nil if the value is not a number.
    public var double: Double? { if case .number(let text) = level { Double(text) } else { nil } }

    /// The string, or nil if the value is not a string.
    public var string: String? { if case .string(let value) = level { value } else { nil } }

    /// The elements, or nil if the value is not an array.
    public var array: [JSONValue]? { if case .array(let value) = level { value } else { nil } }

    /// The members by name, or nil if the value is not an object.
    public var object: [String: JSONValue]? { if case .object(let value) = shape { value } else { nil } }

    /// A member of an object, or nil if there is no such member or the value is not an object.
    ///
    /// Setting a member keeps the text and the order of all other members. A new member is added at the end. Setting
    /// nil removes the member; set ``null`` to make the member `null`. If the value is not an object, setting does
    /// nothing.
    public subscript(name: String) -> JSONValue? {
        get {
            guard case .object(let members) = level else { return nil }
            return members.last { $0.name.utf8.elementsEqual(name.utf8) }?.value
        }
        set {
            guard case .object(var members) = level else { return }
            let place = members.lastIndex { $0.name.utf8.elementsEqual(name.utf8) }
            switch (newValue, place) {
            case (let value?, let place?): members[place].value = value
            case (let value?, nil): members.append((name, value))
            case (nil, _): members.removeAll { $0.name.utf8.elementsEqual(name.utf8) }
            }
            storage = .built(.object(members))
        }
    }

    /// An element of an array, or nil if there is no such element or the value is not an array.
    ///
    /// Setting an element keeps the text of all other elements. Setting nil removes the element; set ``null`` to make
    /// the element `null`. If there is no such element or the value is not an array, setting does nothing.
    public subscript(index: Int) -> JSONValue? {
        get {
            guard let array, array.indices.contains(index) else { return nil }
            return array[index]
        }
        set {
            guard case .array(var elements) = level, elements.indices.contains(index) else { return }
            if let newValue { elements[index] = newValue } else { elements.remove(at: index) }
            storage = .built(.array(elements))
        }
    }
}

extension JSONValue: Hashable {
    /// Returns whether the texts or the contents are equal: `3` equals `3.0`, and the order of members does not matter.
    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        if case (.text(let left), .text(let right)) = (left.storage, right.storage),
            left === right || left.text.utf8.elementsEqual(right.text.utf8)
        {
            return true
        }
        return left.content == right.content
    }

    /// Hashes the value so that equal values have equal hashes.
    public func hash(into hasher: inout Hasher) { hasher.combine(content) }

    /// The shape that `==` and the hash use: in this shape, a whole number such as `3.0` is an `Int`, if the number
    /// fits.
    private var content: Shape {
        let shape = self.shape
        if case .double(let value) = shape, let int = Int(exactly: value) { return .int(int) }
        return shape
    }
}

extension JSONValue: CustomStringConvertible, CustomReflectable {
    /// The JSON text.
    public var description: String { text }

    /// A mirror without children, because a mirror of the storage would read its parsed level without the lock.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// Creates `null`.
    public init(nilLiteral: ()) { self = .null }
    /// Creates `true` or `false`.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// Creates an integer.
    public init(integerLiteral value: Int) { self = .int(value) }
    /// Creates a number.
    public init(floatLiteral value: Double) { self = .double(value) }
    /// Creates a string.
    public init(stringLiteral value: String) { self = .string(value) }
    /// Creates an array.
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }

    /// Creates an object with its members in the given order. If a name occurs more than once, its last value counts.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init(.object(elements.map { ($0.0, $0.1) }))
    }
}
