import Foundation

/// An answer as it came, and what the method would have given for it.
///
/// ```swift
/// let response = try await ht.syncs.withRawResponse.get(7)
/// print(response.status, response.headers["date"] ?? "", response.text)
/// let sync = try await response.parse()
/// ```
///
/// A status that says that the call failed throws as it does elsewhere; an error in an answer of status 200 is told by
/// ``parse()``.
public struct RawResponse<Value>: Sendable {
    /// The HTTP status.
    public let status: Int
    /// The headers, their names in lower case.
    public let headers: [String: String]
    /// The body as the server sent it, unpacked.
    public let body: Data
    /// How the call went.
    public let meta: CallMeta

    let door: Door
    let op: String
    let arguments: Fields
    let read: @Sendable (Answer) throws -> Value

    /// The body as text.
    public var text: String { String(decoding: body, as: UTF8.self) }

    /// Reads the answer; sends nothing.
    ///
    /// - Returns: What the method would have given: of a list, the rows of this page.
    /// - Throws: `HightouchError`, as the method would have thrown for this answer.
    public func parse() async throws -> Value {
        let answer = try await door.local(
            "parse", ["op": op, "args": arguments, "status": status, "headers": headers, "body": text])
        return try read(answer)
    }
}

extension RawResponse: CustomStringConvertible {
    /// The operation, the status and the size; not what was said.
    public var description: String { "\(meta.operation): \(status), \(body.count) bytes" }
}
