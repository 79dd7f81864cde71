import Foundation

extension CodingUserInfoKey {
    /// Of coders of the door: there opaque JSON crosses as text.
    static let opaqueAsText = CodingUserInfoKey(rawValue: "hightouch.opaqueAsText")
}

extension JSONValue: Codable {
    /// The door's mark of JSON that crosses as text: `{"$json": ["…"]}`.
    private static let mark = AnyKey("$json")

    /// Reads any JSON. A decoder gives no text: of numbers beyond 64 bits it keeps what it keeps itself, 38 digits.
    public init(from decoder: any Decoder) throws {
        if decoder.isOfTheDoor {
            var marked = try decoder.container(keyedBy: AnyKey.self).nestedUnkeyedContainer(forKey: Self.mark)
            self.init(known: try marked.decode(String.self))
            return
        }
        // Ordered by what is found most often: each wrong guess costs an error.
        let single = try decoder.singleValueContainer()
        if single.decodeNil() {
            self = .null
        } else if let value = try? single.decode(String.self) {
            self = .string(value)
        } else if let value = try? single.decode([String: JSONValue].self) {
            self = .object(value)
        } else if let value = try? single.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? single.decode(Int.self) {
            self = .int(value)
        } else if let value = try? single.decode(Double.self) {
            let isLong = value.magnitude >= 0x1p53 && value.isFinite
            let exact = isLong ? (try? single.decode(Decimal.self)).flatMap { try? JSONValue(text: "\($0)") } : nil
            self = exact ?? .double(value)
        } else {
            self = .array(try single.decode([JSONValue].self))
        }
    }

    /// Writes any JSON. An encoder takes no text: of a number's digits it writes what a `Decimal` or a `Double` holds.
    ///
    /// - Throws: `EncodingError` for a number that is not finite, or beyond what the encoder can be given; ``text`` has it.
    public func encode(to encoder: any Encoder) throws {
        if encoder.isOfTheDoor {
            try checkFinite(encoder.codingPath)
            var object = encoder.container(keyedBy: AnyKey.self)
            var marked = object.nestedUnkeyedContainer(forKey: Self.mark)
            try marked.encode(text)
            return
        }
        var single = encoder.singleValueContainer()
        switch level {
        case .null: try single.encodeNil()
        case .bool(let value): try single.encode(value)
        case .string(let value): try single.encode(value)
        case .array(let value): try single.encode(value)
        case .object: try single.encode(object ?? [:])
        case .number(let text):
            let double = Double(text) ?? .nan
            if let int { return try single.encode(int) }
            if self != .double(double), let decimal = Decimal(string: text), !decimal.isNaN,
                (try? JSONValue(text: "\(decimal)")) == self
            {
                return try single.encode(decimal)
            }
            guard double.isFinite else { throw tooLarge(encoder.codingPath) }
            try single.encode(double)
        }
    }

    /// What was built of a double that is not finite is no JSON; its place is told.
    private func checkFinite(_ path: [any CodingKey]) throws {
        switch built {
        case .number(let text)? where Double(text)?.isFinite != true: throw tooLarge(path)
        case .array(let elements)?:
            for (index, element) in elements.enumerated() { try element.checkFinite(path + [AnyKey("\(index)")]) }
        case .object(let members)?:
            for (name, value) in members { try value.checkFinite(path + [AnyKey(name)]) }
        default: break
        }
    }

    private func tooLarge(_ path: [any CodingKey]) -> EncodingError {
        let place = path.map(\.stringValue).joined(separator: ".")
        return .invalidValue(
            text, .init(codingPath: path, debugDescription: "\(place): the number \(text) cannot be written"))
    }
}

extension Decoder {
    fileprivate var isOfTheDoor: Bool { CodingUserInfoKey.opaqueAsText.map { userInfo[$0] != nil } ?? false }
}

extension Encoder {
    fileprivate var isOfTheDoor: Bool { CodingUserInfoKey.opaqueAsText.map { userInfo[$0] != nil } ?? false }
}

/// A member's name that is known only when it is met.
struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
}
