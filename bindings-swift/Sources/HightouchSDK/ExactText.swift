import Foundation

extension Coding {
    /// Encodes a value as JSON text in which each ``JSONValue`` keeps its text, with every digit.
    ///
    /// - Throws: `EncodingError` if JSON cannot express `value`.
    static func exactText(of value: some Encodable) throws -> String {
        // The name of the mark is new for each text, so that no member of the value has the same name.
        let mark = "$json-\(UUID().uuidString)"
        let encoder = encoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if let key = CodingUserInfoKey.opaqueAsText { encoder.userInfo[key] = mark }
        return try spliced(Array(try encoder.encode(value)), mark: mark)
    }

    /// Replaces each mark, `{"mark":["…"]}`, with the JSON text that the mark contains.
    private static func spliced(_ json: [UInt8], mark: String) throws -> String {
        let (open, close) = (Array("{\"\(mark)\":[".utf8), Array("]}".utf8))
        var whole: [UInt8] = []
        var at = json.startIndex
        while at < json.endIndex {
            guard json[at] == open[0], json[at...].starts(with: open) else {
                whole.append(json[at])
                at += 1
                continue
            }
            let start = at + open.count
            var end = start + 1
            while json[end] != UInt8(ascii: "\"") { end += json[end] == UInt8(ascii: "\\") ? 2 : 1 }
            let text = try JSONDecoder().decode([String].self, from: Data([91] + json[start...end] + [93]))
            whole += text.joined().utf8
            at = end + 1 + close.count
        }
        return String(decoding: whole, as: UTF8.self)
    }
}

extension JSONEncoder {
    /// Creates an encoder that writes the values of this SDK as the API writes them: times have the form
    /// `2026-08-13T09:30:00.000Z`. ``HightouchSDK/JSONValue/init(encoding:)`` also keeps every digit of opaque JSON. A
    /// `JSONEncoder` alone cannot keep all digits.
    public static func hightouch() -> JSONEncoder { Coding.encoder() }
}

extension JSONDecoder {
    /// Creates a decoder that reads what ``Foundation/JSONEncoder/hightouch()`` wrote.
    public static func hightouch() -> JSONDecoder { Coding.decoder() }
}
