import Foundation

extension CodingUserInfoKey {
    /// The key in `userInfo` that makes an encoder or a decoder pass each ``JSONValue`` as text, marked as
    /// ``JSONValue/mark`` describes. The value of an encoder is the name of the member that marks the text. The value
    /// of a decoder is the `Data` with the texts that came with the answer.
    static let opaqueAsText = CodingUserInfoKey(rawValue: "hightouch.opaqueAsText")
}

extension JSONValue: Codable {
    /// The name of the member that marks opaque JSON at the door. `{"$json": ["…"]}` holds the text itself.
    /// `{"$json": [12, 40]}` stands for the bytes from 12 up to 40 of the texts that came with an answer.
    static let mark = "$json"

    /// Decodes any JSON. A `Decoder` does not expose the text, so a number that is not an `Int` may lose digits. Below
    /// 2^53 it has the digits of a `Double`. From 2^53 on it has the digits of a `Decimal`, which are at most 38.
    public init(from decoder: any Decoder) throws {
        if let texts = decoder.texts {
            var marked = try decoder.container(keyedBy: AnyKey.self).nestedUnkeyedContainer(forKey: AnyKey(Self.mark))
            guard marked.count == 2 else {
                self.init(known: try marked.decode(String.self))
                return
            }
            let (start, end) = (try marked.decode(Int.self), try marked.decode(Int.self))
            guard 0 <= start, start <= end, end <= texts.count else {
                throw DecodingError.dataCorruptedError(
                    in: marked, debugDescription: "the answer refers to a text that it does not contain")
            }
            self.init(known: String(decoding: texts[texts.startIndex + start..<texts.startIndex + end], as: UTF8.self))
            return
        }
        // The most frequent types come first, because each wrong guess throws an error, which takes time.
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

    /// Encodes any JSON. An `Encoder` does not accept text, so a number keeps only the digits that a `Decimal` or a
    /// `Double` holds. Use ``text`` to write all digits.
    ///
    /// - Throws: `EncodingError` for a number that is not finite as a `Double`, such as `1e400`.
    public func encode(to encoder: any Encoder) throws {
        if let mark = encoder.mark {
            try checkFinite(encoder.codingPath)
            var object = encoder.container(keyedBy: AnyKey.self)
            var marked = object.nestedUnkeyedContainer(forKey: AnyKey(mark))
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
            if let int { return try single.encode(int) }
            guard let double, double.isFinite else { throw notWritable(encoder.codingPath) }
            // A `Decimal` has more digits than a `Double`, but a smaller range of exponents.
            let decimal = Decimal(string: text)
            if let decimal, !decimal.isNaN, decimal != Decimal(string: "\(double)") {
                try single.encode(decimal)
            } else {
                try single.encode(double)
            }
        }
    }

    /// Throws an error with the path of the first number that is not finite, such as NaN. JSON text cannot contain NaN.
    /// So this function checks only values that were built in Swift.
    private func checkFinite(_ path: [any CodingKey]) throws {
        switch built {
        case .number(let text)? where Double(text)?.isFinite != true: throw notWritable(path)
        case .array(let elements)?:
            for (index, element) in elements.enumerated() { try element.checkFinite(path + [AnyKey("\(index)")]) }
        case .object(let members)?:
            for (name, value) in members { try value.checkFinite(path + [AnyKey(name)]) }
        default: break
        }
    }

    private func notWritable(_ path: [any CodingKey]) -> EncodingError {
        .invalidValue(text, .init(codingPath: path, debugDescription: "the number \(text) cannot be written"))
    }
}

extension JSONValue {
    /// Creates a value from an `Encodable` value, such as a dictionary or a struct. A ``JSONValue`` inside that value
    /// keeps its text, so `JSONValue(encoding: sync).text` has every digit of the sync's configuration.
    ///
    /// - Parameter value: The value to encode. Dates become strings of the form `YYYY-MM-DDTHH:MM:SS.mmmZ`, in UTC.
    /// - Throws: `EncodingError` if JSON cannot express `value`.
    public init(encoding value: some Encodable) throws {
        self.init(known: try Coding.exactText(of: value))
    }

    /// Decodes the value as a `Decodable` type.
    ///
    /// - Parameter type: The type to decode. Dates must be strings of the form `YYYY-MM-DDTHH:MM:SS.mmmZ`, in UTC.
    /// - Returns: The decoded value.
    /// - Throws: `DecodingError` if the value does not have the shape that `type` expects.
    public func decode<Value: Decodable>(as type: Value.Type) throws -> Value {
        try Coding.decoder().decode(type, from: Data(text.utf8))
    }
}

extension Decoder {
    fileprivate var texts: Data? { CodingUserInfoKey.opaqueAsText.flatMap { userInfo[$0] as? Data } }
}

extension Encoder {
    /// The name of the mark that this encoder writes for a ``JSONValue``; nil if the encoder writes plain JSON.
    fileprivate var mark: String? { CodingUserInfoKey.opaqueAsText.flatMap { userInfo[$0] as? String } }
}

/// A coding key that accepts any name.
struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
}
