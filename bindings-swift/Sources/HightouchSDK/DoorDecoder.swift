import Foundation

/// Decodes the JSON of the door in its usual form. A `JSONDecoder` takes several times as long, because it makes a
/// dictionary of each object.
///
/// This decoder throws ``DoorDecoder/Unusual`` for JSON that the core rarely writes. The caller then uses a
/// `JSONDecoder`. In debug builds, the caller uses both decoders for all JSON, and both must return the same value.
enum DoorDecoder {
    /// The error for JSON that the core rarely writes, and for types that this decoder does not support.
    struct Unusual: Error {}

    // `texts` holds the texts of opaque JSON. The JSON refers to each of these texts by its position in `texts`.
    static func decode<Value: Decodable>(_ type: Value.Type, from json: Data, texts: Data) throws -> Value {
        try json.withUnsafeBytes { json in
            try texts.withUnsafeBytes { texts in
                let bytes = json.bindMemory(to: UInt8.self)
                var scanner = NodeScanner(bytes)
                return try scanner.scan().withUnsafeBufferPointer { nodes in
                    let document = Document(
                        bytes: bytes, nodes: nodes, texts: texts.bindMemory(to: UInt8.self))
                    return try withUnsafePointer(to: document) {
                        try NodeDecoder(document: $0, at: 0).decode(type)
                    }
                }
            }
        }
    }
}

/// One value of a JSON text, or the name of a member.
private struct Node {
    enum Kind: UInt8 { case null, no, yes, number, string, escapedString, array, object }

    let kind: Kind
    /// Where the bytes of a number, or of a string without its quotes, start and end.
    var start: Int32, end: Int32
    /// The index of the first node after this value and its parts. The parts of an array are its items. The parts of an
    /// object are a name and a value for each member.
    var next: Int32
}

/// A JSON text as nodes in the order of the text.
private struct Document {
    let bytes: UnsafeBufferPointer<UInt8>
    let nodes: UnsafeBufferPointer<Node>
    let texts: UnsafeBufferPointer<UInt8>
}

/// Finds the nodes of a JSON text. It does not check all of the grammar, because the core wrote the text.
private struct NodeScanner {
    /// JSON with deeper nesting, or with more members in one object, counts as unusual.
    private static let deepest = 32, mostMembers = 64

    private let bytes: UnsafeBufferPointer<UInt8>
    private var at = 0
    private var nodes: [Node] = []

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    mutating func scan() throws -> [Node] {
        guard bytes.count < Int32.max else { throw DoorDecoder.Unusual() }
        nodes.reserveCapacity(bytes.count / 8 + 8)
        try value(depth: 0)
        guard at == bytes.count else { throw DoorDecoder.Unusual() }
        return nodes
    }

    private mutating func value(depth: Int) throws {
        guard at < bytes.count, depth <= Self.deepest else { throw DoorDecoder.Unusual() }
        switch bytes[at] {
        case UInt8(ascii: "\""): try string()
        case UInt8(ascii: "{"): try items(.object, closedBy: UInt8(ascii: "}"), depth: depth)
        case UInt8(ascii: "["): try items(.array, closedBy: UInt8(ascii: "]"), depth: depth)
        case UInt8(ascii: "n"): try word("null", .null)
        case UInt8(ascii: "t"): try word("true", .yes)
        case UInt8(ascii: "f"): try word("false", .no)
        default: try number()
        }
    }

    private mutating func add(_ kind: Node.Kind, _ range: Range<Int>) {
        let next = Int32(nodes.count + 1)
        nodes.append(Node(kind: kind, start: Int32(range.lowerBound), end: Int32(range.upperBound), next: next))
    }

    private mutating func take(_ byte: UInt8) throws {
        guard at < bytes.count, bytes[at] == byte else { throw DoorDecoder.Unusual() }
        at += 1
    }

    private mutating func word(_ word: StaticString, _ kind: Node.Kind) throws {
        let start = at
        for nth in 0..<word.utf8CodeUnitCount { try take(word.utf8Start[nth]) }
        add(kind, start..<at)
    }

