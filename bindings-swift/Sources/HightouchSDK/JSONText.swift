import Foundation

/// One level of a JSON value. The values inside may still be unparsed text.
enum JSONLevel: Sendable {
    case null
    case bool(Bool)
    /// A number, spelled as in the JSON text.
    case number(String)
    case string(String)
    case array([JSONValue])
    /// Members in their order in the text. If a name occurs more than once, its last value counts.
    case object([(name: String, value: JSONValue)])
}

/// JSON text. Its first level is parsed on first access.
final class JSONText: @unchecked Sendable {
    let text: String
    private let lock = NSLock()
    /// The first level once it is parsed. `lock` guards this property, so the class can be `Sendable`. Only tests read
    /// the property without the lock.
    private(set) var parsed: JSONLevel?

    /// - Parameter text: Valid JSON.
    init(_ text: String) { self.text = text }

    var level: JSONLevel {
        lock.withLock {
            if let parsed { return parsed }
            var scanner = JSONScanner(text)
            // Scanning cannot fail: the core has checked the text of a response, and `JSONValue.init(text:)` has
            // checked the text of a user.
            let level = (try? scanner.level()) ?? .null
            parsed = level
            return level
        }
    }
}

/// Parses JSON text (RFC 8259) one level at a time.
struct JSONScanner {
    struct NotJSON: Error, CustomStringConvertible {
        let offset: Int
        var description: String { "the text is not JSON at byte \(offset)" }
    }

    /// The deepest nesting of arrays and objects that the core accepts.
    static let maximumDepth = 127

    private let bytes: [UInt8]
    private var at = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    /// Checks that the text is one JSON value. Returns the text without the whitespace around the value.
    static func checked(_ text: String) throws -> String {
        var scanner = JSONScanner(text)
        scanner.skipWhitespace()
        let start = scanner.at
        try scanner.skip(depth: 0)
        let end = scanner.at
        scanner.skipWhitespace()
        guard scanner.at == scanner.bytes.count else { throw NotJSON(offset: scanner.at) }
        return String(decoding: scanner.bytes[start..<end], as: UTF8.self)
    }

    mutating func level() throws -> JSONLevel {
        skipWhitespace()
        switch next {
        case UInt8(ascii: "{"):
            var members: [(name: String, value: JSONValue)] = []
            try items(closedBy: UInt8(ascii: "}")) { scanner in
                let name = try scanner.string()
                try scanner.colon()
                members.append((name, try scanner.value()))
            }
            return .object(members)
        case UInt8(ascii: "["):
            var elements: [JSONValue] = []
            try items(closedBy: UInt8(ascii: "]")) { elements.append(try $0.value()) }
            return .array(elements)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"):
            try word("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try word("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try word("null")
            return .null
        default:
            let start = at
            try number()
            return .number(text(from: start))
        }
    }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private func text(from start: Int) -> String { String(decoding: bytes[start..<at], as: UTF8.self) }

    private mutating func value() throws -> JSONValue {
        let start = at
        try skip(depth: 0)
        return JSONValue(known: text(from: start))
    }

    private mutating func skipWhitespace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { at += 1 }
    }

    private mutating func take(_ byte: UInt8) throws {
        guard next == byte else { throw NotJSON(offset: at) }
        at += 1
    }

    private mutating func word(_ word: String) throws {
        for byte in word.utf8 { try take(byte) }
    }

    private mutating func colon() throws {
        skipWhitespace()
        try take(UInt8(ascii: ":"))
        skipWhitespace()
    }

    /// Scans the items of an array or an object, from the opening bracket to `close`. Calls `each` at the start of each
    /// item.
    private mutating func items(closedBy close: UInt8, each: (inout JSONScanner) throws -> Void) throws {
        at += 1
        skipWhitespace()
        if next == close {
            at += 1
            return
        }
        while true {
            try each(&self)
            skipWhitespace()
            guard next == UInt8(ascii: ",") else { return try take(close) }
            at += 1
            skipWhitespace()
        }
    }

