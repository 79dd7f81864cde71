import Foundation

/// The lines of a CSV file or of a JSON Lines file. Each line contains its line break, so the joined lines are the
/// contents of the file. A record is only read when its line is requested.
///
/// Iterating throws the errors of the sequence of records, and ``HightouchError`` of kind `invalidRequest` for a column
/// that the records do not have.
public struct RecordLines<Records: AsyncSequence & Sendable>: AsyncSequence, Sendable
where Records.Element: FlatRecord {
    let records: Records
    let format: RecordFormat

    public func makeAsyncIterator() -> Iterator { Iterator(records: records.makeAsyncIterator(), format: format) }

    /// Iterates over the lines.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate var records: Records.AsyncIterator
        fileprivate let format: RecordFormat
        fileprivate var writer: RecordWriter<Records.Element>?

        fileprivate init(records: Records.AsyncIterator, format: RecordFormat) {
            self.records = records
            self.format = format
        }

        public mutating func next() async throws -> String? {
            guard let writer else {
                let new = try RecordWriter<Records.Element>(format)
                writer = new
                if let header = new.header { return header }
                return try await next()
            }
            return try await records.next().map(writer.line)
        }
    }
}

extension AsyncSequence where Self: Sendable, Element: FlatRecord {
    /// Writes the records as CSV (RFC 4180), in UTF-8.
    ///
    /// Nil is an empty cell, an empty text is `""`, and a list is JSON. A text is written as it is, even if a
    /// spreadsheet would run it as a formula: a program that reads the file must get what Hightouch has.
    ///
    /// - Parameters:
    ///   - header: Whether the first line has the names of the columns.
    ///   - columns: The names of the columns to write, as in Swift; all of them if nil.
    ///   - snakeCase: Whether the names are written as in Python, such as `sync_id`.
    ///   - escapingFormulas: Whether to write a `'` before each text that begins with `=`, `+`, `-`, `@`, a tab or a
    ///     line break. A spreadsheet would run such a text as a formula. Pass true for a file that people open in a
    ///     spreadsheet, because strangers may have chosen the names and error messages in Hightouch.
    /// - Returns: The lines, each with its line break.
    public func csv(
        header: Bool = true, columns: [String]? = nil, snakeCase: Bool = false, escapingFormulas: Bool = false
    ) -> RecordLines<Self> {
        let kind = RecordFormat.Kind.csv(header: header, escapingFormulas: escapingFormulas)
        return RecordLines(records: self, format: RecordFormat(kind, columns, snakeCase))
    }

    /// Writes the records as JSON Lines, in UTF-8: one object a line, with a member for each column. A column of
    /// the kind `json` holds text, and a column of the kind `list` holds arrays.
    ///
    /// - Parameters:
    ///   - columns: The names of the columns to write, as in Swift; all of them if nil.
    ///   - snakeCase: Whether the names are written as in Python, such as `sync_id`.
    /// - Returns: The lines, each with its line break.
    public func jsonLines(columns: [String]? = nil, snakeCase: Bool = false) -> RecordLines<Self> {
        RecordLines(records: self, format: RecordFormat(.jsonLines, columns, snakeCase))
    }
}

extension PagedSequence where Element: Recordable {
    /// The elements as flat records.
    public var records: Records { Records(pages: pages) }

    /// Writes the elements as CSV (RFC 4180), in UTF-8: one flat record a line. A page is only fetched when its first
    /// line is requested.
    ///
    /// Nil is an empty cell, an empty text is `""`, and a list is JSON. A text is written as it is, even if a
    /// spreadsheet would run it as a formula, unless `escapingFormulas` is true.
    ///
    /// ```swift
    /// for try await line in ht.syncs.runs("orders-to-salesforce").csv() { print(line, terminator: "") }
    /// ```
    ///
    /// - Parameters:
    ///   - header: Whether the first line has the names of the columns.
    ///   - columns: The names of the columns to write, as in Swift; all of them if nil.
    ///   - snakeCase: Whether the names are written as in Python, such as `sync_id`.
    ///   - escapingFormulas: Whether to write a `'` before each text that a spreadsheet would run as a formula.
    /// - Returns: The lines, each with its line break.
    public func csv(
        header: Bool = true, columns: [String]? = nil, snakeCase: Bool = false, escapingFormulas: Bool = false
    ) -> RecordLines<Records> {
        records.csv(header: header, columns: columns, snakeCase: snakeCase, escapingFormulas: escapingFormulas)
    }

