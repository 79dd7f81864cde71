import Foundation

/// The JSON of the door: timestamps are `YYYY-MM-DDTHH:MM:SS.mmmZ`.
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

    /// Arguments of a call: opaque JSON goes as the text that it is.
    static func doorEncoder() -> JSONEncoder { asText(encoder()) { $0.userInfo[$1] = true } }

    /// Answers of a call: opaque JSON comes as text, and stays so until it is looked at.
    static func doorDecoder() -> JSONDecoder { asText(decoder()) { $0.userInfo[$1] = true } }

    private static func asText<Coder>(_ coder: Coder, _ set: (Coder, CodingUserInfoKey) -> Void) -> Coder {
        CodingUserInfoKey.opaqueAsText.map { set(coder, $0) }
        return coder
    }

    static func text(_ date: Date) -> String {
        // A Date counts in binary fractions and the style cuts off: without the half, .123 may read .122.
        date.addingTimeInterval(0.000_5).formatted(style)
    }

    static func date(_ text: String) throws -> Date {
        // Through the milliseconds since 1970, so that equal texts give equal dates.
        let parsed = try style.parse(text).timeIntervalSince1970
        return Date(timeIntervalSince1970: (parsed * 1000).rounded() / 1000)
    }

    private static let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
}