    private mutating func skip(depth: Int) throws {
        switch next {
        case UInt8(ascii: "{") where depth == Self.maximumDepth: throw NotJSON(offset: at)
        case UInt8(ascii: "[") where depth == Self.maximumDepth: throw NotJSON(offset: at)
        case UInt8(ascii: "{"):
            try items(closedBy: UInt8(ascii: "}")) { scanner in
                try scanner.skipString()
                try scanner.colon()
                try scanner.skip(depth: depth + 1)
            }
        case UInt8(ascii: "["): try items(closedBy: UInt8(ascii: "]")) { try $0.skip(depth: depth + 1) }
        case UInt8(ascii: "\""): try skipString()
        case UInt8(ascii: "t"): try word("true")
        case UInt8(ascii: "f"): try word("false")
        case UInt8(ascii: "n"): try word("null")
        default: try number()
        }
    }

    private mutating func number() throws {
        if next == UInt8(ascii: "-") { at += 1 }
        if next == UInt8(ascii: "0") { at += 1 } else { try digits() }
        if next == UInt8(ascii: ".") {
            at += 1
            try digits()
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            at += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { at += 1 }
            try digits()
        }
    }

    private mutating func digits() throws {
        let start = at
        while let byte = next, (0x30...0x39).contains(byte) { at += 1 }
        guard at > start else { throw NotJSON(offset: at) }
    }

    private mutating func skipString() throws {
        try take(UInt8(ascii: "\""))
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                at += 1
                return
            case UInt8(ascii: "\\"): _ = try escape()
            case 0..<0x20: throw NotJSON(offset: at)
            default: at += 1
            }
        }
        throw NotJSON(offset: at)
    }

    private mutating func string() throws -> String {
        let start = at
        try skipString()
        let content = bytes[(start + 1)..<(at - 1)]
        guard content.contains(UInt8(ascii: "\\")) else { return String(decoding: content, as: UTF8.self) }
        var inside = self
        inside.at = start + 1
        var (text, plain) = ("", inside.at)
        while inside.at < at - 1 {
            guard inside.next == UInt8(ascii: "\\") else {
                inside.at += 1
                continue
            }
            text += inside.text(from: plain)
            text.unicodeScalars.append(try inside.escape())
            plain = inside.at
        }
        return text + inside.text(from: plain)
    }

    private mutating func escape() throws -> Unicode.Scalar {
        at += 1
        guard let byte = next else { throw NotJSON(offset: at) }
        at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let high = try unit()
            guard UTF16.isLeadSurrogate(high) else { return try scalar(UInt32(high)) }
            try word("\\u")
            let low = try unit()
            guard UTF16.isTrailSurrogate(low) else { throw NotJSON(offset: at) }
            return try scalar(0x10000 + (UInt32(high) & 0x3FF) << 10 + UInt32(low) & 0x3FF)
        default: throw NotJSON(offset: at)
        }
    }

    private mutating func unit() throws -> UInt16 {
        let digits = bytes[at..<min(at + 4, bytes.count)]
        guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw NotJSON(offset: at) }
        at += 4
        return unit
    }

    private func scalar(_ value: UInt32) throws -> Unicode.Scalar {
        guard let scalar = Unicode.Scalar(value) else { throw NotJSON(offset: at) }
        return scalar
    }
}

extension JSONLevel {
    /// Appends the JSON text of this level. Members keep their order.
    func write(to text: inout String) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .number(let number): text += number
        case .string(let string): Self.write(string, to: &text)
        case .array(let elements):
            text += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { text += "," }
                element.write(to: &text)
            }
            text += "]"
        case .object(let members):
            text += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { text += "," }
                Self.write(member.name, to: &text)
                text += ":"
                member.value.write(to: &text)
            }
            text += "}"
        }
    }

    private static func write(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{0}"..<"\u{20}":
                let code = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - code.count) + code
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