    private mutating func number() throws {
        let start = at
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
                UInt8(ascii: "e"), UInt8(ascii: "E"):
                at += 1
                continue
            default: break
            }
            break
        }
        guard at > start else { throw DoorDecoder.Unusual() }
        add(.number, start..<at)
    }

    private mutating func string() throws {
        at += 1
        let start = at
        var kind = Node.Kind.string
        while at < bytes.count {
            let byte = bytes[at]
            if byte == UInt8(ascii: "\"") {
                add(kind, start..<at)
                at += 1
                return
            }
            if byte == UInt8(ascii: "\\") {
                kind = .escapedString
                at += 1
            }
            at += 1
        }
        throw DoorDecoder.Unusual()
    }

    private mutating func items(_ kind: Node.Kind, closedBy close: UInt8, depth: Int) throws {
        let place = nodes.count
        let start = at
        add(kind, start..<start)
        at += 1
        var count = 0
        if at < bytes.count, bytes[at] == close {
            at += 1
        } else {
            while true {
                if kind == .object {
                    guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else { throw DoorDecoder.Unusual() }
                    try string()
                    guard nodes[nodes.count - 1].kind == .string else { throw DoorDecoder.Unusual() }
                    try take(UInt8(ascii: ":"))
                }
                try value(depth: depth + 1)
                count += 1
                guard at < bytes.count, bytes[at] == UInt8(ascii: ",") else { break }
                at += 1
            }
            try take(close)
        }
        guard kind == .array || count <= Self.mostMembers else { throw DoorDecoder.Unusual() }
        nodes[place].next = Int32(nodes.count)
    }
}

/// Decodes one value. Do not keep this decoder: its memory is valid only until `DoorDecoder.decode` returns.
private struct NodeDecoder: Decoder, SingleValueDecodingContainer {
    let document: UnsafePointer<Document>
    let at: Int

    var node: Node { document.pointee.nodes[at] }
    var end: Int { Int(node.next) }

    /// Errors never reach a user, so they need no path.
    var codingPath: [any CodingKey] { [] }

    /// Without this entry in `userInfo`, a ``JSONValue`` would decode the marks of opaque JSON as plain JSON.
    var userInfo: [CodingUserInfoKey: Any] { CodingUserInfoKey.opaqueAsText.map { [$0: Data()] } ?? [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard node.kind == .object else { throw DoorDecoder.Unusual() }
        return KeyedDecodingContainer(Members<Key>(object: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { try items() }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    func decodeNil() -> Bool { node.kind == .null }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        // Each line checks the type first, so `unsafeBitCast` is safe. A cast with `as` would check the type again.
        if type == String.self { return unsafeBitCast(try string(), to: type) }
        if type == Int.self { return unsafeBitCast(try int(), to: type) }
        if type == Date.self { return unsafeBitCast(try date(), to: type) }
        if type == Bool.self { return unsafeBitCast(try bool(), to: type) }
        if type == JSONValue.self { return unsafeBitCast(try opaque(), to: type) }
        if type == [String].self { return unsafeBitCast(try strings(), to: type) }
        if type == Double.self { return unsafeBitCast(try double(), to: type) }
        if type == Int64.self { return unsafeBitCast(Int64(try int()), to: type) }
        guard !isLeftOut(type) else { throw DoorDecoder.Unusual() }
        return try type.init(from: self)
    }

    /// Whether only a `JSONDecoder` can decode a type. Without this check, a number type in this list would recurse
    /// without end: its `init(from:)` calls `decode` of this decoder, and `decode` would call `init(from:)` again.
    private func isLeftOut(_ type: any Decodable.Type) -> Bool {
        type == Float.self || type == Int8.self || type == Int16.self || type == Int32.self || type == UInt.self
            || type == UInt8.self || type == UInt16.self || type == UInt32.self || type == UInt64.self
            || type == Data.self || type == URL.self || type == Decimal.self
    }

    var bytes: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: document.pointee.bytes[Int(node.start)..<Int(node.end)])
    }

    func items() throws -> Items {
        guard node.kind == .array else { throw DoorDecoder.Unusual() }
        return Items(array: self)
    }

    private func string() throws -> String {
        switch node.kind {
        case .string: return String(decoding: bytes, as: UTF8.self)
        case .escapedString:
            let quoted = document.pointee.bytes[Int(node.start) - 1...Int(node.end)]
            var scanner = JSONScanner(String(decoding: quoted, as: UTF8.self))
            guard case .string(let text) = try scanner.level() else { throw DoorDecoder.Unusual() }
            return text
        default: throw DoorDecoder.Unusual()
        }
    }

    private func strings() throws -> [String] {
        var items = try items()
        var strings: [String] = []
        while !items.isAtEnd { strings.append(try items.next().string()) }
        return strings
    }

    private func int() throws -> Int {
        guard node.kind == .number else { throw DoorDecoder.Unusual() }
        let bytes = bytes
        let isNegative = bytes[0] == UInt8(ascii: "-")
        let digits = bytes.dropFirst(isNegative ? 1 : 0)
        guard (1...18).contains(digits.count) else { throw DoorDecoder.Unusual() }
        var number = 0
        for byte in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { throw DoorDecoder.Unusual() }
            number = number * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return isNegative ? -number : number
    }

    private func double() throws -> Double {
        guard node.kind == .number, let number = Double(String(decoding: bytes, as: UTF8.self)), number.isFinite
        else { throw DoorDecoder.Unusual() }
        return number
    }

    private func bool() throws -> Bool {
        switch node.kind {
        case .yes: return true
        case .no: return false
        default: throw DoorDecoder.Unusual()
        }
    }

    private func date() throws -> Date {
        if node.kind == .string, let milliseconds = Coding.milliseconds(bytes) {
            return Date(timeIntervalSince1970: Double(milliseconds) / 1000)
        }
        return try Coding.date(string())
    }

    /// Reads a mark of opaque JSON. ``JSONValue/mark`` describes the two forms of a mark.
    private func opaque() throws -> JSONValue {
        let (name, array) = (NodeDecoder(document: document, at: at + 1), NodeDecoder(document: document, at: at + 2))
        guard node.kind == .object, end > at + 2, name.bytes.elementsEqual(JSONValue.mark.utf8),
            array.end == end
        else { throw DoorDecoder.Unusual() }
        var items = try array.items()
        let first = try items.next()
        if items.isAtEnd { return JSONValue(known: try first.string()) }
        let (start, end) = (try first.int(), try items.next().int())
        let texts = document.pointee.texts
        guard 0 <= start, start <= end, end <= texts.count else { throw DoorDecoder.Unusual() }
        return JSONValue(known: String(decoding: texts[start..<end], as: UTF8.self))
    }
}

/// The members of an object. Names are few, so they are compared one after another.
private struct Members<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let object: NodeDecoder

