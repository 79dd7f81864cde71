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

    /// Encodes the arguments and options of a call. A ``JSONValue`` crosses the door as its text.
    static func doorEncoder() -> JSONEncoder {
        let encoder = encoder()
        if let key = CodingUserInfoKey.opaqueAsText { encoder.userInfo[key] = JSONValue.mark }
        return encoder
    }

    /// Decodes the result of a call. A ``JSONValue`` keeps its text and parses it on first access. `texts` holds the
    /// texts of opaque JSON. The result refers to each of these texts by its position in `texts`.
    static func doorDecoder(texts: Data = Data()) -> JSONDecoder {
        let decoder = decoder()
        if let key = CodingUserInfoKey.opaqueAsText { decoder.userInfo[key] = texts }
        return decoder
    }

    static func text(_ date: Date) -> String {
        // `style` cuts off fractions of a millisecond, and a `Date` cannot hold most milliseconds exactly. Without the
        // added half millisecond, .123 could become .122.
        date.addingTimeInterval(0.000_5).formatted(style)
    }

    static func date(_ text: String) throws -> Date {
        var text = text
        if let milliseconds = text.withUTF8({ milliseconds($0) }) {
            return Date(timeIntervalSince1970: Double(milliseconds) / 1000)
        }
        // The time is rounded to whole milliseconds, so that `style` and `milliseconds` give equal dates for the same
        // text.
        let parsed = try style.parse(text).timeIntervalSince1970
        return Date(timeIntervalSince1970: (parsed * 1000).rounded() / 1000)
    }

    /// Parses a timestamp in the core's form to milliseconds since 1970. Returns nil for any other text, for 29
    /// February and for days that do not exist. For these texts, `date` uses the format style `style`, which is much
    /// slower.
    static func milliseconds(_ utf8: UnsafeBufferPointer<UInt8>) -> Int? {
        let isSign = { (place: Int, sign: Character) in utf8[place] == sign.asciiValue }
        guard utf8.count == 24, isSign(4, "-"), isSign(7, "-"), isSign(10, "T"), isSign(13, ":"), isSign(16, ":"),
            isSign(19, "."), isSign(23, "Z")
        else { return nil }
        func number(_ places: Range<Int>, _ allowed: ClosedRange<Int>) -> Int? {
            var number = 0
            for place in places {
                guard (48...57).contains(utf8[place]) else { return nil }
                number = number * 10 + Int(utf8[place] - 48)
            }
            return allowed.contains(number) ? number : nil
        }
        guard let year = number(0..<4, 1...9999), let month = number(5..<7, 1...12),
            let day = number(8..<10, 1...31), let hour = number(11..<13, 0...23),
            let minute = number(14..<16, 0...59), let second = number(17..<19, 0...59),
            let millisecond = number(20..<23, 0...999)
        else { return nil }
        // A text from a user may name a day that does not exist, such as 31 April. For such a day, and for 29
        // February, `date` uses `style`.
        guard day <= 28 || month != 2 && (day <= 30 || [1, 3, 5, 7, 8, 10, 12].contains(month)) else { return nil }
        return ((days(year, month, day) * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + millisecond
    }

    /// Days from 1970-01-01 to a day of the Gregorian calendar. Years are counted from March, so that a leap day is the
    /// last day of its year.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month > 2 ? year : year - 1
        let daysBeforeMonth = (153 * ((month + 9) % 12) + 2) / 5
        return 365 * year + year / 4 - year / 100 + year / 400 + daysBeforeMonth + day - 1 - 719_468
    }

    private static let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
}
