extension JSONValue {
    /// One change of a ``JSONValue/Diff``. Its description is one line, with long values shortened.
    public struct Change: Sendable, Hashable {
        /// What happened to a value.
        public enum Kind: String, Sendable, Codable {
            /// The newer JSON has a value at the path, and the older JSON has none.
            case added
            /// The older JSON has a value at the path, and the newer JSON has none.
            case removed
            /// The newer and the older JSON both have a value at the path, and the two values differ.
            case changed
        }

        /// The names and indexes that lead to the value. The path is valid once all earlier changes of the ``Diff``
        /// have been made. So the path of an added or changed array element has the index of the element in the new
        /// array. The path of a removed element has the index of the element just before the removal.
        public let path: [Step]
        /// What happened to the value.
        public let kind: Kind
        /// The value before the change, with all its digits; nil if it is added.
        public let old: JSONValue?
        /// The value after the change, with all its digits; nil if it is removed.
        public let new: JSONValue?
        /// One line: `~ mappings[0].to: "Email__c" -> "Email"`, with `+` for an added value and `-` for a removed
        /// value.
        public let description: String

        fileprivate init(_ written: Written, description: String) {
            path = written.path
            kind = written.kind
            old = written.old.map { JSONValue(known: $0) }
            new = written.new.map { JSONValue(known: $0) }
            self.description = description
        }

        fileprivate var written: Written { Written(path: path, kind: kind, old: old?.text, new: new?.text) }

        /// A change as it crosses the door. `old` and `new` are JSON text, so that no digit is lost.
        fileprivate struct Written: Codable {
            var path: [Step]
            var kind: Kind
            var old: String?
            var new: String?

            var reversed: Written {
                let kind: Kind = old == nil ? .removed : new == nil ? .added : .changed
                return Written(path: path, kind: kind, old: new, new: old)
            }
        }
    }

    /// The changes that lead from one JSON value to another. The collection is empty if the values are equal. Its
    /// description has one line for each change.
    public struct Diff: Sendable, Hashable {
        private let changes: [Change]

        fileprivate init(_ written: [Change.Written]) throws {
            struct Lines: Decodable {
                var lines: [String]
            }
            let described: Lines = try callLocal("json.describe", ["changes": written])
            changes = zip(written, described.lines).map(Change.init)
        }

        /// Returns the changes that lead back from the new value to the old value.
        ///
        /// - Throws: ``HightouchError`` of kind `internal` if the bridge to the core fails.
        public func reversed() throws -> Diff { try Diff(changes.reversed().map(\.written.reversed)) }

        /// Makes the changes in a value. Everything else keeps its digits, its spacing and its order.
        ///
        /// - Parameter value: The value. It may differ from the value that was compared, but not in the places that
        ///   the changes concern.
        /// - Returns: The changed value.
        /// - Throws: ``HightouchError`` of kind `invalidRequest` if a path does not exist, or the value at the path is
        ///   not the `old` value of the change.
        public func apply(to value: JSONValue) throws -> JSONValue {
            struct Arguments: Encodable {
                var json: String
                var changes: [Change.Written]
            }
            let arguments = Arguments(json: value.text, changes: changes.map(\.written))
            let edited: Edited = try callLocal("json.apply", arguments)
            return JSONValue(known: edited.json)
        }
    }

    /// Finds what differs between this value and a newer value.
    ///
    /// Strings are compared by their characters, and numbers by all their digits: `1e400` and `1e401` differ, but `1`
    /// equals `1.0`. The order of members and the spelling of a value do not matter. Elements of arrays are
    /// aligned, so that an inserted element is one change.
    ///
    /// - Parameter new: The newer value.
    /// - Returns: The changes that lead from this value to `new`.
    /// - Throws: ``HightouchError`` of kind `invalidRequest` if a value has a number that JSON cannot express, or nests
    ///   more than 127 levels deep.
    public func diff(to new: JSONValue) throws -> Diff {
        struct Changes: Decodable {
            var changes: [Change.Written]
        }
        let found: Changes = try callLocal("json.diff", ["old": text, "new": new.text])
        return try Diff(found.changes)
    }
}

extension JSONValue.Change: CustomStringConvertible {}

extension JSONValue.Diff: RandomAccessCollection, CustomStringConvertible {
    /// The index of the first change, which is 0.
    public var startIndex: Int { changes.startIndex }
    /// The number of changes.
    public var endIndex: Int { changes.endIndex }
    /// The change at a position. Its path is valid once all earlier changes have been made.
    public subscript(position: Int) -> JSONValue.Change { changes[position] }
    /// One line for each change, without a line feed at the end.
    public var description: String { changes.map(\.description).joined(separator: "\n") }
}