    var codingPath: [any CodingKey] { [] }

    var allKeys: [Key] {
        var keys: [Key] = []
        var at = object.at + 1
        while at < object.end {
            let name = NodeDecoder(document: object.document, at: at)
            if let key = Key(stringValue: String(decoding: name.bytes, as: UTF8.self)) { keys.append(key) }
            at = Int(object.document.pointee.nodes[at + 1].next)
        }
        return keys
    }

    func contains(_ key: Key) -> Bool { member(key) != nil }

    func decodeNil(forKey key: Key) throws -> Bool { try required(key).decodeNil() }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try required(key).decode(type)
    }

    func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
        guard let member = member(key), !member.decodeNil() else { return nil }
        return try member.decode(type)
    }

    private func required(_ key: Key) throws -> NodeDecoder {
        guard let member = member(key) else { throw DoorDecoder.Unusual() }
        return member
    }

    private func member(_ key: Key) -> NodeDecoder? {
        let document = object.document
        let (bytes, nodes, end) = (document.pointee.bytes, document.pointee.nodes, object.end)
        var name = key.stringValue
        return name.withUTF8 { name in
            var at = object.at + 1
            while at < end {
                let node = nodes[at]
                let found = UnsafeBufferPointer(rebasing: bytes[Int(node.start)..<Int(node.end)])
                if found.count == name.count, found.elementsEqual(name) {
                    return NodeDecoder(document: document, at: at + 1)
                }
                at = Int(nodes[at + 1].next)
            }
            return nil
        }
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try required(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { try required(key).items() }

    func superDecoder() throws -> any Decoder { throw DoorDecoder.Unusual() }

    func superDecoder(forKey key: Key) throws -> any Decoder { throw DoorDecoder.Unusual() }
}

/// The items of an array.
private struct Items: UnkeyedDecodingContainer {
    private let array: NodeDecoder
    private var at: Int
    private(set) var currentIndex = 0

    init(array: NodeDecoder) { (self.array, at) = (array, array.at + 1) }

    var codingPath: [any CodingKey] { [] }
    var count: Int? { nil }
    var isAtEnd: Bool { at >= array.end }

    /// Returns the next item, and advances to the item after it.
    mutating func next() throws -> NodeDecoder {
        guard !isAtEnd else { throw DoorDecoder.Unusual() }
        let item = NodeDecoder(document: array.document, at: at)
        (at, currentIndex) = (item.end, currentIndex + 1)
        return item
    }

    mutating func decodeNil() throws -> Bool {
        guard !isAtEnd else { throw DoorDecoder.Unusual() }
        guard NodeDecoder(document: array.document, at: at).decodeNil() else { return false }
        _ = try next()
        return true
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try next().decode(type) }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        try next().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try next().items() }

    mutating func superDecoder() throws -> any Decoder { throw DoorDecoder.Unusual() }
}