    /// Writes the elements as JSON Lines: one flat record a line. A page is only fetched when its first line is
    /// requested.
    ///
    /// - Parameters:
    ///   - columns: The names of the columns to write, as in Swift; all of them if nil.
    ///   - snakeCase: Whether the names are written as in Python, such as `sync_id`.
    /// - Returns: The lines, each with its line break.
    public func jsonLines(columns: [String]? = nil, snakeCase: Bool = false) -> RecordLines<Records> {
        records.jsonLines(columns: columns, snakeCase: snakeCase)
    }

    /// The flat records of a list.
    public struct Records: AsyncSequence, Sendable {
        fileprivate let pages: Pages

        public func makeAsyncIterator() -> Iterator { Iterator(pages: pages.makeAsyncIterator()) }

        /// Iterates over the records.
        public struct Iterator: AsyncIteratorProtocol {
            fileprivate var pages: Pages.Iterator
            private var records: ArraySlice<PagedSequence.Element.Record> = []

            fileprivate init(pages: Pages.Iterator) { self.pages = pages }

            public mutating func next() async throws -> PagedSequence.Element.Record? {
                while records.isEmpty {
                    guard let page = try await pages.next() else { return nil }
                    records = page.records[...]
                }
                return records.removeFirst()
            }
        }
    }
}

extension Page where Element: Recordable {
    /// The elements of the page as flat records.
    public var records: [Element.Record] { items.map { $0.record(of: parent) } }
}

struct RecordFormat: Sendable {
    enum Kind: Sendable {
        case csv(header: Bool, escapingFormulas: Bool)
        case jsonLines
    }

    let kind: Kind
    let columns: [String]?
    let snakeCase: Bool

    init(_ kind: Kind, _ columns: [String]?, _ snakeCase: Bool) {
        (self.kind, self.columns, self.snakeCase) = (kind, columns, snakeCase)
    }
}

/// Writes the lines of records of one type.
struct RecordWriter<Record: FlatRecord>: Sendable {
    private let kind: RecordFormat.Kind
    private let places: [Int]
    private let names: [String]

    init(_ format: RecordFormat) throws {
        let all = Record.columns
        places =
            try format.columns?.map { name in
                guard let place = all.firstIndex(where: { $0.name == name }) else {
                    let known = all.map(\.name).joined(separator: ", ")
                    throw HightouchError(
                        .invalidRequest, "\(Record.self) has no column \"\(name)\". It has \(known). Nothing was sent.")
                }
                return place
            } ?? Array(all.indices)
        names = places.map { format.snakeCase ? all[$0].snakeName : all[$0].name }
        kind = format.kind
    }

    var header: String? {
        guard case .csv(header: true, _) = kind else { return nil }
        return names.joined(separator: ",") + "\r\n"
    }

    func line(_ record: Record) -> String {
        let cells = record.cells
        switch kind {
        case .csv(_, let escapingFormulas):
            return places.map { cells[$0].csv(escapingFormulas) }.joined(separator: ",") + "\r\n"
        case .jsonLines:
            return "{" + zip(names, places).map { "\"\($0)\":\(cells[$1].json)" }.joined(separator: ",") + "}\n"
        }
    }
}

extension RecordCell {
    /// Returns the cell as CSV. Works on bytes, because a Swift `Character` can hold CR and LF together, or a quote
    /// with an accent. A check of each `Character` would not find such an LF or quote.
    fileprivate func csv(_ escapingFormulas: Bool) -> String {
        let bytes: [UInt8]
        switch self {
        case .null: return ""
        case .bool(let value): return value ? "true" : "false"
        case .int(let value): return String(value)
        case .double(let value): return Self.text(value)
        case .list(let json): bytes = Array(json.utf8)
        case .text(let text):
            let isFormula = text.utf8.first.map { "=+-@\t\r\n".utf8.contains($0) } ?? false
            bytes = escapingFormulas && isFormula ? Array("'\(text)".utf8) : Array(text.utf8)
        }
        let quote = UInt8(ascii: "\"")
        guard bytes.isEmpty || bytes.contains(where: { $0 == quote || ",\r\n".utf8.contains($0) }) else {
            return String(decoding: bytes, as: UTF8.self)
        }
        let escaped = bytes.flatMap { $0 == quote ? [quote, quote] : [$0] }
        return String(decoding: [quote] + escaped + [quote], as: UTF8.self)
    }

    fileprivate var json: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .int(let value): String(value)
        case .double(let value): value.isFinite ? Self.text(value) : "null"
        case .list(let json): json
        case .text(let text): JSONValue.string(text).text
        }
    }

    /// Writes a whole number without `.0`, as the packages for the other languages do.
    private static func text(_ value: Double) -> String {
        Int(exactly: value).map(String.init) ?? "\(value)"
    }
}
