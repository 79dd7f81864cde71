import Foundation

/// Coders for the JSON that crosses the door. Timestamps have the form `YYYY-MM-DDTHH:MM:SS.mmmZ`.
enum Coding {
    static func encoder() -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var single = encoder.singleValueContainer()
            try single.encode(text(date))
        }
        return encoder
    }

    static func decoder() -> JSONDecoder {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let single = try decoder.singleValueContainer()
            return try date(single.decode(String.self))
        }
        return decoder
    }

    /// Encodes the arguments of a call. A ``JSONValue`` crosses as its text.
    static func doorEncoder() -> JSONEncoder { asText(encoder()) { $0.userInfo[$1] = true } }

    /// Decodes the result of a call. A ``JSONValue`` keeps its text and parses it on first access.
    static func doorDecoder() -> JSONDecoder { asText(decoder()) { $0.userInfo[$1] = true } }

    private static func asText<Coder>(_ coder: Coder, _ set: (Coder, CodingUserInfoKey) -> Void) -> Coder {
        CodingUserInfoKey.opaqueAsText.map { set(coder, $0) }
        return coder
    }

    static func text(_ date: Date) -> String {
        // The style truncates, and a Date is a binary fraction: without the half millisecond, .123 can become .122.
        date.addingTimeInterval(0.000_5).formatted(style)
    }

    static func date(_ text: String) throws -> Date {
        // Rounded to whole milliseconds since 1970, so that equal texts become equal dates.
        let parsed = try style.parse(text).timeIntervalSince1970
        return Date(timeIntervalSince1970: (parsed * 1000).rounded() / 1000)
    }

    private static let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
}
