extension JSONValue {
    /// One step of the path to a value. Literals work: `["mappings", 0, "to"]`.
    public enum Step: Sendable, Hashable {
        /// The name of a member of an object. No character in it has a special meaning.
        case name(String)
        /// The index of an element of an array.
        case index(Int)
    }

    /// The changes of ``JSONValue/edit(_:)``. Each change applies to the result of the changes before it.
    public struct Edit: Sendable {
        fileprivate var changes: [Written] = []

        fileprivate struct Written: Sendable, Encodable {
            var `do`: String
            var path: [Step]
            var value: String?
            var name: String?
        }

        /// Replaces the value at a path, or adds a value. A member with a new name is added at the end of its object.
        /// An element is added at the end of an array if the index is the length of the array. An empty path stands for
        /// the whole value.
        public mutating func set(_ value: JSONValue, at path: [Step]) {
            changes.append(Written(do: "set", path: path, value: value.text))
        }

        /// Inserts an element into an array, at the index at the end of the path. The index may be the length of the
        /// array.
        public mutating func insert(_ value: JSONValue, at path: [Step]) {
            changes.append(Written(do: "insert", path: path, value: value.text))
        }

        /// Adds an element at the end of the array at a path.
        public mutating func append(_ value: JSONValue, to path: [Step]) {
            changes.append(Written(do: "append", path: path, value: value.text))
        }

        /// Removes a member or an element.
        public mutating func remove(at path: [Step]) {
            changes.append(Written(do: "remove", path: path))
        }

        /// Gives a member another name, which no other member of the object may have. The value and the position of the
        /// member stay.
        public mutating func rename(_ path: [Step], to name: String) {
            changes.append(Written(do: "rename", path: path, name: name))
        }
    }

    /// Makes several changes. Everything else keeps its digits, its spacing and its order.
    ///
    /// ```swift
    /// var configuration: JSONValue = ["mode": "upsert", "mappings": [["from": "id", "to": "Id"]]]
    /// try configuration.edit {
    ///     $0.set("OrderId", at: ["mappings", 0, "to"])
    ///     $0.append(["from": "name", "to": "Name"], to: ["mappings"])
    ///     $0.remove(at: ["mode"])
    /// }
    /// print(configuration)  // {"mappings":[{"from":"id","to":"OrderId"},{"from":"name","to":"Name"}]}
    /// ```
    ///
    /// To change one value, assigning to a subscript is shorter. An assignment also keeps the digits and the order of
    /// everything else, but not the white space in the objects and arrays around the value.
    ///
    /// - Parameter changes: Describes the changes. The changes are made after this closure has returned.
    /// - Throws: ``HightouchError`` of kind `invalidRequest`, with the path, if a change is not possible, or the error
    ///   that `changes` throws. In both cases the value stays as it is.
    public mutating func edit(_ changes: (inout Edit) throws -> Void) throws {
        var edit = Edit()
        try changes(&edit)
        self = try JSONValue(edited: text, by: edit)
    }

    private init(edited text: String, by edit: Edit) throws {
        struct Arguments: Encodable {
            var json: String
            var edits: [Edit.Written]
        }
        let edited: Edited = try callLocal("json.edit", Arguments(json: text, edits: edit.changes))
        self.init(known: edited.json)
    }
}

/// A changed text as it crosses the door.
struct Edited: Decodable {
    var json: String
}

extension JSONValue.Step: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    /// Creates a name.
    public init(stringLiteral value: String) { self = .name(value) }
    /// Creates an index.
    public init(integerLiteral value: Int) { self = .index(value) }
}

extension JSONValue.Step: Codable {
    /// Decodes a string or an integer.
    public init(from decoder: any Decoder) throws {
        let single = try decoder.singleValueContainer()
        if let name = try? single.decode(String.self) {
            self = .name(name)
        } else {
            self = .index(try single.decode(Int.self))
        }
    }

    /// Encodes a string or an integer.
    public func encode(to encoder: any Encoder) throws {
        var single = encoder.singleValueContainer()
        switch self {
        case .name(let name): try single.encode(name)
        case .index(let index): try single.encode(index)
        }
    }
}
